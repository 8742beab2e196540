//! Schedules in which a simpler overlay would sell units twice, lose an edit, or free what has left the store. `hub` here plays the
//! hub by hand: it sends the rows and verdicts that the real one would.

use crate::commands::{SubmitError, outcome, refused_orders};
use crate::db::DbError;
use crate::replica::{self, get};
use crate::stock;
use crate::testing::{CALLER_PHONE, COOP, EDGE, PRICE_MINOR, TestEdge, caller, clerk, entry, live, order_of};
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::{Holder, ListingId, OrderId};
use sync_protocol::market::{
    Certainty, Effect, EntryId, EntryKind, Listing, ListingEdit, Order, OrderCancel, OrderStatus, WholeChange,
};
use sync_protocol::row::{Key, Row};
use sync_protocol::units::Quantity;
use sync_protocol::verdict::{Applied, Reject, RejectCode, Verdict};

pub(super) const HERE: Holder = Holder::Edge(EDGE);
pub(super) const BUCKET: Bucket = Bucket::Coop(COOP);

pub(super) fn applied() -> Verdict {
    Verdict::Applied(Applied::default())
}

/// The rows that the hub makes of a command's effects.
fn rows_of(effects: &[Effect]) -> Vec<Row> {
    let row = |effect: &Effect| {
        let Effect { entity, key, fields, .. } = effect.clone();
        Row { entity, key, version: 0, body: Some(fields) }
    };
    effects.iter().map(row).collect()
}

fn local_rows(edge: &TestEdge) -> i64 {
    edge.read(|conn| -> Result<i64, DbError> {
        let sql = "SELECT (SELECT count(*) FROM local_row) + (SELECT count(*) FROM local_index)";
        Ok(conn.query_row(sql, [], |row| row.get(0))?)
    })
}

pub(super) fn order(edge: &TestEdge, id: OrderId) -> Option<Order> {
    edge.read(|conn| get::<Order>(conn, Key::Uuid(id.0)))
}

fn listing(edge: &TestEdge, id: ListingId) -> Listing {
    edge.read(|conn| get::<Listing>(conn, Key::Uuid(id.0))).unwrap()
}

/// A listing of 50 that the hub knows: 25 here, 25 there. Nothing waits.
pub(super) fn settled_listing(edge: &TestEdge) -> ListingId {
    let id = edge.post_listing(50);
    let effects = waiting_effects(edge, 1);
    let head = edge.feed(BUCKET, rows_of(&effects));
    edge.verdict(1, applied(), &[(BUCKET, head)]);
    assert_eq!(local_rows(edge), 0);
    id
}

fn waiting_effects(edge: &TestEdge, seq: u64) -> Vec<Effect> {
    edge.read(|conn| crate::commands::local::effects(conn, seq))
}

#[test]
fn verdict_arrives_line_drops_sold_units_reappear() {
    let edge = TestEdge::with_market();
    let id = settled_listing(&edge);
    let (sold, submitted) = edge.place_order(id, 20).unwrap();
    assert_eq!(submitted.certainty, Certainty::Record);
    assert_eq!(edge.spendable(id, HERE), Quantity::units(5));
    // The verdict names the next two versions, and the line drops before their rows.
    let head = edge.head(BUCKET) + 2;
    edge.verdict(submitted.seq, applied(), &[(BUCKET, head)]);
    assert_eq!(edge.spendable(id, HERE), Quantity::units(5), "the sold units did not reappear");
    let (_, asked) = edge.place_order(id, 20).unwrap();
    assert_eq!(asked.certainty, Certainty::Request, "they are not sold again");
    let edge = edge.reopen();
    assert_eq!(edge.spendable(id, HERE), Quantity::units(5));
    assert_eq!(order(&edge, sold).unwrap().status, OrderStatus::Confirmed);
    // The rows arrive: the same entry on both sides counts once, then the local one is gone.
    edge.feed(BUCKET, rows_of(&submitted.decision.effects));
    assert_eq!(edge.head(BUCKET), head);
    assert_eq!(edge.spendable(id, HERE), Quantity::units(5));
    assert!(waiting_effects(&edge, submitted.seq).is_empty());
    assert_eq!(order(&edge, sold).unwrap().status, OrderStatus::Confirmed);
}

