//! What this office remembers of acts that are not in its log any more, so that the same request again is never a second act: ids and
//! what was asked of pruned commands, and what stands in the replica. It answers questions; it decides nothing.
//!
//! An id leaves the log only into `known_command`, by a trigger. That is bounded by count, not by age: whatever any clock says, the
//! newest two hundred thousand are remembered, more than a year of a busy office.

use super::at_office::could_have_made;
use crate::db::DbError;
use crate::replica;
use rusqlite::{Connection, OptionalExtension, Transaction};
use sync_protocol::ids::CommandId;
use sync_protocol::market::{Body, Made};

/// Notes what a command of the log asked for.
pub(super) fn note(tx: &Transaction<'_>, seq: u64, body: &Body) -> Result<(), DbError> {
    let sql = "UPDATE command SET asked = ?2 WHERE seq = ?1";
    tx.prepare_cached(sql)?.execute((seq, body.asked_hash()))?;
    Ok(())
}

/// Whether a command was taken here under this id, now or before, or what it would make is here.
///
/// # Errors
/// Those of the database.
pub fn is_known(conn: &Connection, id: CommandId) -> Result<bool, DbError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM command WHERE id = ?1) OR EXISTS (SELECT 1 FROM known_command WHERE id = ?1)";
    let is_remembered: bool = conn.prepare_cached(sql)?.query_row([id.0.as_bytes()], |row| row.get(0))?;
    Ok(is_remembered || has_made(conn, id)?)
}

/// Whether something stands here that such a command makes: a box that was replaced has no log of what it did before, and the hub has.
fn has_made(conn: &Connection, id: CommandId) -> Result<bool, DbError> {
    for made in could_have_made(id) {
        let is_here = match made {
            Made::Row(entity, key) => replica::fields(conn, entity, key)?.is_some(),
            Made::Steps(entity, of) => !replica::steps(conn, entity, of)?.is_empty(),
        };
        if is_here {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Of a command that has left the log: whether this is what it asked for. `None` for one that never did.
///
/// # Errors
/// Those of the database.
pub fn is_the_same(conn: &Connection, id: CommandId, body: &Body) -> Result<Option<bool>, DbError> {
    let sql = "SELECT asked FROM known_command WHERE id = ?1";
    let asked: Option<Option<Vec<u8>>> =
        conn.prepare_cached(sql)?.query_row([id.0.as_bytes()], |row| row.get(0)).optional()?;
    // Of one from before this was noted, only the id is known: it is taken for the same.
    Ok(asked.map(|asked| asked.is_none_or(|asked| asked == body.asked_hash())))
}
