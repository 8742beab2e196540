//! Listings: what is offered for sale. Products, in the REST API's words.

mod edit;
mod post;
#[cfg(test)]
mod tests;
mod withdraw;

pub use edit::{ListingEdit, TextChange, WholeChange};
pub use post::ListingPost;
pub use withdraw::ListingWithdraw;

pub(super) use edit::needs as changing;

use super::entity::{Awaited, Sample, Settled, entity};
use super::set::WorkingSet;
use crate::bucket::Bucket;
use crate::field::codes;
use crate::ids::{CommodityId, CooperativeId, ListingId, MemberId, UnitId, hub_born};
use crate::units::{Currency, Quantity};

codes! {
    /// Whether a listing can be bought.
    ListingStatus { Active = 0 "active", Withdrawn = 1 "withdrawn" }
}

entity! {
    /// Something offered for sale. In its cooperative's `coop:C`; others see it in `catalogue:R`.
    Listing = 13 "listing", id id: ListingId;
    beside [UNIT => Unit, SELLER => Alias];
    {
        /// The cooperative that sells.
        1 cooperative: CooperativeId,
        /// What it is.
        2 commodity: CommodityId => COMMODITY,
        /// What one unit of it is.
        3 unit: UnitId as UNIT,
        /// A name of its own, such as "Maize grade A"; empty where the commodity's name says enough.
        4 title: String,
        /// Price of one unit, in minor units.
        5 price_minor: i64,
        /// The currency.
        6 currency: Currency,
        /// The member who offers it; `None` when the cooperative does.
        7 seller: Option<MemberId> => SELLER,
        /// Whether it can be bought.
        8 status: ListingStatus,
        /// Posted at, seconds since 1970 UTC, as the posting node claimed.
        9 posted_at_s: i64,
        /// In `catalogue:R` only: what the hub could sell when the row was written.
        10 available: Option<Quantity>,
    }
}

impl Awaited for Listing {}

impl Settled for Listing {
    fn home(&self, _: &WorkingSet) -> Option<Vec<Bucket>> {
        Some(vec![Bucket::Coop(self.cooperative)])
    }

    fn enter(&self, set: &mut WorkingSet) {
        if !set.has::<Self>(self.id) {
            // Whoever posts it here knows every price that it ever had.
            set.facts.priced.insert(self.id);
        }
        set.facts.prices.insert((self.id, self.price_minor));
        set.put(self);
    }
}

impl Sample for Listing {
    fn sample() -> Self {
        Self {
            id: ListingId(hub_born(1)),
            cooperative: CooperativeId(12),
            commodity: CommodityId(5),
            unit: UnitId(1),
            title: "Seed maize".into(),
            price_minor: 52_000,
            currency: Currency::MWK,
            seller: Some(MemberId(hub_born(2))),
            status: ListingStatus::Active,
            posted_at_s: 1_700_000_000,
            available: Some(Quantity::units(25)),
        }
    }
}