#[test]
fn rows_may_come_before_their_verdict() {
    let edge = TestEdge::with_market();
    let id = settled_listing(&edge);
    let (sold, submitted) = edge.place_order(id, 20).unwrap();
    let head = edge.feed(BUCKET, rows_of(&submitted.decision.effects));
    assert_eq!(edge.spendable(id, HERE), Quantity::units(5), "counted once, though it stands on both sides");
    assert!(!waiting_effects(&edge, submitted.seq).is_empty());
    edge.verdict(submitted.seq, applied(), &[(BUCKET, head)]);
    assert_eq!(local_rows(&edge), 0);
    assert_eq!(
        (edge.spendable(id, HERE), order(&edge, sold).unwrap().quantity),
        (Quantity::units(5), Quantity::units(20))
    );
}

#[test]
fn cancel_offline_of_an_order_already_dispatched() {
    let edge = TestEdge::with_market();
    let id = settled_listing(&edge);
    let (sold, placed) = edge.place_order(id, 20).unwrap();
    // The order has left this box, so the goods may have, too.
    edge.write(move |tx| crate::commands::mark_sent(tx, placed.seq));
    let cancelled = edge.cancel_order(sold).unwrap();
    assert_eq!(cancelled.certainty, Certainty::Request);
    assert_eq!(
        edge.spendable(id, HERE),
        Quantity::units(5),
        "the units are free only when the hub's row says so"
    );
    assert_eq!(
        order(&edge, sold).unwrap().status,
        OrderStatus::Cancelled,
        "the screen shows what was asked for"
    );
    // The hub has it as fulfilled and refuses: the order stands again and nothing was freed.
    let mut fulfilled = rows_of(&placed.decision.effects);
    fulfilled[0] = live(&Order { status: OrderStatus::Fulfilled, ..ordered(&placed.decision.effects) });
    let head = edge.feed(BUCKET, fulfilled);
    edge.verdict(placed.seq, applied(), &[(BUCKET, head)]);
    edge.verdict(cancelled.seq, Verdict::Rejected(Reject::new(RejectCode::TooLate)), &[]);
    assert_eq!(local_rows(&edge), 0);
    assert_eq!(order(&edge, sold).unwrap().status, OrderStatus::Fulfilled);
    assert_eq!(edge.spendable(id, HERE), Quantity::units(5));
}

#[test]
fn a_cancel_that_the_hub_takes_frees_the_units_when_its_rows_arrive() {
    let edge = TestEdge::with_market();
    let id = settled_listing(&edge);
    let (sold, placed) = edge.place_order(id, 20).unwrap();
    let head = edge.feed(BUCKET, rows_of(&placed.decision.effects));
    edge.verdict(placed.seq, applied(), &[(BUCKET, head)]);
    let cancelled = edge.cancel_order(sold).unwrap();
    edge.verdict(cancelled.seq, applied(), &[(BUCKET, head + 2)]);
    assert_eq!(edge.spendable(id, HERE), Quantity::units(5));
    edge.feed(BUCKET, rows_of(&cancelled.decision.effects));
    assert_eq!((edge.spendable(id, HERE), local_rows(&edge)), (Quantity::units(25), 0));
}

fn ordered(effects: &[Effect]) -> Order {
    effects.iter().find_map(Effect::read).unwrap()
}

