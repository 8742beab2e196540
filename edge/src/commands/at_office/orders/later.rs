//! What the buyer of an order that was placed here has heard of it after the word on its placing: how it stands, and how it ended. Kept
//! beside the command that placed it.

use crate::commands::state::COLUMNS;
use crate::commands::{CommandState, Unsaid};
use crate::db::{DbError, pass_over};
use rusqlite::{Connection, Transaction};
use sync_protocol::ids::OrderId;
use uuid::Uuid;

/// The command that placed an order here, where the hub's word on it was told, or nobody has to hear that, and its end was not.
///
/// # Errors
/// Those of the database.
pub fn without_its_end(conn: &Connection, order: OrderId) -> Result<Option<CommandState>, DbError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM command WHERE id = ?1 AND (told_at_s IS NOT NULL OR unsaid IS NOT NULL) AND end_said IS NULL"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query([order.0.as_bytes()])?;
    rows.next()?.map(CommandState::read).transpose()
}

/// Notes that its buyer was told of an order's end, in the transaction that queues the message; or why there is none.
///
/// # Errors
/// Those of the database.
pub fn mark_end(tx: &Transaction<'_>, seq: u64, unsaid: Option<Unsaid>) -> Result<(), DbError> {
    let word = unsaid.map_or("told", Unsaid::as_str);
    let sql = "UPDATE command SET end_said = ?2 WHERE seq = ?1 AND end_said IS NULL";
    tx.prepare_cached(sql)?.execute((seq, word))?;
    Ok(())
}

/// Orders whose buyers heard last that there is not enough for them, and that have not ended.
///
/// # Errors
/// Those of the database.
pub fn heard_short(conn: &Connection) -> Result<Vec<OrderId>, DbError> {
    let sql = "SELECT seq, id FROM command WHERE heard_short = 1 AND end_said IS NULL ORDER BY seq";
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut orders = Vec::new();
    while let Some(row) = rows.next()? {
        let (seq, id): (u64, Vec<u8>) = (row.get(0)?, row.get(1)?);
        let read = Uuid::from_slice(&id).map_err(|_| DbError::bad_value("command", "id", seq));
        orders.extend(pass_over(read)?.map(OrderId));
    }
    Ok(orders)
}

/// Notes what an order's buyer was told of how it stands: that it is short, or sure. In the transaction that queues the message.
///
/// # Errors
/// Those of the database.
pub fn mark_standing(tx: &Transaction<'_>, seq: u64, is_short: bool) -> Result<(), DbError> {
    let sql = "UPDATE command SET heard_short = ?2, standing_words = standing_words + 1
        WHERE seq = ?1 AND (heard_short OR ?2)";
    tx.prepare_cached(sql)?.execute((seq, is_short))?;
    Ok(())
}
