//! Tells people by SMS what became of what they asked: once, in their language, in the transaction that learnt it.
//!
//! A command is marked as told in the transaction that queues its message, so that neither happens without the other. What was sure
//! from the start, and stayed so, is not told again. Nothing here sends.

#[cfg(test)]
mod tests;

use crate::commands::{self, CommandState};
use crate::db::DbError;
use crate::market_view::{language_of, member_of};
use crate::node;
use crate::outbox::{self, Kind, Outgoing};
use crate::replica;
use crate::sms::{About, Notice, notice};
use crate::text::{Lang, Messages};
use crate::ussd::{Rejection, unit_name};
use rusqlite::{Connection, Transaction};
use sync_protocol::command::{ActorKind, Body, Certainty, OrderPlace};
use sync_protocol::entity::{Commodity, Listing, Member, Order, Unit};
use sync_protocol::ids::{CommandId, OrderId};
use sync_protocol::row::Key;
use sync_protocol::units::{Currency, Quantity};
use sync_protocol::verdict::Verdict;
use uuid::Uuid;

/// Commands that are looked at in one go.
const UNTOLD_AT_ONCE: usize = 256;

/// Tells of every final verdict that nobody was told of yet. To be called after verdicts were recorded and settled, in the same
/// transaction. Gives how many messages were queued.
///
/// # Errors
/// Those of the database.
pub fn tell(tx: &Transaction<'_>, now_s: i64) -> Result<u64, DbError> {
    let mut queued = 0;
    loop {
        let list = commands::untold(tx, UNTOLD_AT_ONCE)?;
        for state in &list {
            if let Some((phone, what)) = news(tx, state)?
                && say(tx, Kind::Verdict, state.command.id.0, phone, &what, now_s)?
            {
                queued += 1;
            }
            commands::mark_told(tx, state.command.seq, now_s)?;
        }
        if list.len() < UNTOLD_AT_ONCE {
            return Ok(queued);
        }
    }
}

/// The receipt for an order that is sure at once, to its buyer. In the order's own transaction. True when one was queued.
///
/// # Errors
/// Those of the database.
pub fn receipt(tx: &Transaction<'_>, order: OrderId, now_s: i64) -> Result<bool, DbError> {
    let Some(order) = replica::get::<Order>(tx, Key::Uuid(order.0))? else { return Ok(false) };
    if order.buyer_phone == 0 {
        return Ok(false);
    }
    let about = Told {
        listing: order.listing.0,
        quantity: order.quantity,
        unit_price_minor: order.unit_price_minor,
        currency: Some(order.currency),
    };
    say(tx, Kind::Receipt, order.id.0, order.buyer_phone, &News::Order(about, Saying::Confirmed), now_s)
}

/// What is to be said of an order or an offer, before it has words.
struct Told {
    listing: Uuid,
    quantity: Quantity,
    unit_price_minor: i64,
    /// `None`: the listing's.
    currency: Option<Currency>,
}

enum Saying {
    Confirmed,
    Refused(Rejection),
    Short,
    Cancelled,
    CancelRefused(Rejection),
    OfferRefused(Rejection),
    Withdrawn,
    WithdrawRefused(Rejection),
}

enum News {
    Order(Told, Saying),
    NotRegistered(Rejection),
}

/// What there is to tell of a verdict, and whom; nothing where it only confirms what was said.
fn news(conn: &Connection, state: &CommandState) -> Result<Option<(u64, News)>, DbError> {
    let refused = match &state.verdict {
        Some(Verdict::Rejected(reject)) => Some(Rejection::from(reject)),
        Some(Verdict::Dismissed) => Some(Rejection::Other),
        Some(Verdict::Applied(_)) => None,
        None | Some(Verdict::Held | Verdict::Quarantined | Verdict::Unsupported) => return Ok(None),
    };
    let was_asked = state.certainty == Certainty::Request;
    let is_short = matches!(&state.verdict, Some(Verdict::Applied(applied)) if applied.short);
    let actor = state.command.actor;
    let person = if actor.kind == ActorKind::Office { 0 } else { actor.phone };
    let told = match Body::from_raw(&state.command.body) {
        Ok(Some(Body::OrderPlace(order))) => {
            let buyer = if order.buyer_phone == 0 { person } else { order.buyer_phone };
            let saying = match refused {
                Some(why) => Saying::Refused(why),
                None if is_short => Saying::Short,
                None if was_asked => Saying::Confirmed,
                None => return Ok(None),
            };
            (buyer, News::Order(of_order(&order), saying))
        }
        Ok(Some(Body::OrderCancel(cancel))) => {
            let Some(order) = replica::get::<Order>(conn, Key::Uuid(cancel.order))? else { return Ok(None) };
            let saying = match refused {
                Some(why) => Saying::CancelRefused(why),
                None if was_asked => Saying::Cancelled,
                None => return Ok(None),
            };
            let about = Told {
                listing: order.listing.0,
                quantity: order.quantity,
                unit_price_minor: order.unit_price_minor,
                currency: Some(order.currency),
            };
            (order.buyer_phone, News::Order(about, saying))
        }
        Ok(Some(Body::ListingPost(post))) => {
            let Some(why) = refused else { return Ok(None) };
            let about = Told {
                listing: post.listing,
                quantity: Quantity(post.quantity_milli),
                unit_price_minor: post.price_minor,
                currency: Currency::new(&post.currency),
            };
            // Its row went with the refusal; the words come from the command.
            return Ok(Some((person, News::Order(about, Saying::OfferRefused(why)))));
        }
        Ok(Some(Body::ListingWithdraw(withdraw))) => {
            let saying = match refused {
                Some(why) => Saying::WithdrawRefused(why),
                None if was_asked => Saying::Withdrawn,
                None => return Ok(None),
            };
            let Some(listing) = replica::get::<Listing>(conn, Key::Uuid(withdraw.listing))? else {
                return Ok(None);
            };
            let left = replica::holdings(conn, listing.id)?.iter().map(|(_, q)| q.0.max(0)).sum();
            let about = Told {
                listing: listing.id.0,
                quantity: Quantity(left),
                unit_price_minor: listing.price_minor,
                currency: Some(listing.currency),
            };
            (person, News::Order(about, saying))
        }
        Ok(Some(Body::MemberRegister(register))) => {
            // A known member who only changed name or language stays one.
            let is_member = replica::get::<Member>(conn, Key::Uuid(register.member))?.is_some();
            match refused.filter(|_| !is_member) {
                Some(why) => (register.phone, News::NotRegistered(why)),
                None => return Ok(None),
            }
        }
        // Acts of the office, which sees them on its page.
        Ok(Some(Body::ListingEdit(_) | Body::StockAdjust(_)) | None) | Err(_) => return Ok(None),
    };
    Ok(Some(told))
}

