//! The line is cut: at every byte of a response, and by damage. What came before the cut stays, nothing is half applied, and the
//! next exchange goes on.

use super::*;
use crate::sync::error::LineError;

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
