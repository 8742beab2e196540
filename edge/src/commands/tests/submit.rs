//! What is taken, what is refused and why, and that the same act twice is one.

use crate::commands::{SubmitError, outcome, pending};
use crate::node;
use crate::replica::{self, get};
use crate::stock;
use crate::testing::{
    BEANS, CALLER_PHONE, COOP, EDGE, KG, LILONGWE, MAIZE, MEMBER_PHONE, PRICE_MINOR, TestEdge, caller, clerk,
    coop, entry, live, member, member_id, order_of, other_listing,
};
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::{CommandId, Holder, ListingId, MemberId, hub_born};
use sync_protocol::limits::COMMAND_BODY_MAX_BYTES;
use sync_protocol::market::{
    Adjustment, Alias, Body, Certainty, Cooperative, Effect, Entity, EntryId, EntryKind, Listing,
    ListingPost, ListingWithdraw, Member, MemberRegister, Order, OrderPlace, OrderStatus, Price, Source,
    StockAdjust, StockEntry,
};
use sync_protocol::row::Key;
use sync_protocol::session::MINOR_WITH_FACTS;
use sync_protocol::units::Quantity;
use sync_protocol::verdict::{Applied, Reject, RejectCode, Verdict};

const HERE: Holder = Holder::Edge(EDGE);

fn rejected(code: RejectCode) -> SubmitError {
    SubmitError::Rejected(Reject::new(code))
}

#[test]
fn a_listing_is_shared_with_the_hub_at_once() {
    let edge = TestEdge::with_market();
    let id = edge.post_listing(50);
    let held = edge.read(|conn| stock::holdings(conn, id));
    assert_eq!(
        held,
        [(Holder::Hub, Quantity::ZERO), (HERE, Quantity::units(25))],
        "the hub's part counts there, not here"
    );
    let log = edge.read(|conn| pending(conn, 0, 9));
    assert_eq!((log.len(), log[0].seq, log[0].made_at_s), (1, 1, edge.deps().clock.now_s()));
    assert!(matches!(Body::from_raw(&log[0].body), Ok(Some(Body::ListingPost(_)))));
}

#[test]
fn an_order_is_sold_from_own_units_only_where_that_is_certain() {
    let edge = TestEdge::with_market();
    let id = edge.post_listing(50);
    let source = |edge: &TestEdge, seq| {
        let log = edge.read(|conn| pending(conn, seq - 1, 1));
        let Ok(Some(Body::OrderPlace(order))) = Body::from_raw(&log[0].body) else { panic!("{log:?}") };
        order.source
    };
    // Whatever the submitter says about the source, this is decided here.
    let lie = OrderPlace { source: Source::Held, ..order_of(id, 26) };
    let asked = edge.submit(caller(), false, lie).unwrap();
    assert_eq!(
        (asked.certainty, source(&edge, asked.seq)),
        (Certainty::Request, Source::Ask),
        "26 are not here"
    );
    let (_, sold) = edge.place_order(id, 25).unwrap();
    assert_eq!((sold.certainty, source(&edge, sold.seq)), (Certainty::Record, Source::Held));
    assert_eq!(edge.spendable(id, HERE), Quantity::ZERO);
    let theirs = other_listing();
    let (_, asked) = edge.place_order(theirs.id, 1).unwrap();
    assert_eq!(asked.certainty, Certainty::Request, "another cooperative's units are never held here");
}

#[test]
fn a_price_that_changed_and_a_listing_that_is_off_sale_are_refused_not_sold() {
    let edge = TestEdge::with_market();
    let id = edge.post_listing(50);
    let old_price = OrderPlace { unit_price_minor: PRICE_MINOR - 1, ..order_of(id, 1) };
    let refused = edge.submit(caller(), false, old_price).unwrap_err();
    assert_eq!(
        refused,
        SubmitError::Rejected(Reject::with(RejectCode::PriceChanged, [PRICE_MINOR.to_string()]))
    );
    edge.submit(clerk(), true, ListingWithdraw { listing: id.0 }).unwrap();
    assert_eq!(edge.place_order(id, 1).unwrap_err(), rejected(RejectCode::Withdrawn));
    assert_eq!(edge.place_order(ListingId(hub_born(404)), 1).unwrap_err(), rejected(RejectCode::NotFound));
    assert_eq!(edge.read(|conn| pending(conn, 0, 9)).len(), 2, "what was refused is not in the log");
}

