//! What there is to tell of the hub's word on a command, and whom. Only says it: nothing is queued or marked here.

use super::{at_the_hub, buyer_of, who};
use crate::commands::{self, CommandState, Thing};
use crate::db::DbError;
use crate::replica;
use crate::text::why::Rejection;
use rusqlite::Connection;
use sync_protocol::market::{Body, Certainty, Member, Order, OrderStatus};
use sync_protocol::row::Key;
use sync_protocol::verdict::Verdict;
use uuid::Uuid;

/// What there is to tell, and whom; 0 for nobody.
pub(super) struct News {
    pub(super) phone: u64,
    pub(super) saying: Saying,
    /// `None` where nothing is known of it any more: then the words say which act it was.
    pub(super) thing: Option<Thing>,
}

pub(super) enum Saying {
    Confirmed,
    Refused(Rejection),
    Short,
    ConfirmedAgain,
    /// The order, whoever took it back.
    Cancelled(Uuid),
    CancelRefused(Rejection),
    OfferRefused(Rejection),
    Withdrawn,
    WithdrawRefused(Rejection),
    NotRegistered(Rejection),
}

impl Saying {
    /// Whether an order is said to be short; `None` where nothing is said of that.
    pub(super) fn is_short(&self) -> Option<bool> {
        match self {
            Self::Short => Some(true),
            Self::Confirmed | Self::ConfirmedAgain => Some(false),
            _ => None,
        }
    }
}

/// What there is to tell of a verdict, and whom; nothing where it only confirms what was said.
pub(super) fn news(
    conn: &Connection,
    state: &CommandState,
    is_taken_back: bool,
) -> Result<Option<News>, DbError> {
    let refused = match &state.verdict {
        Some(Verdict::Rejected(reject)) => Some(Rejection::from(reject)),
        Some(Verdict::Dismissed) => Some(Rejection::Other),
        Some(Verdict::Applied(_)) => None,
        None | Some(Verdict::Held | Verdict::Quarantined | Verdict::Unsupported) => return Ok(None),
    };
    let was_asked = state.certainty == Certainty::Request;
    let thing = commands::thing(conn, state)?;
    let person = who(state, thing.as_ref());
    let buyer = thing.as_ref().map_or(0, |thing| thing.buyer_phone);
    let (phone, saying) = match Body::from_raw(&state.command.body) {
        Ok(Some(Body::OrderPlace(_))) => {
            let buyer = buyer_of(state, thing.as_ref());
            let saying = match refused {
                // Nobody who took an order back is told afterwards that it is sure, or refused.
                _ if is_taken_back => return Ok(None),
                Some(why) => Saying::Refused(why),
                None => match taken(conn, state, was_asked)? {
                    Some(saying) => saying,
                    None => return Ok(None),
                },
            };
            (buyer, saying)
        }
        Ok(Some(Body::OrderCancel(cancel))) => {
            let saying = match refused {
                // It came too late for another who took the order back: that it is cancelled is what counts.
                Some(_) if at_the_hub(conn, cancel.order)? == Some(OrderStatus::Cancelled) => {
                    Saying::Cancelled(cancel.order)
                }
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

/// What there is to say of an order that the hub has taken, as it stands by now.
fn taken(conn: &Connection, state: &CommandState, was_asked: bool) -> Result<Option<Saying>, DbError> {
    let row = standing(conn, state)?;
    let is_short = match row.map(|order| order.status) {
        Some(OrderStatus::Cancelled) => return Ok(was_asked.then_some(Saying::Cancelled(state.command.id.0))),
        Some(OrderStatus::Short) => true,
        Some(OrderStatus::Confirmed | OrderStatus::Fulfilled) => false,
        Some(OrderStatus::Asked | OrderStatus::Other(_)) | None => {
            matches!(&state.verdict, Some(Verdict::Applied(applied)) if applied.short)
        }
    };
    Ok(match (is_short, state.heard_short) {
        (true, false) => Some(Saying::Short),
        (true, true) => None,
        // What was sure at once is said to be so again where something else was heard since.
        (false, heard_short) => {
            (was_asked || state.was_told_otherwise || heard_short).then_some(Saying::Confirmed)
        }
    })
}

/// The order of a command, as it stands here.
fn standing(conn: &Connection, state: &CommandState) -> Result<Option<Order>, DbError> {
    replica::get(conn, Key::Uuid(state.command.id.0))
}
