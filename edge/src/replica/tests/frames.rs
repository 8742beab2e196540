//! Frames that come late, twice, out of order, from several attempts: whatever came, the files agree with a model that keeps rows in
//! a map; and after one more exchange they agree with the hub.

use crate::commands;
use crate::db::DbError;
use crate::replica::{
    self, Ready, ReplicaError, apply_rows, compare, digest, recount, slot_sums, take_scope,
};
use crate::testing::{COOP, EDGE, REGION, TestEdge, malawi};
use proptest::prelude::*;
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet};
use sync_protocol::bucket::Bucket;
use sync_protocol::entity::{self, Entity, EntryId, EntryKind, Order, StockEntry};
use sync_protocol::ids::{CooperativeId, Holder, ListingId, MarketId, OrderId, RegionId, SeriesId, hub_born};
use sync_protocol::row::{Digest, Key, Row, slot};
use sync_protocol::session::{BucketCursor, Judged, judge, next_pages};
use sync_protocol::units::Quantity;
use sync_protocol::value::{Fields, Value};
use sync_protocol::wire::message::{Audit, BucketPoint, Welcome};
use sync_protocol::wire::rows::{Reach, Rows};

pub(super) const BUCKET: Bucket = Bucket::Coop(COOP);

type Body = Option<Fields>;

/// Rows by entity and key, with their versions.
type RowsByKey = BTreeMap<(u16, Key), (u64, Body)>;

/// Entity, field, value, key.
type IndexEntry = (u16, u16, Vec<u8>, Vec<u8>);

/// The hub's side: everything that ever happened to the bucket, in order; the n-th at version n.
#[derive(Clone, Debug)]
struct Hub {
    history: Vec<((u16, Key), Body)>,
}

impl Hub {
    /// The latest state of each key after the first `time` versions.
    fn at(&self, time: u64) -> RowsByKey {
        let past = (1..).zip(&self.history).take(time as usize);
        past.map(|(version, (at, body))| (*at, (version, body.clone()))).collect()
    }

    /// A frame as the hub would read it at a time.
    fn frame(&self, time: u64, reach: Reach, after: u64, upto: u64) -> Rows {
        let in_range = |version: u64| after < version && version <= upto;
        let mut rows: Vec<Row> = self
            .at(time)
            .into_iter()
            .filter(|(_, (version, body))| in_range(*version) && (reach == Reach::Delta || body.is_some()))
            .map(|((entity, key), (version, body))| Row { entity, key, version, body })
            .collect();
        rows.sort_by_key(|row| row.version);
        Rows { bucket: BUCKET, reach, after, upto, rows }
    }

    fn head(&self) -> u64 {
        self.history.len() as u64
    }
}

/// The edge's side, with rows in a map.
#[derive(Debug)]
struct Model {
    cursor: BucketCursor,
    rows: RowsByKey,
}

impl Model {
    fn apply(&mut self, frame: &Rows) -> Judged {
        let judged = judge(&self.cursor, frame.span());
        if let Judged::Apply(next) = judged {
            for row in &frame.rows {
                let at = (row.entity, row.key);
                if self.rows.get(&at).is_none_or(|(version, _)| *version < row.version) {
                    self.rows.insert(at, (row.version, row.body.clone()));
                }
            }
            if next.is_whole() {
                self.rows.retain(|_, (_, body)| body.is_some());
            }
            self.cursor = next;
        }
        judged
    }

    fn digest(&self, entity: u16) -> Digest {
        let mut digest = Digest::default();
        for ((of, key), (version, body)) in self.rows.iter().filter(|((of, _), _)| *of == entity) {
            let row = Row { entity: *of, key: *key, version: *version, body: body.clone() };
            row.hash().into_iter().for_each(|hash| digest.add(hash));
        }
        digest
    }
}

pub(super) fn stored_rows(conn: &Connection) -> Result<RowsByKey, DbError> {
    let mut statement = conn.prepare("SELECT entity, id, version, payload FROM replica")?;
    let mut rows = statement.query([])?;
    let mut all = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let key = Key::from_bytes(&row.get::<_, Vec<u8>>(1)?).unwrap();
        let payload: Option<Vec<u8>> = row.get(3)?;
        let body = payload.map(|payload| Fields::from_canonical(&payload).unwrap());
        all.insert((row.get(0)?, key), (row.get(2)?, body));
    }
    Ok(all)
}