#[test]
fn a_posting_says_how_it_was_shared_once_the_hub_is_known_to_understand_it() {
    let edge = TestEdge::with_market();
    let said = |edge: &TestEdge, listing: ListingId| {
        let all = edge.read(|conn| pending(conn, 0, 99)).into_iter();
        all.filter_map(|command| match Body::from_raw(&command.body) {
            Ok(Some(Body::ListingPost(post))) if post.listing == listing.0 => Some(post),
            _ => None,
        })
        .next()
        .unwrap()
    };
    let early = edge.post_listing(51);
    assert_eq!(
        said(&edge, early).hub_milli,
        None,
        "a hub of before would share it by its own setting all the same"
    );
    edge.write(|tx| node::set_hub_minor(tx, 2));
    let late = edge.post_listing(51);
    assert_eq!(said(&edge, late).hub_milli, Some(25_000), "half, in whole units");
    assert_eq!(edge.spendable(late, HERE), Quantity::units(26));

    // The same act again is the same act, whatever the share is by then and whatever the hub said meanwhile.
    let again = |listing| {
        let id = edge
            .read(|conn| pending(conn, 0, 99))
            .into_iter()
            .find(
                |c| matches!(Body::from_raw(&c.body), Ok(Some(Body::ListingPost(p))) if p.listing == listing),
            )
            .unwrap()
            .id;
        let asked = ListingPost { hub_milli: None, ..said(&edge, ListingId(listing)) };
        edge.submit_as(id, clerk(), true, asked).unwrap()
    };
    edge.feed(
        Bucket::Coop(COOP),
        vec![live(&Cooperative { hub_share_percent: 80, ..coop(COOP, "Mitundu Farmers") })],
    );
    assert!(again(early.0).repeated && again(late.0).repeated);
}

#[test]
fn nothing_is_sold_from_a_bucket_that_is_not_whole() {
    let edge = TestEdge::enrolled();
    assert_eq!(edge.place_order(ListingId(hub_born(1)), 1).unwrap_err(), SubmitError::NotComplete);
    let post = ListingPost {
        listing: hub_born(2),
        commodity: MAIZE.0,
        unit: KG.0,
        title: String::new(),
        quantity_milli: 5_000,
        price_minor: 1,
        currency: "MWK".into(),
        seller: None,
        hub_milli: None,
    };
    assert_eq!(
        edge.submit(clerk(), true, post.clone()).unwrap_err(),
        SubmitError::NotComplete,
        "its share is not known"
    );
    // A snapshot under way: the listing and the intake are here, what was sold of it perhaps not yet.
    let (bucket, id) = (Bucket::Coop(COOP), ListingId(hub_born(1)));
    let listing = Listing { id, cooperative: COOP, available: None, ..other_listing() };
    let intake = entry(id.0, EntryId::INTAKE, id, HERE, 50, EntryKind::Intake);
    let rows = [live(&coop(COOP, "Mitundu")), live(&listing), live(&intake)];
    let rows = (98..).zip(rows).map(|(version, row)| sync_protocol::row::Row { version, ..row }).collect();
    let frame = |after, upto, rows| sync_protocol::wire::rows::Rows {
        bucket,
        reach: sync_protocol::wire::rows::Reach::Snapshot { head: u64::MAX },
        after,
        upto,
        rows,
    };
    edge.apply(frame(50, 100, rows));
    assert_eq!(edge.spendable(id, HERE), Quantity::units(50));
    assert_eq!(edge.place_order(id, 1).unwrap().1.certainty, Certainty::Request);
    let found = StockAdjust {
        listing: id.0,
        found: Adjustment::WriteOff(1_000),
        reason: String::new(),
        undoes: None,
    };
    assert_eq!(edge.submit(clerk(), true, found.clone()).unwrap_err(), SubmitError::NotComplete);
    assert_eq!(
        edge.submit(clerk(), true, post).unwrap_err(),
        SubmitError::NotComplete,
        "no commodity is here yet"
    );
    edge.apply(frame(0, 50, Vec::new()));
    assert_eq!(edge.place_order(id, 1).unwrap().1.certainty, Certainty::Record);
    edge.submit(clerk(), true, found).unwrap();
}

