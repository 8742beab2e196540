//! Everything that the hub refused or took only in part, of any kind: for the office, where a person reads it. A refusal is never
//! silent.

use super::refused::{NEWEST_FIRST, still_shown};
use super::state::{COLUMNS, CommandState};
use crate::db::{DbError, pass_over};
use rusqlite::{Connection, OptionalExtension as _, Transaction};
use uuid::Uuid;

/// Notes whether somebody at the office has dealt with a refusal that is still shown. Gives how it stands; `None` where there is no such
/// refusal.
///
/// # Errors
/// Those of the database.
pub fn tick(tx: &Transaction<'_>, id: Uuid, ticked: bool) -> Result<Option<CommandState>, DbError> {
    let shown = still_shown();
    let sql = format!(
        "UPDATE command SET ticked = ?2 WHERE id = ?1 AND {shown}
         AND (verdict IN ('rejected', 'dismissed') OR verdict = 'applied' AND conflicts IS NOT NULL) RETURNING {COLUMNS}"
    );
    let mut statement = tx.prepare_cached(&sql)?;
    let state = statement.query_row((id.as_bytes(), ticked), |row| Ok(CommandState::read(row))).optional()?;
    state.transpose()
}

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
