//! An order that was sure and becomes short, because a count found less than was sold, and one that is covered again: its buyer hears each
//! once, in the transaction that learnt it, at the office where the order was placed. What is told is the hub's word on the order, as it
//! stands when it arrives: what changed to and fro in between is no news. Who is taking the order back meanwhile hears nothing.

use super::sms::{Said, Word, send};
use super::{buyer_of, confirmed_again, short};
use crate::commands;
use crate::db::{DbError, pass_over};
use crate::replica;
use crate::time::Now;
use rusqlite::Transaction;
use sync_protocol::ids::OrderId;
use sync_protocol::market::{Order, OrderStatus};
use sync_protocol::row::Key;

/// Tells that an order is short, or covered again, by how it stands at the hub, where it was placed here and its buyer heard something
/// else last. Gives how many messages were queued.
pub(super) fn tell(
    tx: &Transaction<'_>,
    order: OrderId,
    status: OrderStatus,
    now: &Now,
) -> Result<u64, DbError> {
    let is_short = match status {
        OrderStatus::Short => true,
        OrderStatus::Confirmed | OrderStatus::Fulfilled => false,
        OrderStatus::Asked | OrderStatus::Cancelled | OrderStatus::Other(_) => return Ok(0),
    };
    let said = pass_over(say_standing(tx, order, is_short, now))?.flatten();
    Ok(u64::from(said == Some(Said::Queued)))
}

/// `None` where there is nothing to say.
fn say_standing(
    tx: &Transaction<'_>,
    order: OrderId,
    is_short: bool,
    now: &Now,
) -> Result<Option<Said>, DbError> {
    let state = commands::without_its_end(tx, order)?;
    let Some(state) = state.filter(|state| state.heard_short != is_short) else { return Ok(None) };
    let row = replica::get::<Order>(tx, Key::Uuid(order.0))?;
    if row.is_none_or(|order| order.status == OrderStatus::Cancelled) {
        return Ok(None);
    }
    let thing = commands::thing(tx, &state)?;
    let buyer = buyer_of(&state, thing.as_ref());
    let sms = if is_short { short(buyer) } else { confirmed_again(buyer) };
    let word = Word::Standing(state.standing_words + 1);
    let said = send(tx, word, order.0, &sms, thing.as_ref(), now)?;
    // Who wants no messages, and does again, hears how it stands when that changes next.
    if said.unsaid().is_none() {
        commands::mark_standing(tx, state.command.seq, is_short)?;
    }
    Ok(Some(said))
}