#[test]
fn a_box_that_is_not_enrolled_takes_nothing() {
    let edge = TestEdge::empty();
    assert_eq!(edge.place_order(ListingId(hub_born(1)), 1).unwrap_err(), SubmitError::NotEnrolled);
}

#[test]
fn the_same_id_twice_is_the_same_act_and_another_act_under_it_is_refused() {
    let edge = TestEdge::with_market();
    let listing = edge.post_listing(50);
    let id = CommandId(edge.deps().ids.uuid_v7());
    let first = edge.submit_as(id, caller(), false, order_of(listing, 20)).unwrap();
    assert!(!first.repeated);
    // The units would not do for a second one, so a repeat decided anew would be a request.
    let again = edge.submit_as(id, caller(), false, order_of(listing, 20)).unwrap();
    assert!(again.repeated && again.verdict.is_none());
    let sorted = |mut effects: Vec<_>| {
        effects.sort_by_key(|effect: &Effect| (effect.entity, effect.key));
        effects
    };
    assert_eq!((again.seq, again.certainty), (first.seq, first.certainty));
    assert_eq!(sorted(again.decision.effects), sorted(first.decision.effects.clone()));
    assert_eq!(edge.spendable(listing, HERE), Quantity::units(5));
    let other = edge.submit_as(id, caller(), false, order_of(listing, 1)).unwrap_err();
    assert_eq!(other, rejected(RejectCode::Duplicate));
    // Also after a restart and after the verdict.
    let edge = edge.reopen();
    let stands = edge.head(Bucket::Coop(COOP)) + 1;
    edge.verdict(1, Verdict::Applied(Applied::default()), &[(Bucket::Coop(COOP), stands)]);
    edge.verdict(first.seq, Verdict::Rejected(Reject::new(RejectCode::Withdrawn)), &[]);
    let again = edge.submit_as(id, caller(), false, order_of(listing, 20)).unwrap();
    assert_eq!(again.verdict, Some(Verdict::Rejected(Reject::new(RejectCode::Withdrawn))));
    assert!(again.repeated && again.decision.effects.is_empty());
    assert_eq!(edge.read(|conn| pending(conn, 0, 9)).len(), 0);
}

#[test]
fn numbers_have_no_gaps_over_refusals_and_restarts() {
    let edge = TestEdge::with_market();
    let listing = edge.post_listing(50);
    for n in 0..4 {
        edge.place_order(listing, 1).unwrap();
        assert!(edge.place_order(ListingId(hub_born(404)), 1).is_err());
        // A transaction that is given up takes its command along.
        let (deps, submission) = (
            edge.deps().clone(),
            crate::commands::Submission {
                id: CommandId(hub_born(10_000 + n)),
                actor: caller(),
                body: order_of(listing, 1).into(),
                clerk: false,
                caller_phone: 0,
            },
        );
        let given_up: Result<(), SubmitError> = edge.db().write_blocking(move |tx| {
            crate::commands::submit(tx, &deps, submission)?;
            Err(SubmitError::LogFull)
        });
        assert!(given_up.is_err());
    }
    let edge = edge.reopen();
    edge.place_order(listing, 1).unwrap();
    let numbers: Vec<u64> = edge.read(|conn| pending(conn, 0, 99)).into_iter().map(|c| c.seq).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6]);
    assert_eq!(edge.read(crate::node::highest_seq), 6);
    assert_eq!(edge.spendable(listing, HERE), Quantity::units(20));
}