/// Every index entry: entity, field, value, key.
fn stored_index(conn: &Connection) -> Result<BTreeSet<IndexEntry>, DbError> {
    let mut statement = conn.prepare("SELECT entity, field, value, id FROM replica_index")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn expected_index(model: &Model) -> BTreeSet<IndexEntry> {
    let mut all = BTreeSet::new();
    for ((entity, key), (_, body)) in &model.rows {
        for (field, value) in body.iter().flat_map(Fields::iter) {
            if entity::indexed_fields(*entity).contains(&field) {
                all.insert((*entity, field, replica::index_key(value), key.to_bytes().to_vec()));
            }
        }
    }
    all
}

/// Everything that must hold after every step.
fn check(edge: &TestEdge, model: &Model, entities: &[u16]) {
    edge.read(|conn| -> Result<(), DbError> {
        assert_eq!(replica::cursors(conn)?, [model.cursor]);
        assert_eq!(stored_rows(conn)?, model.rows);
        assert_eq!(stored_index(conn)?, expected_index(model));
        for entity in entities {
            assert_eq!(digest(conn, BUCKET, *entity)?, model.digest(*entity), "kept sum of entity {entity}");
            assert_eq!(recount(conn, BUCKET, *entity)?, model.digest(*entity), "recount of entity {entity}");
        }
        Ok(())
    });
    // Kept sums of stock are what adding up gives, before and after they are kept.
    edge.write(|tx| -> Result<(), DbError> {
        for n in 0..2 {
            let listing = ListingId(hub_born(n));
            let before = replica::holdings(tx, listing)?;
            let kept = replica::holdings_kept(tx, listing)?;
            replica::forget_sum(tx, listing)?;
            assert_eq!(before, replica::holdings(tx, listing)?, "a kept sum went stale");
            assert_eq!(kept, before);
            let orders: Vec<Order> = replica::find(tx, 1, &listing)?;
            let is_short =
                |o: &Order| o.holder == Some(Holder::Hub) && o.status == entity::OrderStatus::Short;
            assert_eq!(replica::stands_short(tx, listing, Holder::Hub)?, orders.iter().any(is_short));
        }
        Ok(())
    });
}

pub(super) fn edge() -> TestEdge {
    let edge = TestEdge::enrolled();
    edge.take_scope(&[BUCKET]);
    edge
}

/// A key and what became of it: indexed entities, one without an index, one of a newer hub.
fn event() -> impl Strategy<Value = ((u16, Key), Body)> {
    let number = 0u64..6;
    let listing = || (0u64..2).prop_map(|n| ListingId(hub_born(n)));
    let entry = (number.clone(), listing(), 0u32..2, -5i64..20).prop_map(|(n, listing, holder, units)| {
        let id = EntryId { of: hub_born(n), step: 1 };
        let (holder, quantity) = (Holder::from_code(holder), Quantity::units(units));
        let entry = StockEntry { id, listing, holder, quantity, kind: EntryKind::Intake };
        (StockEntry::NUMBER, entry.key(), entry.to_fields())
    });
    let order =
        (number.clone(), listing(), 0u32..2, prop::bool::ANY).prop_map(|(n, listing, phone, short)| {
            let mut order = sample_order(OrderId(hub_born(n)), listing);
            order.buyer_phone = u64::from(phone);
            order.status = if short { entity::OrderStatus::Short } else { entity::OrderStatus::Confirmed };
            (Order::NUMBER, order.key(), order.to_fields())
        });
    let price = (0u32..3, 0u32..3, 1i64..4).prop_map(|(series, month, price)| {
        let mut fields = Fields::new();
        fields.set(1, Value::Int(price));
        (6, Key::Pair(series, month), fields)
    });
    let newer = (0u32..4, "[a-c]{0,2}").prop_map(|(n, text)| {
        let mut fields = Fields::new();
        fields.set(40, Value::Text(&text));
        (77, Key::Int(n), fields)
    });
    let live = prop_oneof![entry, order, price, newer];
    (live, prop::bool::weighted(0.3))
        .prop_map(|((entity, key, fields), gone)| ((entity, key), (!gone).then_some(fields)))
}

const ENTITIES: [u16; 4] = [StockEntry::NUMBER, Order::NUMBER, 6, 77];

fn sample_order(id: OrderId, listing: ListingId) -> Order {
    Order {
        id,
        listing,
        cooperative: COOP,
        quantity: Quantity::units(1),
        unit_price_minor: 100,
        currency: crate::testing::kwacha(),
        holder: Some(Holder::Hub),
        buyer_phone: 0,
        buyer_name: String::new(),
        buyer_cooperative: None,
        status: entity::OrderStatus::Confirmed,
        channel: entity::Channel::Rest,
        placed_at_s: 0,
        odd_price: false,
        buyer_unconfirmed: false,
        recorded_at_s: None,
    }
}

/// How a test turns numbers into frames of one hub: one snapshot from a head downwards, read while the hub goes on, and deltas
/// read at any time.
#[derive(Clone, Debug)]
struct Schedule {
    hub: Hub,
    frames: Vec<Rows>,
}

fn schedule() -> impl Strategy<Value = Schedule> {
    let history = prop::collection::vec(event(), 4..40);
    let cuts = prop::collection::vec((0.0f64..1.0, 0.0f64..1.0), 1..5);
    let deltas = prop::collection::vec((0.0f64..1.0, 0.0f64..1.0, 0.0f64..1.0), 0..12);
    (history, 0.2f64..1.0, cuts, deltas, prop::bool::weighted(0.8))
        .prop_map(|(history, head, cuts, deltas, has_snapshot)| {
            let hub = Hub { history };
            let part = |of: u64, share: f64| (of as f64 * share) as u64;
            let head = part(hub.head(), head).max(1);
            let mut frames = Vec::new();
            if has_snapshot {
                let (mut upto, mut time) = (head, head);
                let mut cuts = cuts;
                cuts.push((0.0, 0.5));
                for (cut, later) in cuts {
                    let after = part(upto, cut);
                    frames.push(hub.frame(time, Reach::Snapshot { head: time }, after, upto));
                    upto = after;
                    time += part(hub.head() - time, later);
                }
            }
            for (a, b, time) in deltas {
                let time = part(hub.head(), time).max(1);
                let (a, b) = (part(time, a), part(time, b).max(1));
                frames.push(hub.frame(time, Reach::Delta, a.min(b), a.max(b)));
            }
            Schedule { hub, frames }
        })
        .prop_flat_map(|schedule| {
            let n = schedule.frames.len();
            let order = prop::collection::vec(0..n.max(1), 0..n * 3 + 1);
            (Just(schedule), order).prop_map(|(Schedule { hub, frames }, order)| {
                let sent = order.into_iter().filter_map(|at| frames.get(at).cloned()).collect();
                Schedule { hub, frames: sent }
            })
        })
}

/// What an exchange would bring: the pages that the protocol plans from the cursor, read now.
fn catch_up(edge: &TestEdge, hub: &Hub, model: &mut Model) {
    while let Some(page) = next_pages(vec![(model.cursor, hub.head())]).first() {
        // A snapshot goes down in two steps, so that its second finds rows of the first.
        let half = page.after + (page.upto - page.after) / 2;
        let after = if page.reach != Reach::Delta && half < page.upto { half } else { page.after };
        let frame = hub.frame(hub.head(), page.reach, after, page.upto);
        assert_eq!(edge.apply(frame.clone()), model.apply(&frame));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn frames_late_twice_and_out_of_order_do_no_harm(schedule in schedule()) {
        let Schedule { hub, frames } = schedule;
        let edge = edge();
        let mut model = Model { cursor: BucketCursor::new(BUCKET), rows: BTreeMap::new() };
        for frame in &frames {
            prop_assert_eq!(edge.apply(frame.clone()), model.apply(frame));
            check(&edge, &model, &ENTITIES);
            // What the cursor has passed is here, and nothing that went stands here again. (Of what moved on beyond the
            // cursor, the hub has forgotten the states in between.)
            for (at, (version, body)) in hub.at(hub.head()) {
                if model.cursor.has_passed(version) {
                    let here = model.rows.get(&at).and_then(|(version, body)| body.as_ref().map(|body| (*version, body)));
                    prop_assert_eq!(here, body.as_ref().map(|body| (version, body)), "{:?}", at);
                }
            }
        }
        catch_up(&edge, &hub, &mut model);
        check(&edge, &model, &ENTITIES);
        let live: BTreeMap<_, _> = hub.at(hub.head()).into_iter().filter(|(_, (_, body))| body.is_some()).collect();
        prop_assert_eq!(&model.rows, &live);
        let sums = ENTITIES.iter().map(|e| (*e, model.digest(*e).sum as u64)).filter(|(_, sum)| *sum != 0).collect();
        let point = BucketPoint { bucket: BUCKET, head: hub.head(), sums };
        prop_assert_eq!(edge.write(move |tx| compare(tx, &[point])), []);
    }
}

#[test]
fn rows_that_come_by_the_hundred_are_kept_as_they_would_be_one_by_one() {
    let priced = |series, month| {
        let mut fields = Fields::new();
        fields.set(1, Value::Int(i64::from(month) * 10));
        ((6, Key::Pair(series, month)), Some(fields))
    };
    let stocked = |n: u64| {
        let id = EntryId { of: hub_born(n), step: 1 };
        let (listing, holder) = (ListingId(hub_born(n % 2)), Holder::from_code((n % 2) as u32));
        let entry = StockEntry { id, listing, holder, quantity: Quantity::units(1), kind: EntryKind::Intake };
        ((StockEntry::NUMBER, entry.key()), Some(entry.to_fields()))
    };
    // The lower half of the versions: neighbours by themselves, and every second one of a series whose others come before.
    let mut history: Vec<_> = (0..150).map(|month| priced(1, month)).collect();
    history.extend((0..100).map(|n| priced(2, n * 2)));
    history.extend((0..90).map(stocked));
    history.extend((0..100).map(|n| priced(2, n * 2 + 1)));
    history.extend((0..40).map(|n| stocked(200 + n)));
    // Of the first neighbours one is changed before they come, and comes before them; a hub that is not right sends it all the same.
    let head = history.len() as u64;
    history.push(priced(1, 70));
    let hub = Hub { history };
    let edge = edge();
    let mut model = Model { cursor: BucketCursor::new(BUCKET), rows: BTreeMap::new() };
    let (down, late) = (Reach::Snapshot { head }, Reach::Snapshot { head: head + 1 });
    let frames = [(head, down, 340, head), (head + 1, Reach::Delta, head, head + 1), (head, late, 0, 340)];
    for (as_of, reach, after, upto) in frames {
        let frame = hub.frame(as_of, reach, after, upto);
        assert_eq!(edge.apply(frame.clone()), model.apply(&frame));
        check(&edge, &model, &ENTITIES);
    }
    assert_eq!(model.rows.len() as u64, head);
}

/// One key at a version.
pub(super) fn price(version: u64, key: u32, body: Option<i64>) -> Row {
    let body = body.map(|price| {
        let mut fields = Fields::new();
        fields.set(1, Value::Int(price));
        fields
    });
    Row { entity: 6, key: Key::Pair(1, key), version, body }
}

/// A step of a first snapshot that was read when everything in these tests had happened.
const SNAPSHOT: Reach = Reach::Snapshot { head: 1_000 };

pub(super) fn frame(reach: Reach, after: u64, upto: u64, rows: Vec<Row>) -> Rows {
    Rows { bucket: BUCKET, reach, after, upto, rows }
}

#[test]
fn late_bundle_sets_the_cursor_past_rows_never_received() {
    let edge = edge();
    edge.apply(frame(Reach::Delta, 0, 10, vec![price(7, 1, Some(70))]));
    let before = edge.read(stored_rows);
    // The frame of versions 11 and 12 was lost, the next one comes.
    let gap = edge.apply(frame(Reach::Delta, 12, 20, vec![price(15, 2, Some(150))]));
    assert_eq!(gap, Judged::Gap);
    assert_eq!(edge.read(stored_rows), before);
    assert_eq!(edge.read(replica::cursors), [BucketCursor { bucket: BUCKET, upto: 10, reached: None }]);
    // What was lost comes after all, then the next once more.
    edge.apply(frame(Reach::Delta, 10, 12, vec![price(11, 3, Some(110))]));
    assert!(matches!(
        edge.apply(frame(Reach::Delta, 12, 20, vec![price(15, 2, Some(150))])),
        Judged::Apply(_)
    ));
    assert_eq!(edge.apply(frame(Reach::Delta, 0, 10, vec![price(7, 1, Some(70))])), Judged::Skip, "twice");
    assert_eq!(edge.read(stored_rows).len(), 3);
}

#[test]
fn what_went_during_a_snapshot_does_not_rise_again_and_leaves_nothing() {
    let edge = edge();
    let gone_rows = |conn: &Connection| -> Result<i64, DbError> {
        Ok(conn.query_row("SELECT count(*) FROM replica WHERE payload IS NULL", [], |row| row.get(0))?)
    };
    edge.apply(frame(SNAPSHOT, 60, 100, vec![price(70, 1, Some(1)), price(80, 2, Some(2))]));
    // One that is here goes, and one that the snapshot has not reached yet.
    edge.apply(frame(Reach::Delta, 100, 110, vec![price(105, 1, None), price(106, 3, None)]));
    assert_eq!(edge.read(gone_rows), 2);
    // A part of the snapshot that was read before that, and comes now.
    edge.apply(frame(SNAPSHOT, 20, 60, vec![price(30, 3, Some(3)), price(40, 4, Some(4))]));
    assert_eq!(edge.read(|conn| replica::prices_of(conn, SeriesId(1), 9)).len(), 2);
    edge.apply(frame(SNAPSHOT, 0, 20, vec![]));
    assert_eq!(edge.read(gone_rows), 0);
    assert_eq!(edge.read(|conn| digest(conn, BUCKET, 6)).count, 2);
    // With the bucket whole, what goes leaves nothing behind.
    edge.apply(frame(Reach::Delta, 110, 111, vec![price(111, 4, None)]));
    assert_eq!((edge.read(gone_rows), edge.read(stored_rows).len()), (0, 1));
}

#[test]
fn a_snapshot_that_began_anew_meanwhile_writes_over_lower_versions_only() {
    let edge = edge();
    edge.apply(frame(SNAPSHOT, 60, 100, vec![price(70, 1, Some(70)), price(90, 2, Some(90))]));
    edge.apply(frame(Reach::Delta, 100, 130, vec![price(120, 3, Some(120))]));
    // Its range reaches from beyond the cursor to below what is missing.
    let rows = vec![
        price(20, 4, Some(20)),
        price(80, 2, Some(80)),
        price(90, 2, Some(90)),
        price(150, 1, Some(150)),
    ];
    assert!(matches!(edge.apply(frame(SNAPSHOT, 10, 200, rows)), Judged::Apply(_)));
    assert_eq!(edge.read(replica::cursors), [BucketCursor { bucket: BUCKET, upto: 130, reached: Some(10) }]);
    let prices: Vec<i64> =
        edge.read(|conn| replica::prices_of(conn, SeriesId(1), 9)).iter().map(|p| p.price_minor).collect();
    assert_eq!(prices, [20, 120, 90, 150]);
    assert_eq!(edge.read(|conn| recount(conn, BUCKET, 6)), edge.read(|conn| digest(conn, BUCKET, 6)));
}

#[test]
fn member_moves_from_a_to_b_at_a_node_that_holds_both() {
    let (a, b) = (Bucket::Coop(COOP), Bucket::Coop(CooperativeId(99)));
    let edge = TestEdge::enrolled();
    edge.take_scope(&[a, b]);
    let mut member = entity::Member {
        id: crate::testing::member_id(),
        cooperative: COOP,
        name: "Mercy Banda".into(),
        phone: 265_991_234_567,
        language: "en".into(),
        registered_at_s: 5,
    };
    let key = member.key();
    let seen =
        |edge: &TestEdge| edge.read(|conn| replica::get::<entity::Member>(conn, key)).map(|m| m.cooperative);
    edge.feed(a, vec![crate::testing::live(&member)]);
    assert_eq!(seen(&edge), Some(COOP));
    member.cooperative = CooperativeId(99);
    // The row arrives in B before it goes in A, then the tombstone of A comes, late and twice.
    edge.feed(b, vec![crate::testing::live(&member)]);
    edge.feed(a, vec![crate::testing::gone::<entity::Member>(key)]);
    assert_eq!(seen(&edge), Some(CooperativeId(99)), "the tombstone is A's alone");
    let again = Rows {
        bucket: a,
        reach: Reach::Delta,
        after: 0,
        upto: 2,
        rows: vec![Row { entity: entity::Member::NUMBER, key, version: 2, body: None }],
    };
    assert_eq!(edge.apply(again), Judged::Skip);
    assert_eq!(seen(&edge), Some(CooperativeId(99)));
    let found: Vec<entity::Member> = edge.read(|conn| replica::find(conn, 3, &member.phone));
    assert_eq!(found, [member]);
}

#[test]
fn a_bucket_that_left_takes_its_rows_along_and_comes_back_empty() {
    let edge = TestEdge::with_market();
    let listing = edge.post_listing(10);
    let market = |edge: &TestEdge| edge.read(|conn| replica::get::<entity::Market>(conn, Key::Int(1)));
    assert!(market(&edge).is_some());
    let kept = [Bucket::Coop(COOP), Bucket::Global, Bucket::Edge(EDGE)];
    edge.take_scope(&kept);
    assert_eq!(market(&edge), None);
    for table in ["replica", "replica_index", "digest"] {
        let left: i64 = edge.read(|conn| -> Result<i64, DbError> {
            let sql = format!("SELECT count(*) FROM {table} WHERE bucket NOT IN (SELECT number FROM bucket)");
            Ok(conn.query_row(&sql, [], |row| row.get(0))?)
        });
        assert_eq!(left, 0, "{table}");
    }
    assert!(edge.read(|conn| replica::find::<entity::PriceSeries>(conn, 1, &MarketId(1))).is_empty());
    assert_eq!(edge.read(|conn| digest(conn, Bucket::Region(REGION), 4)), Digest::default());
    let order: Vec<Bucket> = edge.read(replica::cursors).into_iter().map(|c| c.bucket).collect();
    assert_eq!(order, kept, "cursors are in the order of the scope");
    assert!(
        edge.read(|conn| replica::get::<entity::Listing>(conn, Key::Uuid(listing.0))).is_some(),
        "what waits stays"
    );
    edge.take_scope(&[Bucket::Region(REGION), Bucket::Coop(COOP)]);
    let cursors = edge.read(replica::cursors);
    assert_eq!(cursors[0], BucketCursor::new(Bucket::Region(REGION)));
    assert!(cursors[1].upto > 0);
    edge.feed(Bucket::Region(REGION), vec![Row { version: 0, ..price(0, 1, Some(1)) }]);
    assert_eq!(edge.read(|conn| replica::prices_of(conn, SeriesId(1), 9)).len(), 1);
}

#[test]
fn what_is_not_in_the_scope_is_refused_by_name() {
    let edge = edge();
    let foreign =
        Rows { bucket: Bucket::Region(RegionId(9)), reach: Reach::Delta, after: 0, upto: 1, rows: vec![] };
    let refused = edge.db().write_blocking(move |tx| apply_rows(tx, &Ready::of(&foreign)));
    assert_eq!(refused, Err(ReplicaError::NotInScope(Bucket::Region(RegionId(9)))));
    let twice = Welcome { epoch: 1, scope: vec![Bucket::Global, Bucket::Country(malawi()), Bucket::Global] };
    let refused = edge.db().write_blocking(move |tx| take_scope(tx, &twice));
    assert_eq!(refused, Err(ReplicaError::BadScope(Bucket::Global)));
    assert_eq!(edge.read(replica::cursors), [BucketCursor::new(BUCKET)]);
}

/// A bucket of prices, and its true state at the hub.
fn whole_bucket(edge: &TestEdge) -> (u64, Vec<Row>) {
    let rows: Vec<Row> = (1..=500).map(|n| price(u64::from(n), n, Some(i64::from(n) * 10))).collect();
    edge.apply(frame(SNAPSHOT, 0, 500, rows.clone()));
    (500, rows)
}

fn sums_of(rows: &[Row]) -> Vec<(u16, u64)> {
    let mut digest = Digest::default();
    rows.iter().filter_map(Row::hash).for_each(|hash| digest.add(hash));
    vec![(6, digest.sum as u64)]
}

fn slots_of(rows: &[Row], within: Option<u8>) -> Vec<u64> {
    let mut sums = vec![0u64; 256];
    for row in rows {
        let [first, second] = slot(row.entity, row.key);
        if within.is_none_or(|within| within == first) {
            let at = &mut sums[usize::from(if within.is_some() { second } else { first })];
            *at = at.wrapping_add(row.hash().unwrap().0 as u64);
        }
    }
    sums
}

#[test]
fn one_wrong_row_on_disk_is_found_by_its_slot_and_mended() {
    let edge = edge();
    let (head, truth) = whole_bucket(&edge);
    let point = BucketPoint { bucket: BUCKET, head, sums: sums_of(&truth) };
    let compared = point.clone();
    assert_eq!(edge.write(move |tx| compare(tx, &[compared])), []);
    // The disk changes a row, loses one and makes one up; the kept sum knows nothing of it.
    edge.write(|tx| -> Result<(), DbError> {
        let mut wrong = Fields::new();
        wrong.set(1, Value::Int(9));
        let id = |n| Key::Pair(1, n).to_bytes().to_vec();
        tx.execute("UPDATE replica SET payload = ?1 WHERE id = ?2", (wrong.canonical(), id(77)))?;
        tx.execute("DELETE FROM replica WHERE id = ?1", [id(78)])?;
        tx.execute(
            "INSERT INTO replica SELECT entity, ?1, bucket, version, payload FROM replica WHERE id = ?2",
            (id(9_999), id(5)),
        )?;
        Ok(())
    });
    assert_ne!(edge.read(|conn| recount(conn, BUCKET, 6)), edge.read(|conn| digest(conn, BUCKET, 6)));
    // From the sums of the 256 slots to those within one, to the rows of one.
    let audit = |slot: &[u8]| Audit { bucket: BUCKET, entity: 6, slot: slot.to_vec() };
    let ours = edge.read(|conn| slot_sums(conn, &audit(&[])));
    let firsts: Vec<u8> =
        (0..=255).filter(|n| ours[usize::from(*n)] != slots_of(&truth, None)[usize::from(*n)]).collect();
    let wrong = [77, 78, 9_999].map(|n| slot(6, Key::Pair(1, n)));
    assert_eq!(firsts.iter().collect::<BTreeSet<_>>(), wrong.iter().map(|[first, _]| first).collect());
    for [first, second] in wrong {
        let ours = edge.read(|conn| slot_sums(conn, &audit(&[first])));
        assert_ne!(ours[usize::from(second)], slots_of(&truth, Some(first))[usize::from(second)]);
        let repair = |head| Reach::Repair { entity: 6, slot: [first, second], head };
        let rows: Vec<Row> =
            truth.iter().filter(|row| slot(6, row.key) == [first, second]).cloned().collect();
        let stale = frame(repair(head - 1), 0, head - 1, vec![]);
        assert_eq!(edge.apply(stale), Judged::Skip, "a repair of another version says nothing");
        assert!(matches!(edge.apply(frame(repair(head), 0, head, rows)), Judged::Apply(_)));
    }
    assert_eq!(edge.read(stored_rows).len(), 500);
    assert_eq!(edge.read(|conn| recount(conn, BUCKET, 6)), edge.read(|conn| digest(conn, BUCKET, 6)));
    assert_eq!(edge.write(move |tx| compare(tx, &[point])), []);
    assert!(edge.read(|conn| slot_sums(conn, &audit(&[1, 2]))).is_empty());
}

#[test]
fn digests_are_compared_only_where_both_stand_at_one_version() {
    let edge = edge();
    let (head, truth) = whole_bucket(&edge);
    let wrong = |head| BucketPoint { bucket: BUCKET, head, sums: vec![(6, 1), (7, 2)] };
    let verified = |edge: &TestEdge| -> u64 {
        edge.read(|conn| -> Result<u64, DbError> {
            Ok(conn.query_row("SELECT verified FROM bucket", [], |row| row.get(0))?)
        })
    };
    let points = [wrong(head + 1), wrong(head - 1), BucketPoint { bucket: Bucket::Global, ..wrong(head) }];
    assert_eq!(edge.write(move |tx| compare(tx, &points)), [], "not the same version, not in the scope");
    let point = wrong(head);
    assert_eq!(edge.write(move |tx| compare(tx, &[point])), [(BUCKET, 6), (BUCKET, 7)]);
    assert_eq!(verified(&edge), 0);
    let missing = BucketPoint { bucket: BUCKET, head, sums: vec![] };
    assert_eq!(edge.write(move |tx| compare(tx, &[missing])), [(BUCKET, 6)], "the hub has none of it");
    let right = BucketPoint { bucket: BUCKET, head, sums: sums_of(&truth) };
    assert_eq!(edge.write(move |tx| compare(tx, &[right])), []);
    assert_eq!(verified(&edge), head);
    // A snapshot under way is not compared, whatever its cursor says.
    let edge = super::frames::edge();
    edge.apply(frame(SNAPSHOT, 60, 100, vec![price(70, 1, Some(1))]));
    let early = BucketPoint { bucket: BUCKET, head: 100, sums: vec![(6, 1)] };
    assert_eq!(edge.write(move |tx| compare(tx, &[early])), []);
}

#[test]
fn a_frame_that_fails_half_way_leaves_nothing() {
    let edge = edge();
    whole_bucket(&edge);
    let before =
        (edge.read(stored_rows), edge.read(|conn| digest(conn, BUCKET, 6)), edge.read(replica::cursors));
    let next = frame(Reach::Delta, 500, 502, vec![price(501, 900, Some(1)), price(502, 1, None)]);
    let failed = edge.db().write_blocking(move |tx| {
        assert!(matches!(apply_rows(tx, &Ready::of(&next))?, Judged::Apply(_)));
        commands::settle(tx)?;
        Err::<(), _>(ReplicaError::Db(DbError::Other("the line broke".into())))
    });
    assert!(failed.is_err());
    let edge = edge.reopen();
    let after =
        (edge.read(stored_rows), edge.read(|conn| digest(conn, BUCKET, 6)), edge.read(replica::cursors));
    assert_eq!(before, after);
}

#[test]
fn of_one_key_twice_in_a_frame_the_newest_counts() {
    let edge = edge();
    edge.apply(frame(SNAPSHOT, 0, 9, vec![price(3, 1, Some(3)), price(5, 1, Some(5))]));
    assert_eq!(edge.read(|conn| replica::prices_of(conn, SeriesId(1), 9))[0].price_minor, 5);
    assert_eq!(edge.read(|conn| recount(conn, BUCKET, 6)), edge.read(|conn| digest(conn, BUCKET, 6)));
    edge.apply(frame(Reach::Delta, 9, 12, vec![price(10, 1, Some(10)), price(12, 1, None)]));
    assert!(edge.read(|conn| replica::prices_of(conn, SeriesId(1), 9)).is_empty());
    assert_eq!(edge.read(|conn| digest(conn, BUCKET, 6)), Digest::default());
}

#[test]
fn a_version_beyond_what_is_stored_is_an_error_and_no_wrong_number() {
    let edge = edge();
    let huge = frame(Reach::Delta, 0, u64::MAX, vec![price(u64::MAX, 1, Some(1))]);
    let refused = edge.db().write_blocking(move |tx| apply_rows(tx, &Ready::of(&huge)));
    assert!(matches!(refused, Err(ReplicaError::Db(_))), "{refused:?}");
    assert!(edge.read(stored_rows).is_empty());
}