#[test]
fn what_never_left_this_box_is_taken_back_for_certain() {
    let edge = TestEdge::with_market();
    let id = settled_listing(&edge);
    let (sold, _) = edge.place_order(id, 20).unwrap();
    let cancelled = edge.cancel_order(sold).unwrap();
    assert_eq!(cancelled.certainty, Certainty::Record);
    assert_eq!(
        edge.spendable(id, HERE),
        Quantity::units(25),
        "nobody can refuse it, so the units are free at once"
    );
    let again = edge.cancel_order(sold).unwrap();
    assert!(again.decision.effects.is_empty());
    assert_eq!(edge.spendable(id, HERE), Quantity::units(25), "cancelled twice is cancelled once");
    // An order that came from the hub was never only here, whatever the log says.
    let theirs = ordered(&order_effects(&edge, id));
    edge.feed(BUCKET, vec![live(&theirs)]);
    let cancelled = edge.cancel_order(theirs.id).unwrap();
    assert_eq!(cancelled.certainty, Certainty::Request);
}

#[test]
fn a_release_by_two_roads_counts_once() {
    let edge = TestEdge::with_market();
    let id = settled_listing(&edge);
    let (sold, _) = edge.place_order(id, 20).unwrap();
    // The hub has freed the units already; the order's own row has not come yet.
    edge.feed(BUCKET, vec![live(&entry(sold.0, EntryId::RELEASED, id, HERE, 20, EntryKind::Release))]);
    edge.write(move |tx| stock::holdings_kept(tx, id));
    assert_eq!(edge.spendable(id, HERE), Quantity::units(25));
    edge.cancel_order(sold).unwrap();
    assert_eq!(edge.spendable(id, HERE), Quantity::units(25));
}

#[test]
fn an_entry_that_the_hub_sent_before_counts_once_also_in_the_kept_sums() {
    let edge = TestEdge::with_market();
    let id = settled_listing(&edge);
    let command = sync_protocol::ids::CommandId(edge.deps().ids.uuid_v7());
    // As after the database was put back to before the order was made.
    edge.feed(BUCKET, vec![live(&entry(command.0, EntryId::SOLD, id, HERE, -20, EntryKind::Sale))]);
    edge.write(move |tx| stock::holdings_kept(tx, id));
    edge.submit_as(command, caller(), false, order_of(id, 5)).unwrap();
    assert_eq!(edge.spendable(id, HERE), Quantity::units(5));
}

#[test]
fn each_local_row_waits_for_its_own_versions() {
    let edge = TestEdge::with_market();
    let id = settled_listing(&edge);
    let (_, first) = edge.place_order(id, 3).unwrap();
    let (_, second) = edge.place_order(id, 4).unwrap();
    let head = edge.head(BUCKET);
    edge.verdict(first.seq, applied(), &[(BUCKET, head + 2)]);
    edge.verdict(second.seq, applied(), &[(BUCKET, head + 4)]);
    edge.feed(BUCKET, rows_of(&first.decision.effects));
    assert!(waiting_effects(&edge, first.seq).is_empty());
    assert_eq!(waiting_effects(&edge, second.seq).len(), 2);
    edge.feed(BUCKET, rows_of(&second.decision.effects));
    assert_eq!((local_rows(&edge), edge.spendable(id, HERE)), (0, Quantity::units(18)));
}

#[test]
fn an_order_that_the_hub_knows_has_left_whatever_the_log_says() {
    let edge = TestEdge::with_market();
    let id = settled_listing(&edge);
    let (sold, placed) = edge.place_order(id, 20).unwrap();
    // As after the database was put back to before it was sent.
    edge.feed(BUCKET, rows_of(&placed.decision.effects));
    assert_eq!(edge.cancel_order(sold).unwrap().certainty, Certainty::Request);
    assert_eq!(edge.spendable(id, HERE), Quantity::units(5));
}

