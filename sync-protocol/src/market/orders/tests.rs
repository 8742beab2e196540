//! What comes of commands about orders.

use super::*;
use crate::market::cases::{
    COOP, Case, ID, MADE_AT_S, OFFICE, OTHER, at_the_office, clerk, from_the_office, later, market, now,
    refused, rows, sets, sets_short,
};
use crate::market::{
    Actor, ActorKind, Body, Certainty, Context, Decision, EntryId, EntryKind, Listing, ListingStatus, Rule,
    StockEntry,
};
use crate::verdict::{Reject, RejectCode};

fn case(of: &'static str, body: impl Into<Body>, comes: Result<Decision, Reject>) -> Case {
    let (actor, context) = (clerk(), from_the_office());
    Case { of, body: body.into(), actor, context, set: market(25, 25), comes }
}

fn entry(of: uuid::Uuid, step: u32, holder: Holder, quantity: Quantity, kind: EntryKind) -> StockEntry {
    StockEntry { id: EntryId { of, step }, listing: Listing::sample().id, holder, quantity, kind }
}

impl OrderPlace {
    pub(in crate::market) fn cases() -> Vec<Case> {
        [places(), refused_places()].concat()
    }
}

impl OrderCancel {
    pub(in crate::market) fn cases() -> Vec<Case> {
        cancels()
    }
}

fn place(units: i64, source: Source) -> OrderPlace {
    OrderPlace {
        quantity_milli: units * 1_000,
        unit_price_minor: 52_000,
        source,
        buyer_phone: 265_888_000_001,
        buyer_name: " Grace ".into(),
        ..Rule::sample(Listing::sample().id.0)
    }
}

fn placed(units: i64, status: OrderStatus, holder: Option<Holder>) -> Order {
    Order {
        id: OrderId(ID.0),
        quantity: Quantity::units(units),
        holder,
        buyer_phone: 265_888_000_001,
        buyer_cooperative: None,
        status,
        channel: Channel::Rest,
        placed_at_s: MADE_AT_S,
        odd_price: false,
        buyer_unconfirmed: false,
        recorded_at_s: None,
        ..Order::sample()
    }
}

fn sale(units: i64, holder: Holder) -> StockEntry {
    entry(ID.0, EntryId::SOLD, holder, Quantity::units(-units), EntryKind::Sale)
}

fn places() -> Vec<Case> {
    use OrderStatus::{Asked, Confirmed, Short};
    let held = |units, status| [now(&placed(units, status, Some(OFFICE))), now(&sale(units, OFFICE))];
    let from_hub = [now(&placed(20, Confirmed, Some(Holder::Hub))), now(&sale(20, Holder::Hub))];
    let odd = Order { odd_price: true, ..placed(20, Confirmed, Some(OFFICE)) };
    let mut never_so_dear = market(25, 25);
    never_so_dear.facts.priced.insert(Listing::sample().id);
    let for_others = Order { buyer_cooperative: Some(OTHER), ..placed(20, Confirmed, Some(Holder::Hub)) };
    let other = Context { cooperative: Some(OTHER), ..from_the_office() };
    vec![
        case("what the office held", place(20, Source::Held), sets(Certainty::Record, held(20, Confirmed))),
        case(
            "more than the office held",
            place(26, Source::Held),
            sets_short(Certainty::Record, held(26, Short)),
        ),
        Case {
            set: never_so_dear,
            ..case(
                "at a price that never was",
                place(20, Source::Held),
                sets(Certainty::Record, [now(&odd), now(&sale(20, OFFICE))]),
            )
        },
        case("the hub's", place(20, Source::Ask), sets(Certainty::Request, from_hub)),
        Case {
            context: other,
            ..case(
                "of another cooperative",
                place(20, Source::Ask),
                sets(Certainty::Request, [now(&for_others), now(&sale(20, Holder::Hub))]),
            )
        },
        Case {
            context: at_the_office(),
            ..case(
                "the hub's, at the office",
                place(90, Source::Ask),
                sets(Certainty::Request, [now(&placed(90, Asked, None))]),
            )
        },
    ]
}