#[test]
fn a_person_known_by_number_becomes_an_alias_and_is_found_through_it() {
    let edge = TestEdge::with_market();
    let new = MemberId(edge.deps().ids.uuid_v7());
    let register = |member: MemberId, phone, name: &str| MemberRegister {
        member: member.0,
        phone,
        name: name.to_owned(),
        language: "ny".to_owned(),
    };
    let known = edge.submit(caller(), false, register(new, MEMBER_PHONE, "Mercy")).unwrap();
    assert_eq!(known.decision.applied.alias, Some(member_id()));
    assert_eq!(edge.read(|conn| get::<Alias>(conn, Key::Uuid(new.0))).map(|a| a.to), Some(member_id()));
    // Acting under the id that gave way is acting as the member who stays.
    let post = ListingPost {
        listing: hub_born(77),
        commodity: BEANS.0,
        unit: KG.0,
        title: String::new(),
        quantity_milli: 3_000,
        price_minor: 10,
        currency: "MWK".into(),
        seller: Some(member_id().0),
        hub_milli: None,
    };
    let actor = sync_protocol::market::Actor { id: Some(new.0), ..member() };
    edge.submit(actor, false, post).unwrap();
    let fresh = MemberId(edge.deps().ids.uuid_v7());
    edge.submit(caller(), false, register(fresh, CALLER_PHONE, "Limbani")).unwrap();
    let found: Vec<Member> = edge.read(|conn| replica::find(conn, Member::PHONE, &CALLER_PHONE));
    assert_eq!(found.iter().map(|m| (m.id, m.name.as_str())).collect::<Vec<_>>(), [(fresh, "Limbani")]);
}

#[test]
fn what_a_count_took_here_comes_back_before_the_hub_has_answered_and_no_more() {
    let edge = TestEdge::with_market();
    edge.write(|tx| node::set_hub_minor(tx, MINOR_WITH_FACTS));
    let id = edge.post_listing(50);
    edge.place_order(id, 20).unwrap();
    // Ten are there of fifty: five free ones go here, and the rest is for the hub to settle.
    let count = Adjustment::Count { counted_milli: 10_000, expected_milli: 50_000 };
    let count = StockAdjust { listing: id.0, found: count, reason: String::new(), undoes: None };
    let counted = edge.submit(clerk(), true, count.clone()).unwrap();
    assert_eq!(edge.spendable(id, HERE), Quantity::ZERO);
    let of = edge.read(|conn| pending(conn, counted.seq - 1, 1))[0].id;
    let undo = StockAdjust { found: Adjustment::Intake(40_000), undoes: Some(of.0), ..count.clone() };
    // Twice is once, and a count takes nothing back.
    for _ in 0..2 {
        edge.submit(clerk(), true, undo.clone()).unwrap();
        assert_eq!(edge.spendable(id, HERE), Quantity::units(5));
    }
    let odd = StockAdjust { undoes: Some(of.0), ..count };
    let refused = edge.submit(clerk(), true, odd).unwrap_err();
    assert_eq!(refused, SubmitError::Rejected(Reject::with(RejectCode::Invalid, ["/undoes".to_owned()])));
}

#[test]
fn nothing_is_taken_back_that_an_older_hub_would_take_in_whole() {
    let edge = TestEdge::with_market();
    let id = edge.post_listing(50);
    edge.place_order(id, 20).unwrap();
    let count = Adjustment::Count { counted_milli: 10_000, expected_milli: 50_000 };
    let count = StockAdjust { listing: id.0, found: count, reason: String::new(), undoes: None };
    let counted = edge.submit(clerk(), true, count.clone()).unwrap();
    let of = edge.read(|conn| pending(conn, counted.seq - 1, 1))[0].id;
    let undo = StockAdjust { found: Adjustment::Intake(40_000), undoes: Some(of.0), ..count };
    let said = edge.submit(clerk(), true, undo.clone()).unwrap_err();
    assert_eq!(said, SubmitError::HubTooOld);
    assert!(said.to_string().contains("count the product again"), "{said}");
    assert_eq!(edge.read(|conn| pending(conn, counted.seq, 9)), []);
    // It was replaced by a newer one, and said so.
    edge.write(|tx| node::set_hub_minor(tx, MINOR_WITH_FACTS));
    edge.submit(clerk(), true, undo).unwrap();
    assert_eq!(edge.spendable(id, HERE), Quantity::units(5));
}

