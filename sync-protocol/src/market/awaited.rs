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
    use crate::ids::{EdgeId, hub_born};
    use crate::market::OrderPlace;
    use crate::market::samples::{at_the_hub, every_command};

    #[test]
    fn whatever_is_about_something_unknown_waits_for_the_office_that_may_bring_it() {
        let about = hub_born(5);
        let needs_nothing = |body: &Body| matches!(body, Body::MemberRegister(_) | Body::ListingPost(_));
        let of_the_log: Body = OrderCancel { order: about, never_left: true }.into();
        let held = every_command(about).into_iter().filter_map(|body| match body {
            Body::OrderPlace(place) => Some(OrderPlace { source: Source::Held, ..place }.into()),
            _ => None,
        });
        let all = every_command(about).into_iter().chain(held).map(|body| (!needs_nothing(&body), body));
        let all = all.chain([(false, of_the_log)]);
        let edge = at_the_hub(Holder::Edge(EdgeId(1)));
        for (waits, body) in all {
            let mut set = WorkingSet::default();
            assert!(!body.is_awaited(&edge, &set), "{body:?}: nothing more may come");
            set.may_come.insert(about);
            assert_eq!(body.is_awaited(&edge, &set), waits, "{body:?}");
        }
    }
}
