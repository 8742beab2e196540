//! Jobs that do what a test tells them, and the hub that does them: who waits at the gate is let on by the test.

use crate::support::World;
use mizili_hub::db::{q, q_scalar};
use mizili_hub::job_kinds;
use mizili_hub::queue::{
    End, Enqueued, Failure, Job, Kind, NewJob, Registered, Schedule, Turn, Worker, enqueue,
};
use mizili_node::testing::wait::until;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;
use uuid::Uuid;

pub(super) const PERIOD: Duration = Duration::from_secs(3_600);
pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const IN_2040_S: i64 = 2_208_988_800;

/// What a job of these tests does.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Do {
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
pub(super) struct Hand {
    db: mizili_hub::db::Db,
    pub(super) notes: Mutex<Vec<u32>>,
    pub(super) gate: watch::Sender<bool>,
    pub(super) dropped: watch::Sender<u32>,
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

pub(super) struct Act;

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
pub(super) struct Endless;

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
pub(super) struct Round;

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

job_kinds! { pub(super) const KINDS: Hand = [Act, Endless, Round]; }
pub(super) const ROUND: &[Schedule] = &[Schedule::every::<Round>(PERIOD)];

/// What only a newer hub puts in: another kind, and a newer form of a known one. And what nobody should have.
macro_rules! other {
    ($name:ident, $kind:literal, $version:literal) => {
        pub(super) struct $name;

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
job_kinds! { pub(super) const OTHERS: Hand = [Unknown, NewerAct, BadAct, OlderAct]; }

pub(super) struct Bench {
    pub(super) world: World,
    pub(super) hand: Arc<Hand>,
}

impl Bench {
    pub(super) async fn new() -> Self {
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

    pub(super) fn worker(&self) -> Worker<Hand> {
        self.worker_of(KINDS, &[])
    }

    pub(super) fn worker_of(
        &self,
        kinds: &'static [Kind<Hand>],
        schedules: &'static [Schedule],
    ) -> Worker<Hand> {
        Worker::new(self.world.db.clone(), self.world.deps.clone(), self.hand.clone(), kinds, schedules)
    }

    pub(super) async fn put<J: Registered>(&self, job: NewJob<J>) -> Enqueued {
        let mut tx = self.world.db.begin().await.unwrap();
        let put = enqueue(&mut tx, &self.world.deps, &job).await.unwrap();
        tx.commit().await.unwrap();
        put
    }

    pub(super) async fn act(&self, what: Do) -> Uuid {
        let Enqueued::New(id) = self.put(NewJob::<Act>::now(what)).await else {
            unreachable!("it has no key")
        };
        id
    }

    pub(super) async fn round(&self) -> usize {
        self.worker().round().await.unwrap()
    }

    /// State, attempts and error of all jobs.
    pub(super) async fn jobs(&self) -> Vec<String> {
        self.world
            .texts("SELECT state || ' ' || attempts || coalesce(' ' || last_error, '') FROM jobs ORDER BY created_at, kind, id")
            .await
    }

    /// Seconds from now until the only job is due.
    pub(super) async fn due_in_s(&self) -> f64 {
        let mut tx = self.world.db.begin().await.unwrap();
        let now = jiff_sqlx::Timestamp::from(self.world.deps.clock.now());
        let sql = "SELECT extract(epoch FROM due_at - $1)::float8 FROM jobs";
        q_scalar(sql).bind(now).fetch_one(&mut *tx).await.unwrap()
    }

    /// How many are not due yet.
    pub(super) async fn not_due(&self) -> i64 {
        let mut tx = self.world.db.begin().await.unwrap();
        let now = jiff_sqlx::Timestamp::from(self.world.deps.clock.now());
        q_scalar("SELECT count(*) FROM jobs WHERE due_at > $1").bind(now).fetch_one(&mut *tx).await.unwrap()
    }

    pub(super) fn notes(&self) -> Vec<u32> {
        self.hand.notes.lock().unwrap().clone()
    }

    pub(super) async fn until_running(&self, jobs: i64) {
        until(async || self.world.number("SELECT count(*) FROM jobs WHERE state = 'running'").await == jobs)
            .await;
    }
}
