//! Everything that the hub refused or took only in part, of any kind: for the office, where a person reads it. A refusal is never
//! silent, but for what was taken back here before it came: there is nothing left to do about it.

use super::log::KEPT_TOLD_S;
use super::state::{COLUMNS, CommandState};
use crate::db::{DbError, pass_over};
use rusqlite::{Connection, OptionalExtension as _, Transaction};
use uuid::Uuid;

/// What is still shown, as a condition on the log: for 30 days by the hub's word, and as long as that has not been dated.
pub(super) fn still_shown() -> String {
    format!(
        "(settled_heard_s IS NULL OR settled_heard_s >= (SELECT heard_ms / 1000 - {KEPT_TOLD_S} FROM lived))"
    )
}

/// The newest first: in the order in which the hub said it.
pub(super) const NEWEST_FIRST: &str = "ORDER BY verdict_number DESC, seq DESC";

/// What the list shows, for as long as it is shown: what was refused or put aside, and what was taken only in part. An index serves each.
const KINDS: [&str; 2] =
    ["verdict IN ('rejected', 'dismissed')", "verdict = 'applied' AND conflicts IS NOT NULL"];

/// What `select` makes of those that are shown.
fn of_shown(select: &str) -> String {
    let shown = still_shown();
    KINDS
        .map(|kind| format!("{select} FROM command WHERE {kind} AND taken_back = 0 AND {shown}"))
        .join(" UNION ALL ")
}

/// How many nobody has ticked off.
pub(super) fn to_look_at(conn: &Connection) -> Result<u64, DbError> {
    let sql = format!("SELECT count(*) FROM ({}) WHERE ticked = 0", of_shown("SELECT ticked"));
    Ok(conn.prepare_cached(&sql)?.query_row([], |row| row.get(0))?)
}

/// Notes whether somebody at the office has dealt with a refusal that is still shown. Gives how it stands; `None` where there is no such
/// refusal.
///
/// # Errors
/// Those of the database.
pub fn tick(tx: &Transaction<'_>, id: Uuid, ticked: bool) -> Result<Option<CommandState>, DbError> {
    let shown = of_shown("SELECT seq");
    let sql =
        format!("UPDATE command SET ticked = ?2 WHERE id = ?1 AND seq IN ({shown}) RETURNING {COLUMNS}");
    let mut statement = tx.prepare_cached(&sql)?;
    let state = statement.query_row((id.as_bytes(), ticked), |row| Ok(CommandState::read(row))).optional()?;
    state.transpose()
}

/// Commands refused, put aside, or applied with a clash, that are still shown, newest first.
///
/// # Errors
/// Those of the database.
pub fn refusals(conn: &Connection) -> Result<Vec<CommandState>, DbError> {
    let sql = format!("{} {NEWEST_FIRST}", of_shown(&format!("SELECT {COLUMNS}")));
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query([])?;
    let mut list = Vec::new();
    while let Some(row) = rows.next()? {
        list.extend(pass_over(CommandState::read(row))?);
    }
    Ok(list)
}
