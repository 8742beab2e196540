//! A worker that runs: it finds what is put in meanwhile, and stops without keeping anything.

use super::bench::{Bench, Do};
use mizili_node::testing::wait::{in_time, until};
use std::time::Duration;
use tokio::sync::watch;

#[tokio::test]
async fn a_worker_that_stops_gives_back_what_it_does_not_finish() {
    let bench = Bench::new().await;
    bench.act(Do::Wait).await;
    bench.act(Do::Wait).await;
    let (stop, mut stopped) = watch::channel(false);
    let worker = bench.worker();
    let run = worker.run_with(async move { drop(stopped.wait_for(|stop| *stop).await) }, Duration::ZERO);
    tokio::join!(in_time(run), async {
        bench.until_running(2).await;
        stop.send_replace(true);
    });
    assert_eq!(bench.jobs().await, ["ready 0", "ready 0"]);
    assert_eq!(*bench.hand.dropped.borrow(), 2, "nothing of them goes on");
    assert_eq!(bench.not_due().await, 0);
    // Another has them at once.
    bench.hand.gate.send_replace(true);
    assert_eq!(bench.round().await, 2);
}

#[tokio::test]
async fn a_worker_that_stops_lets_end_what_runs_and_claims_no_more() {
    let bench = Bench::new().await;
    bench.act(Do::Wait).await;
    let (stop, mut stopped) = watch::channel(false);
    let (stopping, mut is_stopping) = watch::channel(false);
    let worker = bench.worker();
    let run = worker.run(async move {
        drop(stopped.wait_for(|stop| *stop).await);
        stopping.send_replace(true);
    });
    tokio::join!(in_time(run), async {
        bench.until_running(1).await;
        stop.send_replace(true);
        drop(is_stopping.wait_for(|stop| *stop).await);
        bench.act(Do::Note(1)).await;
        bench.world.db.tell_jobs();
        bench.hand.gate.send_replace(true);
    });
    assert_eq!((bench.jobs().await, bench.notes().len()), (vec!["ready 0".to_owned()], 0));
}

#[tokio::test]
async fn a_worker_finds_what_is_put_in_while_it_runs() {
    let bench = Bench::new().await;
    let (stop, mut stopped) = watch::channel(false);
    let worker = bench.worker();
    let run = worker.run(async move { drop(stopped.wait_for(|stop| *stop).await) });
    tokio::join!(in_time(run), async {
        for n in 0..20 {
            bench.act(Do::Note(n)).await;
            // Told or not.
            if n % 2 == 0 {
                bench.world.db.tell_jobs();
            }
        }
        until(async || bench.notes().len() == 20).await;
        until(async || bench.jobs().await.is_empty()).await;
        stop.send_replace(true);
    });
}
