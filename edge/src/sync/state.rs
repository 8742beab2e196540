//! What is kept about exchanges between two of them: how the last one went, how fast the link was, whether both sides were equal.
//!
//! For showing and for pacing only: nothing here decides what is true or what is sent.

use super::pace::Pace;
use crate::db::DbError;
use crate::time::Now;
use rusqlite::{Connection, Transaction};

/// Seconds between two counts of all rows on disk.
const RECOUNT_EVERY_S: i64 = 24 * 3600;

/// How the last exchanges went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncState {
    /// The measured speed of the link.
    pub pace: Pace,
    /// When the last attempt was made, seconds since 1970 UTC, as far as this box knew; `None` for never.
    pub attempt_at_s: Option<i64>,
    /// Code and words of what stopped the last attempt; `None` when it came to its end.
    pub failure: Option<(String, String)>,
    /// Whether everything of the scope was here when last compared.
    pub is_complete: bool,
    /// Whether both sides held the same when last compared; `None` before the first time.
    pub digests_equal: Option<bool>,
    /// When the rows on disk were last added up anew, as [`Now::lived_s`].
    pub recounted_lived_s: Option<i64>,
    /// Rows that differed from the hub's and were mended, ever.
    pub mended_rows: u64,
}

/// Reads it.
///
/// # Errors
/// Those of the database.
pub fn load(conn: &Connection) -> Result<SyncState, DbError> {
    let sql = "SELECT up_bytes_s, down_bytes_s, attempt_at_s, error_code, error_text, is_complete, digests_equal, \
               recounted_lived_s, mended_rows FROM sync_state";
    Ok(conn.prepare_cached(sql)?.query_row([], |row| {
        let (up, down): (Option<u64>, Option<u64>) = (row.get(0)?, row.get(1)?);
        let (code, text): (Option<String>, Option<String>) = (row.get(3)?, row.get(4)?);
        Ok(SyncState {
            pace: up.zip(down).map_or_else(Pace::default, |(up, down)| Pace::from_stored(up, down)),
            attempt_at_s: row.get(2)?,
            failure: code.zip(text),
            is_complete: row.get(5)?,
            digests_equal: row.get(6)?,
            recounted_lived_s: row.get(7)?,
            mended_rows: row.get(8)?,
        })
    })?)
}

impl SyncState {
    /// Whether it is time to add up all rows on disk again.
    pub fn recount_is_due(&self, now: &Now) -> bool {
        self.recounted_lived_s.is_none_or(|lived_s| now.age_s(lived_s) >= RECOUNT_EVERY_S)
    }
}

/// Commands that have left this box and have no verdict yet.
pub(super) fn sent_without_verdict(conn: &Connection) -> Result<u64, DbError> {
    let sql = "SELECT count(*) FROM command WHERE settled_at_s IS NULL AND verdict IS NULL AND sent = 1";
    Ok(conn.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
}

/// Notes the end of an attempt: the speed measured, and code and words of what stopped it, if anything did.
pub(super) fn note_attempt(
    tx: &Transaction<'_>,
    now_s: i64,
    pace: Pace,
    failure: Option<(&str, String)>,
) -> Result<(), DbError> {
    let (up, down) = pace.to_stored();
    let (code, text) = failure.unzip();
    let sql = "UPDATE sync_state SET up_bytes_s = ?1, down_bytes_s = ?2, attempt_at_s = ?3, error_code = ?4, error_text = ?5";
    tx.prepare_cached(sql)?.execute(rusqlite::params![up, down, now_s, code, text])?;
    Ok(())
}

/// Writes what stands there already: whether it ends well says whether this box can store anything.
///
/// # Errors
/// Those of the database.
pub fn try_to_store(tx: &Transaction<'_>) -> Result<(), DbError> {
    tx.execute("UPDATE sync_state SET attempt_at_s = attempt_at_s", [])?;
    Ok(())
}

/// Whether a whole bucket was not found equal to the hub's where it stands.
pub(super) fn has_unverified(conn: &Connection) -> Result<bool, DbError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM bucket WHERE reached IS NULL AND verified <> upto)";
    Ok(conn.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
}

/// Notes what an exchange ended with: whether everything is here, and whether anything is known to differ. Equal is what was
/// compared with everything here; until then the last word stands.
pub(super) fn note_compared(tx: &Transaction<'_>, is_complete: bool, is_equal: bool) -> Result<(), DbError> {
    let before = load(tx)?.digests_equal;
    let equal = match (is_equal, is_complete && !has_unverified(tx)?) {
        (false, _) => Some(false),
        (true, true) => Some(true),
        (true, false) => before,
    };
    let sql = "UPDATE sync_state SET is_complete = ?1, digests_equal = ?2";
    tx.prepare_cached(sql)?.execute((is_complete, equal))?;
    Ok(())
}

/// Notes that rows here are known to be others than the hub's.
pub(super) fn note_differing(tx: &Transaction<'_>) -> Result<(), DbError> {
    tx.prepare_cached("UPDATE sync_state SET digests_equal = 0")?.execute([])?;
    Ok(())
}

/// Notes that all rows on disk were added up.
pub(super) fn note_recount(tx: &Transaction<'_>, now: &Now) -> Result<(), DbError> {
    tx.prepare_cached("UPDATE sync_state SET recounted_lived_s = ?1")?.execute([now.lived_s])?;
    Ok(())
}

/// Counts mended rows.
pub(super) fn note_mended(tx: &Transaction<'_>, rows: u64) -> Result<(), DbError> {
    tx.prepare_cached("UPDATE sync_state SET mended_rows = mended_rows + ?1")?.execute([rows])?;
    Ok(())
}