fn refused_places() -> Vec<Case> {
    let withdrawn = Listing { status: ListingStatus::Withdrawn, ..Listing::sample() };
    let mut there = market(25, 25);
    there.put(&placed(1, OrderStatus::Confirmed, None));
    let mut heads = market(25, 25);
    heads.put(&Listing { unit: crate::ids::UnitId(2), ..Listing::sample() });
    let other = Context { cooperative: Some(OTHER), ..from_the_office() };
    let half = OrderPlace { quantity_milli: 500, ..place(1, Source::Ask) };
    vec![
        Case {
            set: rows(|_| {}),
            ..case("of nothing", place(1, Source::Ask), refused(RejectCode::NotFound, &[]))
        },
        Case { set: there, ..case("twice", place(1, Source::Ask), refused(RejectCode::Duplicate, &[])) },
        Case {
            context: other,
            ..case("another's units, held", place(1, Source::Held), refused(RejectCode::NotAllowed, &[]))
        },
        Case {
            context: Context { clerk: false, ..from_the_office() },
            ..case("by who is no clerk", place(1, Source::Ask), refused(RejectCode::NotAllowed, &[]))
        },
        Case {
            set: rows(|set| set.put(&withdrawn)),
            ..case("off sale", place(1, Source::Ask), refused(RejectCode::Withdrawn, &[]))
        },
        case(
            "at another price",
            OrderPlace { unit_price_minor: 1, ..place(1, Source::Ask) },
            refused(RejectCode::PriceChanged, &["52000"]),
        ),
        case("more than is left", place(26, Source::Ask), refused(RejectCode::NotEnough, &["25"])),
        Case { set: heads, ..case("half a head", half, refused(RejectCode::Invalid, &["/quantity"])) },
        case("nothing of it", place(0, Source::Ask), refused(RejectCode::Invalid, &["/quantity"])),
    ]
}

fn cancels() -> Vec<Case> {
    let order = Order { holder: Some(OFFICE), buyer_cooperative: None, ..Order::sample() };
    let cancel = |never_left| OrderCancel { order: order.id.0, never_left };
    let with = |status| {
        let order = Order { status, ..order.clone() };
        rows(move |set| set.put(&order))
    };
    let off = Order { status: OrderStatus::Cancelled, ..order.clone() };
    let short = Order { status: OrderStatus::Short, ..order.clone() };
    let back = entry(order.id.0, EntryId::RELEASED, OFFICE, order.quantity, EntryKind::Release);
    let buyer = Actor { kind: ActorKind::Caller, id: None, phone: order.buyer_phone };
    let stranger = Context { cooperative: None, clerk: false, ..from_the_office() };
    let at_the_hub = Context { origin: Holder::Hub, cooperative: Some(COOP), ..from_the_office() };
    let (confirmed, handed_over) = (OrderStatus::Confirmed, OrderStatus::Fulfilled);
    vec![
        Case {
            set: with(confirmed),
            ..case("by the office", cancel(false), sets(Certainty::Request, [now(&off), later(&back)]))
        },
        Case {
            set: with(confirmed),
            ..case(
                "that never left the office",
                cancel(true),
                sets(Certainty::Record, [now(&off), now(&back)]),
            )
        },
        Case {
            set: with(confirmed),
            actor: buyer,
            context: stranger,
            ..case("by the buyer", cancel(false), sets(Certainty::Request, [now(&off), later(&back)]))
        },
        Case {
            set: with(OrderStatus::Cancelled),
            ..case("twice", cancel(false), sets(Certainty::Request, []))
        },
        case("of one whose placing was refused", cancel(false), sets(Certainty::Request, [])),
        Case {
            set: with(handed_over),
            ..case(
                "handed over before its end was heard",
                cancel(true),
                sets_short(Certainty::Record, [now(&short), now(&back)]),
            )
        },
        Case {
            set: with(handed_over),
            ..case("handed over", cancel(false), refused(RejectCode::TooLate, &[]))
        },
        Case {
            set: with(confirmed),
            context: stranger,
            ..case("by somebody else", cancel(false), refused(RejectCode::NotAllowed, &[]))
        },
        Case { context: at_the_hub, ..case("of nothing", cancel(false), refused(RejectCode::NotFound, &[])) },
    ]
}

#[test]
fn an_order_is_known_again_by_what_a_person_could_have_changed() {
    let (body, mut set) = (place(20, Source::Held), market(25, 25));
    let body = OrderPlace { buyer_name: "Grace".into(), ..body };
    let raw = Body::from(body.clone()).to_raw();
    let command = crate::market::Command { id: ID, seq: 1, made_at_s: 0, actor: clerk(), body: raw };
    let context = from_the_office();
    set.apply(&body.decide(&command, &context, &set).unwrap().effects);
    // As it was kept before names had one form.
    set.put(&Order { buyer_name: "GRACE".into(), ..set.get::<Order>(OrderId(ID.0)).unwrap() });
    let form = |name: &str| if name == "GRACE" { "Grace".to_owned() } else { name.to_owned() };
    assert!(body.is_repeat(&command, &context, &set, form));
    assert!(!body.is_repeat(&command, &context, &set, str::to_owned));
    let other = OrderPlace { quantity_milli: 1_000, ..body };
    assert!(
        !other.is_repeat(&command, &context, &set, form) && other.is_taken(&command, &context, &set, form)
    );
}
