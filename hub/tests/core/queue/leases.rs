//! A job is one worker's at a time, for as long as that gives a sign of life.

use super::bench::{Bench, Do, PERIOD, SECOND};
use mizili_hub::queue::LEASE;
use mizili_node::testing::wait::{in_time, until};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_workers_do_each_of_many_jobs_once() {
    const MANY: u32 = 200;
    let bench = Bench::new().await;
    for n in 0..MANY {
        bench.act(Do::Note(n)).await;
    }
    let works = (0..6).map(|_| async { while bench.worker().round().await.unwrap() > 0 {} });
    in_time(futures_util::future::join_all(works)).await;
    let mut notes = bench.notes();
    notes.sort_unstable();
    assert_eq!(notes, (0..MANY).collect::<Vec<_>>());
    assert!(bench.jobs().await.is_empty());
}

#[tokio::test]
async fn who_lost_its_lease_changes_nothing_and_the_others_end_stands() {
    let bench = Bench::new().await;
    bench.act(Do::Effect).await;
    bench.act(Do::WaitThenFail).await;
    bench.act(Do::WaitThenFail).await;
    let (slow, quick) = (bench.worker(), bench.worker());
    tokio::join!(async { assert_eq!(slow.round().await.unwrap(), 3) }, async {
        bench.until_running(3).await;
        bench.world.clock.advance(LEASE - SECOND);
        assert_eq!(quick.round().await.unwrap(), 0, "the leases hold");
        bench.world.clock.advance(SECOND);
        assert_eq!(quick.round().await.unwrap(), 3);
        assert_eq!(bench.jobs().await, ["ready 2 planted", "ready 2 planted"]);
        bench.hand.gate.send_replace(true);
    });
    assert_eq!(bench.world.texts("SELECT fencing::text FROM effects").await, ["2"]);
    assert_eq!(
        bench.jobs().await,
        ["ready 2 planted", "ready 2 planted"],
        "the first worker ended them as done"
    );
}

#[tokio::test]
async fn a_lease_that_ran_out_ends_an_attempt_though_nobody_took_the_job() {
    let bench = Bench::new().await;
    bench.act(Do::Wait).await;
    let worker = bench.worker();
    tokio::join!(async { worker.round().await.unwrap() }, async {
        bench.until_running(1).await;
        bench.world.clock.advance(LEASE);
        // One that knows no kinds frees it all the same.
        assert_eq!(bench.worker_of(&[], &[]).round().await.unwrap(), 0);
        bench.hand.gate.send_replace(true);
    });
    assert_eq!(bench.jobs().await, ["ready 1 its worker ended, or gave no sign of life"]);
    // The one that ends its hub each time does not do so for ever.
    for attempts in 2..=3 {
        bench.world.clock.advance(PERIOD);
        bench
            .world
            .sql("UPDATE jobs SET state = 'running', attempts = attempts + 1, lease_until = '2000-01-01'")
            .await;
        bench.worker_of(&[], &[]).round().await.unwrap();
        let state = if attempts == 3 { "dead" } else { "ready" };
        assert_eq!(
            bench.jobs().await,
            [format!("{state} {attempts} its worker ended, or gave no sign of life")]
        );
    }
}

#[tokio::test]
async fn a_long_job_keeps_its_lease_by_signs_of_life() {
    let bench = Bench::new().await;
    bench.act(Do::Wait).await;
    let (worker, other) = (bench.worker().beating(Duration::from_millis(5)), bench.worker());
    tokio::join!(async { worker.round().await.unwrap() }, async {
        bench.until_running(1).await;
        for _ in 0..3 {
            bench.world.clock.advance(LEASE - SECOND);
            let now_s = bench.world.deps.clock.now_s();
            let ends = now_s + i64::try_from(LEASE.as_secs()).unwrap();
            let lease = "SELECT extract(epoch FROM lease_until)::bigint FROM jobs";
            until(async || bench.world.number(lease).await == ends).await;
            assert_eq!(other.round().await.unwrap(), 0);
        }
        bench.hand.gate.send_replace(true);
    });
    assert!(bench.jobs().await.is_empty());
    assert_eq!(*bench.hand.dropped.borrow(), 0);
}

#[tokio::test]
async fn a_worker_drops_a_job_that_is_anothers() {
    let bench = Bench::new().await;
    bench.act(Do::Wait).await;
    let worker = bench.worker().beating(Duration::from_millis(5));
    tokio::join!(async { in_time(worker.round()).await.unwrap() }, async {
        bench.until_running(1).await;
        bench.world.sql("UPDATE jobs SET fencing = fencing + 1").await;
    });
    assert_eq!(*bench.hand.dropped.borrow(), 1);
    assert_eq!(bench.jobs().await, ["running 1"]);
}