/// The effects of an order of another node.
fn order_effects(edge: &TestEdge, id: ListingId) -> Vec<Effect> {
    let order = Order {
        id: OrderId(edge.deps().ids.uuid_v7()),
        listing: id,
        cooperative: COOP,
        quantity: Quantity::units(3),
        unit_price_minor: PRICE_MINOR,
        currency: crate::testing::kwacha(),
        holder: Some(Holder::Hub),
        buyer_phone: CALLER_PHONE,
        buyer_name: String::new(),
        buyer_cooperative: None,
        status: OrderStatus::Confirmed,
        channel: sync_protocol::market::Channel::Rest,
        placed_at_s: 0,
        odd_price: false,
        buyer_unconfirmed: false,
        recorded_at_s: None,
    };
    vec![Effect::of(&order, true)]
}

#[test]
fn two_offline_edits_in_a_row_do_not_fight() {
    let edge = TestEdge::with_market();
    let id = settled_listing(&edge);
    let edit =
        |old, new| ListingEdit { listing: id.0, price_minor: Some(WholeChange { old, new }), title: None };
    let first = edge.submit(clerk(), true, edit(PRICE_MINOR, 46_000)).unwrap();
    assert_eq!(listing(&edge, id).price_minor, 46_000);
    // The second was made on what the first shows, and both reach the hub in order.
    let second = edge.submit(clerk(), true, edit(46_000, 47_000)).unwrap();
    assert_eq!(listing(&edge, id).price_minor, 47_000);
    let stale = edge.submit(clerk(), true, edit(PRICE_MINOR, 48_000));
    let Err(SubmitError::Rejected(reject)) = stale else {
        panic!("an edit of what nobody sees any more: {stale:?}")
    };
    assert_eq!(reject, Reject::with(RejectCode::Conflict, ["price_minor".to_owned(), "47000".to_owned()]));
    // The first settles: its row is here, and the second's local view stands over it.
    let head = edge.feed(BUCKET, rows_of(&first.decision.effects));
    edge.verdict(first.seq, applied(), &[(BUCKET, head)]);
    assert_eq!(listing(&edge, id).price_minor, 47_000);
    let head = edge.feed(BUCKET, rows_of(&second.decision.effects));
    edge.verdict(second.seq, applied(), &[(BUCKET, head)]);
    assert_eq!((listing(&edge, id).price_minor, local_rows(&edge)), (47_000, 0));
}

#[test]
fn a_refused_order_frees_nothing_vanishes_from_orders_and_stays_visible() {
    let edge = TestEdge::with_market();
    let id = settled_listing(&edge);
    let (asked, submitted) = edge.place_order(id, 30).unwrap();
    assert_eq!(submitted.certainty, Certainty::Request, "25 are here");
    assert_eq!(order(&edge, asked).unwrap().status, OrderStatus::Asked);
    assert_eq!(edge.spendable(id, HERE), Quantity::units(25), "asking spends nothing");
    let reason = Reject::with(RejectCode::NotEnough, ["5".to_owned()]);
    edge.verdict(submitted.seq, Verdict::Rejected(reason.clone()), &[]);
    assert_eq!((order(&edge, asked), local_rows(&edge)), (None, 0));
    let mine: Vec<Order> = edge.read(|conn| replica::find(conn, Order::BUYER_PHONE, &CALLER_PHONE));
    assert!(mine.is_empty());
    let refused = edge.read(|conn| refused_orders(conn, Some(CALLER_PHONE)));
    assert_eq!(refused.len(), 1);
    let shown = &refused[0];
    assert_eq!(
        (shown.id, shown.quantity, shown.reason.as_ref()),
        (asked, Quantity::units(30), Some(&reason))
    );
    assert_eq!(shown.listing_now.as_ref().map(|l| l.id), Some(id));
    assert!(!shown.told);
    assert!(edge.read(|conn| refused_orders(conn, Some(CALLER_PHONE + 1))).is_empty());
    assert_eq!(edge.read(|conn| refused_orders(conn, None)), refused);
}

