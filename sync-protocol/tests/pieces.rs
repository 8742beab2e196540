//! What is counted in pieces is whole: one rule, where every command is decided. A request is refused wherever that is, a record only where
//! a person enters it; what an office of an earlier version has recorded is applied, and an order of it is flagged.

#![expect(clippy::unwrap_used, reason = "a test")]

use sync_protocol::ids::{
    CommandId, CommodityId, CooperativeId, EdgeId, Holder, ListingId, UnitId, hub_born,
};
use sync_protocol::market::{
    Actor, ActorKind, Adjustment, Body, Command, Commodity, Context, Effect, Listing, ListingPost,
    ListingStatus, Order, OrderPlace, Sample, Source, StockAdjust, Unit, UnitBase, WorkingSet,
};
use sync_protocol::units::{Currency, Quantity};
use sync_protocol::verdict::{Reject, RejectCode};

const OFFICE: Holder = Holder::Edge(EdgeId(1));
const HEAD: UnitId = UnitId(1);
const COOP: CooperativeId = CooperativeId(1);

/// Goats by the head, ten at each holder.
fn market() -> WorkingSet {
    let mut set = WorkingSet::default();
    set.put(&Commodity { id: CommodityId(1), ..Sample::sample() });
    set.put(&Unit { id: HEAD, base: UnitBase::Piece, factor_milli: 1_000, ..Sample::sample() });
    let listing = Listing {
        id: ListingId(hub_born(1)),
        cooperative: COOP,
        commodity: CommodityId(1),
        unit: HEAD,
        title: String::new(),
        price_minor: 100,
        currency: Currency::new("MWK").unwrap(),
        seller: None,
        status: ListingStatus::Active,
        posted_at_s: 0,
        available: None,
    };
    for holder in [Holder::Hub, OFFICE] {
        set.set_available(listing.id, holder, Quantity::units(10));
    }
    set.put(&listing);
    set
}

fn place(quantity_milli: i64, source: Source) -> Body {
    let (listing, buyer_name) = (hub_born(1), String::new());
    OrderPlace {
        listing,
        quantity_milli,
        unit_price_minor: 100,
        source,
        buyer_phone: 0,
        buyer_name,
        channel: 0,
    }
    .into()
}

fn post(quantity_milli: i64) -> Body {
    ListingPost {
        listing: hub_born(2),
        commodity: 1,
        unit: HEAD.0,
        title: String::new(),
        quantity_milli,
        price_minor: 100,
        currency: "MWK".to_owned(),
        seller: None,
        hub_milli: None,
    }
    .into()
}

fn adjust(found: Adjustment) -> Body {
    StockAdjust { listing: hub_born(1), found, reason: String::new(), undoes: None }.into()
}

/// Decided at `place`, having come by `origin`'s stream.
fn decide(body: &Body, place: Holder, origin: Holder) -> Result<Vec<Effect>, Reject> {
    let actor = Actor { kind: ActorKind::Office, id: None, phone: 0 };
    let command = Command { id: CommandId(hub_born(9)), seq: 1, made_at_s: 0, actor, body: body.to_raw() };
    let (cooperative, share_with) = (Some(COOP), None);
    let context =
        Context { place, origin, cooperative, clerk: true, admin: false, share_with, hub_share_percent: 50 };
    Ok(body.decide(&command, &context, &market())?.effects)
}

#[test]
fn half_a_head_is_refused_where_it_is_entered_and_where_it_is_asked_for() {
    let refused = Err(Reject::with(RejectCode::Invalid, ["/quantity".to_owned()]));
    for (half, whole) in [
        (place(500, Source::Ask), place(2_000, Source::Ask)),
        (place(500, Source::Held), place(2_000, Source::Held)),
        (post(2_500), post(2_000)),
        (adjust(Adjustment::Intake(500)), adjust(Adjustment::Intake(1_000))),
        (adjust(Adjustment::WriteOff(500)), adjust(Adjustment::WriteOff(1_000))),
    ] {
        for here in [Holder::Hub, OFFICE] {
            assert_eq!(decide(&half, here, here), refused, "{half:?}");
            assert!(decide(&whole, here, here).is_ok(), "{whole:?}");
        }
    }
    assert_eq!(
        decide(&place(500, Source::Ask), Holder::Hub, OFFICE),
        refused,
        "a request of an older office"
    );
}

#[test]
fn what_an_office_has_recorded_is_applied_and_its_order_flagged() {
    let counted = Adjustment::Count { counted_milli: 9_500, expected_milli: 10_000 };
    for record in
        [post(2_500), adjust(Adjustment::Intake(500)), adjust(Adjustment::WriteOff(500)), adjust(counted)]
    {
        assert!(decide(&record, Holder::Hub, OFFICE).is_ok(), "{record:?}");
    }
    let flag = |quantity| -> Option<&'static str> {
        let effects = decide(&place(quantity, Source::Held), Holder::Hub, OFFICE).unwrap();
        effects.iter().find_map(|effect| effect.read::<Order>()).unwrap().flag(1_000)
    };
    assert_eq!((flag(500), flag(2_000)), (Some("quantity"), None));
}

#[test]
fn a_quarter_of_a_dozen_is_three_and_of_what_is_weighed_there_is_any_part() {
    let mut set = market();
    set.put(&Unit { id: UnitId(2), base: UnitBase::Piece, factor_milli: 12_000, ..Sample::sample() });
    assert!(set.is_in_steps(UnitId(2), Quantity(250)) && !set.is_in_steps(UnitId(2), Quantity(300)));
    assert!(set.is_in_steps(UnitId(3), Quantity(1)), "of an unknown unit nothing is said");
}
