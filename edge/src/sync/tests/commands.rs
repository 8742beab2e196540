//! Commands go out: in order, in batches, once; what is not known to have arrived is asked about before it is sent again.

use super::*;
use crate::commands as log;
use crate::db::DbError;
use crate::sync::state;
use mizili_node::deps::HandClock;
use sync_protocol::ids::{CommandId, Holder};
use sync_protocol::units::Quantity;

fn posted(bed: &Bed, n: usize) {
    for _ in 0..n {
        bed.edge.post_listing(50);
    }
}

fn sent(bed: &Bed) -> u64 {
    bed.edge.read(|conn| {
        Ok::<_, DbError>(conn.query_row("SELECT count(*) FROM command WHERE sent = 1", [], |row| row.get(0))?)
    })
}

#[tokio::test]
async fn a_command_goes_out_is_answered_and_its_rows_take_its_place() {
    let bed = Bed::with_market().await;
    let listing = bed.edge.post_listing(50);
    assert!(bed.waiting() == 1 && bed.local_rows() > 0);
    let report = bed.sync().await.unwrap();
    assert_eq!((report.commands, report.applied, report.rejected, report.round_trips), (1, 1, 0, 1));
    assert!(report.digests_equal);
    assert_eq!((bed.waiting(), bed.local_rows()), (0, 0));
    assert_eq!(bed.edge.spendable(listing, Holder::Edge(testing::EDGE)), Quantity::units(25));
    bed.assert_equal();
}

#[tokio::test]
async fn the_edge_keeps_what_the_hub_speaks_and_forgets_it_when_an_older_one_answers() {
    let bed = Bed::with_market().await;
    let spoken = |bed: &Bed| bed.edge.read(crate::node::hub_minor);
    assert_eq!(spoken(&bed), 1, "a hub of before does not say");
    for (said, known) in [(Some(2), 2), (Some(3), 3), (None, 1)] {
        bed.hub.lock().minor = said;
        bed.sync().await.unwrap();
        assert_eq!(spoken(&bed), known);
    }
}

#[tokio::test]
async fn many_go_in_batches_in_order_and_each_once() {
    let bed = Bed::with_market().await;
    posted(&bed, 1_300);
    let report = bed.sync().await.unwrap();
    assert_eq!((report.commands, report.applied), (1_300, 1_300));
    assert!(report.digests_equal && bed.waiting() == 0 && bed.local_rows() == 0);
    assert_eq!(bed.hub.lock().arrived, (1..=1_300).collect::<Vec<_>>());
    bed.assert_equal();
}

#[tokio::test]
async fn a_refusal_comes_back_and_the_next_ones_are_not_held_up() {
    let bed = Bed::with_market().await;
    bed.edge.post_listing(50);
    bed.edge.post_listing(13);
    bed.edge.post_listing(50);
    let report = bed.sync().await.unwrap();
    assert_eq!((report.applied, report.rejected, report.round_trips), (2, 1, 1));
    assert_eq!(bed.edge.read(log::tally).refused, 1);
    assert_eq!(bed.local_rows(), 0);
}

#[tokio::test]
async fn a_box_whose_clock_is_wrong_forgets_nothing_and_takes_no_repeat_for_new() {
    let right_s = HandClock::START_S;
    for wall_s in [86_400, right_s - 40 * 86_400, right_s + 14 * 366 * 86_400] {
        let bed = Bed::with_market().await;
        bed.edge.clock().set_wall_s(wall_s);
        let id = CommandId(uuid::Uuid::from_u128(7));
        let order = testing::order_of(bed.edge.post_listing(50), 20);
        let first = bed.edge.submit_as(id, testing::caller(), false, order.clone()).unwrap();
        bed.edge.post_listing(13);
        bed.edge.post_listing(50);
        let report = bed.sync().await.unwrap();
        assert_eq!(report.commands, 4, "{wall_s}");
        // Whatever the clock does in between, and however often the hub is asked.
        for wall_s in [right_s, wall_s, 0] {
            bed.edge.clock().set_wall_s(wall_s);
            bed.edge.clock().reboot();
            bed.sync().await.unwrap();
        }
        let kept: u64 = bed
            .edge
            .read(|conn| Ok::<_, DbError>(conn.query_row("SELECT count(*) FROM command", [], |r| r.get(0))?));
        let shown = bed.edge.read(log::refusals).len() as u64;
        assert_eq!((kept, shown), (4, report.rejected), "{wall_s}");
        assert!(shown > 0, "something was refused");
        let again = bed.edge.submit_as(id, testing::caller(), false, order).unwrap();
        assert!(again.repeated && again.seq == first.seq, "{again:?}");
        assert_eq!(bed.sync().await.unwrap().commands, 0);
        let settled = bed.edge.read(|conn| log::outcome(conn, id)).unwrap().settled_at_s.unwrap();
        assert!((settled - right_s).abs() < 86_400, "it is dated by the hub: {settled}");
    }
}

