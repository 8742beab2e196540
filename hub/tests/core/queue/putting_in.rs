//! What is put in: with what caused it, for its time, under a key; and what a newer hub put in.

use super::bench::{Act, BadAct, Bench, Do, Endless, NewerAct, OTHERS, OlderAct, PERIOD, SECOND, Unknown};
use mizili_hub::queue::{Enqueued, NewJob, enqueue};
use std::collections::BTreeSet;

#[tokio::test]
async fn a_job_exists_if_what_caused_it_does() {
    let bench = Bench::new().await;
    let mut tx = bench.world.db.begin().await.unwrap();
    enqueue(&mut tx, &bench.world.deps, &NewJob::<Act>::now(Do::Note(1))).await.unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(bench.round().await, 0);
    let mut tx = bench.world.db.begin().await.unwrap();
    enqueue(&mut tx, &bench.world.deps, &NewJob::<Act>::now(Do::Note(2))).await.unwrap();
    assert_eq!(bench.round().await, 0, "not before the commit");
    tx.commit().await.unwrap();
    assert_eq!(bench.round().await, 1);
    assert_eq!((bench.notes(), bench.jobs().await.len()), (vec![2], 0));
}

#[tokio::test]
async fn a_job_waits_for_its_time_and_the_longest_due_comes_first() {
    let bench = Bench::new().await;
    let now = bench.world.deps.clock.now();
    bench.put(NewJob::<Act>::now(Do::Note(1)).after(SECOND * 10)).await;
    for n in 2..=8 {
        bench.put(NewJob::<Act>::now(Do::Note(n)).at(now - jiff::SignedDuration::from_secs(n.into()))).await;
    }
    assert_eq!(bench.round().await, 4, "a few at once");
    assert_eq!(BTreeSet::from_iter(bench.notes()), BTreeSet::from([5, 6, 7, 8]));
    assert_eq!((bench.round().await, bench.round().await), (3, 0));
    bench.world.clock.advance(SECOND * 10);
    assert_eq!(bench.round().await, 1);
}

#[tokio::test]
async fn a_key_is_one_open_jobs_and_free_again_once_that_is_done() {
    let bench = Bench::new().await;
    let one = |n| NewJob::<Act>::now(Do::Note(n)).keyed("one");
    assert!(matches!(bench.put(one(1)).await, Enqueued::New(_)));
    assert_eq!(bench.put(one(2)).await, Enqueued::AlreadyOpen);
    assert!(matches!(bench.put(NewJob::<Act>::now(Do::Note(3)).keyed("other")).await, Enqueued::New(_)));
    assert!(matches!(
        bench.put(NewJob::<Endless>::now(()).keyed("one").after(PERIOD)).await,
        Enqueued::New(_)
    ));
    bench.round().await;
    assert_eq!(BTreeSet::from_iter(bench.notes()), BTreeSet::from([1, 3]));
    assert!(matches!(bench.put(one(4)).await, Enqueued::New(_)));
    // Also while it runs.
    let worker = bench.worker();
    bench.put(NewJob::<Act>::now(Do::Wait).keyed("waits")).await;
    tokio::join!(async { worker.round().await.unwrap() }, async {
        bench.until_running(1).await;
        assert_eq!(bench.put(NewJob::<Act>::now(Do::Wait).keyed("waits")).await, Enqueued::AlreadyOpen);
        bench.hand.gate.send_replace(true);
    });
}

#[tokio::test]
async fn what_a_newer_hub_put_in_is_left_to_it_and_what_cannot_be_read_is_dead() {
    let bench = Bench::new().await;
    bench.put(NewJob::<Unknown>::now(1)).await;
    bench.put(NewJob::<NewerAct>::now(1)).await;
    assert_eq!(bench.round().await, 0);
    assert_eq!(bench.jobs().await, ["ready 0", "ready 0"]);
    assert_eq!(bench.worker_of(OTHERS, &[]).round().await.unwrap(), 2, "by a hub that knows both");
    bench.put(NewJob::<BadAct>::now(1)).await;
    bench.world.clock.advance(SECOND);
    bench.put(NewJob::<OlderAct>::now(1)).await;
    assert_eq!(bench.round().await, 2);
    let [bad, old] = bench.jobs().await.try_into().unwrap();
    assert!(bad.starts_with("dead 1 its payload cannot be read: "), "{bad}");
    assert_eq!(old, "dead 1 its payload has form 0, which is not read any more");
}