#[test]
fn what_a_count_missed_here_is_not_sold_when_it_comes_free_before_the_hub_has_answered() {
    let edge = TestEdge::with_market();
    let id = edge.post_listing(50);
    let (sold, _) = edge.place_order(id, 20).unwrap();
    let released = entry(sold.0, EntryId::RELEASED, id, HERE, 20, EntryKind::Release);
    let count = Adjustment::Count { counted_milli: 35_000, expected_milli: 50_000 };
    let count = StockAdjust { listing: id.0, found: count, reason: String::new(), undoes: None };
    edge.submit(clerk(), true, count).unwrap();
    assert_eq!(edge.spendable(id, HERE), Quantity::ZERO);
    // The buyer took it back at the hub, which takes the fifteen that are missing from here.
    edge.feed(Bucket::Coop(COOP), vec![live(&released)]);
    assert_eq!(edge.spendable(id, HERE), Quantity::units(10));
    assert_eq!(edge.place_order(id, 11).unwrap().1.certainty, Certainty::Request);
    assert_eq!(edge.place_order(id, 10).unwrap().1.certainty, Certainty::Record);
    assert_eq!(edge.spendable(id, HERE), Quantity::ZERO);
}

#[test]
fn a_write_off_takes_no_more_than_is_here() {
    let edge = TestEdge::with_market();
    let id = edge.post_listing(50);
    let adjust = |found| StockAdjust { listing: id.0, found, reason: "rats".into(), undoes: None };
    let refused = edge.submit(clerk(), true, adjust(Adjustment::WriteOff(26_000))).unwrap_err();
    assert_eq!(refused, SubmitError::Rejected(Reject::with(RejectCode::NotEnough, ["25".to_owned()])));
    edge.submit(clerk(), true, adjust(Adjustment::WriteOff(5_000))).unwrap();
    edge.submit(clerk(), true, adjust(Adjustment::Intake(7_000))).unwrap();
    assert_eq!(edge.spendable(id, HERE), Quantity::units(27));
    let count = Adjustment::Count { counted_milli: 20_000, expected_milli: 27_000 };
    let counted = edge.submit(clerk(), true, adjust(count)).unwrap();
    assert_eq!(edge.spendable(id, HERE), Quantity::units(20));
    assert_eq!(counted.decision.effects[0].entity, StockEntry::NUMBER);
    let outsider = edge.submit(caller(), false, adjust(Adjustment::Intake(1_000))).unwrap_err();
    assert_eq!(outsider, rejected(RejectCode::NotAllowed));
}

#[test]
fn bad_input_is_refused_with_a_pointer() {
    let edge = TestEdge::with_market();
    let id = edge.post_listing(50);
    for (units, pointer) in [(0, "/quantity"), (-3, "/quantity"), (i64::MAX / 1_000, "/quantity")] {
        let refused = edge.place_order(id, units).unwrap_err();
        assert_eq!(
            refused,
            SubmitError::Rejected(Reject::with(RejectCode::Invalid, [pointer.to_owned()])),
            "{units}"
        );
    }
    let long = OrderPlace { buyer_name: "x".repeat(COMMAND_BODY_MAX_BYTES), ..order_of(id, 1) };
    let refused = edge.submit(clerk(), true, long).unwrap_err();
    assert!(
        matches!(refused, SubmitError::Rejected(Reject { code: RejectCode::Invalid, .. })),
        "{refused:?}"
    );
}

#[test]
fn what_a_person_was_told_survives_a_restart() {
    let edge = TestEdge::with_market();
    let listing = edge.post_listing(50);
    let (order, submitted) = edge.place_order(listing, 20).unwrap();
    let before = edge.read(|conn| outcome(conn, CommandId(order.0)));
    let edge = edge.reopen();
    assert_eq!(edge.read(|conn| outcome(conn, CommandId(order.0))), before);
    let stored: Order = edge.read(|conn| get(conn, Key::Uuid(order.0))).unwrap();
    assert_eq!((stored.status, stored.buyer_phone), (OrderStatus::Confirmed, CALLER_PHONE));
    assert_eq!(edge.spendable(listing, HERE), Quantity::units(5));
    assert_eq!(before.unwrap().command.seq, submitted.seq);
    assert_eq!((Price::NUMBER, LILONGWE.0), (6, 1));
}
