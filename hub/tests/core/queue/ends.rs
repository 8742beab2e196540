//! How an attempt ends, and what follows: it waits longer each time it fails, or as it was told, and is dead in the end.

use super::bench::{Bench, Do, Endless, PERIOD, SECOND};
use mizili_hub::queue::NewJob;
use mizili_node::testing::wait::in_time;
use std::time::Duration;

#[tokio::test]
async fn what_fails_waits_longer_each_time_and_is_dead_after_its_attempts() {
    let bench = Bench::new().await;
    bench.act(Do::Fail).await;
    for (attempt, wait_s) in [(1, 1.0), (2, 16.0)] {
        assert_eq!(bench.round().await, 1);
        assert_eq!(bench.jobs().await, [format!("ready {attempt} planted")]);
        let due_in_s = bench.due_in_s().await;
        assert!((wait_s * 0.9 - 1e-3..=wait_s * 1.1 + 1e-3).contains(&due_in_s), "{due_in_s}");
        assert_eq!(bench.round().await, 0, "not yet");
        bench.world.clock.advance(Duration::from_secs_f64(wait_s * 1.1 + 0.01));
    }
    assert_eq!(bench.round().await, 1);
    assert_eq!(bench.jobs().await, ["dead 3 planted"]);
    bench.world.clock.advance(PERIOD * 1_000);
    assert_eq!(bench.round().await, 0);
}

#[tokio::test]
async fn a_job_may_say_when_it_is_tried_again_and_wait_without_an_attempt() {
    let bench = Bench::new().await;
    bench.act(Do::FailUntil(1_000)).await;
    bench.round().await;
    assert_eq!((bench.jobs().await, bench.due_in_s().await), (vec!["ready 1 busy".to_owned()], 1_000.0));
    bench.world.sql("DELETE FROM jobs").await;
    bench.act(Do::Snooze(77)).await;
    for _ in 0..5 {
        assert_eq!(bench.round().await, 1);
        assert_eq!((bench.jobs().await, bench.due_in_s().await), (vec!["ready 0".to_owned()], 77.0));
        bench.world.clock.advance(SECOND * 77);
    }
}

#[tokio::test]
async fn a_job_that_breaks_is_its_own_failure_alone() {
    let bench = Bench::new().await;
    for what in [Do::Panic, Do::Die, Do::Note(7)] {
        bench.act(what).await;
        bench.world.clock.advance(Duration::from_millis(1));
    }
    bench.put(NewJob::<Endless>::now(())).await;
    assert_eq!(in_time(bench.round()).await, 4);
    assert_eq!(
        bench.jobs().await,
        ["ready 1 panic: planted 1", "dead 1 never", "ready 1 it took longer than 0.02 seconds"]
    );
    assert_eq!(bench.notes(), [7]);
}
