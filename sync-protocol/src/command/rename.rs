//! What a command names, by other ids: for an edge whose order or listing had to be given another id than it made.

use super::{
    Body, ListingEdit, ListingPost, ListingWithdraw, MemberRegister, OrderCancel, OrderPlace, StockAdjust,
};
use uuid::Uuid;

impl Body {
    /// The same with every id of a member, listing or order in it replaced.
    #[must_use]
    pub fn renamed(&self, new: impl Fn(Uuid) -> Uuid) -> Self {
        match self.clone() {
            Self::MemberRegister(b) => MemberRegister { member: new(b.member), ..b }.into(),
            Self::ListingPost(b) => {
                ListingPost { listing: new(b.listing), seller: b.seller.map(&new), ..b }.into()
            }
            Self::ListingEdit(b) => ListingEdit { listing: new(b.listing), ..b }.into(),
            Self::ListingWithdraw(b) => ListingWithdraw { listing: new(b.listing) }.into(),
            Self::OrderPlace(b) => OrderPlace { listing: new(b.listing), ..b }.into(),
            Self::OrderCancel(b) => OrderCancel { order: new(b.order), ..b }.into(),
            Self::StockAdjust(b) => StockAdjust { listing: new(b.listing), ..b }.into(),
        }
    }

    /// The id of what the command makes, where that is not the command's own.
    pub fn makes(&self) -> Option<Uuid> {
        match self {
            Self::MemberRegister(b) => Some(b.member),
            Self::ListingPost(b) => Some(b.listing),
            Self::ListingEdit(_)
            | Self::ListingWithdraw(_)
            | Self::OrderPlace(_)
            | Self::OrderCancel(_)
            | Self::StockAdjust(_) => None,
        }
    }
}
