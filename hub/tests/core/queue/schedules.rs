//! What comes round comes once, however many hubs there are and whatever the clock does.

use super::bench::{Act, Bench, Do, IN_2040_S, KINDS, PERIOD, ROUND, SECOND};
use mizili_hub::queue::{NewJob, schedules};

/// What came round.
async fn came(bench: &Bench) -> (i64, i64) {
    let skipped = bench.world.number("SELECT coalesce(sum(skipped), 0)::bigint FROM job_schedules").await;
    (bench.world.number("SELECT count(*) FROM jobs WHERE kind = 'round'").await, skipped)
}

async fn advance(bench: &Bench) -> usize {
    schedules::advance(&bench.world.db, &bench.world.deps, ROUND).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_round_comes_once_however_many_hubs_there_are() {
    let bench = Bench::new().await;
    for _ in 0..3 {
        let put = futures_util::future::join_all((0..8).map(|_| advance(&bench))).await;
        assert_eq!(put.iter().sum::<usize>(), 1, "{put:?}");
        // Done in the middle of it: the next is a period later all the same.
        bench.round().await;
        assert_eq!((advance(&bench).await, came(&bench).await), (0, (0, 0)));
        bench.world.clock.advance(PERIOD);
    }
    assert_eq!(bench.notes().len(), 3);
    // A worker puts it in and does it.
    assert_eq!(bench.worker_of(KINDS, ROUND).round().await.unwrap(), 1);
}

#[tokio::test]
async fn after_a_time_without_hubs_it_comes_once_and_the_rest_is_counted() {
    let bench = Bench::new().await;
    assert_eq!(advance(&bench).await, 1);
    bench.round().await;
    bench.world.clock.advance(PERIOD * 240 + PERIOD / 2);
    assert_eq!((advance(&bench).await, came(&bench).await), (1, (1, 239)));
    bench.world.clock.advance(PERIOD / 2);
    assert_eq!((advance(&bench).await, came(&bench).await), (0, (1, 240)), "the one before is still open");
    bench.round().await;
    bench.world.clock.advance(PERIOD);
    assert_eq!((advance(&bench).await, came(&bench).await), (1, (1, 240)));
}

#[tokio::test]
async fn what_comes_round_comes_neither_twice_nor_never_when_the_clock_jumps() {
    let bench = Bench::new().await;
    let period_s = i64::try_from(PERIOD.as_secs()).unwrap();
    let start = bench.world.deps.clock.now_s();
    let runs = async || {
        bench.worker_of(KINDS, ROUND).round().await.unwrap();
        std::mem::take(&mut *bench.hand.notes.lock().unwrap()).len()
    };
    assert_eq!((runs().await, runs().await), (1, 0));
    for wrong_s in [0, start - 7_200, IN_2040_S] {
        let ahead = usize::from(wrong_s > start);
        bench.world.clock.set_wall_s(wrong_s);
        assert_eq!(
            (runs().await, runs().await),
            (ahead, 0),
            "{wrong_s}: it has just run, or time has passed"
        );
        bench.world.clock.set_wall_s(wrong_s + period_s);
        assert_eq!((runs().await, runs().await), (1, 0), "{wrong_s}");
        bench.world.clock.set_wall_s(start);
        assert_eq!((runs().await, runs().await), (1 - ahead, 0), "{wrong_s}, and back");
        bench.world.clock.set_wall_s(start + period_s);
        assert_eq!(runs().await, 1, "{wrong_s}, and a period after");
        bench.world.clock.set_wall_s(start);
        runs().await;
    }
}

#[tokio::test]
async fn a_job_does_not_wait_for_the_day_that_a_wrong_clock_showed() {
    let bench = Bench::new().await;
    let start = bench.world.deps.clock.now_s();
    bench.world.clock.set_wall_s(IN_2040_S);
    bench.act(Do::Note(1)).await;
    bench.put(NewJob::<Act>::now(Do::Note(2)).after(SECOND * 100)).await;
    bench.world.clock.set_wall_s(start);
    assert_eq!(bench.round().await, 1);
    assert_eq!(bench.due_in_s().await, 100.0);
    // Nor does what runs in 1970 run again in 1970 alone.
    bench.world.clock.set_wall_s(0);
    bench.world.clock.advance(SECOND * 100);
    assert_eq!(bench.round().await, 0, "as long as then");
    bench.world.clock.advance(SECOND * 100);
    assert_eq!((bench.round().await, bench.notes()), (1, vec![1, 2]));
}
