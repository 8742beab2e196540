//! Lists the keys of every replicated table, page by page, for the check of the feed.

use crate::db::{Cells, misfit, q};
use sqlx::PgConnection;
use sync_protocol::row::Key;
use uuid::Uuid;

/// How a table's rows are told apart, and the statement that lists those after one, so many.
#[derive(Clone, Copy)]
pub(crate) enum Keys {
    /// After `$1`, at most `$2`.
    Int(&'static str),
    /// After `($1, $2)`, at most `$3`.
    Pair(&'static str),
    /// As `Int`.
    Uuid(&'static str),
    /// As `Pair`.
    Step(&'static str),
}

/// The next keys of an entity's table after one, in order.
pub(crate) async fn keys_after(
    conn: &mut PgConnection,
    entity: u16,
    after: Option<Key>,
    limit: usize,
) -> Result<Vec<Key>, sqlx::Error> {
    let limit = limit as i64;
    let Some(keys) = super::keys_of(entity) else { return Err(misfit("sync_rows", "entity")) };
    let ints = match after {
        Some(Key::Int(a)) => (i32::try_from(a).unwrap_or(i32::MAX), 0),
        Some(Key::Pair(a, b)) => (i32::try_from(a).unwrap_or(i32::MAX), i32::try_from(b).unwrap_or(i32::MAX)),
        Some(Key::Step(_, step)) => (0, i32::try_from(step).unwrap_or(i32::MAX)),
        Some(Key::Uuid(_)) | None => (-1, -1),
    };
    let uuid = match after {
        Some(Key::Uuid(id) | Key::Step(id, _)) => id,
        // No row has it: every id of ours names its version.
        _ => Uuid::nil(),
    };
    let query = match &keys {
        Keys::Int(sql) => q(sql).bind(ints.0),
        Keys::Pair(sql) => q(sql).bind(ints.0).bind(ints.1),
        Keys::Uuid(sql) => q(sql).bind(uuid),
        Keys::Step(sql) => q(sql).bind(uuid).bind(ints.1),
    };
    let rows = query.bind(limit).fetch_all(conn).await?;
    let key = |row| {
        let cells = Cells::of("table", row);
        Ok(match &keys {
            Keys::Int(_) => Key::Int(cells.number(0)?),
            Keys::Pair(_) => Key::Pair(cells.number(0)?, cells.number(1)?),
            Keys::Uuid(_) => Key::Uuid(cells.get(0)?),
            Keys::Step(_) => Key::Step(cells.get(0)?, cells.number(1)?),
        })
    };
    rows.iter().map(key).collect()
}
