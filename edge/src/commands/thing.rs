//! What a command is about, kept beside it as it was when the command was made: a listing may leave this node before the hub has
//! answered, and the answer must still name it. Kept for words alone; nothing is decided by it.

use super::{CommandState, outcome};
use crate::db::DbError;
use crate::replica;
use crate::stock;
use crate::text::Lang;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use sync_protocol::ids::{CommandId, ListingId};
use sync_protocol::market::{Body, Commodity, Listing, ListingPost, Order, Unit};
use sync_protocol::row::Key;
use sync_protocol::units::Currency;
use uuid::Uuid;

/// A thing that somebody orders or offers, in words that need no other row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thing {
    /// The listing.
    pub listing: Uuid,
    /// Its cooperative's number; 0 for one that was only being offered.
    pub cooperative: u32,
    /// Its title, or the crop's name in English.
    pub name: String,
    /// The crop's name in Swahili where it has one and the listing no title; else empty.
    pub name_sw: String,
    /// The code of its unit, such as `KG`.
    pub unit: String,
    /// The code of its currency; empty where that was not known.
    pub currency: String,
    /// How much of it: of an order or an offer what was named, else what there was of it.
    pub quantity_milli: i64,
    /// Price of one unit, in minor units.
    pub unit_price_minor: i64,
    /// Whom an order is for: E.164 without the plus sign; 0 where nobody was named.
    pub buyer_phone: u64,
    /// Whose act it is where the office pressed the keys for somebody: E.164 without the plus sign; 0 for nobody else's.
    #[serde(default)]
    pub caller_phone: u64,
}

impl Thing {
    /// What it is called.
    pub fn name(&self, lang: Lang) -> &str {
        if lang == Lang::Sw && !self.name_sw.is_empty() { &self.name_sw } else { &self.name }
    }

    /// In what it is paid, where that was known.
    pub fn currency(&self) -> Option<Currency> {
        Currency::new(&self.currency)
    }

    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The inverse; what cannot be read counts as not kept.
    pub(super) fn from_json(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }
}

/// What a stored command is about: as it was kept, or for one of an earlier version as far as it is known here now.
///
/// # Errors
/// Those of the database.
pub fn thing(conn: &Connection, state: &CommandState) -> Result<Option<Thing>, DbError> {
    match (&state.thing, Body::from_raw(&state.command.body)) {
        (Some(kept), _) => Ok(Some(kept.clone())),
        (None, Ok(Some(body))) => thing_of(conn, &body),
        (None, _) => Ok(None),
    }
}

/// What a command is about, by what is known here now; `None` for one about a person, or where nothing is known.
///
/// # Errors
/// Those of the database.
pub(super) fn thing_of(conn: &Connection, body: &Body) -> Result<Option<Thing>, DbError> {
    Ok(match body {
        Body::ListingPost(post) => Some(offered(conn, post)?),
        // Of a listing that is gone an order still says how much, and at what price.
        Body::OrderPlace(order) => Some(Thing {
            listing: order.listing,
            quantity_milli: order.quantity_milli,
            unit_price_minor: order.unit_price_minor,
            buyer_phone: order.buyer_phone,
            ..words_of(conn, order.listing)?.unwrap_or_default()
        }),
        Body::OrderCancel(cancel) => ordered(conn, cancel.order)?,
        Body::ListingWithdraw(withdraw) => listed(conn, withdraw.listing)?,
        Body::ListingEdit(edit) => listed(conn, edit.listing)?,
        Body::StockAdjust(adjust) => listed(conn, adjust.listing)?,
        Body::MemberRegister(_) => None,
    })
}

/// What an order is of, standing or in the log alone.
fn ordered(conn: &Connection, order: Uuid) -> Result<Option<Thing>, DbError> {
    let kept = outcome(conn, CommandId(order))?.and_then(|state| state.thing);
    let Some(order) = replica::get::<Order>(conn, Key::Uuid(order))? else { return Ok(kept) };
    let thing = match kept {
        Some(kept) => kept,
        None => words_of(conn, order.listing.0)?.unwrap_or_default(),
    };
    Ok(Some(Thing {
        listing: order.listing.0,
        cooperative: order.cooperative.0,
        currency: order.currency.as_str().to_owned(),
        quantity_milli: order.quantity.0,
        unit_price_minor: order.unit_price_minor,
        buyer_phone: order.buyer_phone,
        ..thing
    }))
}

/// A listing with what there is of it, which is added up from all that ever happened to it: only where that is told.
fn listed(conn: &Connection, listing: Uuid) -> Result<Option<Thing>, DbError> {
    let words = words_of(conn, listing)?;
    if replica::get::<Listing>(conn, Key::Uuid(listing))?.is_none() {
        return Ok(words);
    }
    let left = stock::holdings(conn, ListingId(listing))?.iter().map(|(_, held)| held.0.max(0)).sum();
    Ok(words.map(|words| Thing { quantity_milli: left, ..words }))
}

/// A listing without how much there is of it.
fn words_of(conn: &Connection, listing: Uuid) -> Result<Option<Thing>, DbError> {
    let Some(listing) = replica::get::<Listing>(conn, Key::Uuid(listing))? else {
        // An offer that was refused stands in its command alone, whose id it has when it was made by phone.
        return Ok(outcome(conn, CommandId(listing))?.and_then(|state| state.thing));
    };
    Ok(Some(Thing {
        listing: listing.id.0,
        cooperative: listing.cooperative.0,
        currency: listing.currency.as_str().to_owned(),
        unit_price_minor: listing.price_minor,
        ..named(conn, listing.title, listing.commodity.0, listing.unit.0)?
    }))
}

fn offered(conn: &Connection, post: &ListingPost) -> Result<Thing, DbError> {
    Ok(Thing {
        listing: post.listing,
        currency: post.currency.clone(),
        quantity_milli: post.quantity_milli,
        unit_price_minor: post.price_minor,
        ..named(conn, post.title.clone(), post.commodity, post.unit)?
    })
}

fn named(conn: &Connection, title: String, commodity: u32, unit: u32) -> Result<Thing, DbError> {
    let unit = replica::get::<Unit>(conn, Key::Int(unit))?.map_or_else(String::new, |unit| unit.code);
    let crop = replica::get::<Commodity>(conn, Key::Int(commodity))?;
    let (name, name_sw) = match crop {
        Some(crop) if title.is_empty() => (crop.name, crop.name_sw),
        _ => (title, String::new()),
    };
    Ok(Thing { name, name_sw, unit, ..Thing::default() })
}
