//! The queue of jobs: a job exists with what caused it, is one worker's at a time, ends once, waits longer each time it fails, and stays for an
//! operator when it is dead. What comes round comes once, whatever the clock does.

use crate::support::World;
use mizili_hub::db::{q, q_scalar};
use mizili_hub::job_kinds;
use mizili_hub::queue::desk::{self, Told};
use mizili_hub::queue::{
    End, Enqueued, Failure, Job, Kind, LEASE, NewJob, Registered, Schedule, Turn, Worker, enqueue, schedules,
};
use mizili_node::testing::wait::{in_time, until};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;
use uuid::Uuid;

const PERIOD: Duration = Duration::from_secs(3_600);
const SECOND: Duration = Duration::from_secs(1);
const IN_2040_S: i64 = 2_208_988_800;

/// What a job of these tests does.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Do {
    Note(u32),
    Fail,
    FailUntil(u64),
    Die,
    Panic,
    Snooze(u64),
    /// Waits at the gate.
    Wait,
    /// Waits at the gate at the first attempt; writes its number down, and ends with that.
    Effect,
    /// Waits at the gate at the first attempt; fails at the others.
    WaitThenFail,
}

/// What the jobs are handed.
struct Hand {
    db: mizili_hub::db::Db,
    notes: Mutex<Vec<u32>>,
    gate: watch::Sender<bool>,
    dropped: watch::Sender<u32>,
}

impl Hand {
    async fn at_the_gate(&self) {
        let left = Left(&self.dropped, false);
        self.gate.subscribe().wait_for(|open| *open).await.unwrap();
        left.by_the_gate();
    }
}

/// Counts who left the gate without passing it.
struct Left<'g>(&'g watch::Sender<u32>, bool);

impl Left<'_> {
    fn by_the_gate(mut self) {
        self.1 = true;
    }
}

impl Drop for Left<'_> {
    fn drop(&mut self) {
        if !self.1 {
            self.0.send_modify(|n| *n += 1);
        }
    }
}

struct Act;

impl Job for Act {
    const KIND: &'static str = "act";
    const ATTEMPTS_MAX: u16 = 3;
    const TIME_LIMIT: Duration = Duration::from_secs(300);
    type Payload = Do;
    type With = Hand;

    #[expect(clippy::panic, reason = "that a job may panic is what is tried")]
    async fn run(with: &Hand, turn: &Turn, payload: Do) -> Result<End, Failure> {
        match payload {
            Do::Note(n) => with.notes.lock().unwrap().push(n),
            Do::Fail => return Err(anyhow::anyhow!("planted").into()),
            Do::FailUntil(seconds) => return Err(Failure::after("busy\0", Duration::from_secs(seconds))),
            Do::Die => return Err(Failure::dead("never")),
            Do::Panic => panic!("planted {}", turn.attempt()),
            Do::Snooze(seconds) => return Ok(End::Snooze(Duration::from_secs(seconds))),
            Do::Wait => with.at_the_gate().await,
            Do::WaitThenFail if turn.attempt() > 1 => return Err(Failure::after("planted", PERIOD)),
            Do::WaitThenFail => with.at_the_gate().await,
            Do::Effect => {
                if turn.attempt() == 1 {
                    with.at_the_gate().await;
                }
                let mut tx = with.db.begin().await?;
                q("INSERT INTO effects VALUES ($1)").bind(turn.fencing()).execute(&mut *tx).await?;
                turn.still_mine(&mut tx).await?;
                turn.finish_in(&mut tx).await?;
                tx.commit().await?;
            }
        }
        Ok(End::Done)
    }
}

/// Never ends by itself.
struct Endless;

impl Job for Endless {
    const KIND: &'static str = "endless";
    const ATTEMPTS_MAX: u16 = 3;
    const TIME_LIMIT: Duration = Duration::from_millis(20);
    type Payload = ();
    type With = Hand;

    async fn run(_: &Hand, _: &Turn, (): ()) -> Result<End, Failure> {
        std::future::pending().await
    }
}

