//! Rows come in: first snapshot, deltas, lost and doubled frames, a scope that changes.

use super::*;
use crate::sync::state;
use sync_protocol::ids::RegionId;
use sync_protocol::row::Key;

#[tokio::test]
async fn a_first_sync_brings_everything_and_says_that_both_sides_are_equal() {
    let bed = Bed::new();
    bed.hub.write(COOP, vec![live(&testing::coop(testing::COOP, "Mitundu Farmers"))]);
    bed.hub.write(REGION, prices(1, 730));
    let report = bed.sync().await.unwrap();
    assert_eq!((report.rows, report.commands), (731, 0));
    assert!(
        report.digests_equal && report.bytes_received > report.bytes_sent && !report.is_unfinished,
        "{report:?}"
    );
    bed.assert_equal();
    let hellos = bed.hub.lock().hellos.len() as u64;
    assert_eq!(report.round_trips, hellos + 2, "sign-in takes two");
    let state = bed.edge.read(state::load);
    assert_eq!((state.is_complete, state.digests_equal, state.failure), (true, Some(true), None));
    let at = bed.edge.deps().clock.read();
    let heard = bed.edge.read(|conn| crate::time::last_heard(conn, at)).unwrap();
    assert_eq!((heard.ahead_s, heard.age_s), (600, 0));
}

#[tokio::test]
async fn without_news_one_round_trip_is_enough_and_nothing_is_compared_anew() {
    let bed = Bed::with_prices(100).await;
    let report = bed.sync().await.unwrap();
    assert_eq!((report.rows, report.round_trips, report.digests_equal), (0, 1, true), "the session is kept");
    let last = bed.hub.lock().hellos.last().cloned().unwrap();
    assert!(!last.want_points);
    let short = *bed.hub.lock().response_bytes.last().unwrap();
    assert!(short < 80, "{short} bytes");
}

#[tokio::test]
async fn a_delta_takes_one_round_trip() {
    let bed = Bed::with_prices(300).await;
    bed.hub.write(REGION, prices(2, 40));
    let gone = testing::gone::<Price>(Key::Pair(1, Month::new(2000, 1).unwrap().0));
    bed.hub.write(REGION, vec![gone]);
    let report = bed.sync().await.unwrap();
    assert_eq!((report.rows, report.round_trips, report.digests_equal), (41, 1, true));
    bed.assert_equal();
}

#[tokio::test]
async fn a_lost_frame_is_a_gap_and_is_asked_for_again() {
    let bed = Bed::with_prices(10).await;
    bed.hub.write(REGION, prices(2, 150));
    bed.hub.lock().faults.lose_frame = Some(1);
    let report = bed.sync().await.unwrap();
    assert!(report.digests_equal && report.round_trips == 2, "{report:?}");
    bed.assert_equal();
}

#[tokio::test]
async fn every_frame_twice_changes_nothing() {
    let bed = Bed::new();
    bed.hub.lock().faults.doubled = true;
    bed.hub.write(REGION, prices(1, 200));
    bed.edge.take_scope(&testing::scope());
    bed.sync().await.unwrap();
    bed.hub.write(REGION, prices(2, 90));
    let report = bed.sync().await.unwrap();
    assert_eq!((report.rows, report.digests_equal), (90, true));
    bed.assert_equal();
}

#[tokio::test]
async fn a_bucket_that_leaves_takes_its_rows_along_and_a_new_one_comes_whole() {
    let bed = Bed::with_prices(120).await;
    let other = Bucket::Region(RegionId(77));
    bed.hub.write(other, prices(9, 130));
    bed.hub.lock().scope = vec![COOP, other];
    let report = bed.sync().await.unwrap();
    assert_eq!((report.rows, report.digests_equal), (130, true));
    bed.assert_equal();
    let left: u64 = bed.edge.read(|conn| {
        let sql = "SELECT count(*) FROM replica WHERE bucket NOT IN (SELECT number FROM bucket)";
        Ok::<_, crate::db::DbError>(conn.query_row(sql, [], |row| row.get(0))?)
    });
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_run_that_is_told_to_stop_leaves_the_rest_to_the_next() {
    let bed = Bed::new();
    bed.hub.write(REGION, prices(1, 700));
    let short = Bounds {
        lock_patience: Duration::ZERO,
        work: Some(Duration::ZERO),
        check: Check::Moved,
        hold_commands: false,
    };
    let report = bed.syncer.run_once(short).await.unwrap();
    assert!(report.is_unfinished && !report.digests_equal && report.rows < 700);
    let report = bed.sync().await.unwrap();
    assert!(report.digests_equal);
    bed.assert_equal();
}

#[tokio::test]
async fn two_runs_of_one_box_never_go_side_by_side() {
    let bed = Bed::new();
    let held = crate::sync::lock::exchange(bed.edge.data_dir(), Duration::ZERO).await.unwrap().unwrap();
    assert!(matches!(bed.sync().await, Err(SyncError::Locked)));
    assert!(bed.hub.lock().hellos.is_empty());
    drop(held);
    assert!(bed.sync().await.is_ok());
}
