//! What a command names, by other ids: for an edge whose order or listing had to be given another id than it made.

use super::{
    Body, ListingEdit, ListingPost, ListingWithdraw, MemberRegister, OrderCancel, OrderPlace, StockAdjust,
};
use uuid::Uuid;

impl Body {
    /// The same with every id of a member, listing, order or command in it replaced.
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
            Self::StockAdjust(b) => {
                StockAdjust { listing: new(b.listing), undoes: b.undoes.map(&new), ..b }.into()
            }
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

#[cfg(test)]
mod tests {
    use super::super::Adjustment;
    use super::*;

    #[test]
    fn what_takes_a_change_back_means_it_by_its_new_id() {
        let (listing, change, other) = (Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3));
        let body =
            |undoes| StockAdjust { listing, found: Adjustment::Intake(1), reason: String::new(), undoes };
        let renamed = Body::from(body(Some(change))).renamed(|id| if id == change { other } else { id });
        assert_eq!(renamed, body(Some(other)).into());
    }
}
