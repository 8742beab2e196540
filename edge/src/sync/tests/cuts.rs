//! The line is cut: at every byte of a response, and by damage. What came before the cut stays, nothing is half applied, and the
//! next exchange goes on.

use super::*;
use crate::line::LineError;
use crate::sync::pace::Pace;
use crate::sync::request::Batches;
use crate::sync::state;
use sync_protocol::limits::FRAME_TARGET_MIN_BYTES;
use sync_protocol::wire::message::{Message, Welcome, cursors_to_bytes};

/// One more command, price and member for each exchange that is cut.
fn something_new(bed: &Bed, i: u32) {
    bed.edge.post_listing(50 + i64::from(i));
    bed.hub.write(REGION, prices(100 + i, 2));
}

#[tokio::test]
async fn a_cut_at_any_byte_of_a_response_costs_at_most_a_frame() {
    let bed = Bed::with_market().await;
    let (mut at, mut cuts) = (0, 0);
    loop {
        something_new(&bed, at as u32);
        bed.hub.lock().faults.cut_response_at = Some(at);
        let before = bed.edge.read(replica::cursors);
        let ended = bed.sync().await;
        let length = bed.hub.lock().response_bytes.clone();
        match ended {
            // Something had come before the cut, so the run went on by itself.
            Ok(report) => assert!(report.digests_equal, "cut at {at}: {report:?}"),
            Err(SyncError::Line(LineError::Cut(_))) => {
                assert_eq!(bed.edge.read(replica::cursors), before, "cut at {at}: nothing is half applied");
                assert!(bed.sync().await.unwrap().digests_equal, "cut at {at}");
            }
            Err(other) => panic!("cut at {at}: {other}"),
        }
        assert_eq!((bed.waiting(), bed.local_rows()), (0, 0), "cut at {at}");
        bed.assert_equal();
        let state = bed.hub.lock();
        assert_eq!(state.taken.len(), at + 1, "each command took effect once");
        cuts += 1;
        // The response that was cut, and perhaps two after it: asked whether it is made now, and again.
        let whole = length[length.len().saturating_sub(3)..].iter().copied().max().unwrap();
        if at > whole {
            break;
        }
        drop(state);
        at += 1;
    }
    assert!(cuts > 200, "a response of a few hundred bytes was cut at each: {cuts}");
}

#[tokio::test]
async fn a_first_snapshot_goes_on_where_it_was_cut() {
    let bed = Bed::new();
    bed.hub.write(REGION, prices(1, 1_200));
    let mut errors = 0;
    for _ in 0..200 {
        bed.hub.lock().faults.cut_response_at = Some(900);
        match bed.sync().await {
            Ok(_) => break,
            Err(error) => {
                assert!(error.is_temporary(), "{error}");
                errors += 1;
            }
        }
    }
    let report = bed.sync().await.unwrap();
    assert!(report.digests_equal, "{errors} {report:?}");
    bed.assert_equal();
    let fetched: usize = bed.hub.lock().response_bytes.iter().sum();
    assert!(bed.hub.lock().response_bytes.len() > 5 && fetched < 100_000, "{fetched} bytes");
}

#[tokio::test]
async fn a_first_answer_that_is_cut_behind_the_names_of_the_buckets_goes_on_at_once() {
    let bed = Bed::new();
    bed.hub.write(REGION, prices(1, 100));
    let welcome = Message::Welcome(Welcome { epoch: 1, scope: testing::scope() }).to_bytes();
    bed.hub.lock().faults.cut_response_at = Some(welcome.len() + 20);
    let report = bed.sync().await.unwrap();
    assert!(report.digests_equal && report.rows == 100, "{report:?}");
    bed.assert_equal();
    // The hub has heard that all has come, and takes this box for no longer behind.
    let heard = bed.hub.lock().hellos.last().unwrap().cursors.clone();
    assert_eq!(heard, cursors_to_bytes(&bed.edge.read(replica::cursors)));
}

#[tokio::test]
async fn an_answer_that_is_cut_before_its_first_whole_piece_makes_the_next_pieces_smaller() {
    let bed = Bed::with_prices(3).await;
    bed.hub.write(REGION, prices(7, 2));
    let frame_bytes = || bed.edge.read(state::load).pace.frame_bytes();
    let before = frame_bytes();
    bed.hub.lock().faults.cut_response_at = Some(0);
    bed.sync().await.unwrap_err();
    assert!(frame_bytes() < before, "{} of {before}", frame_bytes());
}

#[tokio::test]
async fn the_first_batches_are_small_and_grow_to_what_suits_the_line() {
    let bed = Bed::with_market().await;
    for n in 0..700 {
        bed.edge.post_listing(n + 1);
    }
    let pace = Pace::from_stored(20_000, 20_000);
    let mut batches = Batches::new(bed.edge.db().clone(), 0, pace, Arc::default());
    let mut sizes = Vec::new();
    while let Some(batch) = batches.next().await.unwrap() {
        sizes.push(batch.len());
    }
    assert!(sizes[0] < 2 * FRAME_TARGET_MIN_BYTES, "{sizes:?}");
    assert!(sizes.windows(2).all(|pair| pair[1] < 5 * pair[0]), "{sizes:?}");
    assert!(sizes.iter().all(|size| *size < 2 * pace.batch_bytes()), "{sizes:?}");
    assert!(sizes.iter().any(|size| *size > 2 * sizes[0]), "{sizes:?}");
}

#[tokio::test]
async fn a_damaged_byte_is_named_and_nothing_of_its_frame_is_taken() {
    let bed = Bed::with_market().await;
    for at in [0, 1, 9, 40, 120] {
        something_new(&bed, at as u32);
        bed.hub.lock().faults.damage_at = Some(at);
        match bed.sync().await {
            Ok(report) => assert!(report.digests_equal, "damage at {at}"),
            Err(error) => {
                let text = error.to_string();
                assert!(error.is_temporary() && (text.contains("damaged") || text.contains("cut")), "{text}");
                assert!(bed.sync().await.unwrap().digests_equal, "damage at {at}");
            }
        }
        bed.assert_equal();
    }
}