fn of_order(order: &OrderPlace) -> Told {
    Told {
        listing: order.listing,
        quantity: Quantity(order.quantity_milli),
        unit_price_minor: order.unit_price_minor,
        currency: None,
    }
}

/// Queues one message, unless there is nobody to get it or the person wants none.
fn say(
    tx: &Transaction<'_>,
    kind: Kind,
    command: Uuid,
    phone: u64,
    news: &News,
    now_s: i64,
) -> Result<bool, DbError> {
    if phone == 0 || outbox::has_opted_out(tx, phone)? {
        return Ok(false);
    }
    let lang = lang_of(tx, phone)?;
    let notice_of = match news {
        News::NotRegistered(why) => Notice::RegisterRefused(*why),
        News::Order(told, saying) => {
            let Some(about) = about(tx, command, told, lang)? else { return Ok(false) };
            match saying {
                Saying::Confirmed => Notice::OrderConfirmed(about),
                Saying::Refused(why) => Notice::OrderRefused(about, *why),
                Saying::Short => Notice::OrderShort(about),
                Saying::Cancelled => Notice::OrderCancelled(about),
                Saying::CancelRefused(why) => Notice::CancelRefused(about, *why),
                Saying::OfferRefused(why) => Notice::OfferRefused(about, *why),
                Saying::Withdrawn => Notice::Withdrawn(about),
                Saying::WithdrawRefused(why) => Notice::WithdrawRefused(about, *why),
            }
        }
    };
    let text = notice(lang, &notice_of);
    let message = Outgoing { phone, text, kind, about: command.to_string(), gateway: None, link_id: None };
    outbox::queue(tx, &message, now_s)
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

/// The words of a thing. `None` where nothing is known of it here any more: then no sentence about it would help.
fn about(conn: &Connection, command: Uuid, told: &Told, lang: Lang) -> Result<Option<About>, DbError> {
    let listing = replica::get::<Listing>(conn, Key::Uuid(told.listing))?;
    let offered = match listing {
        Some(listing) => Some(Offered {
            commodity: listing.commodity.0,
            unit: listing.unit.0,
            title: listing.title,
            currency: Some(listing.currency),
        }),
        // Refused, so that its row is gone: what it was stands in its command, whose id it has when it was made by phone.
        None => match posted(conn, command)? {
            Some(offered) => Some(offered),
            None => posted(conn, told.listing)?,
        },
    };
    let Some(Offered { commodity, unit, title, currency }) = offered else { return Ok(None) };
    let Some(currency) = told.currency.or(currency) else { return Ok(None) };
    let name = match replica::get::<Commodity>(conn, Key::Int(commodity))? {
        _ if !title.is_empty() => title,
        Some(row) if lang == Lang::Sw && !row.name_sw.is_empty() => row.name_sw,
        Some(row) => row.name,
        None => return Ok(None),
    };
    let code = replica::get::<Unit>(conn, Key::Int(unit))?.map_or_else(String::new, |unit| unit.code);
    Ok(Some(About {
        name,
        unit_text: unit_name(Messages::get(), lang, &code),
        quantity_milli: told.quantity.0,
        unit_price_minor: told.unit_price_minor,
        currency,
    }))
}

/// What an offer is of.
struct Offered {
    commodity: u32,
    unit: u32,
    title: String,
    currency: Option<Currency>,
}

/// What a command offered, if it is one that offers.
fn posted(conn: &Connection, command: Uuid) -> Result<Option<Offered>, DbError> {
    let state = commands::outcome(conn, CommandId(command))?;
    Ok(match state.map(|state| Body::from_raw(&state.command.body)) {
        Some(Ok(Some(Body::ListingPost(post)))) => Some(Offered {
            commodity: post.commodity,
            unit: post.unit,
            title: post.title,
            currency: Currency::new(&post.currency),
        }),
        _ => None,
    })
}
