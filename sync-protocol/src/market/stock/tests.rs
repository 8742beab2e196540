//! What comes of commands about the stock.

use super::*;
use crate::ids::OrderId;
use crate::market::cases::{
    Case, ID, OFFICE, OTHER, at_the_office, clerk, from_the_office, later, market, now, refused, rows, sets,
    sets_short,
};
use crate::market::{Body, Certainty, Context, Decision, Order, OrderStatus, Rule};
use crate::units::Quantity;
use crate::verdict::{Reject, RejectCode};
use uuid::Uuid;

const RECORD: Certainty = Certainty::Record;

fn case(of: &'static str, found: Adjustment, comes: Result<Decision, Reject>) -> Case {
    let body: Body = StockAdjust { found, ..Rule::sample(Listing::sample().id.0) }.into();
    Case { of, body, actor: clerk(), context: from_the_office(), set: market(25, 25), comes }
}

fn entry(step: u32, holder: Holder, units: i64, kind: EntryKind) -> StockEntry {
    let (listing, quantity) = (Listing::sample().id, Quantity::units(units));
    StockEntry { id: EntryId { of: ID.0, step }, listing, holder, quantity, kind }
}

fn sold(n: u64, status: OrderStatus) -> Order {
    Order {
        id: OrderId(hub_born(n)),
        quantity: Quantity::units(10),
        holder: Some(OFFICE),
        status,
        placed_at_s: 1_000 + n as i64,
        ..Order::sample()
    }
}

fn count(counted: i64, expected: i64) -> Adjustment {
    Adjustment::Count { counted_milli: counted * 1_000, expected_milli: expected * 1_000 }
}

impl StockAdjust {
    pub(in crate::market) fn cases() -> Vec<Case> {
        [found(), counts(), undos(), refusals()].concat()
    }
}

fn found() -> Vec<Case> {
    let intake = entry(EntryId::INTAKE, OFFICE, 7, EntryKind::Intake);
    let spoilt = |units: i64| entry(EntryId::WRITTEN_OFF, OFFICE, -units, EntryKind::WriteOff);
    let (older, younger) = (sold(1, OrderStatus::Short), sold(2, OrderStatus::Short));
    let mut beyond = market(25, -17);
    for order in [&older, &younger] {
        beyond.put(order);
        beyond.facts.sold_beyond.insert(order.id);
    }
    let covered = Order { status: OrderStatus::Confirmed, ..older };
    vec![
        case("more", Adjustment::Intake(7_000), sets(RECORD, [later(&intake)])),
        Case {
            context: at_the_office(),
            ..case("more, at the office", Adjustment::Intake(7_000), sets(RECORD, [now(&intake)]))
        },
        Case {
            set: beyond,
            ..case(
                "more, which covers the older of what was sold beyond",
                Adjustment::Intake(7_000),
                sets(RECORD, [later(&intake), now(&covered)]),
            )
        },
        case("spoilt", Adjustment::WriteOff(7_000), sets(RECORD, [later(&spoilt(7))])),
        case(
            "more spoilt than was there",
            Adjustment::WriteOff(26_000),
            sets_short(RECORD, [later(&spoilt(26))]),
        ),
    ]
}

fn counts() -> Vec<Case> {
    let free = |units: i64| entry(EntryId::WRITTEN_OFF, OFFICE, -units, EntryKind::Count);
    let of_the_hub = entry(EntryId::SHORTAGE, Holder::Hub, -25, EntryKind::Shortage);
    let more = entry(EntryId::INTAKE, OFFICE, 3, EntryKind::Count);
    let missing = entry(EntryId::MISSING, OFFICE, -35, EntryKind::Count);
    let (older, younger) = (sold(1, OrderStatus::Confirmed), sold(2, OrderStatus::Confirmed));
    let mut with_orders = market(25, 25);
    [&older, &younger].into_iter().for_each(|order| with_orders.put(order));
    let made_short = Order { status: OrderStatus::Short, ..younger };
    vec![
        case("as expected", count(50, 50), sets(RECORD, [])),
        case("more than expected", count(53, 50), sets(RECORD, [later(&more)])),
        case("less, and so much was free", count(40, 50), sets(RECORD, [now(&free(10))])),
        Case {
            set: with_orders,
            ..case(
                "less than was sold: all that is free, and the youngest order",
                count(10, 70),
                sets_short(RECORD, [now(&free(25)), now(&of_the_hub), now(&made_short)]),
            )
        },
        Case {
            context: at_the_office(),
            ..case(
                "less than was free, at the office",
                count(10, 70),
                sets(RECORD, [now(&free(25)), now(&missing)]),
            )
        },
    ]
}

