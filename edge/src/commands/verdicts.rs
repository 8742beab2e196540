//! Takes the hub's verdicts, and drops local rows when their time has come: at once for a refusal, else only when every row
//! that the verdict names is here. Between verdict and rows the local rows still count, or sold units would be for sale again.

use super::at_office::at_office;
use super::state::{VerdictColumns, read_stands_at, stands_at_json, verdict_of_word};
use super::{local, taken_back};
use crate::db::{DbError, pass_over};
use crate::node;
use crate::replica::cursors;
use rusqlite::Transaction;
use sync_protocol::ids::CommandId;
use sync_protocol::market::{Body, RawBody};
use sync_protocol::overlay::may_drop;
use sync_protocol::verdict::{Numbered, Verdict};
use uuid::Uuid;

/// Why verdicts were not taken. Nothing of them stays.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerdictError {
    /// One is missing before this: ask again from what is on disk.
    #[error("verdict {expected} is missing before verdict {got}")]
    Gap {
        /// The number that should have come.
        expected: u64,
        /// The number that came.
        got: u64,
    },
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<rusqlite::Error> for VerdictError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Db(error.into())
    }
}

/// For callers who treat every cause alike.
impl From<VerdictError> for DbError {
    fn from(error: VerdictError) -> Self {
        match error {
            VerdictError::Db(error) => error,
            gap @ VerdictError::Gap { .. } => Self::Other(gap.to_string()),
        }
    }
}

/// How many verdicts of each kind were new.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Took effect.
    pub applied: u64,
    /// Refused.
    pub rejected: u64,
    /// Put aside by an operator.
    pub dismissed: u64,
    /// Waiting for another.
    pub held: u64,
    /// Kept for an operator.
    pub quarantined: u64,
    /// Not known to the hub yet.
    pub unsupported: u64,
}

/// Records verdicts in order of their numbers; those recorded before are passed over. To be followed by [`settle`] in the same
/// transaction. `now_s` is kept as the time of settlement for showing, seconds since 1970 UTC, until [`super::date`] says it better.
///
/// # Errors
/// When a number is missing before one of them, or those of the database; then the transaction must not be committed.
pub fn record_verdicts(
    tx: &Transaction<'_>,
    list: &[Numbered],
    now_s: i64,
) -> Result<Recorded, VerdictError> {
    let mut upto = node::verdicts_upto(tx)?;
    let (base, verdict_base) = (node::stream_base(tx)?, node::verdict_base(tx)?);
    let mut recorded = Recorded::default();
    let mut update = tx.prepare_cached(
        "UPDATE command SET sent = 1, verdict_number = ?2, verdict = ?3, code = ?4, args = ?5, alias = ?6, conflicts = ?7,
                            short = ?8, stands_at = ?9, settled_at_s = ?10
         WHERE seq = ?1 AND settled_at_s IS NULL",
    )?;
    for numbered in list {
        if numbered.number <= upto {
            continue;
        }
        if numbered.number != upto + 1 {
            return Err(VerdictError::Gap { expected: upto + 1, got: numbered.number });
        }
        upto = numbered.number;
        let seq = base.saturating_add(numbered.seq);
        let columns = VerdictColumns::of(&numbered.verdict);
        let values = rusqlite::params![
            seq,
            verdict_base.saturating_add(numbered.number),
            columns.word,
            columns.code,
            columns.args,
            columns.alias,
            columns.conflicts,
            columns.short,
            stands_at_json(&numbered.stands_at),
            numbered.verdict.is_final().then_some(now_s),
        ];
        if update.execute(values)? == 0 {
            // Pruned, or final already: its number counts, its word changes nothing.
            tracing::warn!(seq = numbered.seq, number = numbered.number, "a verdict on no open command");
            continue;
        }
        if numbered.verdict.is_final() {
            is_another_word(tx, seq)?;
        }
        if matches!(numbered.verdict, Verdict::Rejected(_) | Verdict::Dismissed) {
            was_refused(tx, seq)?;
        }
        *match &numbered.verdict {
            Verdict::Applied(_) => &mut recorded.applied,
            Verdict::Rejected(_) => &mut recorded.rejected,
            Verdict::Dismissed => &mut recorded.dismissed,
            Verdict::Held => &mut recorded.held,
            Verdict::Quarantined => &mut recorded.quarantined,
            Verdict::Unsupported => &mut recorded.unsupported,
        } += 1;
    }
    node::set_verdicts_upto(tx, upto)?;
    Ok(recorded)
}

