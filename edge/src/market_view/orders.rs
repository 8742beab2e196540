//! What a number has ordered.

use super::offers::{listing_name, unit_text};
use super::{View, db, unreadable};
use crate::commands::{self, ListKey, RecordOrder, RefusedOrder, Thing, key_of_refused};
use crate::db::DbError;
use crate::replica;
use crate::text::units::unit_name;
use crate::text::{Lang, Messages};
use crate::ussd::market::{MyOrder, OrderState, Orders, Read, Window};
use std::cmp::Reverse;
use sync_protocol::ids::CommandId;
use sync_protocol::market::{Listing, Order, OrderStatus};
use sync_protocol::phone::Phone;
use sync_protocol::row::Key;
use uuid::Uuid;

impl Orders for View<'_> {
    fn my_orders(&self, phone: &Phone, lang: Lang, window: Window) -> Read<Vec<MyOrder>> {
        let orders = self.orders_by(phone.number()).map_err(unreadable)?;
        let shown = orders.iter().skip(window.offset as usize).take(window.limit as usize);
        let shown: Result<Vec<_>, DbError> = shown.map(|row| self.my_order_of(row, lang)).collect();
        Ok(shown.map_err(unreadable)?.into_iter().flatten().collect())
    }

    fn my_order(&self, phone: &Phone, id: Uuid, lang: Lang) -> Read<Option<MyOrder>> {
        let orders = self.orders_by(phone.number()).map_err(unreadable)?;
        match orders.iter().find(|row| row.id() == id) {
            Some(row) => self.my_order_of(row, lang).map_err(unreadable),
            None => Ok(None),
        }
    }
}

impl View<'_> {
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
