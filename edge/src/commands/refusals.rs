//! Everything that the hub refused or took only in part, of any kind: for the office, where a person reads it. A refusal is never
//! silent.

use super::refused::{NEWEST_FIRST, still_shown};
use super::state::{COLUMNS, CommandState};
use crate::db::{DbError, pass_over};
use rusqlite::Connection;

/// Commands refused, put aside, or applied with a clash, that are still shown, newest first.
///
/// # Errors
/// Those of the database.
pub fn refusals(conn: &Connection) -> Result<Vec<CommandState>, DbError> {
    // Two indexes serve the two halves: what was refused, and what was taken in part.
    let shown = still_shown();
    let sql = format!(
        "SELECT {COLUMNS} FROM command WHERE verdict IN ('rejected', 'dismissed') AND {shown}
         UNION ALL
         SELECT {COLUMNS} FROM command WHERE verdict = 'applied' AND conflicts IS NOT NULL AND {shown}
         {NEWEST_FIRST}"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query([])?;
    let mut list = Vec::new();
    while let Some(row) = rows.next()? {
        list.extend(pass_over(CommandState::read(row))?);
    }
    Ok(list)
}
