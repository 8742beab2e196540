//! An order's end that came from elsewhere: taken back at the hub, by its seller or by an operator. Its buyer hears of it once, keyed by
//! order and status, in the transaction that learnt it. An end that was made here has its word on the command that made it.

use super::sms::{Said, Word, send};
use super::{buyer_of, cancelled};
use crate::commands::{self, CommandState, Unsaid};
use crate::db::{DbError, pass_over};
use crate::time::Now;
use rusqlite::Transaction;
use sync_protocol::ids::OrderId;
use sync_protocol::market::OrderStatus;

/// Tells that an order which stands as taken back at the hub has ended, where it was placed here and that was not told. Gives how many
/// messages were queued.
pub(super) fn tell(tx: &Transaction<'_>, order: OrderId, now: &Now) -> Result<u64, DbError> {
    let Some(state) = pass_over(commands::without_its_end(tx, order))?.flatten() else { return Ok(0) };
    let said = pass_over(say_end(tx, order, &state, now))?.unwrap_or(Said::Not(Unsaid::Unreadable));
    commands::mark_end(tx, state.command.seq, said.unsaid())?;
    Ok(u64::from(said == Said::Queued))
}

fn say_end(tx: &Transaction<'_>, order: OrderId, state: &CommandState, now: &Now) -> Result<Said, DbError> {
    // Where the hub has put that aside, nobody knows whether its word ever comes.
    if commands::has_its_word(tx, state.command.seq, order.0)? {
        return Ok(Said::Not(Unsaid::Nothing));
    }
    let thing = commands::thing(tx, state)?;
    let buyer = buyer_of(state, thing.as_ref());
    let word = Word::End(OrderStatus::Cancelled.as_str());
    send(tx, word, order.0, &cancelled(buyer, order.0), thing.as_ref(), now)
}
