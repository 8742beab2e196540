//! Commands for tests of the rules about all of them.

use super::{
    Adjustment, Body, COMMANDS, Context, ListingEdit, ListingPost, ListingWithdraw, MemberRegister,
    OrderCancel, OrderPlace, Source, StockAdjust,
};
use crate::ids::Holder;
use uuid::Uuid;

/// One of each command, about one thing. None is missing.
pub(super) fn every_command(about: Uuid) -> Vec<Body> {
    let adjust = Adjustment::Count { counted_milli: 1, expected_milli: 2 };
    let place = OrderPlace {
        listing: about,
        quantity_milli: 1,
        unit_price_minor: 1,
        source: Source::Ask,
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
    let all = vec![
        MemberRegister { member: about, phone: 1, name: "A".into(), language: "en".into() }.into(),
        post.into(),
        ListingEdit { listing: about, price_minor: None, title: None }.into(),
        ListingWithdraw { listing: about }.into(),
        place.into(),
        OrderCancel::new(about).into(),
        StockAdjust { listing: about, found: adjust, reason: String::new(), undoes: None }.into(),
    ];
    assert!(all.iter().map(Body::kind).eq(COMMANDS.iter().map(|(kind, _)| *kind)), "one is missing here");
    all
}

/// At the hub, for somebody at an office's page.
pub(super) fn at_the_hub(origin: Holder) -> Context {
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
