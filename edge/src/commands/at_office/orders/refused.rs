//! Orders that the hub refused. Their local rows are gone, so that their units can be sold again, but a refusal is never silent: the
//! screen that made the order still shows it, with the reason, for 30 days. One that was taken back here before is shown as that.

use crate::commands::refusals::{NEWEST_FIRST, still_shown};
use crate::commands::state::{COLUMNS, CommandState};
use crate::commands::thing::{Thing, thing};
use crate::db::{DbError, pass_over};
use crate::replica;
use rusqlite::Connection;
use sync_protocol::ids::{ListingId, OrderId};
use sync_protocol::market::{ActorKind, Body, Channel, Listing, Order, OrderPlace};
use sync_protocol::row::Key;
use sync_protocol::units::{Currency, Quantity};
use sync_protocol::verdict::{Reject, Verdict};

impl RefusedOrder {
    /// In what it would have been paid, where that is known.
    pub fn currency(&self) -> Option<Currency> {
        let now = self.listing_now.as_ref().map(|listing| listing.currency);
        now.or_else(|| self.thing.as_ref().and_then(Thing::currency))
    }

    /// The number of the cooperative whose listing it was; 0 where that is not known.
    pub fn cooperative(&self) -> u32 {
        let now = self.listing_now.as_ref().map(|listing| listing.cooperative.0);
        now.or_else(|| self.thing.as_ref().map(|thing| thing.cooperative)).unwrap_or(0)
    }
}

/// An order that did not come about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedOrder {
    /// The order's id.
    pub id: OrderId,
    /// Its command's place in the stream.
    pub seq: u64,
    /// What was to be bought.
    pub listing: ListingId,
    /// The listing as it stands now; `None` when it is not here any more.
    pub listing_now: Option<Listing>,
    /// What it was when the order was made, where that is known.
    pub thing: Option<Thing>,
    /// How much.
    pub quantity: Quantity,
    /// Price of one unit, in minor units of the listing's currency.
    pub unit_price_minor: i64,
    /// The buyer's number: E.164 without the plus sign; 0 when unknown.
    pub buyer_phone: u64,
    /// The buyer's name, or empty.
    pub buyer_name: String,
    /// Where it was made.
    pub channel: Channel,
    /// When it was made, seconds since 1970 UTC, as far as this box knew.
    pub placed_at_s: i64,
    /// Why; `None` when an operator put it aside.
    pub reason: Option<Reject>,
    /// When the refusal came, seconds since 1970 UTC, by the hub's clock where that is known.
    pub refused_at_s: i64,
    /// Whether the buyer was told.
    pub told: bool,
    /// Whether it was taken back here before the refusal came: then it is cancelled to whoever asks.
    pub was_taken_back: bool,
}

/// Refused orders of the last 30 days, newest first: of one buyer's number, or of all.
///
/// # Errors
/// Those of the database.
pub fn refused_orders(conn: &Connection, buyer_phone: Option<u64>) -> Result<Vec<RefusedOrder>, DbError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM command WHERE verdict IN ('rejected', 'dismissed') AND {} {NEWEST_FIRST}",
        still_shown()
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query([])?;
    let mut list = Vec::new();
    while let Some(row) = rows.next()? {
        let Some(state) = pass_over(CommandState::read(row))? else { continue };
        let Ok(Some(Body::OrderPlace(order))) = Body::from_raw(&state.command.body) else { continue };
        let buyer = buyer(&order, &state);
        // Its cancel has a row of it here until the hub's word on that is there too.
        if state.was_taken_back && replica::get::<Order>(conn, Key::Uuid(state.command.id.0))?.is_some() {
            continue;
        }
        if buyer_phone.is_none_or(|phone| phone == buyer) {
            list.extend(pass_over(refused(conn, state, order, buyer))?);
        }
    }
    Ok(list)
}

/// The number that owns the order: the one stated, else that of the caller who made it; none for the office's own.
fn buyer(order: &OrderPlace, state: &CommandState) -> u64 {
    let actor = &state.command.actor;
    if order.buyer_phone == 0 && actor.kind != ActorKind::Office { actor.phone } else { order.buyer_phone }
}

fn refused(
    conn: &Connection,
    state: CommandState,
    order: OrderPlace,
    buyer: u64,
) -> Result<RefusedOrder, DbError> {
    let thing = thing(conn, &state)?;
    Ok(RefusedOrder {
        thing,
        id: OrderId(state.command.id.0),
        seq: state.command.seq,
        listing: ListingId(order.listing),
        listing_now: replica::get(conn, Key::Uuid(order.listing))?,
        quantity: Quantity(order.quantity_milli),
        unit_price_minor: order.unit_price_minor,
        buyer_phone: buyer,
        buyer_name: order.buyer_name,
        channel: Channel::from_code(order.channel),
        placed_at_s: state.command.made_at_s,
        reason: if let Some(Verdict::Rejected(reject)) = state.verdict { Some(reject) } else { None },
        refused_at_s: state.settled_at_s.unwrap_or_default(),
        told: state.told_at_s.is_some(),
        was_taken_back: state.was_taken_back,
    })
}
