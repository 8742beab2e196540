//! Tells people by SMS what became of what they asked: once, in their language, in the transaction that learnt it.
//!
//! A command is marked as told in the transaction that queues its message, and by nothing else: where there is nobody to tell, or
//! nothing to say, that is noted in words of its own. How something ended that was taken back here before is nothing to say. The words come from what the command kept of its thing, so that a listing that
//! has left this node in between is still named. What took effect is told once its rows are here, as they stand by then: an order may have
//! been taken back since. What becomes of it later is in `ends` and `standing`. Nothing here sends.

mod ends;
mod news;
mod standing;
#[cfg(test)]
mod tests;

use crate::commands::{self, CommandState, Thing, Unsaid};
use crate::db::{DbError, pass_over};
use crate::market_view::{language_of, member_of};
use crate::node;
use crate::outbox::{self, Kind, Outgoing};
use crate::replica;
use crate::sms::{About, Notice, notice};
use crate::text::{Lang, Messages};
use crate::time::Now;
use crate::ussd::unit_name;
use news::{News, Saying, news};
use rusqlite::{Connection, Transaction};
use sync_protocol::ids::{CommandId, OrderId};
use sync_protocol::market::{Actor, ActorKind, Body, Entity as _, Order, OrderStatus};
use sync_protocol::row::Key;
use sync_protocol::verdict::Verdict;
use sync_protocol::wire::rows::Rows;
use uuid::Uuid;

/// Commands that are looked at in one go.
const UNTOLD_AT_ONCE: usize = 256;

