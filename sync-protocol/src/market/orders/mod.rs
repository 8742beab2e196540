//! Orders: placing one, and taking it back.

mod cancel;
mod place;

pub use cancel::OrderCancel;
pub use place::{OrderPlace, Source};

use super::entity::{entity, uuid_key};
use crate::field::codes;
use crate::ids::{CooperativeId, Holder, ListingId, OrderId};
use crate::row::Key;
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
    Order = 14 "order", key id: OrderId => |id| Key::Uuid(id.0), |key| uuid_key(key).map(OrderId);
    index [1, 7];
    {
        /// What is bought.
        1 listing: ListingId,
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
        7 buyer_phone: u64,
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

impl Order {
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
