//! Tells people by SMS what became of what they asked: once, in their language, in the transaction that learnt it.
//!
//! A command is marked as told in the transaction that queues its message, and by nothing else: where there is nobody to tell, or
//! nothing to say, that is noted in words of its own. How something ended that was taken back here before is nothing to say. The words come from what the command kept of its thing, so that a listing that
//! has left this node in between is still named. What took effect is told once its rows are here, as they stand by then: an order may have
//! been taken back since. Nothing here sends.

mod ends;
#[cfg(test)]
mod tests;

pub use ends::{ended, tell_ends};

use crate::commands::{self, CommandState, Thing, Unsaid};
use crate::db::{DbError, pass_over};
use crate::market_view::{language_of, member_of};
use crate::node;
use crate::outbox::{self, Kind, Outgoing};
use crate::replica;
use crate::sms::{About, Notice, notice};
use crate::text::{Lang, Messages};
use crate::time::Now;
use crate::ussd::{Rejection, unit_name};
use rusqlite::{Connection, Transaction};
use sync_protocol::command::{Actor, ActorKind, Body, Certainty};
use sync_protocol::entity::{Member, Order, OrderStatus};
use sync_protocol::ids::{CommandId, OrderId};
use sync_protocol::row::Key;
use sync_protocol::verdict::Verdict;
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
                queued += ends::tell_end_of(tx, state, now)?;
            }
        }
        if list.len() < UNTOLD_AT_ONCE {
            return Ok(queued);
        }
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
    say(tx, word, about, phone, &saying, thing.as_ref(), now)
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
    /// How the order ended later.
    End(OrderStatus),
}

impl Word {
    fn kind(self) -> Kind {
        match self {
            Self::Receipt => Kind::Receipt,
            Self::Verdict | Self::Other(_) | Self::End(_) => Kind::Verdict,
        }
    }

    /// What a message is about: the act, a word on it that is not the first, or the order's end in that way.
    fn about(self, command: Uuid) -> String {
        match self {
            Self::Receipt | Self::Verdict => command.to_string(),
            Self::Other(number) => format!("{command}/{number}"),
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

/// What there is to tell, and whom; 0 for nobody.
struct News {
    phone: u64,
    saying: Saying,
    /// `None` where nothing is known of it any more: then the words say which act it was.
    thing: Option<Thing>,
}

enum Saying {
    Confirmed,
    Refused(Rejection),
    Short,
    /// The order, whoever took it back.
    Cancelled(Uuid),
    CancelRefused(Rejection),
    OfferRefused(Rejection),
    Withdrawn,
    WithdrawRefused(Rejection),
    NotRegistered(Rejection),
}

/// What there is to tell of a verdict, and whom; nothing where it only confirms what was said.
fn news(conn: &Connection, state: &CommandState, is_taken_back: bool) -> Result<Option<News>, DbError> {
    let refused = match &state.verdict {
        Some(Verdict::Rejected(reject)) => Some(Rejection::from(reject)),
        Some(Verdict::Dismissed) => Some(Rejection::Other),
        Some(Verdict::Applied(_)) => None,
        None | Some(Verdict::Held | Verdict::Quarantined | Verdict::Unsupported) => return Ok(None),
    };
    let was_asked = state.certainty == Certainty::Request;
    let is_short = matches!(&state.verdict, Some(Verdict::Applied(applied)) if applied.short);
    let thing = commands::thing(conn, state)?;
    let person = who(state, thing.as_ref());
    let buyer = thing.as_ref().map_or(0, |thing| thing.buyer_phone);
    let (phone, saying) = match Body::from_raw(&state.command.body) {
        Ok(Some(Body::OrderPlace(order))) => {
            let buyer = if order.buyer_phone == 0 { person } else { order.buyer_phone };
            let saying = match refused {
                // Nobody who took an order back is told afterwards that it is sure, or refused.
                _ if is_taken_back => return Ok(None),
                Some(why) => Saying::Refused(why),
                None if standing(conn, state)?.is_some_and(is_cancelled) => match was_asked {
                    true => Saying::Cancelled(state.command.id.0),
                    false => return Ok(None),
                },
                None if is_short => Saying::Short,
                // What was sure at once is said to be so again where something else was heard since.
                None if was_asked || state.was_told_otherwise => Saying::Confirmed,
                None => return Ok(None),
            };
            (buyer, saying)
        }
        Ok(Some(Body::OrderCancel(cancel))) => {
            let saying = match refused {
                // It came too late for another who took the order back: that it is cancelled is what counts.
                Some(_) if is_over(conn, cancel.order)? => Saying::Cancelled(cancel.order),
                Some(why) => Saying::CancelRefused(why),
                // Whoever did it himself saw that it is done; a buyer hears of it when another did.
                None if was_asked || ![0, person].contains(&buyer) => Saying::Cancelled(cancel.order),
                None => return Ok(None),
            };
            (if buyer == 0 { person } else { buyer }, saying)
        }
        Ok(Some(Body::ListingPost(_))) => match refused {
            Some(why) if !is_taken_back => (person, Saying::OfferRefused(why)),
            _ => return Ok(None),
        },
        Ok(Some(Body::ListingWithdraw(_))) => {
            let saying = match refused {
                // There was nothing to withdraw.
                Some(_) if is_taken_back => Saying::Withdrawn,
                Some(why) => Saying::WithdrawRefused(why),
                None if was_asked => Saying::Withdrawn,
                None => return Ok(None),
            };
            (person, saying)
        }
        Ok(Some(Body::MemberRegister(register))) => {
            // A known member who only changed name or language stays one.
            let is_member = replica::get::<Member>(conn, Key::Uuid(register.member))?.is_some();
            match refused.filter(|_| !is_member) {
                Some(why) => (register.phone, Saying::NotRegistered(why)),
                None => return Ok(None),
            }
        }
        // Acts of the office, which sees them on its page.
        Ok(Some(Body::ListingEdit(_) | Body::StockAdjust(_)) | None) | Err(_) => return Ok(None),
    };
    Ok(Some(News { phone, saying, thing }))
}

/// Whether an order has ended at the hub: what somebody here has asked for meanwhile is no end yet.
fn is_over(conn: &Connection, order: Uuid) -> Result<bool, DbError> {
    Ok(replica::get_sent::<Order>(conn, Key::Uuid(order))?.is_some_and(is_cancelled))
}

/// The order of a command, as it stands here.
fn standing(conn: &Connection, state: &CommandState) -> Result<Option<Order>, DbError> {
    replica::get(conn, Key::Uuid(state.command.id.0))
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
