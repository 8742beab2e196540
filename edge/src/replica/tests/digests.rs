//! What an edge keeps, compared with what the hub says of it: only where both stand at one version; and a wrong row is found and mended.

use super::support::{BUCKET, SNAPSHOT, edge, frame, price, stored_rows, whole_bucket};
use crate::db::DbError;
use crate::replica::{compare, digest, recount, slot_sums};
use crate::testing::TestEdge;
use std::collections::BTreeSet;
use sync_protocol::bucket::Bucket;
use sync_protocol::row::{Digest, Key, Row, slot};
use sync_protocol::session::Judged;
use sync_protocol::value::{Fields, Value};
use sync_protocol::wire::message::{Audit, BucketPoint};
use sync_protocol::wire::rows::Reach;

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
    let edge = super::support::edge();
    edge.apply(frame(SNAPSHOT, 60, 100, vec![price(70, 1, Some(1))]));
    let early = BucketPoint { bucket: BUCKET, head: 100, sums: vec![(6, 1)] };
    assert_eq!(edge.write(move |tx| compare(tx, &[early])), []);
}
