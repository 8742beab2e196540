//! What comes of commands about listings.

use super::*;
use crate::ids::{EdgeId, Holder};
use crate::market::cases::{
    COOP, Case, ID, MADE_AT_S, OFFICE, OTHER, at_the_office, clerk, from_the_office, later, market, member,
    now, refused, rows, sets,
};
use crate::market::{
    Body, Certainty, Command, Context, Decision, EntryId, EntryKind, Member, Rule, StockEntry,
};
use crate::verdict::{Conflict, Reject, RejectCode};
use uuid::Uuid;

fn case(of: &'static str, body: impl Into<Body>, comes: Result<Decision, Reject>) -> Case {
    let (actor, context) = (clerk(), from_the_office());
    Case { of, body: body.into(), actor, context, set: market(25, 25), comes }
}

impl ListingPost {
    pub(in crate::market) fn cases() -> Vec<Case> {
        posts()
    }
}

impl ListingEdit {
    pub(in crate::market) fn cases() -> Vec<Case> {
        edits()
    }
}

impl ListingWithdraw {
    pub(in crate::market) fn cases() -> Vec<Case> {
        withdraws()
    }
}

#[expect(clippy::too_many_lines, reason = "one table of cases")]
fn posts() -> Vec<Case> {
    let of: Uuid = hub_born(8);
    let post =
        ListingPost { commodity: 5, title: " Red ".into(), quantity_milli: 41_000, ..Rule::sample(of) };
    let listing = Listing {
        id: ListingId(of),
        title: "Red".into(),
        price_minor: 1,
        seller: None,
        posted_at_s: MADE_AT_S,
        available: None,
        ..Listing::sample()
    };
    let entry = |step, holder, units, kind| StockEntry {
        id: EntryId { of, step },
        listing: listing.id,
        holder,
        quantity: Quantity::units(units),
        kind,
    };
    let intake = |holder| entry(EntryId::INTAKE, holder, 41, EntryKind::Intake);
    let given = |from, units: i64| entry(EntryId::GIVEN, from, -units, EntryKind::Transfer);
    let received = |to, units| entry(EntryId::RECEIVED, to, units, EntryKind::Transfer);
    let (hub, other) = (Holder::Hub, Holder::Edge(EdgeId(9)));
    // Half of forty-one is twenty: whole units.
    let halves = [now(&listing), later(&intake(OFFICE)), later(&given(OFFICE, 20)), now(&received(hub, 20))];
    let as_said = [now(&listing), later(&intake(OFFICE)), later(&given(OFFICE, 1)), now(&received(hub, 1))];
    let at_home = [now(&listing), now(&intake(OFFICE)), now(&given(OFFICE, 20)), later(&received(hub, 20))];
    let to_its_edge = [now(&listing), now(&intake(hub)), now(&given(hub, 21)), later(&received(other, 21))];
    let by_member = Listing { seller: Some(Member::sample().id), ..listing.clone() };
    let of_a_member = [now(&by_member), now(&intake(hub))];
    let own = ListingPost { seller: Some(Member::sample().id.0), ..post.clone() };
    let at_the_hub = Context { origin: hub, share_with: Some(EdgeId(9)), ..from_the_office() };
    let member_at_the_hub = Context { share_with: None, clerk: false, ..at_the_hub };
    let post_of_heads = ListingPost { unit: 2, quantity_milli: 2_500, ..post.clone() };
    let record = Certainty::Record;
    vec![
        case("an office's, by the setting", post.clone(), sets(record, halves)),
        case(
            "an office's, as it shared it",
            ListingPost { hub_milli: Some(1_000), ..post.clone() },
            sets(record, as_said),
        ),
        Case { context: at_the_office(), ..case("at the office", post.clone(), sets(record, at_home)) },
        Case { context: at_the_hub, ..case("at the hub", post.clone(), sets(record, to_its_edge)) },
        Case {
            context: member_at_the_hub,
            actor: member(Member::sample().id),
            ..case("a member's own", own.clone(), sets(record, of_a_member))
        },
        Case {
            context: Context { clerk: false, ..from_the_office() },
            actor: member(MemberId(hub_born(77))),
            ..case("another member's", own, refused(RejectCode::NotAllowed, &[]))
        },
        Case {
            context: Context { cooperative: None, ..from_the_office() },
            ..case("nobody's", post.clone(), refused(RejectCode::NotAllowed, &[]))
        },
        case(
            "an unknown crop",
            ListingPost { commodity: 6, ..post.clone() },
            refused(RejectCode::UnknownCommodity, &["/commodity_id"]),
        ),
        case(
            "an unknown unit",
            ListingPost { unit: 3, ..post.clone() },
            refused(RejectCode::UnknownUnit, &["/unit_id"]),
        ),
        Case {
            context: at_the_office(),
            ..case("half a head", post_of_heads, refused(RejectCode::Invalid, &["/quantity"]))
        },
        case(
            "a listing's id",
            ListingPost { listing: Listing::sample().id.0, ..post.clone() },
            refused(RejectCode::Duplicate, &[]),
        ),
        case(
            "nothing",
            ListingPost { quantity_milli: 0, ..post },
            refused(RejectCode::Invalid, &["/quantity"]),
        ),
    ]
}