fn undos() -> Vec<Case> {
    let change: Uuid = hub_born(60);
    let taken = StockEntry {
        id: EntryId { of: change, step: EntryId::WRITTEN_OFF },
        ..entry(1, OFFICE, -5, EntryKind::Count)
    };
    let back = StockEntry { id: taken.id.undone(), quantity: Quantity::units(5), ..taken.clone() };
    let short = sold(1, OrderStatus::Short);
    let confirmed = Order { status: OrderStatus::Confirmed, ..short.clone() };
    let mut set = market(25, 20);
    set.put(&taken);
    set.put(&short);
    set.facts.made_short.insert(short.id, change);
    let mut undone = set.clone();
    undone.apply(&[now(&back), now(&confirmed)]);
    let gave = StockEntry { quantity: Quantity::units(5), ..taken.clone() };
    let sold_since = rows(|set| {
        *set = market(25, 3);
        set.put(&gave);
    });
    let takes = StockEntry { quantity: Quantity::units(-5), ..back.clone() };
    let undo = |of, set, context, comes| {
        let body = StockAdjust { undoes: Some(change), ..Rule::sample(Listing::sample().id.0) };
        let body = StockAdjust { found: Adjustment::Intake(5_000), ..body }.into();
        Case { body, set, context, ..case(of, Adjustment::Intake(1), comes) }
    };
    let office = from_the_office();
    vec![
        undo(
            "what it took, and whom it made short",
            set,
            office,
            sets(RECORD, [now(&back), now(&confirmed)]),
        ),
        undo("twice", undone, office, sets(RECORD, [])),
        undo("what was sold since, recorded", sold_since.clone(), office, sets_short(RECORD, [now(&takes)])),
        undo("what was sold since", sold_since, at_the_office(), refused(RejectCode::NotEnough, &["3"])),
    ]
}

fn refusals() -> Vec<Case> {
    let intake = Adjustment::Intake(1_000);
    let other = Context { cooperative: Some(OTHER), ..from_the_office() };
    let mut heads = market(25, 25);
    heads.put(&Listing { unit: crate::ids::UnitId(2), ..Listing::sample() });
    vec![
        Case { set: rows(|_| {}), ..case("of nothing", intake, refused(RejectCode::NotFound, &[])) },
        Case { context: other, ..case("another's", intake, refused(RejectCode::NotAllowed, &[])) },
        Case {
            context: at_the_office(),
            ..case(
                "more than is there",
                Adjustment::WriteOff(26_000),
                refused(RejectCode::NotEnough, &["25"]),
            )
        },
        Case {
            context: at_the_office(),
            set: heads,
            ..case("half a head", Adjustment::Intake(500), refused(RejectCode::Invalid, &["/quantity"]))
        },
        case("nothing", Adjustment::Intake(0), refused(RejectCode::Invalid, &["/quantity"])),
    ]
}

#[test]
fn what_takes_a_change_back_means_it_by_its_new_id() {
    let (listing, change, other) = (hub_born(1), hub_born(2), hub_born(3));
    let body = |undoes| StockAdjust { undoes, ..Rule::sample(listing) };
    let renamed = body(Some(change)).renamed(&|id| if id == change { other } else { id });
    assert_eq!(renamed, body(Some(other)));
}
