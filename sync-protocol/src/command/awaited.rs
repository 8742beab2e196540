//! Commands that a hub cannot decide yet, because it was restored from a backup and an office has not come since that may know more, or
//! because what makes their order or listing lies there undecided: they neither take effect nor are refused meanwhile. What follows from that is the
//! hub's.

use super::{Body, Context, OrderCancel, Source, WorkingSet};
use crate::ids::{Holder, ListingId, OrderId};

impl Body {
    /// Whether it is about what may still come: units that the hub may have sold, a listing or an order that it may have forgotten or has
    /// not decided.
    pub fn is_awaited(&self, context: &Context, set: &WorkingSet) -> bool {
        let is_unknown =
            |listing| set.may_come.contains(&listing) && !set.listings.contains_key(&ListingId(listing));
        match self {
            Self::OrderPlace(order) => {
                let is_left_unknown =
                    order.source == Source::Ask && set.awaited.contains(&ListingId(order.listing));
                is_left_unknown || is_unknown(order.listing)
            }
            Self::OrderCancel(cancel) => {
                let order = cancel.order;
                let is_unknown = set.may_come.contains(&order) && !set.orders.contains_key(&OrderId(order));
                is_unknown && !cancel.is_of_nobody_elses(context)
            }
            Self::ListingEdit(edit) => is_unknown(edit.listing),
            Self::ListingWithdraw(withdraw) => is_unknown(withdraw.listing),
            Self::StockAdjust(adjust) => is_unknown(adjust.listing),
            // They need nothing that was there before.
            Self::MemberRegister(_) | Self::ListingPost(_) => false,
        }
    }
}

impl OrderCancel {
    /// Whether its order never left the box that takes it back: unknown here, its placing was refused a moment ago.
    fn is_of_nobody_elses(&self, context: &Context) -> bool {
        self.never_left && context.origin != Holder::Hub
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{
        ALL, Adjustment, ListingEdit, ListingPost, ListingWithdraw, MemberRegister, OrderPlace, StockAdjust,
    };
    use crate::ids::{EdgeId, hub_born};

    fn context(origin: Holder) -> Context {
        Context {
            place: Holder::Hub,
            origin,
            cooperative: None,
            clerk: true,
            admin: false,
            share_with: None,
            hub_share_percent: 50,
        }
    }

    #[test]
    fn whatever_is_about_something_unknown_waits_for_the_office_that_may_bring_it() {
        let about = hub_born(5);
        let place = |source| OrderPlace {
            listing: about,
            quantity_milli: 1,
            unit_price_minor: 1,
            source,
            buyer_phone: 0,
            buyer_name: String::new(),
            channel: 0,
        };
        let post = ListingPost {
            listing: about,
            commodity: 1,
            unit: 1,
            title: String::new(),
            quantity_milli: 1,
            price_minor: 1,
            currency: "MWK".into(),
            seller: None,
            hub_milli: None,
        };
        let intake = StockAdjust { listing: about, found: Adjustment::Intake(1), reason: String::new() };
        let all: [(Body, bool); 9] = [
            (
                MemberRegister { member: about, phone: 1, name: "A".into(), language: "en".into() }.into(),
                false,
            ),
            (post.into(), false),
            (ListingEdit { listing: about, price_minor: None, title: None }.into(), true),
            (ListingWithdraw { listing: about }.into(), true),
            (place(Source::Ask).into(), true),
            (place(Source::Held).into(), true),
            (OrderCancel::new(about).into(), true),
            (OrderCancel { order: about, never_left: true }.into(), false),
            (intake.into(), true),
        ];
        assert!(
            ALL.iter().all(|(kind, _)| all.iter().any(|(body, _)| body.kind() == *kind)),
            "one is missing here"
        );
        let edge = context(Holder::Edge(EdgeId(1)));
        for (body, waits) in all {
            let mut set = WorkingSet::default();
            assert!(!body.is_awaited(&edge, &set), "{body:?}: nothing more may come");
            set.may_come.insert(about);
            assert_eq!(body.is_awaited(&edge, &set), waits, "{body:?}");
        }
    }
}