/// What a restored hub had said of a command before counts as never told where its final word is another. Who has heard that his order is
/// off hears no more of how it came.
fn is_another_word(tx: &Transaction<'_>, seq: u64) -> Result<(), DbError> {
    let had_a_word = "SELECT said_before IS NOT NULL FROM command WHERE seq = ?1";
    if !tx.prepare_cached(had_a_word)?.query_row([seq], |row| row.get(0))? {
        return Ok(());
    }
    let same = "UPDATE command SET said_before = NULL WHERE seq = ?1 AND said_before = CASE WHEN short THEN 'short' ELSE verdict END";
    tx.prepare_cached(same)?.execute([seq])?;
    let another = "UPDATE command SET told_at_s = NULL, unsaid = NULL, ticked = 0, taken_back = 0
        WHERE seq = ?1 AND said_before IS NOT NULL AND end_said IS NULL";
    tx.prepare_cached(another)?.execute([seq])?;
    Ok(())
}

/// What a refused command had done here beside its rows is undone: what it took back stands again, and what it noted is noted no more.
fn was_refused(tx: &Transaction<'_>, seq: u64) -> Result<(), DbError> {
    let mut statement = tx.prepare_cached("SELECT kind, body, id FROM command WHERE seq = ?1")?;
    let (body, id) = statement.query_row([seq], |row| {
        Ok((RawBody { kind: row.get(0)?, bytes: row.get(1)? }, row.get::<_, Vec<u8>>(2)?))
    })?;
    // What cannot be read has done nothing here.
    let (Ok(Some(body)), Ok(id)) = (Body::from_raw(&body), Uuid::from_slice(&id)) else { return Ok(()) };
    taken_back::look_again(tx, &body, CommandId(id))?;
    at_office(&body).note_refused(tx, CommandId(id))
}

/// Drops the local rows of every command whose verdict and cursors allow it. In the same transaction as every verdict, every
/// move of a cursor and every change of the scope. Gives how many commands it dropped the rows of.
///
/// # Errors
/// Those of the database.
pub fn settle(tx: &Transaction<'_>) -> Result<u64, DbError> {
    let here = cursors(tx)?;
    let mut ready: Vec<u64> = Vec::new();
    let mut statement = tx.prepare_cached(
        "SELECT seq, verdict, stands_at FROM command WHERE local = 1 AND settled_at_s IS NOT NULL ORDER BY seq",
    )?;
    let mut rows = statement.query([])?;
    // Neighbours mostly stand at the same place: what was found for one holds for the next.
    let mut last: Option<(String, Option<String>, bool)> = None;
    while let Some(row) = rows.next()? {
        let seq: u64 = row.get(0)?;
        let (word, place): (String, Option<String>) = (row.get(1)?, row.get(2)?);
        let known = last.as_ref().filter(|(w, p, _)| *w == word && *p == place).map(|(.., may)| *may);
        let may = match known {
            Some(may) => may,
            None => {
                let verdict =
                    verdict_of_word(&word).ok_or_else(|| DbError::bad_value("command", "verdict", seq));
                let may = verdict.and_then(|verdict| {
                    Ok(may_drop(&verdict, &read_stands_at(place.as_deref(), seq)?, &here))
                });
                // What cannot be read stays beside the replica, as what waits does.
                pass_over(may)?.unwrap_or(false)
            }
        };
        last = Some((word, place, may));
        if may {
            ready.push(seq);
        }
    }
    for run in ready.chunk_by(|seq, next| seq + 1 == *next) {
        local::drop_rows(tx, run[0]..=run[run.len() - 1])?;
    }
    Ok(ready.len() as u64)
}
