//! Calls, drafts and languages in the database. What cannot be read back is treated as not there: the caller begins anew, and
//! nothing is done twice, because the command's id decides that.

use crate::db::DbError;
use crate::text::Lang;
use crate::time::Now;
use crate::ussd::{Draft, Session};
use rusqlite::{Connection, OptionalExtension, Transaction};

/// Seconds for which a call is kept after its last key: networks end calls after three minutes, and bring callbacks again for a few.
pub(super) const CALL_KEPT_S: i64 = 600;

/// Rows that one tidying takes from a table, so that it never holds up the writer.
const TIDY_MAX: u32 = 2_000;

/// A call as it was kept.
pub(super) struct KeptCall {
    pub(super) session: Session,
    /// The start of the program that wrote it.
    pub(super) run: i64,
}

/// The call of a gateway, if it is kept and not too old.
pub(super) fn call(
    conn: &Connection,
    gateway: &str,
    session: &str,
    now: &Now,
) -> Result<Option<KeptCall>, DbError> {
    let mut statement = conn.prepare_cached(
        "SELECT run, state FROM ussd_call WHERE gateway = ?1 AND session = ?2 AND touched_lived_s >= ?3",
    )?;
    let row: Option<(i64, String)> = statement
        .query_row((gateway, session, now.lived_s.saturating_sub(CALL_KEPT_S)), |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    Ok(row.and_then(|(run, state)| Some(KeptCall { session: Session::from_json(&state)?, run })))
}

/// Keeps a call.
pub(super) fn put_call(
    tx: &Transaction<'_>,
    gateway: &str,
    session: &str,
    run: i64,
    state: &str,
    now: &Now,
) -> Result<(), DbError> {
    let mut statement = tx.prepare_cached(
        "INSERT OR REPLACE INTO ussd_call (gateway, session, run, touched_lived_s, state) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    statement.execute((gateway, session, run, now.lived_s, state))?;
    Ok(())
}

/// What a number began and did not finish.
pub(super) fn draft(conn: &Connection, phone: u64) -> Result<Option<Draft>, DbError> {
    let mut statement = conn.prepare_cached("SELECT state FROM ussd_draft WHERE phone = ?1")?;
    let state: Option<String> = statement.query_row([phone], |row| row.get(0)).optional()?;
    Ok(state.and_then(|state| Draft::from_json(&state)))
}

/// Keeps a draft, or drops the one that was kept.
pub(super) fn put_draft(tx: &Transaction<'_>, phone: u64, draft: Option<&KeptDraft>) -> Result<(), DbError> {
    match draft {
        Some(KeptDraft { state, touched_lived_s }) => {
            let sql = "INSERT OR REPLACE INTO ussd_draft (phone, touched_lived_s, state) VALUES (?1, ?2, ?3)";
            tx.prepare_cached(sql)?.execute((phone, touched_lived_s, state))?
        }
        None => tx.prepare_cached("DELETE FROM ussd_draft WHERE phone = ?1")?.execute([phone])?,
    };
    Ok(())
}

/// A draft as it is kept.
pub(super) struct KeptDraft {
    state: String,
    touched_lived_s: i64,
}

impl From<&Draft> for KeptDraft {
    fn from(draft: &Draft) -> Self {
        Self { state: draft.to_json(), touched_lived_s: draft.touched_lived_s }
    }
}

/// Keeps the language of a number that is no member.
pub(super) fn put_language(tx: &Transaction<'_>, phone: u64, lang: Lang) -> Result<(), DbError> {
    let sql = "INSERT OR REPLACE INTO number_language (phone, language) VALUES (?1, ?2)";
    tx.prepare_cached(sql)?.execute((phone, lang.code()))?;
    Ok(())
}

/// Drops calls and drafts that nobody comes back to.
pub(super) fn tidy(tx: &Transaction<'_>, draft_window_s: i64, now: &Now) -> Result<(), DbError> {
    tx.prepare_cached(
        "DELETE FROM ussd_call WHERE number IN (SELECT number FROM ussd_call ORDER BY number LIMIT ?2)
         AND touched_lived_s < ?1",
    )?
    .execute((now.lived_s - CALL_KEPT_S, TIDY_MAX))?;
    tx.prepare_cached(
        "DELETE FROM ussd_draft WHERE phone IN (SELECT phone FROM ussd_draft WHERE touched_lived_s < ?1 LIMIT ?2)",
    )?
    .execute((now.lived_s - draft_window_s, TIDY_MAX))?;
    Ok(())
}

/// Whether an incoming SMS is new; notes that it came.
pub(super) fn is_new_sms(tx: &Transaction<'_>, gateway: &str, id: &str, now: &Now) -> Result<bool, DbError> {
    let sql = "INSERT INTO sms_in (gateway, id, came_lived_s) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
    Ok(tx.prepare_cached(sql)?.execute((gateway, id, now.lived_s))? == 1)
}

/// How long ago a number got the helpful answer to a text that was not understood, in seconds.
pub(super) fn unknown_answered_s_ago(
    conn: &Connection,
    phone: u64,
    now: &Now,
) -> Result<Option<i64>, DbError> {
    let mut statement =
        conn.prepare_cached("SELECT unknown_answered_lived_s FROM sms_number WHERE phone = ?1")?;
    let lived_s: Option<i64> = statement.query_row([phone], |row| row.get(0)).optional()?.flatten();
    Ok(lived_s.map(|lived_s| now.age_s(lived_s)))
}

/// Notes that it gets it now.
pub(super) fn note_unknown_answered(tx: &Transaction<'_>, phone: u64, now: &Now) -> Result<(), DbError> {
    let sql = "INSERT INTO sms_number (phone, unknown_answered_lived_s) VALUES (?1, ?2)
               ON CONFLICT (phone) DO UPDATE SET unknown_answered_lived_s = excluded.unknown_answered_lived_s";
    tx.prepare_cached(sql)?.execute((phone, now.lived_s))?;
    Ok(())
}