#[tokio::test]
async fn while_there_is_no_line_nothing_counts_as_having_left() {
    let bed = Bed::with_market().await;
    posted(&bed, 3);
    bed.hub.lock().faults.offline = true;
    let error = bed.sync().await.unwrap_err();
    assert!(error.is_temporary() && error.to_string().contains("cannot reach the hub"), "{error}");
    assert_eq!((sent(&bed), bed.waiting()), (0, 3));
    let state = bed.edge.read(state::load);
    assert_eq!(state.failure.unwrap().0, "offline");
    assert!(state.is_complete, "what was here still is");
    bed.hub.lock().faults.offline = false;
    assert_eq!(bed.sync().await.unwrap().applied, 3);
    assert_eq!(bed.edge.read(state::load).failure, None);
}

#[tokio::test]
async fn after_a_cut_in_the_request_at_most_one_batch_goes_twice() {
    for batches in [1, 3, 7] {
        let bed = Bed::with_market().await;
        // A slow link: about fifty commands a batch.
        bed.edge
            .write(|tx| state::note_attempt(tx, 0, crate::sync::pace::Pace::from_stored(6_000, 6_000), None));
        posted(&bed, 600);
        bed.hub.lock().faults.cut_request_at = Some(batches * 1_400 + 300);
        let error = bed.sync().await.unwrap_err();
        assert!(matches!(error, SyncError::Line(_)), "{error}");
        let first = bed.hub.lock().arrived.len();
        assert!(first > 0 && first < 600, "the fault happened: {first}");
        let report = bed.sync().await.unwrap();
        assert!(report.digests_equal && bed.waiting() == 0, "{report:?}");
        let arrived = bed.hub.lock().arrived.len();
        let again = arrived - 600;
        assert!(again <= 60, "{again} of {first} went twice");
        assert_eq!(bed.hub.lock().taken.len(), 600);
        bed.assert_equal();
    }
}

#[tokio::test]
async fn a_request_that_was_taken_and_never_answered_is_not_sent_again() {
    let bed = Bed::with_market().await;
    posted(&bed, 700);
    bed.hub.lock().faults.cut_response_at = Some(0);
    bed.sync().await.unwrap_err();
    assert_eq!((bed.hub.lock().taken.len(), bed.waiting()), (700, 700));
    let report = bed.sync().await.unwrap();
    assert_eq!((report.commands, report.applied), (0, 700), "it asked first");
    bed.assert_equal();
}

#[tokio::test]
async fn an_open_answer_counts_as_waiting_and_is_not_sent_again() {
    let bed = Bed::with_market().await;
    bed.edge.post_listing(50);
    bed.sync().await.unwrap();
    bed.edge.post_listing(13);
    bed.edge.post_listing(50);
    bed.sync().await.unwrap();
    let before = bed.hub.lock().arrived.len();
    bed.sync().await.unwrap();
    assert_eq!(bed.hub.lock().arrived.len(), before, "what has its answer stays here");
}

#[tokio::test]
async fn a_line_that_is_not_there_is_not_taken_for_a_slow_one() {
    let bed = Bed::with_market().await;
    let pace = bed.edge.read(state::load).pace;
    bed.hub.lock().faults.offline = true;
    for _ in 0..5 {
        bed.sync().await.unwrap_err();
    }
    assert_eq!(bed.edge.read(state::load).pace, pace);
}

#[tokio::test]
async fn what_the_hub_cannot_take_now_keeps_no_row_waiting_and_is_offered_again() {
    let bed = Bed::with_market().await;
    bed.edge.post_listing(50);
    bed.hub.write(REGION, prices(1, 600));
    bed.hub.lock().faults.held = true;
    let report = bed.sync().await.unwrap();
    assert_eq!((report.retry_after, report.rows), (Some(Duration::from_secs(10)), 600), "{report:?}");
    assert!(report.round_trips > 2 && report.digests_equal && bed.waiting() == 1, "{report:?}");
    bed.hub.lock().faults.held = false;
    let report = bed.sync().await.unwrap();
    assert_eq!((report.retry_after, report.applied, bed.waiting()), (None, 1, 0), "{report:?}");
    bed.assert_equal();
}
