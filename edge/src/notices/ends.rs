//! An order's end that came from elsewhere: taken back at the hub, by its seller or by an operator. Its buyer hears of it once, keyed by
//! order and status, in the transaction that learnt it. An end that was made here has its word on the command that made it.

use super::{Said, Saying, Word, is_over, say, who};
use crate::commands::{self, CommandState, Unsaid};
use crate::db::{DbError, pass_over};
use crate::time::Now;
use rusqlite::Transaction;
use sync_protocol::command::Body;
use sync_protocol::entity::{Entity, Order, OrderStatus};
use sync_protocol::ids::OrderId;
use sync_protocol::wire::rows::Rows;

/// Orders that stand as taken back in a frame of rows.
pub fn ended(rows: &Rows) -> impl Iterator<Item = OrderId> {
    let orders = rows.rows.iter().filter(|row| row.entity == Order::NUMBER);
    let orders = orders.filter_map(|row| Order::from_fields(row.key, row.body.as_ref()?).ok());
    orders.filter(|order| order.status == OrderStatus::Cancelled).map(|order| order.id)
}

/// Tells of the ends of orders that were placed here. To be called after [`super::tell`], in the transaction that wrote their rows: an
/// order on whose placing no word was said has its end told by that. Gives how many messages were queued.
///
/// # Errors
/// Those of the database.
pub fn tell_ends(tx: &Transaction<'_>, orders: &[OrderId], now: &Now) -> Result<u64, DbError> {
    let mut queued = 0;
    for order in orders {
        if let Some(state) = pass_over(commands::without_its_end(tx, *order))?.flatten() {
            queued += tell_end_of(tx, &state, now)?;
        }
    }
    Ok(queued)
}

/// The same of one command, whatever it is.
pub(super) fn tell_end_of(tx: &Transaction<'_>, state: &CommandState, now: &Now) -> Result<u64, DbError> {
    let said = pass_over(say_end(tx, state, now))?.unwrap_or(Some(Said::Not(Unsaid::Unreadable)));
    let Some(said) = said else { return Ok(0) };
    commands::mark_end(tx, state.command.seq, said.unsaid())?;
    Ok(u64::from(said == Said::Queued))
}

/// `None` where there is nothing that has ended, or it was told.
fn say_end(tx: &Transaction<'_>, state: &CommandState, now: &Now) -> Result<Option<Said>, DbError> {
    let Ok(Some(Body::OrderPlace(order))) = Body::from_raw(&state.command.body) else { return Ok(None) };
    let id = state.command.id.0;
    if !is_over(tx, id)? || commands::without_its_end(tx, OrderId(id))?.is_none() {
        return Ok(None);
    }
    // Where the hub has put that aside, nobody knows whether its word ever comes.
    if commands::has_its_word(tx, state.command.seq, id)? {
        return Ok(Some(Said::Not(Unsaid::Nothing)));
    }
    let thing = commands::thing(tx, state)?;
    let buyer = if order.buyer_phone == 0 { who(state, thing.as_ref()) } else { order.buyer_phone };
    let word = Word::End(OrderStatus::Cancelled);
    say(tx, word, id, buyer, &Saying::Cancelled(id), thing.as_ref(), now).map(Some)
}