fn edits() -> Vec<Case> {
    let of = Listing::sample().id.0;
    let price = |old, new| Some(WholeChange { old, new });
    let title = |old: &str, new: &str| Some(TextChange { old: old.into(), new: new.into() });
    let edit = |price_minor, title| ListingEdit { listing: of, price_minor, title };
    let stands = |price_minor, title: &str| Listing { price_minor, title: title.into(), ..Listing::sample() };
    let half = sets(Certainty::Request, [now(&stands(60_000, "Seed maize"))]).map(|mut decision| {
        decision.applied.conflicts = vec![Conflict::new("title", "Seed maize", "White")];
        decision
    });
    let withdrawn = Listing { status: ListingStatus::Withdrawn, ..Listing::sample() };
    let other = Context { cooperative: Some(OTHER), ..from_the_office() };
    vec![
        case(
            "both",
            edit(price(52_000, 60_000), title("Seed maize", " White ")),
            sets(Certainty::Request, [now(&stands(60_000, "White"))]),
        ),
        case("one that somebody else changed", edit(price(52_000, 60_000), title("Maize", "White")), half),
        case(
            "none that stands",
            edit(price(1, 2), None),
            refused(RejectCode::Conflict, &["price_minor", "52000"]),
        ),
        Case {
            context: Context { clerk: false, ..from_the_office() },
            actor: member(Member::sample().id),
            ..case(
                "a member's own",
                edit(price(52_000, 1), None),
                sets(Certainty::Request, [now(&stands(1, "Seed maize"))]),
            )
        },
        Case {
            context: other,
            ..case("another's", edit(price(52_000, 1), None), refused(RejectCode::NotAllowed, &[]))
        },
        Case {
            set: rows(|_| {}),
            ..case("one that is not there", edit(price(52_000, 1), None), refused(RejectCode::NotFound, &[]))
        },
        Case {
            set: rows(|set| set.put(&withdrawn)),
            ..case("one that is off sale", edit(price(52_000, 1), None), refused(RejectCode::Withdrawn, &[]))
        },
    ]
}

fn withdraws() -> Vec<Case> {
    let withdraw = ListingWithdraw { listing: Listing::sample().id.0 };
    let withdrawn = Listing { status: ListingStatus::Withdrawn, ..Listing::sample() };
    let other = Context { cooperative: Some(OTHER), ..from_the_office() };
    vec![
        case("on sale", withdraw.clone(), sets(Certainty::Request, [now(&withdrawn)])),
        Case {
            set: rows(|set| set.put(&withdrawn)),
            ..case("twice", withdraw.clone(), sets(Certainty::Request, []))
        },
        Case { context: other, ..case("another's", withdraw.clone(), refused(RejectCode::NotAllowed, &[])) },
        Case {
            set: rows(|_| {}),
            ..case("one that is not there", withdraw, refused(RejectCode::NotFound, &[]))
        },
    ]
}

#[test]
fn a_posting_is_known_again_by_all_that_it_says() {
    let of = hub_born(8);
    let post = ListingPost { commodity: 5, quantity_milli: 41_000, ..Rule::sample(of) };
    let command = Command {
        id: ID,
        seq: 1,
        made_at_s: MADE_AT_S,
        actor: clerk(),
        body: Body::from(post.clone()).to_raw(),
    };
    let context = Context { cooperative: Some(COOP), ..from_the_office() };
    let mut set = market(0, 0);
    let decision = post.decide(&command, &context, &set).unwrap();
    let is_known = |post: &ListingPost, set: &WorkingSet| {
        (
            post.is_repeat(&command, &context, set, str::to_owned),
            post.is_taken(&command, &context, set, str::to_owned),
        )
    };
    assert_eq!(is_known(&post, &set), (false, false));
    set.apply(&decision.effects);
    assert_eq!(is_known(&post, &set), (true, false));
    let other = ListingPost { quantity_milli: 40_000, ..post };
    assert_eq!(is_known(&other, &set), (false, true), "the id is another posting's");
}