/// Comes round.
struct Round;

impl Job for Round {
    const KIND: &'static str = "round";
    const ATTEMPTS_MAX: u16 = 1;
    const TIME_LIMIT: Duration = Duration::from_secs(60);
    type Payload = ();
    type With = Hand;

    async fn run(with: &Hand, _: &Turn, (): ()) -> Result<End, Failure> {
        with.notes.lock().unwrap().push(0);
        Ok(End::Done)
    }
}

job_kinds! { const KINDS: Hand = [Act, Endless, Round]; }
const ROUND: &[Schedule] = &[Schedule::every::<Round>(PERIOD)];

/// What only a newer hub puts in: another kind, and a newer form of a known one. And what nobody should have.
macro_rules! other {
    ($name:ident, $kind:literal, $version:literal) => {
        struct $name;

        impl Job for $name {
            const KIND: &'static str = $kind;
            const VERSION: i16 = $version;
            const ATTEMPTS_MAX: u16 = 3;
            const TIME_LIMIT: Duration = Duration::from_secs(60);
            type Payload = u64;
            type With = Hand;

            async fn run(_: &Hand, _: &Turn, _: u64) -> Result<End, Failure> {
                Ok(End::Done)
            }
        }
    };
}

other!(Unknown, "unknown", 1);
other!(NewerAct, "act", 2);
other!(BadAct, "act", 1);
other!(OlderAct, "act", 0);
job_kinds! { const OTHERS: Hand = [Unknown, NewerAct, BadAct, OlderAct]; }

struct Bench {
    world: World,
    hand: Arc<Hand>,
}

impl Bench {
    async fn new() -> Self {
        let world = World::new().await;
        world.sql("CREATE TABLE effects (fencing bigint)").await;
        let hand = Hand {
            db: world.db.clone(),
            notes: Mutex::default(),
            gate: watch::Sender::new(false),
            dropped: watch::Sender::new(0),
        };
        Self { world, hand: Arc::new(hand) }
    }

    fn worker(&self) -> Worker<Hand> {
        self.worker_of(KINDS, &[])
    }

    fn worker_of(&self, kinds: &'static [Kind<Hand>], schedules: &'static [Schedule]) -> Worker<Hand> {
        Worker::new(self.world.db.clone(), self.world.deps.clone(), self.hand.clone(), kinds, schedules)
    }

    async fn put<J: Registered>(&self, job: NewJob<J>) -> Enqueued {
        let mut tx = self.world.db.begin().await.unwrap();
        let put = enqueue(&mut tx, &self.world.deps, &job).await.unwrap();
        tx.commit().await.unwrap();
        put
    }

    async fn act(&self, what: Do) -> Uuid {
        let Enqueued::New(id) = self.put(NewJob::<Act>::now(what)).await else {
            unreachable!("it has no key")
        };
        id
    }

    async fn round(&self) -> usize {
        self.worker().round().await.unwrap()
    }

    /// State, attempts and error of all jobs.
    async fn jobs(&self) -> Vec<String> {
        self.world
            .texts("SELECT state || ' ' || attempts || coalesce(' ' || last_error, '') FROM jobs ORDER BY created_at, kind, id")
            .await
    }

    /// Seconds from now until the only job is due.
    async fn due_in_s(&self) -> f64 {
        let mut tx = self.world.db.begin().await.unwrap();
        let now = jiff_sqlx::Timestamp::from(self.world.deps.clock.now());
        let sql = "SELECT extract(epoch FROM due_at - $1)::float8 FROM jobs";
        q_scalar(sql).bind(now).fetch_one(&mut *tx).await.unwrap()
    }

    /// How many are not due yet.
    async fn not_due(&self) -> i64 {
        let mut tx = self.world.db.begin().await.unwrap();
        let now = jiff_sqlx::Timestamp::from(self.world.deps.clock.now());
        q_scalar("SELECT count(*) FROM jobs WHERE due_at > $1").bind(now).fetch_one(&mut *tx).await.unwrap()
    }

