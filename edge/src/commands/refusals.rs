//! Everything that the hub refused or took only in part, of any kind: for the office, where a person reads it. A refusal is never
//! silent.

use super::state::{COLUMNS, CommandState};
use crate::db::DbError;
use rusqlite::Connection;

/// Commands refused, put aside, or applied with a clash, whose answer came since a time (seconds since 1970 UTC), newest first.
///
/// # Errors
/// Those of the database.
pub fn refusals(conn: &Connection, since_s: i64) -> Result<Vec<CommandState>, DbError> {
    // Two indexes serve the two halves: what was refused, and what was answered lately.
    let sql = format!(
        "SELECT {COLUMNS} FROM command WHERE verdict IN ('rejected', 'dismissed') AND settled_at_s >= ?1
         UNION ALL
         SELECT {COLUMNS} FROM command
         WHERE verdict = 'applied' AND conflicts IS NOT NULL AND settled_at_s IS NOT NULL AND settled_at_s >= ?1
         ORDER BY settled_at_s DESC, seq DESC"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query([since_s])?;
    let mut list = Vec::new();
    while let Some(row) = rows.next()? {
        list.push(CommandState::read(row)?);
    }
    Ok(list)
}
