//! What belongs to one number: who it is, its offers, its orders, and what became of an act.

use super::offers::{listing_name, unit_text};
use super::{View, db};
use crate::commands::{self, CommandState, ListKey, RecordOrder, RefusedOrder, Thing, key_of_refused};
use crate::db::DbError;
use crate::replica;
use crate::text::why::Rejection;
use crate::text::{Lang, Messages};
use crate::ussd::market::{self, ListingState, MyListing, MyOrder, OrderState};
use crate::ussd::{Outcome, unit_name};
use rusqlite::Connection;
use std::cmp::Reverse;
use sync_protocol::ids::CommandId;
use sync_protocol::market::{
    Alias, Body, Certainty, Entity, EntryId, Listing, ListingStatus, Member, Order, OrderStatus, StockEntry,
};
use sync_protocol::row::Key;
use sync_protocol::verdict::Verdict;
use uuid::Uuid;

/// The member of an office with this number. One that gave way to another under the same number is not meant.
pub(crate) fn member_of(
    conn: &Connection,
    cooperative: sync_protocol::ids::CooperativeId,
    phone: u64,
) -> Result<Option<Member>, DbError> {
    for member in replica::find(conn, Member::PHONE, &phone)? {
        let gave_way = replica::get::<Alias>(conn, Key::Uuid(member.id.0))?.is_some();
        if member.cooperative == cooperative && !gave_way {
            return Ok(Some(member));
        }
    }
    Ok(None)
}

/// The language that a number is spoken to in; `None` where it chose none.
pub(crate) fn language_of(
    conn: &Connection,
    member: Option<&Member>,
    phone: u64,
) -> Result<Option<Lang>, DbError> {
    if let Some(lang) = member.and_then(|member| Lang::from_code(&member.language)) {
        return Ok(Some(lang));
    }
    Ok(db::number_language(conn, phone)?.and_then(|code| Lang::from_code(&code)))
}

/// What became of an act, as a screen says it; `None` when it was never taken.
pub(crate) fn outcome_of(conn: &Connection, id: Uuid) -> Result<Option<Outcome>, DbError> {
    Ok(commands::outcome(conn, CommandId(id))?.map(|state| outcome(&state)))
}

fn outcome(state: &CommandState) -> Outcome {
    let is_order = matches!(Body::from_raw(&state.command.body), Ok(Some(Body::OrderPlace(_))));
    let done = if is_order { Outcome::Confirmed { reference: None } } else { Outcome::Done };
    let asked = Outcome::Asked { reference: None };
    match &state.verdict {
        // Sold, but there was not enough: nobody may call that sure, and an SMS says the rest.
        Some(Verdict::Applied(applied)) if applied.short => asked,
        Some(Verdict::Applied(_)) => done,
        Some(Verdict::Rejected(reject)) => Outcome::Rejected(Rejection::from(reject)),
        Some(Verdict::Dismissed) => Outcome::Rejected(Rejection::Other),
        None | Some(Verdict::Held | Verdict::Quarantined | Verdict::Unsupported) => match state.certainty {
            Certainty::Record => done,
            Certainty::Request => asked,
        },
    }
}