    fn notes(&self) -> Vec<u32> {
        self.hand.notes.lock().unwrap().clone()
    }

    async fn until_running(&self, jobs: i64) {
        until(async || self.world.number("SELECT count(*) FROM jobs WHERE state = 'running'").await == jobs)
            .await;
    }
}

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

#[tokio::test]
async fn an_operator_tries_again_or_puts_aside() {
    let bench = Bench::new().await;
    let (db, deps) = (&bench.world.db, &bench.world.deps);
    let dead = bench.act(Do::Die).await;
    let waits = bench.act(Do::FailUntil(1_000)).await;
    bench.round().await;
    let shown = desk::list(db, deps, false).await.unwrap();
    assert_eq!(shown.iter().map(|job| (job.id, job.state.as_str())).collect::<Vec<_>>(), [(dead, "dead")]);
    assert_eq!(
        (shown[0].kind.as_str(), shown[0].attempts, shown[0].last_error.as_deref()),
        ("act", 1, Some("never"))
    );
    assert_eq!(desk::list(db, deps, true).await.unwrap().len(), 2);
    bench.world.clock.advance(SECOND * 1_061);
    assert_eq!(desk::list(db, deps, false).await.unwrap().len(), 2, "one is late");
    assert_eq!(desk::retry(db, deps, dead).await.unwrap(), Told::Done);
    assert_eq!(bench.world.texts("SELECT state || attempts FROM jobs WHERE attempts = 0").await, ["ready0"]);
    assert_eq!(bench.round().await, 2, "the other one is due by now");
    assert_eq!(desk::dismiss(db, deps, waits).await.unwrap(), Told::Done);
    assert_eq!(desk::dismiss(db, deps, dead).await.unwrap(), Told::Done);
    assert_eq!(desk::retry(db, deps, dead).await.unwrap(), Told::Unknown);
    assert_eq!(desk::dismiss(db, deps, dead).await.unwrap(), Told::Unknown);

    // A dead one is no open one; of those of one key the last is kept, and none once one is done.
    let keyed = |what| NewJob::<Act>::now(what).keyed("k");
    for _ in 0..2 {
        bench.put(keyed(Do::Die)).await;
        bench.round().await;
    }
    assert_eq!(bench.jobs().await, ["dead 1 never"]);
    let dead = desk::list(db, deps, false).await.unwrap()[0].id;
    bench.put(keyed(Do::Wait)).await;
    assert_eq!(desk::retry(db, deps, dead).await.unwrap(), Told::Replaced);
    let worker = bench.worker();
    tokio::join!(async { worker.round().await.unwrap() }, async {
        bench.until_running(1).await;
        let running = desk::list(db, deps, true).await.unwrap();
        let running = running.iter().find(|job| job.state == "running").unwrap().id;
        assert_eq!(desk::retry(db, deps, running).await.unwrap(), Told::Runs);
        assert_eq!(desk::dismiss(db, deps, running).await.unwrap(), Told::Runs);
        bench.hand.gate.send_replace(true);
    });
    assert!(bench.jobs().await.is_empty());
}

#[tokio::test]
async fn an_operator_does_so_at_the_command_line() {
    let bench = Bench::new().await;
    let (one, other) = (bench.act(Do::Die).await.to_string(), bench.act(Do::Die).await.to_string());
    bench.round().await;
    let listed = bench.world.told(&["jobs", "list"]);
    assert_eq!(
        (listed.len(), &listed[0]["state"], &listed[0]["last_error"]),
        (2, &"dead".into(), &"never".into())
    );
    assert_eq!(bench.world.told(&["jobs", "retry", &one])[0]["done"], "retry");
    assert_eq!(bench.world.told(&["jobs", "dismiss", &other, "--yes"])[0]["done"], "dismiss");
    assert_eq!(bench.jobs().await, ["ready 0 never"]);
}

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
