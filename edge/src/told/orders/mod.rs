//! How orders are told: the hub's word on placing and cancelling them, and what becomes of them later.

mod ends;
mod standing;

use super::fate::{Fate, who};
use super::sms::Sms;
use super::wanted::Wanted;
use super::{Told, sms};
use crate::commands::{self, CommandState, Thing};
use crate::db::{DbError, pass_over};
use crate::replica;
use crate::text::Msg;
use crate::text::office::say;
use crate::time::Now;
use mizili_node::text::phone_text;
use rusqlite::{Connection, Transaction};
use sync_protocol::ids::OrderId;
use sync_protocol::market::{ActorKind, Body, Entity as _, Order, OrderCancel, OrderPlace, OrderStatus};
use sync_protocol::row::Key;
use sync_protocol::verdict::Verdict;
use sync_protocol::wire::rows::Rows;
use uuid::Uuid;

impl Told for OrderPlace {
    fn wanted(&self, words: &Wanted<'_>) -> String {
        let thing = words.much(self.quantity_milli);
        // Whoever stood at the counter has to be found again; who called is told by who wanted it.
        let parts = [Some(self.buyer_name.clone()), phone_text(self.buyer_phone)];
        let buyer: Vec<String> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
        if words.actor == ActorKind::Office && !buyer.is_empty() {
            let values = [("what", &*thing), ("buyer", &buyer.join(", "))];
            return say(words.lang, "did-order-place-for", &values);
        }
        words.say("did-order-place", &thing)
    }

    fn news(&self, fate: &Fate<'_>) -> Result<Option<Sms>, DbError> {
        // Nobody who took an order back is told afterwards that it is sure, or refused.
        if fate.is_taken_back {
            return Ok(None);
        }
        let buyer = buyer_of(fate.state, fate.thing.as_ref());
        match fate.refused {
            Some(why) => Ok(Some(Sms::to(buyer, Msg::NoticeRefused).because(why))),
            None => taken(fate, buyer),
        }
    }

    fn receipt(&self, fate: &Fate<'_>) -> Option<Sms> {
        Some(confirmed(buyer_of(fate.state, fate.thing.as_ref())))
    }

    fn tell_later(&self, tx: &Transaction<'_>, state: &CommandState, now: &Now) -> Result<u64, DbError> {
        let order = OrderId(state.command.id.0);
        match pass_over(at_the_hub(tx, order.0))?.flatten() {
            Some(OrderStatus::Cancelled) => ends::tell(tx, order, now),
            // Nearly all are: no look at the log for that.
            Some(OrderStatus::Confirmed) if !state.heard_short => Ok(0),
            Some(status) => standing::tell(tx, order, status, now),
            None => Ok(0),
        }
    }
}

impl Told for OrderCancel {
    fn wanted(&self, words: &Wanted<'_>) -> String {
        let what = words.thing.map_or_else(|| words.name(), |thing| words.much(thing.quantity_milli));
        words.say("did-order-cancel", &what)
    }

    fn news(&self, fate: &Fate<'_>) -> Result<Option<Sms>, DbError> {
        let person = fate.person();
        let buyer = fate.thing.as_ref().map_or(0, |thing| thing.buyer_phone);
        let phone = if buyer == 0 { person } else { buyer };
        Ok(match fate.refused {
            // It came too late for another who took the order back: that it is cancelled is what counts.
            Some(_) if at_the_hub(fate.conn, self.order)? == Some(OrderStatus::Cancelled) => {
                Some(cancelled(phone, self.order))
            }
            Some(why) => Some(Sms::to(phone, Msg::NoticeCancelRefused).because(why)),
            // Whoever did it himself saw that it is done; a buyer hears of it when another did.
            None if fate.was_asked() || ![0, person].contains(&buyer) => Some(cancelled(phone, self.order)),
            None => None,
        })
    }

    /// Where it may not be taken back, how the order stands counts again. A cancel that took effect has said all itself.
    fn tell_later(&self, tx: &Transaction<'_>, state: &CommandState, now: &Now) -> Result<u64, DbError> {
        if matches!(state.verdict, Some(Verdict::Applied(_))) {
            return Ok(0);
        }
        match pass_over(at_the_hub(tx, self.order))?.flatten() {
            Some(OrderStatus::Cancelled) | None => Ok(0),
            Some(status) => standing::tell(tx, OrderId(self.order), status, now),
        }
    }
}