impl View<'_> {
    /// Whether anything here is of a number: a member, or an order. What cannot be read counts for nothing.
    pub(crate) fn knows(&self, phone: u64) -> Result<bool, DbError> {
        Ok(!replica::find_readable(self.conn, Member::PHONE, &phone)?.is_empty()
            || !replica::find_readable(self.conn, Order::BUYER_PHONE, &phone)?.is_empty())
    }

    /// The member of this office with a number.
    pub(crate) fn member(&self, phone: u64) -> Result<Option<Member>, DbError> {
        match &self.reference.own {
            Some(own) => member_of(self.conn, own.cooperative, phone),
            None => Ok(None),
        }
    }

    pub(super) fn who_calls(&self, phone: u64) -> Result<market::Caller, DbError> {
        let member = self.member(phone)?;
        let lang = language_of(self.conn, member.as_ref(), phone)?;
        let member = member.map(|member| market::Member { id: member.id.0, name: member.name });
        Ok(market::Caller { member, lang })
    }

    /// Offers of the member with a number, the newest first.
    pub(super) fn listings_by(&self, phone: u64) -> Result<Vec<Listing>, DbError> {
        let Some(member) = self.member(phone)? else { return Ok(Vec::new()) };
        let mut listings = replica::find_readable(self.conn, Listing::SELLER, &Some(member.id))?;
        listings.sort_by_key(|listing| (Reverse(listing.posted_at_s), Reverse(listing.id)));
        Ok(listings)
    }

    pub(super) fn my_listing_of(&self, listing: &Listing, lang: Lang) -> Result<MyListing, DbError> {
        let left_milli = self.amounts(listing)?.total_milli;
        let intake = Key::Step(listing.id.0, EntryId::INTAKE);
        let quantity =
            replica::get::<StockEntry>(self.conn, intake)?.map_or(left_milli, |entry| entry.quantity.0);
        let is_sent = replica::get_sent::<Listing>(self.conn, listing.key())?.is_some();
        let state = match listing.status {
            ListingStatus::Active if left_milli <= 0 => ListingState::SoldOut,
            ListingStatus::Active if !is_sent => ListingState::Waiting,
            ListingStatus::Active => ListingState::OnSale,
            ListingStatus::Withdrawn | ListingStatus::Other(_) => ListingState::Withdrawn,
        };
        Ok(MyListing {
            id: listing.id.0,
            name: listing_name(&self.reference, listing, lang),
            unit_text: unit_text(&self.reference, listing.unit.0, lang),
            quantity_milli: quantity,
            left_milli,
            unit_price_minor: listing.price_minor,
            currency: listing.currency,
            state,
            posted_at_s: listing.posted_at_s,
        })
    }

    /// Orders of a number, refused ones too, the newest first.
    pub(super) fn orders_by(&self, phone: u64) -> Result<Vec<OrderRow>, DbError> {
        let orders = replica::find_readable(self.conn, Order::BUYER_PHONE, &phone)?;
        let refused = commands::refused_orders(self.conn, Some(phone))?;
        let mut rows: Vec<OrderRow> =
            refused.into_iter().map(|order| OrderRow::Refused(Box::new(order))).collect();
        rows.extend(orders.into_iter().map(|order| OrderRow::Standing(Box::new(order))));
        let recorded = RecordOrder::load(self.conn)?;
        rows.sort_by_key(|row| Reverse(row.key(&recorded)));
        Ok(rows)
    }

    pub(super) fn my_order_of(&self, row: &OrderRow, lang: Lang) -> Result<Option<MyOrder>, DbError> {
        match row {
            OrderRow::Standing(order) => self.standing(order, lang).map(Some),
            OrderRow::Refused(order) => self.refused(order, lang),
        }
    }

    fn standing(&self, order: &Order, lang: Lang) -> Result<MyOrder, DbError> {
        let listing = replica::get::<Listing>(self.conn, Key::Uuid(order.listing.0))?;
        let is_open =
            matches!(order.status, OrderStatus::Confirmed | OrderStatus::Asked | OrderStatus::Short);
        let state = match order.status {
            OrderStatus::Confirmed => OrderState::Confirmed,
            OrderStatus::Short => OrderState::Short,
            OrderStatus::Fulfilled => OrderState::Fulfilled,
            OrderStatus::Cancelled if db::is_only_asked(self.conn, order.id)? => OrderState::CancelAsked,
            OrderStatus::Cancelled => OrderState::Cancelled,
            OrderStatus::Asked | OrderStatus::Other(_) => OrderState::Asked,
        };
        let thing = match listing {
            Some(_) => None,
            None => commands::outcome(self.conn, CommandId(order.id.0))?.and_then(|state| state.thing),
        };
        let (name, unit_text) = self.words(listing.as_ref(), thing.as_ref(), lang);
        Ok(MyOrder {
            id: order.id.0,
            name,
            unit_text,
            quantity_milli: order.quantity.0,
            unit_price_minor: order.unit_price_minor,
            currency: order.currency,
            state,
            can_cancel: is_open,
            placed_at_s: order.placed_at_s,
        })
    }

    /// Name and unit of a listing, or of what a command kept of one that has left this node.
    fn words(&self, listing: Option<&Listing>, kept: Option<&Thing>, lang: Lang) -> (String, String) {
        match (listing, kept) {
            (Some(listing), _) => (
                listing_name(&self.reference, listing, lang),
                unit_text(&self.reference, listing.unit.0, lang),
            ),
            (None, Some(kept)) => (kept.name(lang).to_owned(), unit_name(Messages::get(), lang, &kept.unit)),
            (None, None) => (String::new(), String::new()),
        }
    }

    fn refused(&self, order: &RefusedOrder, lang: Lang) -> Result<Option<MyOrder>, DbError> {
        let currency = order.currency().or(self.reference.currency);
        let (name, unit_text) = self.words(order.listing_now.as_ref(), order.thing.as_ref(), lang);
        Ok(currency.map(|currency| MyOrder {
            id: order.id.0,
            name,
            unit_text,
            quantity_milli: order.quantity.0,
            unit_price_minor: order.unit_price_minor,
            currency,
            state: if order.was_taken_back { OrderState::Cancelled } else { OrderState::Refused },
            can_cancel: false,
            placed_at_s: order.placed_at_s,
        }))
    }
}

/// An order that stands, or one that the hub refused.
pub(super) enum OrderRow {
    Standing(Box<Order>),
    Refused(Box<RefusedOrder>),
}

impl OrderRow {
    pub(super) fn id(&self) -> Uuid {
        match self {
            Self::Standing(order) => order.id.0,
            Self::Refused(order) => order.id.0,
        }
    }

    fn key(&self, recorded: &RecordOrder) -> ListKey {
        match self {
            Self::Standing(order) => recorded.key(order),
            Self::Refused(order) => key_of_refused(order),
        }
    }
}
