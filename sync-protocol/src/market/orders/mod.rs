//! Orders: placing one, and taking it back.

mod cancel;
mod place;
#[cfg(test)]
mod tests;

pub use cancel::OrderCancel;
pub use place::{OrderPlace, Source};

use super::decision::Effect;
use super::entity::{Awaited, Sample, Settled, entity};
use super::set::{Search, WorkingSet};
use crate::bucket::Bucket;
use crate::field::codes;
use crate::ids::{CooperativeId, Holder, ListingId, OrderId, hub_born};
use crate::units::{Currency, Quantity, total_minor};

codes! {
    /// How far an order is.
    OrderStatus {
        Confirmed = 0 "confirmed",
        Asked = 1 "asked",
        Cancelled = 2 "cancelled",
        Short = 3 "short",
        Fulfilled = 4 "fulfilled",
    }
}

codes! {
    /// Where an order was made.
    Channel { Rest = 0 "rest", Ussd = 1 "ussd", Sms = 2 "sms", Office = 3 "office" }
}

entity! {
    /// An order of one listing. In the seller's `coop:C`, and in the buyer's where that is another.
    Order = 14 "order", id id: OrderId;
    beside [LISTING => Listing];
    summed by LISTING;
    {
        /// What is bought.
        1 listing: ListingId => LISTING,
        /// The cooperative that sells.
        2 cooperative: CooperativeId,
        /// How much, in the listing's unit.
        3 quantity: Quantity,
        /// Price of one unit when it was ordered, in minor units.
        4 unit_price_minor: i64,
        /// The currency.
        5 currency: Currency,
        /// Whose units it spends; `None` while it is only asked for.
        6 holder: Option<Holder>,
        /// The buyer's number: E.164 without the plus sign, as a number; 0 when unknown.
        7 buyer_phone: u64 => BUYER_PHONE,
        /// The buyer's name, where given.
        8 buyer_name: String,
        /// The buyer's cooperative, where that is not the seller's.
        9 buyer_cooperative: Option<CooperativeId>,
        /// How far it is.
        10 status: OrderStatus,
        /// Where it was made.
        11 channel: Channel,
        /// Made at, seconds since 1970 UTC, as the node where it was made claimed.
        12 placed_at_s: i64,
        /// It was sold at a price at which the listing never stood: a person has to look. Known to the hub alone, which has the
        /// listing's history.
        13 odd_price: bool,
        /// An account at the hub ordered it whose number nobody has confirmed: the seller should call before setting anything aside.
        /// Known to the hub alone, which takes it back once somebody has vouched for the number.
        14 buyer_unconfirmed: bool,
        /// When the hub recorded it, seconds since 1970 UTC by its own clock; `None` before it has, and from one that did not say.
        15 recorded_at_s: Option<i64>,
    }
}

impl Awaited for Order {}

impl Settled for Order {
    fn home(&self, _: &WorkingSet) -> Option<Vec<Bucket>> {
        let buyer = self.buyer_cooperative.filter(|buyer| *buyer != self.cooperative);
        Some([self.cooperative].into_iter().chain(buyer).map(Bucket::Coop).collect())
    }

    fn enter(&self, set: &mut WorkingSet) {
        if self.status != OrderStatus::Short {
            set.facts.made_short.remove(&self.id);
        }
        set.put(self);
    }
}

impl Order {
    /// Whether its units are spoken for, and it is not over.
    pub fn is_open(&self) -> bool {
        matches!(self.status, OrderStatus::Confirmed | OrderStatus::Short)
    }

    /// Finds the open orders of a listing. Whoever answers may leave out, or not, those that are not open.
    pub fn open_of(listing: ListingId) -> Search {
        Search::by(Self::LISTING, &listing)
    }

    /// The word for what a person has to look at, if anything, where its unit can be had in steps of so many thousandths; `short` is a
    /// status of its own.
    pub fn flag(&self, step_milli: i64) -> Option<&'static str> {
        let is_in_parts = self.quantity.0 % step_milli.max(1) != 0;
        self.odd_price.then_some("price").or_else(|| is_in_parts.then_some("quantity"))
    }

    /// What the order costs, in minor units. Quantity and price were checked to keep it within range.
    pub fn total_minor(&self) -> i64 {
        total_minor(self.quantity, self.unit_price_minor).unwrap_or(i64::MAX)
    }
}

impl WorkingSet {
    /// The open orders of a listing, where they were asked for.
    pub fn open_orders(&self, listing: ListingId) -> Vec<Order> {
        let mut orders = self.find::<Order>(&Order::open_of(listing));
        orders.retain(Order::is_open);
        orders
    }

    /// The listing of an order that spends a holder's units; `None` for any other order.
    pub fn sold_by(&self, holder: Holder, order: OrderId) -> Option<ListingId> {
        self.get::<Order>(order).filter(|order| order.holder == Some(holder)).map(|order| order.listing)
    }
}

/// The orders that stand short among what a command sets.
pub(super) fn short_orders(effects: &[Effect]) -> impl Iterator<Item = OrderId> {
    let orders = effects.iter().filter_map(Effect::read::<Order>);
    orders.filter(|order| order.status == OrderStatus::Short).map(|order| order.id)
}

impl Sample for Order {
    fn sample() -> Self {
        Self {
            id: OrderId(hub_born(5)),
            listing: ListingId(hub_born(1)),
            cooperative: CooperativeId(12),
            quantity: Quantity(2_500),
            unit_price_minor: 52_000,
            currency: Currency::MWK,
            holder: Some(Holder::Hub),
            buyer_phone: 265_991_234_567,
            buyer_name: "Grace".into(),
            buyer_cooperative: Some(CooperativeId(13)),
            status: OrderStatus::Confirmed,
            channel: Channel::Ussd,
            placed_at_s: 1_700_000_000,
            odd_price: true,
            buyer_unconfirmed: true,
            recorded_at_s: Some(1_700_000_003),
        }
    }
}
