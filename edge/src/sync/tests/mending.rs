//! Rows that differ are found and mended with a few KiB: bits that flipped on the disk, rows too many and missing, wrong sums.

use super::*;
use crate::db::DbError;
use crate::sync::state;
use sync_protocol::market::Entity;

/// Bytes that one wrong row may cost, both ways.
const FEW_KIB: u64 = 10 << 10;

fn damage(bed: &Bed, sql: &'static str) {
    let changed = bed.edge.write(move |tx| Ok::<_, DbError>(tx.execute(sql, [])?));
    assert_eq!(changed, 1, "the damage was done");
}

async fn assert_mended(bed: &Bed, rows: u64) {
    let report = bed.sync_recounting().await.unwrap();
    assert!(report.digests_equal, "{report:?}");
    assert_eq!((report.mended, report.rows), (rows, 0));
    assert!(report.bytes_sent + report.bytes_received <= FEW_KIB, "{report:?}");
    assert_eq!(bed.edge.read(state::load).mended_rows, rows);
    bed.assert_equal();
    let again = bed.sync_recounting().await.unwrap();
    assert!(again.digests_equal && again.mended == 0 && again.round_trips == 1, "{again:?}");
}

#[tokio::test]
async fn a_bit_that_flipped_on_the_disk_is_found_by_counting_and_mended() {
    let bed = Bed::with_prices(3_000).await;
    damage(
        &bed,
        "UPDATE replica SET payload = x'0605' WHERE (entity, id) IN
         (SELECT entity, id FROM replica WHERE entity = 6 ORDER BY id LIMIT 1 OFFSET 1234)",
    );
    let report = bed.sync().await.unwrap();
    assert!(report.digests_equal, "nobody looked: the sums that are kept were not touched");
    assert_mended(&bed, 1).await;
}

#[tokio::test]
async fn the_rows_on_disk_are_counted_once_a_day_without_being_asked_for() {
    let bed = Bed::with_prices(900).await;
    damage(
        &bed,
        "DELETE FROM replica WHERE (entity, id) IN (SELECT entity, id FROM replica WHERE entity = 6 LIMIT 1 OFFSET 70)",
    );
    let report = bed.sync_checking(Check::Kept).await.unwrap();
    assert!(report.digests_equal && report.mended == 0, "counted today: only the kept sums are compared");
    bed.edge.clock().advance(Duration::from_secs(24 * 3600));
    let report = bed.sync_checking(Check::Kept).await.unwrap();
    assert!(report.digests_equal && report.mended == 1, "{report:?}");
    bed.assert_equal();
}

#[tokio::test]
async fn a_missing_row_and_one_too_many_are_mended() {
    let bed = Bed::with_prices(900).await;
    damage(
        &bed,
        "DELETE FROM replica WHERE (entity, id) IN (SELECT entity, id FROM replica WHERE entity = 6 LIMIT 1 OFFSET 70)",
    );
    assert_mended(&bed, 1).await;
    let bed = Bed::with_prices(900).await;
    damage(
        &bed,
        "INSERT INTO replica SELECT 6, x'0200000001ffffff00', bucket, 3, x'' FROM replica WHERE entity = 6 LIMIT 1",
    );
    assert_mended(&bed, 1).await;
}

#[tokio::test]
async fn a_sum_that_is_wrong_itself_is_put_right_without_fetching_rows() {
    let bed = Bed::with_prices(900).await;
    damage(&bed, "UPDATE digest SET sum = zeroblob(24) WHERE entity = 6");
    let report = bed.sync_recounting().await.unwrap();
    assert!(report.digests_equal && report.mended == 0 && report.rows == 0, "{report:?}");
    bed.assert_equal();
}

#[tokio::test]
async fn what_was_wrong_from_the_start_is_found_when_its_bucket_moves() {
    let bed = Bed::with_prices(600).await;
    // Row and sum agree with each other and not with the hub, as a bug in a merge would leave them.
    damage(
        &bed,
        "DELETE FROM replica WHERE (entity, id) IN (SELECT entity, id FROM replica WHERE entity = 6 LIMIT 1 OFFSET 70)",
    );
    bed.edge.write(|tx| {
        let sum = replica::recount(tx, REGION, Price::NUMBER)?;
        crate::sync::mend::keep_sum(tx, (REGION, Price::NUMBER), sum)
    });
    bed.hub.write(REGION, prices(2, 1));
    let report = bed.sync().await.unwrap();
    assert_eq!((report.digests_equal, report.mended), (true, 1), "{report:?}");
    bed.assert_equal();
}

#[tokio::test]
async fn many_wrong_rows_take_more_exchanges_and_end_equal() {
    let bed = Bed::with_prices(2_000).await;
    bed.edge.write(|tx| {
        Ok::<_, DbError>(
            tx.execute("UPDATE replica SET payload = x'0605' WHERE entity = 6 AND version % 40 = 0", [])?,
        )
    });
    let mut left = 20;
    let mut mended = 0;
    loop {
        let report = bed.sync_recounting().await.unwrap();
        mended += report.mended;
        left -= 1;
        assert!(left > 0, "it comes to an end: {report:?}");
        if report.digests_equal {
            break;
        }
        assert_eq!(bed.edge.read(state::load).digests_equal, Some(false), "and says so meanwhile");
    }
    assert_eq!(mended, 50);
    bed.assert_equal();
}

#[tokio::test]
async fn rows_on_disk_are_counted_once_a_day_by_themselves() {
    let bed = Bed::with_prices(300).await;
    damage(&bed, "UPDATE replica SET payload = x'0605' WHERE entity = 6 AND version = 7");
    assert_eq!(bed.sync().await.unwrap().mended, 0);
    bed.edge.clock().advance(Duration::from_secs(86_401));
    let report = bed.sync().await.unwrap();
    assert_eq!((report.mended, report.digests_equal), (1, true));
    bed.assert_equal();
}

#[tokio::test]
async fn what_a_count_found_is_not_forgotten_where_the_line_fails() {
    let bed = Bed::with_prices(300).await;
    damage(&bed, "UPDATE replica SET payload = x'0605' WHERE entity = 6 AND version = 7");
    bed.edge.clock().advance(Duration::from_secs(86_401));
    bed.hub.lock().faults.offline = true;
    bed.sync().await.unwrap_err();
    bed.hub.lock().faults.offline = false;
    let report = bed.sync().await.unwrap();
    assert_eq!((report.mended, report.digests_equal), (1, true));
    bed.assert_equal();
}

#[tokio::test]
async fn what_is_known_to_differ_is_compared_though_other_buckets_came_meanwhile() {
    let bed = Bed::with_prices(300).await;
    // As a run left it that ended before it had mended: the sum that is kept is that of the rows on disk.
    damage(&bed, "UPDATE replica SET payload = x'0605' WHERE entity = 6 AND version = 7");
    bed.edge.write(|tx| {
        let sum = replica::recount(tx, REGION, Price::NUMBER)?.to_bytes();
        assert_eq!(tx.execute("UPDATE digest SET sum = ?1 WHERE entity = 6", [sum])?, 1);
        Ok::<_, DbError>(tx.execute("UPDATE sync_state SET digests_equal = 0", [])?)
    });
    let further = Bucket::Region(sync_protocol::ids::RegionId(77));
    bed.hub.lock().scope.push(further);
    bed.hub.write(further, prices(9, 60));
    let report = bed.sync().await.unwrap();
    assert_eq!((report.mended, report.digests_equal), (1, true), "{report:?}");
    bed.assert_equal();
}
