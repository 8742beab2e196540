//! The hub, or somebody in its place, does not go on: typed errors in plain words, and nothing here changes.

use super::*;
use crate::node::ShutOut;
use crate::sync::state;
use sync_protocol::wire::message::RefusalCode;

#[tokio::test]
async fn every_refusal_is_typed_told_and_changes_nothing() {
    for code in RefusalCode::ALL.iter().copied().filter(|code| *code != RefusalCode::Unauthorized) {
        let bed = Bed::with_prices(20).await;
        bed.edge.post_listing_unchecked();
        let before = (bed.edge.read(replica::cursors), bed.edge.read(node::link));
        bed.hub.lock().faults.refuse = Some(code);
        let error = bed.sync().await.unwrap_err();
        assert!(matches!(&error, SyncError::Refused(refusal) if refusal.code == code), "{error:?}");
        assert_eq!(bed.edge.read(replica::cursors), before.0);
        if !crate::sync::round::is_about_commands(code) {
            assert_eq!(bed.edge.read(node::link), before.1);
        }
        let kept = bed.edge.read(state::load).failure.unwrap();
        assert_eq!(kept, (code.as_str().to_owned(), error.to_string()));
    }
}

#[tokio::test]
async fn a_box_with_an_old_copy_of_its_data_is_told_so() {
    let bed = Bed::with_prices(20).await;
    let old = bed.edge.read(node::link).unwrap();
    bed.sync().await.unwrap();
    bed.sync().await.unwrap();
    bed.edge.write(move |tx| node::set_link(tx, &old));
    let error = bed.sync().await.unwrap_err();
    assert!(!error.is_temporary() && error.to_string().contains("old copy"), "{error}");
}

#[tokio::test]
async fn nothing_is_signed_for_a_hub_that_cannot_prove_itself() {
    let bed = Bed::new();
    bed.hub.lock().faults.impostor = true;
    let error = bed.sync().await.unwrap_err();
    assert!(matches!(error, SyncError::NotTheHub(_)), "{error}");
    assert!(!error.is_temporary());
    assert_eq!(bed.hub.lock().sign_ins, 0, "no answer to its challenge left the box");
    assert!(bed.hub.lock().hellos.is_empty());
}

#[tokio::test]
async fn the_hub_s_next_key_is_good_too() {
    let bed = Bed::new();
    let keys = vec![[1; 32], bed.hub.public_key()];
    bed.edge.write(move |tx| node::set_hub_keys(tx, &keys));
    assert!(bed.sync().await.is_ok());
    let pinned = bed.edge.read(node::identity).unwrap().hub_keys;
    assert_eq!(pinned, [bed.hub.public_key()], "what it vouched for takes the place of what was");
}

#[tokio::test]
async fn a_session_that_ended_is_opened_anew_without_a_word() {
    let bed = Bed::with_prices(20).await;
    assert_eq!(bed.hub.lock().sign_ins, 1);
    bed.sync().await.unwrap();
    assert_eq!(bed.hub.lock().sign_ins, 1, "a token is kept");
    bed.hub.end_session();
    let report = bed.sync().await.unwrap();
    assert_eq!((report.digests_equal, report.round_trips), (true, 4));
    assert_eq!(bed.hub.lock().sign_ins, 2);
}

#[tokio::test]
async fn a_busy_hub_and_unknown_answers_are_told_apart() {
    let bed = Bed::with_prices(5).await;
    let answer = async |status, code| {
        bed.hub.lock().faults.status = Some((status, code));
        bed.sync().await.unwrap_err()
    };
    assert!(matches!(answer(503, "unavailable").await, SyncError::Busy { .. }));
    assert!(
        matches!(answer(403, "edge_revoked").await, SyncError::Refused(r) if r.code == RefusalCode::Revoked)
    );
    assert!(
        matches!(answer(403, "edge_replaced").await, SyncError::Refused(r) if r.code == RefusalCode::Rewound)
    );
    bed.sync().await.unwrap();
    let goes_on = async |status, code| {
        let word = answer(status, code).await.code();
        (word, bed.goes_on_by_itself().await)
    };
    assert_eq!(goes_on(401, "edge_unknown").await, ("not_known", false));
    assert_eq!(goes_on(403, "edge_link").await, ("not_known", false));
    // What says nothing about this box is no reason to enrol it again.
    for (status, code) in [(418, "teapot"), (404, "not_found"), (413, "too_large")] {
        assert_eq!(goes_on(status, code).await, ("refused", true), "{code}");
    }
    assert!(bed.sync().await.unwrap().digests_equal);
}

impl TestEdge {
    /// Something to send, though this edge has no market to post it by.
    fn post_listing_unchecked(&self) {
        self.write(|tx| {
            tx.execute(
                "INSERT INTO command (seq, id, made_at_s, actor_kind, actor_phone, kind, body, record)
                 VALUES (1, x'0189c8e8000070008000000000000001', 0, 0, 0, 999, x'a0', 1)",
                [],
            )?;
            node::set_highest_seq(tx, 1)
        });
    }
}

#[tokio::test]
async fn rows_come_even_while_the_hub_takes_no_commands() {
    let bed = Bed::with_market().await;
    bed.edge.post_listing(50);
    bed.hub.write(REGION, prices(1, 30));
    bed.hub.lock().faults.halted = true;
    let error = bed.sync().await.unwrap_err();
    assert!(matches!(&error, SyncError::Refused(r) if r.code == RefusalCode::StreamHalted), "{error:?}");
    assert_eq!(bed.waiting(), 1, "nothing is lost");
    bed.assert_equal();
    let hold = Bounds { lock_patience: Duration::ZERO, work: None, check: Check::Moved, hold_commands: true };
    bed.hub.write(REGION, prices(2, 3));
    let report = bed.syncer.run_once(hold).await.unwrap();
    assert_eq!((report.rows, report.commands), (3, 0));
    bed.hub.lock().faults.halted = false;
    assert_eq!(bed.sync().await.unwrap().applied, 1);
}

/// What stops a later try says nothing about it.
#[tokio::test]
async fn a_box_that_was_shut_out_stays_so_while_the_line_is_down_and_until_the_hub_lets_it_in() {
    for (code, why) in [(RefusalCode::Rewound, ShutOut::Replaced), (RefusalCode::Revoked, ShutOut::Revoked)] {
        let bed = Bed::with_prices(20).await;
        bed.hub.lock().faults.refuse = Some(code);
        bed.sync().await.unwrap_err();
        let stands = async || (bed.edge.read(node::shut_out), bed.goes_on_by_itself().await);
        assert_eq!(stands().await, (Some(why), false));
        bed.hub.lock().faults.offline = true;
        assert_eq!(bed.sync().await.unwrap_err().code(), "offline");
        assert_eq!(stands().await, (Some(why), false));
        bed.hub.lock().faults.offline = false;
        bed.sync().await.unwrap();
        assert_eq!(stands().await, (None, true));
    }
}

/// The sign-in, and what waits here, are for the hub of the new enrolment.
#[tokio::test]
async fn after_an_enrolment_at_another_address_nothing_more_goes_to_the_earlier_one() {
    let bed = Bed::with_prices(20).await;
    let requests = || {
        let hub = bed.hub.lock();
        (hub.hellos.len(), hub.sign_ins)
    };
    let before = requests();
    bed.edge.write(|tx| node::set_hub_url(tx, "https://another.example.org"));
    assert_eq!(bed.sync().await.unwrap_err().code(), "enrolled_anew");
    assert_eq!(requests(), before);
}
