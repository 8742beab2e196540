//! Single frames: what each does to rows, cursors and the scope, and what is refused.

use super::support::{BUCKET, SNAPSHOT, edge, frame, price, stored_rows, whole_bucket};
use crate::commands;
use crate::db::DbError;
use crate::replica::{self, Ready, ReplicaError, apply_rows, digest, recount, take_scope};
use crate::testing::{COOP, EDGE, REGION, TestEdge, malawi};
use rusqlite::Connection;
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::{CooperativeId, MarketId, RegionId};
use sync_protocol::market::{self, Entity, Price};
use sync_protocol::row::{Digest, Key, Row};
use sync_protocol::session::{BucketCursor, Judged};
use sync_protocol::wire::message::Welcome;
use sync_protocol::wire::rows::{Reach, Rows};

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
    assert_eq!(edge.read(|conn| replica::newest::<Price>(conn, 1, 9)).len(), 2);
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
        edge.read(|conn| replica::newest::<Price>(conn, 1, 9)).iter().map(|p| p.price_minor).collect();
    assert_eq!(prices, [20, 120, 90, 150]);
    assert_eq!(edge.read(|conn| recount(conn, BUCKET, 6)), edge.read(|conn| digest(conn, BUCKET, 6)));
}

#[test]
fn member_moves_from_a_to_b_at_a_node_that_holds_both() {
    let (a, b) = (Bucket::Coop(COOP), Bucket::Coop(CooperativeId(99)));
    let edge = TestEdge::enrolled();
    edge.take_scope(&[a, b]);
    let mut member = market::Member {
        id: crate::testing::member_id(),
        cooperative: COOP,
        name: "Mercy Banda".into(),
        phone: 265_991_234_567,
        language: "en".into(),
        registered_at_s: 5,
    };
    let key = member.key();
    let seen =
        |edge: &TestEdge| edge.read(|conn| replica::get::<market::Member>(conn, key)).map(|m| m.cooperative);
    edge.feed(a, vec![crate::testing::live(&member)]);
    assert_eq!(seen(&edge), Some(COOP));
    member.cooperative = CooperativeId(99);
    // The row arrives in B before it goes in A, then the tombstone of A comes, late and twice.
    edge.feed(b, vec![crate::testing::live(&member)]);
    edge.feed(a, vec![crate::testing::gone::<market::Member>(key)]);
    assert_eq!(seen(&edge), Some(CooperativeId(99)), "the tombstone is A's alone");
    let again = Rows {
        bucket: a,
        reach: Reach::Delta,
        after: 0,
        upto: 2,
        rows: vec![Row { entity: market::Member::NUMBER, key, version: 2, body: None }],
    };
    assert_eq!(edge.apply(again), Judged::Skip);
    assert_eq!(seen(&edge), Some(CooperativeId(99)));
    let found: Vec<market::Member> =
        edge.read(|conn| replica::find(conn, market::Member::PHONE, &member.phone));
    assert_eq!(found, [member]);
}

#[test]
fn a_bucket_that_left_takes_its_rows_along_and_comes_back_empty() {
    let edge = TestEdge::with_market();
    let listing = edge.post_listing(10);
    let market = |edge: &TestEdge| edge.read(|conn| replica::get::<market::Market>(conn, Key::Int(1)));
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
    assert!(edge.read(|conn| replica::find(conn, market::PriceSeries::MARKET, &MarketId(1))).is_empty());
    assert_eq!(edge.read(|conn| digest(conn, Bucket::Region(REGION), 4)), Digest::default());
    let order: Vec<Bucket> = edge.read(replica::cursors).into_iter().map(|c| c.bucket).collect();
    assert_eq!(order, kept, "cursors are in the order of the scope");
    assert!(
        edge.read(|conn| replica::get::<market::Listing>(conn, Key::Uuid(listing.0))).is_some(),
        "what waits stays"
    );
    edge.take_scope(&[Bucket::Region(REGION), Bucket::Coop(COOP)]);
    let cursors = edge.read(replica::cursors);
    assert_eq!(cursors[0], BucketCursor::new(Bucket::Region(REGION)));
    assert!(cursors[1].upto > 0);
    edge.feed(Bucket::Region(REGION), vec![Row { version: 0, ..price(0, 1, Some(1)) }]);
    assert_eq!(edge.read(|conn| replica::newest::<Price>(conn, 1, 9)).len(), 1);
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
    assert_eq!(edge.read(|conn| replica::newest::<Price>(conn, 1, 9))[0].price_minor, 5);
    assert_eq!(edge.read(|conn| recount(conn, BUCKET, 6)), edge.read(|conn| digest(conn, BUCKET, 6)));
    edge.apply(frame(Reach::Delta, 9, 12, vec![price(10, 1, Some(10)), price(12, 1, None)]));
    assert!(edge.read(|conn| replica::newest::<Price>(conn, 1, 9)).is_empty());
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
