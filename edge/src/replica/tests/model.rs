//! Frames that come late, twice, out of order, from several attempts: whatever came, the files agree with a model that keeps rows in
//! a map; and after one more exchange they agree with the hub.

use super::support::{BUCKET, Body, RowsByKey, edge, stored_rows};
use crate::db::DbError;
use crate::replica::{self, compare, digest, recount};
use crate::stock;
use crate::testing::{COOP, TestEdge};
use proptest::prelude::*;
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet};
use sync_protocol::ids::{Holder, ListingId, OrderId, hub_born};
use sync_protocol::market::{self, Entity, EntryId, EntryKind, Order, StockEntry};
use sync_protocol::row::{Digest, Key, Row};
use sync_protocol::session::{BucketCursor, Judged, judge, next_pages};
use sync_protocol::units::Quantity;
use sync_protocol::value::{Fields, Value};
use sync_protocol::wire::message::BucketPoint;
use sync_protocol::wire::rows::{Reach, Rows};

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
            if market::indexed_fields(*entity).contains(&field) {
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
            let before = stock::holdings(tx, listing)?;
            let kept = stock::holdings_kept(tx, listing)?;
            replica::forget_sums_of(tx, listing.0)?;
            assert_eq!(before, stock::holdings(tx, listing)?, "a kept sum went stale");
            assert_eq!(kept, before);
            let orders: Vec<Order> = replica::find(tx, Order::LISTING, &listing)?;
            let is_short =
                |o: &Order| o.holder == Some(Holder::Hub) && o.status == market::OrderStatus::Short;
            assert_eq!(stock::stands_short(tx, listing, Holder::Hub)?, orders.iter().any(is_short));
        }
        Ok(())
    });
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
            order.status = if short { market::OrderStatus::Short } else { market::OrderStatus::Confirmed };
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
        status: market::OrderStatus::Confirmed,
        channel: market::Channel::Rest,
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