/// Tells of every final verdict that nobody was told of yet. To be called after [`commands::settle`], in the same transaction: when
/// verdicts have come, and when rows have. Gives how many messages were queued.
///
/// # Errors
/// Those of the database.
pub fn tell(tx: &Transaction<'_>, now: &Now) -> Result<u64, DbError> {
    let mut queued = 0;
    loop {
        let list = commands::untold(tx, UNTOLD_AT_ONCE)?;
        for (seq, state) in &list {
            let said = match state {
                Some(state) => pass_over(say_verdict(tx, state, now))?,
                None => None,
            };
            let said = said.unwrap_or(Said::Not(Unsaid::Unreadable));
            queued += u64::from(said == Said::Queued);
            match said {
                Said::Queued | Said::Before => commands::mark_told(tx, *seq, now.best_s)?,
                Said::Not(why) => commands::mark_unsaid(tx, *seq, why)?,
            }
            if let Some(state) = state {
                queued += tell_later_by(tx, state, now)?;
            }
        }
        if list.len() < UNTOLD_AT_ONCE {
            return Ok(queued);
        }
    }
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
/// after [`tell`], in the transaction that wrote their rows: an order on whose placing no word was said has that told first. Gives how
/// many messages were queued.
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

/// The same after a command about an order has had its word: the one that placed it, or one that was to take it back and may not.
fn tell_later_by(tx: &Transaction<'_>, state: &CommandState, now: &Now) -> Result<u64, DbError> {
    let (order, is_its_own) = match Body::from_raw(&state.command.body) {
        Ok(Some(Body::OrderPlace(_))) => (OrderId(state.command.id.0), true),
        Ok(Some(Body::OrderCancel(cancel))) if !matches!(state.verdict, Some(Verdict::Applied(_))) => {
            (OrderId(cancel.order), false)
        }
        _ => return Ok(0),
    };
    match pass_over(at_the_hub(tx, order.0))?.flatten() {
        Some(OrderStatus::Cancelled) if is_its_own => ends::tell(tx, order, now),
        // A cancel has said that itself.
        Some(OrderStatus::Cancelled) | None => Ok(0),
        // Nearly all are: no look at the log for that.
        Some(OrderStatus::Confirmed) if is_its_own && !state.heard_short => Ok(0),
        Some(status) => standing::tell(tx, order, status, now),
    }
}

/// Queues what there is to tell of one verdict.
fn say_verdict(tx: &Transaction<'_>, state: &CommandState, now: &Now) -> Result<Said, DbError> {
    let is_taken_back = commands::is_taken_back(tx, state)?;
    if is_taken_back {
        commands::note_taken_back(tx, state.command.seq)?;
    }
    let Some(News { phone, saying, thing }) = news(tx, state, is_taken_back)? else {
        return Ok(Said::Not(Unsaid::Nothing));
    };
    let id = state.command.id.0;
    // Whatever brings the word that an order is cancelled, its buyer hears it once.
    let (word, about) = match saying {
        Saying::Cancelled(order) => (Word::End(OrderStatus::Cancelled), order),
        _ if state.was_told_otherwise => (Word::Other(state.verdict_number), id),
        _ => (Word::Verdict, id),
    };
    let said = say(tx, word, about, phone, &saying, thing.as_ref(), now)?;
    if let (Some(is_short), None) = (saying.is_short(), said.unsaid()) {
        commands::mark_standing(tx, state.command.seq, is_short)?;
    }
    Ok(said)
}

/// The receipt for an order that is sure at once, to its buyer. In the order's own transaction. True when one was queued.
///
/// # Errors
/// Those of the database.
pub fn receipt(tx: &Transaction<'_>, order: OrderId, now: &Now) -> Result<bool, DbError> {
    let Some(state) = commands::outcome(tx, CommandId(order.0))? else { return Ok(false) };
    let Ok(Some(Body::OrderPlace(body))) = Body::from_raw(&state.command.body) else { return Ok(false) };
    let thing = commands::thing(tx, &state)?;
    let buyer = if body.buyer_phone == 0 { person(&state.command.actor) } else { body.buyer_phone };
    let said = say(tx, Word::Receipt, order.0, buyer, &Saying::Confirmed, thing.as_ref(), now)?;
    Ok(said == Said::Queued)
}

/// Which of the words on an act a message brings: each is said once.
#[derive(Clone, Copy)]
enum Word {
    /// That it holds, said at once.
    Receipt,
    /// What the hub says of it.
    Verdict,
    /// What a restored hub says of it, by its verdict of that number, where it had said something else.
    Other(u64),
    /// How the order stands since, for the so manieth time.
    Standing(u64),
    /// How the order ended later.
    End(OrderStatus),
}

impl Word {
    fn kind(self) -> Kind {
        match self {
            Self::Receipt => Kind::Receipt,
            Self::Verdict | Self::Other(_) | Self::Standing(_) | Self::End(_) => Kind::Verdict,
        }
    }

    /// What a message is about: the act, a word on it that is not the first, or the order's end in that way.
    fn about(self, command: Uuid) -> String {
        match self {
            Self::Receipt | Self::Verdict => command.to_string(),
            Self::Other(number) => format!("{command}/{number}"),
            Self::Standing(number) => format!("{command}/standing/{number}"),
            Self::End(status) => format!("{command}/{}", status.as_str()),
        }
    }
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Queued,
    /// It was queued at an earlier time.
    Before,
    Not(Unsaid),
}

impl Said {
    /// Why nobody hears it; `None` where somebody does.
    fn unsaid(self) -> Option<Unsaid> {
        if let Self::Not(why) = self { Some(why) } else { None }
    }
}

/// How an order stands at the hub, as far as is known here: what somebody here has asked for meanwhile has not come about yet.
fn at_the_hub(conn: &Connection, order: Uuid) -> Result<Option<OrderStatus>, DbError> {
    Ok(replica::get_sent::<Order>(conn, Key::Uuid(order))?.map(|order| order.status))
}

fn is_cancelled(order: Order) -> bool {
    order.status == OrderStatus::Cancelled
}

/// Whose act it is: of who acted for himself, or of whom the office pressed the keys for; 0 for the office's own.
fn who(state: &CommandState, thing: Option<&Thing>) -> u64 {
    match thing.map_or(0, |thing| thing.caller_phone) {
        0 => person(&state.command.actor),
        walked_for => walked_for,
    }
}

/// Whose an order is that was placed here: its buyer's number; 0 where nobody has one.
fn buyer_of(state: &CommandState, thing: Option<&Thing>) -> u64 {
    let named = match Body::from_raw(&state.command.body) {
        Ok(Some(Body::OrderPlace(order))) => order.buyer_phone,
        _ => 0,
    };
    if named == 0 { who(state, thing) } else { named }
}

/// The number of who acted for himself; 0 for a clerk, who acts for others.
fn person(actor: &Actor) -> u64 {
    if actor.kind == ActorKind::Office { 0 } else { actor.phone }
}

/// Queues one message, unless there is nobody to get it or the person wants none.
fn say(
    tx: &Transaction<'_>,
    word: Word,
    command: Uuid,
    phone: u64,
    saying: &Saying,
    thing: Option<&Thing>,
    now: &Now,
) -> Result<Said, DbError> {
    if phone == 0 {
        return Ok(Said::Not(Unsaid::Nobody));
    }
    if outbox::has_opted_out(tx, phone)? {
        return Ok(Said::Not(Unsaid::Stop));
    }
    let lang = match pass_over(lang_of(tx, phone))? {
        Some(lang) => lang,
        // Nobody goes without an answer because something about the person cannot be read.
        None => outbox::default_language(tx)?,
    };
    let about = about(tx, command, thing, lang)?;
    let notice_of = match saying {
        Saying::NotRegistered(why) => Notice::RegisterRefused(*why),
        Saying::Confirmed => Notice::OrderConfirmed(about),
        Saying::Refused(why) => Notice::OrderRefused(about, *why),
        Saying::Short => Notice::OrderShort(about),
        Saying::ConfirmedAgain => Notice::OrderConfirmedAgain(about),
        Saying::Cancelled(_) => Notice::OrderCancelled(about),
        Saying::CancelRefused(why) => Notice::CancelRefused(about, *why),
        Saying::OfferRefused(why) => Notice::OfferRefused(about, *why),
        Saying::Withdrawn => Notice::Withdrawn(about),
        Saying::WithdrawRefused(why) => Notice::WithdrawRefused(about, *why),
    };
    let text = notice(lang, &notice_of);
    let (kind, about) = (word.kind(), word.about(command));
    let message = Outgoing { phone, text, kind, about, gateway: None, link_id: None };
    Ok(if outbox::queue(tx, &message, now)? { Said::Queued } else { Said::Before })
}

fn lang_of(conn: &Connection, phone: u64) -> Result<Lang, DbError> {
    let member = match node::identity(conn)? {
        Some(me) => member_of(conn, me.cooperative, phone)?,
        None => None,
    };
    match language_of(conn, member.as_ref(), phone)? {
        Some(lang) => Ok(lang),
        None => outbox::default_language(conn),
    }
}

/// The words of a thing. Where an act of an earlier version kept none and its listing is gone, the beginning of its id stands for the
/// name: the office finds it by that, and nobody is left without an answer.
fn about(conn: &Connection, command: Uuid, thing: Option<&Thing>, lang: Lang) -> Result<About, DbError> {
    let nameless;
    let thing = match thing {
        Some(thing) if !thing.name.is_empty() => thing,
        other => {
            let name = format!("#{:.8}", command.simple().to_string());
            nameless = Thing { name, ..other.cloned().unwrap_or_default() };
            &nameless
        }
    };
    let currency = match thing.currency() {
        Some(currency) => Some(currency),
        None => pass_over(node::own_currency(conn))?.flatten(),
    };
    Ok(About {
        name: thing.name(lang).to_owned(),
        unit_text: unit_name(Messages::get(), lang, &thing.unit),
        quantity_milli: thing.quantity_milli,
        unit_price_minor: thing.unit_price_minor,
        currency,
    })
}