#[test]
fn an_open_verdict_keeps_everything_as_it_is() {
    let edge = TestEdge::with_market();
    let id = settled_listing(&edge);
    let (sold, submitted) = edge.place_order(id, 20).unwrap();
    for open in [Verdict::Held, Verdict::Quarantined, Verdict::Unsupported] {
        edge.verdict(submitted.seq, open.clone(), &[]);
        assert_eq!(edge.spendable(id, HERE), Quantity::units(5));
        assert_eq!(order(&edge, sold).unwrap().status, OrderStatus::Confirmed);
        let state = edge.read(|conn| outcome(conn, sync_protocol::ids::CommandId(sold.0))).unwrap();
        assert_eq!((state.verdict, state.settled_at_s), (Some(open), None));
    }
    edge.verdict(submitted.seq, Verdict::Dismissed, &[]);
    assert_eq!((edge.spendable(id, HERE), local_rows(&edge)), (Quantity::units(25), 0));
    let put_aside = edge.read(|conn| refused_orders(conn, None));
    assert_eq!((put_aside[0].id, &put_aside[0].reason), (sold, &None));
}

#[test]
fn a_bucket_that_left_the_scope_holds_nothing_back() {
    let edge = TestEdge::with_market();
    let id = settled_listing(&edge);
    let (_, submitted) = edge.place_order(id, 20).unwrap();
    edge.verdict(submitted.seq, applied(), &[(BUCKET, edge.head(BUCKET) + 2)]);
    assert!(local_rows(&edge) > 0);
    edge.take_scope(&[Bucket::Global]);
    assert_eq!(local_rows(&edge), 0);
}

#[test]
fn a_holder_whose_order_is_short_sells_no_more_of_it_until_that_is_settled() {
    let edge = TestEdge::with_market();
    let id = settled_listing(&edge);
    let (sold, submitted) = edge.place_order(id, 5).unwrap();
    let mut rows = rows_of(&submitted.decision.effects);
    let short = Order { status: OrderStatus::Short, ..ordered(&submitted.decision.effects) };
    rows[0] = live(&short);
    let head = edge.feed(BUCKET, rows);
    edge.verdict(submitted.seq, applied(), &[(BUCKET, head)]);
    assert_eq!(
        (order(&edge, sold).unwrap().status, edge.spendable(id, HERE)),
        (OrderStatus::Short, Quantity::units(20))
    );
    assert_eq!(edge.place_order(id, 5).unwrap().1.certainty, Certainty::Request);
    // Taken back at this office, it is not short here any more; when the hub refuses that, it is again.
    let is_short = |edge: &TestEdge| edge.read(|conn| stock::stands_short(conn, id, HERE));
    assert!(is_short(&edge));
    let cancelled = edge.submit(clerk(), true, OrderCancel::new(sold.0)).unwrap();
    assert!(!is_short(&edge));
    edge.write(move |tx| stock::holdings_kept(tx, id));
    for seq in [cancelled.seq - 1, cancelled.seq] {
        edge.verdict(seq, Verdict::Rejected(Reject::new(RejectCode::TooLate)), &[]);
    }
    assert!(is_short(&edge));
    let settled = Order { status: OrderStatus::Fulfilled, ..short };
    edge.feed(BUCKET, vec![live(&settled)]);
    assert_eq!(edge.place_order(id, 5).unwrap().1.certainty, Certainty::Record);
}

#[test]
fn a_cancel_needs_the_buyer_or_the_office() {
    let edge = TestEdge::with_market();
    let id = settled_listing(&edge);
    let (sold, _) = edge.place_order(id, 5).unwrap();
    let stranger = sync_protocol::market::Actor { phone: 265_111_111_111, ..caller() };
    let refused = edge.submit(stranger, false, OrderCancel::new(sold.0));
    assert_eq!(refused, Err(SubmitError::Rejected(Reject::new(RejectCode::NotAllowed))));
    assert!(edge.submit(clerk(), true, OrderCancel::new(sold.0)).is_ok());
    assert_eq!(order_of(id, 5).listing, id.0);
}