fn confirmed(buyer: u64) -> Sms {
    Sms::to(buyer, Msg::NoticeConfirmed).leaving_short(false)
}

fn short(buyer: u64) -> Sms {
    Sms::to(buyer, Msg::NoticeShort).leaving_short(true)
}

fn confirmed_again(buyer: u64) -> Sms {
    Sms::to(buyer, Msg::NoticeConfirmedAgain).leaving_short(false)
}

/// Whatever brings the word that an order is cancelled, its buyer hears it once.
fn cancelled(buyer: u64, order: Uuid) -> Sms {
    Sms::to(buyer, Msg::NoticeCancelled).ending(order, OrderStatus::Cancelled.as_str())
}

/// What there is to say of an order that the hub has taken, as it stands by now.
fn taken(fate: &Fate<'_>, buyer: u64) -> Result<Option<Sms>, DbError> {
    let Fate { state, .. } = fate;
    let row: Option<Order> = replica::get(fate.conn, Key::Uuid(state.command.id.0))?;
    let is_short = match row.map(|order| order.status) {
        Some(OrderStatus::Cancelled) => {
            return Ok(fate.was_asked().then(|| cancelled(buyer, state.command.id.0)));
        }
        Some(OrderStatus::Short) => true,
        Some(OrderStatus::Confirmed | OrderStatus::Fulfilled) => false,
        Some(OrderStatus::Asked | OrderStatus::Other(_)) | None => {
            matches!(&state.verdict, Some(Verdict::Applied(applied)) if applied.short)
        }
    };
    Ok(match (is_short, state.heard_short) {
        (true, false) => Some(short(buyer)),
        (true, true) => None,
        // What was sure at once is said to be so again where something else was heard since.
        (false, heard_short) => {
            (fate.was_asked() || state.was_told_otherwise || heard_short).then(|| confirmed(buyer))
        }
    })
}

/// Orders of which there may be something to tell later, as they stand in a frame of rows: those taken back, and those that are short.
pub fn changed(rows: &Rows) -> impl Iterator<Item = OrderId> {
    let orders = rows.rows.iter().filter(|row| row.entity == Order::NUMBER);
    let orders = orders.filter_map(|row| Order::from_fields(row.key, row.body.as_ref()?).ok());
    orders
        .filter(|order| matches!(order.status, OrderStatus::Cancelled | OrderStatus::Short))
        .map(|order| order.id)
}

/// Tells of what became later of orders that were placed here: of those [`changed`], and of those that are covered again. To be called
/// after [`super::tell`], in the transaction that wrote their rows: an order on whose placing no word was said has that told first. Gives
/// how many messages were queued.
///
/// # Errors
/// Those of the database.
pub fn tell_changes(tx: &Transaction<'_>, changed: &[OrderId], now: &Now) -> Result<u64, DbError> {
    let mut queued = 0;
    for order in changed.iter().copied().chain(commands::heard_short(tx)?) {
        queued += match pass_over(at_the_hub(tx, order.0))?.flatten() {
            Some(OrderStatus::Cancelled) => ends::tell(tx, order, now)?,
            Some(status) => standing::tell(tx, order, status, now)?,
            None => 0,
        };
    }
    Ok(queued)
}

/// How an order stands at the hub, as far as is known here: what somebody here has asked for meanwhile has not come about yet.
fn at_the_hub(conn: &Connection, order: Uuid) -> Result<Option<OrderStatus>, DbError> {
    Ok(replica::get_sent::<Order>(conn, Key::Uuid(order))?.map(|order| order.status))
}

/// Whose an order is that was placed here: its buyer's number; 0 where nobody has one.
fn buyer_of(state: &CommandState, thing: Option<&Thing>) -> u64 {
    let named = match Body::from_raw(&state.command.body) {
        Ok(Some(Body::OrderPlace(order))) => order.buyer_phone,
        _ => 0,
    };
    if named == 0 { who(state, thing) } else { named }
}
