//! Listings: what is offered for sale. Products, in the REST API's words.

mod edit;
mod post;
mod withdraw;

pub use edit::{ListingEdit, TextChange, WholeChange};
pub use post::ListingPost;
pub use withdraw::ListingWithdraw;

pub(super) use edit::listing_needs;

use super::entity::{entity, uuid_key};
use crate::field::codes;
use crate::ids::{CommodityId, CooperativeId, ListingId, MemberId, UnitId};
use crate::row::Key;
use crate::units::{Currency, Quantity};

codes! {
    /// Whether a listing can be bought.
    ListingStatus { Active = 0 "active", Withdrawn = 1 "withdrawn" }
}

entity! {
    /// Something offered for sale. In its cooperative's `coop:C`; others see it in `catalogue:R`.
    Listing = 13 "listing", key id: ListingId => |id| Key::Uuid(id.0), |key| uuid_key(key).map(ListingId);
    index [2, 7];
    {
        /// The cooperative that sells.
        1 cooperative: CooperativeId,
        /// What it is.
        2 commodity: CommodityId,
        /// What one unit of it is.
        3 unit: UnitId,
        /// A name of its own, such as "Maize grade A"; empty where the commodity's name says enough.
        4 title: String,
        /// Price of one unit, in minor units.
        5 price_minor: i64,
        /// The currency.
        6 currency: Currency,
        /// The member who offers it; `None` when the cooperative does.
        7 seller: Option<MemberId>,
        /// Whether it can be bought.
        8 status: ListingStatus,
        /// Posted at, seconds since 1970 UTC, as the posting node claimed.
        9 posted_at_s: i64,
        /// In `catalogue:R` only: what the hub could sell when the row was written.
        10 available: Option<Quantity>,
    }
}
