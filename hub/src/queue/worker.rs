//! Does jobs: claims what is due, a few at once, each in a task of its own, renews their leases, and writes down how each ended. It stops in
//! good order: nothing more is claimed, what runs has some seconds, and the rest is given back. A job's failure is that job's alone.

use super::backoff;
use super::kind::Kind;
use super::schedules::{self, Schedule};
use super::store::{self, Again, Claimed, LEASE, later, random};
use super::turn::{End, Failure, Then, Turn};
use crate::db::{Db, is_locked, once, retrying};
use futures_util::FutureExt as _;
use mizili_node::deps::Deps;
use std::any::Any;
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use tokio::task::{Id, JoinSet};
use tokio::time::{sleep, timeout};
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

/// Jobs that one hub does at once. Each may keep a connection, of which people need most.
const AT_ONCE: usize = 4;
/// Between two looks for what is due, a fifth more or less, so that hubs do not look in step.
const POLL: Duration = Duration::from_secs(1);
/// Between two looks at what comes round and at leases that ran out.
const UPKEEP: Duration = Duration::from_secs(5);
/// How long one look may take.
const LOOK_MAX: Duration = Duration::from_secs(5);
/// Between two signs of life of a job: several may get lost.
const BEAT: Duration = Duration::from_secs(15);
/// Without a sign of life that arrived, a worker lets go of its job this long after the last: before anybody else can have it.
const LET_GO: Duration = Duration::from_secs(50);
/// How long what runs may take when the hub stops; platforms end a program that takes ten seconds.
const GRACE: Duration = Duration::from_secs(5);

const _: () = assert!(LET_GO.as_secs() < LEASE.as_secs() && BEAT.as_secs() * 3 <= LET_GO.as_secs());

/// Does the jobs of some kinds, and puts in those that come round.
pub struct Worker<W: 'static> {
    db: Db,
    deps: Deps,
    with: Arc<W>,
    kinds: &'static [Kind<W>],
    schedules: &'static [Schedule],
    beat: Duration,
}

impl<W> Clone for Worker<W> {
    fn clone(&self) -> Self {
        let Self { db, deps, with, kinds, schedules, beat } = self;
        Self { db: db.clone(), deps: deps.clone(), with: with.clone(), kinds, schedules, beat: *beat }
    }
}

/// What runs, by its task.
type Held = HashMap<Id, (Uuid, i64)>;

/// How an attempt ended.
enum Ended {
    By(Result<End, Failure>),
    /// It is another's, or may be.
    Lost,
}

impl<W: Send + Sync + 'static> Worker<W> {
    /// A worker that hands this to its jobs.
    pub fn new(
        db: Db,
        deps: Deps,
        with: Arc<W>,
        kinds: &'static [Kind<W>],
        schedules: &'static [Schedule],
    ) -> Self {
        Self { db, deps, with, kinds, schedules, beat: BEAT }
    }

    /// The same with another time between signs of life: a test cannot wait for them.
    #[must_use]
    pub fn beating(self, beat: Duration) -> Self {
        Self { beat, ..self }
    }

    /// Does what is due until `stop` is done; then lets what runs end for a few seconds, and gives the rest back. Where it is dropped, what it
    /// had is another's once its lease has run out.
    pub async fn run(&self, stop: impl Future<Output = ()>) {
        self.run_with(stop, GRACE).await;
    }

    /// [`Worker::run`] with other patience for what runs.
    pub async fn run_with(&self, stop: impl Future<Output = ()>, grace: Duration) {
        let (mut running, mut held) = (JoinSet::new(), Held::new());
        let mut stop = std::pin::pin!(stop);
        let (clock, mut kept_up, mut is_away) = (&self.deps.clock, None, false);
        loop {
            let is_time = kept_up.is_none_or(|at| clock.monotonic().saturating_sub(at) >= UPKEEP);
            let upkeep = async { if is_time { self.upkeep().await } else { Ok(()) } };
            let mut looked = tokio::select! {
                () = &mut stop => break,
                looked = upkeep => looked,
            };
            if looked.is_ok() {
                kept_up = kept_up.filter(|_| !is_time).or_else(|| Some(clock.monotonic()));
                // Not cut short: it would have claimed for nobody.
                looked = self.claim(&mut running, &mut held).await;
            }
            // Said once, not every second.
            match (&looked, is_away) {
                (Err(error), false) => tracing::warn!(%error, "jobs cannot be looked for now"),
                (Ok(()), true) => tracing::info!("jobs are looked for again"),
                _ => {}
            }
            is_away = looked.is_err();
            tokio::select! {
                () = &mut stop => break,
                Some(ended) = running.join_next_with_id() => {
                    let id = ended.map_or_else(|broken| broken.id(), |(id, ())| id);
                    held.remove(&id);
                }
                () = self.db.news().jobs(), if running.len() < AT_ONCE => {}
                () = sleep(self.poll()), if running.len() < AT_ONCE => {}
            }
        }
        self.end(running, held, grace).await;
    }

    /// One look at everything, and all that was claimed by it to its end. Gives how many jobs were begun.
    ///
    /// # Errors
    /// Those of the look.
    pub async fn round(&self) -> Result<usize, sqlx::Error> {
        self.upkeep().await?;
        let (mut running, mut held) = (JoinSet::new(), Held::new());
        self.claim(&mut running, &mut held).await?;
        let begun = held.len();
        while running.join_next().await.is_some() {}
        Ok(begun)
    }

    fn poll(&self) -> Duration {
        POLL.mul_f64(0.8 + 0.4 * f64::from(random(&self.deps)) / f64::from(u32::MAX))
    }

    /// What any hub does for all: times are put right, leases that ran out freed, and what comes round is put in.
    async fn upkeep(&self) -> Result<(), sqlx::Error> {
        let now = self.deps.clock.now();
        once(LOOK_MAX, async {
            let mut tx = self.db.begin_impatient().await?;
            let moved = store::mend_times(&mut tx, now).await?;
            store::free_expired(&mut tx, &self.deps, now).await?;
            tx.commit().await?;
            if moved > 0 {
                tracing::warn!(moved, "the clock went back: times of jobs were brought back with it");
            }
            Ok::<_, sqlx::Error>(())
        })
        .await
        // Somebody holds a job's row: next time.
        .or_else(|error| if is_locked(&error) { Ok(()) } else { Err(error) })?;
        schedules::advance(&self.db, &self.deps, self.schedules).await.map(drop)
    }

    /// Claims as many as there is room for, and begins them.
    async fn claim(&self, running: &mut JoinSet<()>, held: &mut Held) -> Result<(), sqlx::Error> {
        let room = AT_ONCE.saturating_sub(running.len());
        if room == 0 {
            return Ok(());
        }
        let kinds: Vec<_> = self.kinds.iter().map(|kind| (kind.name, kind.version)).collect();
        // Begun before it is asked for: the lease runs from here.
        let began = self.deps.clock.monotonic();
        // Not tried again: one whose commit took effect unseen would have claimed for nobody.
        let claimed = once(LOOK_MAX, async {
            let mut tx = self.db.begin().await?;
            let claimed = store::claim(&mut tx, self.deps.clock.now(), &kinds, room).await?;
            tx.commit().await?;
            Ok::<_, sqlx::Error>(claimed)
        });
        for claimed in claimed.await? {
            let Some(kind) = self.kinds.iter().find(|kind| kind.name == claimed.kind) else { continue };
            let job = (claimed.id, claimed.fencing);
            let task = running.spawn(self.clone().work(kind, claimed, began));
            held.insert(task.id(), job);
        }
        Ok(())
    }

    /// One attempt, to its end.
    async fn work(self, kind: &'static Kind<W>, claimed: Claimed, began: Duration) {
        let Claimed { id, fencing, attempts, attempts_max, version, payload, .. } = claimed;
        let turn = Turn { id, fencing, attempt: attempts, is_finished: Arc::new(AtomicBool::new(false)) };
        let run = (kind.run)(self.with.clone(), turn.clone(), version, payload);
        // In a task of its own: a job that computes for long must not keep its own signs of life back.
        let mut lost = AbortOnDropHandle::new(tokio::spawn(self.clone().keep(id, fencing, began)));
        let ended = tokio::select! {
            ended = limited(kind.time_limit, run) => Ended::By(ended),
            _ = &mut lost => Ended::Lost,
        };
        drop(lost);
        let name = kind.name;
        let is_written = match ended {
            Ended::Lost => Ok(false),
            Ended::By(ended) => {
                let ended = &ended;
                retrying(&self.deps, || self.write_end(&turn, name, ended, attempts >= attempts_max)).await
            }
        };
        match is_written {
            Ok(true) => {}
            Ok(false) if turn.is_finished() => {}
            Ok(false) => {
                tracing::warn!(%id, kind = name, "a job was taken over by another worker, whose end of it counts")
            }
            Err(error) => {
                tracing::warn!(%id, kind = name, %error, "how a job ended could not be written down; it is done again");
            }
        }
    }

    /// Gives signs of life of a job. Done when it is another's, or may be soon.
    async fn keep(self, id: Uuid, fencing: i64, began: Duration) {
        let clock = &self.deps.clock;
        let mut renewed = began;
        loop {
            sleep(self.beat).await;
            let asked = clock.monotonic();
            let is_mine = once(LOOK_MAX, async {
                // Who holds the row is the job itself, in its last transaction: nobody else can claim it meanwhile.
                let mut tx = self.db.begin_impatient().await?;
                let is_mine = store::renew(&mut tx, clock.now(), id, fencing).await?;
                tx.commit().await?;
                Ok::<_, sqlx::Error>(is_mine)
            });
            match is_mine.await {
                Ok(true) => renewed = asked,
                Ok(false) => return,
                Err(error) if is_locked(&error) => renewed = asked,
                Err(error) => {
                    tracing::debug!(%id, %error, "a job's sign of life did not arrive");
                    // Whether the next one could come too late.
                    if clock.monotonic().saturating_sub(renewed) + self.beat + LOOK_MAX > LET_GO {
                        return;
                    }
                }
            }
        }
    }

    /// Writes down how an attempt ended. Says whether it was this worker's to say.
    async fn write_end(
        &self,
        turn: &Turn,
        kind: &'static str,
        ended: &Result<End, Failure>,
        is_last: bool,
    ) -> Result<bool, sqlx::Error> {
        let (id, fencing, now) = (turn.id, turn.fencing, self.deps.clock.now());
        let mut tx = self.db.begin().await?;
        let conn = &mut *tx;
        let is_mine = match ended {
            Ok(End::Done) => store::done(conn, id, fencing).await?,
            Ok(End::Snooze(wait)) => {
                let next = Again { due: later(now, *wait), counts: false, error: None };
                store::again(conn, now, id, fencing, &next).await?
            }
            Err(Failure { error, then }) if is_last || *then == Then::Dead => {
                let is_mine = store::bury(conn, now, id, fencing, error).await?;
                if is_mine {
                    tracing::error!(%id, kind, error, "ALARM: a job is dead; `mizili-hub jobs list` shows it");
                }
                is_mine
            }
            Err(Failure { error, then }) => {
                let wait = match then {
                    Then::After(wait) => *wait,
                    Then::BackOff | Then::Dead => backoff::wait(turn.attempt, random(&self.deps)),
                };
                tracing::warn!(%id, kind, attempt = turn.attempt, error, "a job failed; it is tried again");
                let next = Again { due: later(now, wait), counts: true, error: Some(error) };
                store::again(conn, now, id, fencing, &next).await?
            }
        };
        tx.commit().await?;
        Ok(is_mine)
    }

    /// Lets what runs end, and gives the rest back.
    async fn end(&self, mut running: JoinSet<()>, mut held: Held, grace: Duration) {
        let ending = async {
            while let Some(ended) = running.join_next_with_id().await {
                let id = ended.map_or_else(|broken| broken.id(), |(id, ())| id);
                held.remove(&id);
            }
        };
        let _ = timeout(grace, ending).await;
        if held.is_empty() {
            return;
        }
        // Ended before they are given back: nothing of them may run beside whoever takes them.
        running.shutdown().await;
        let rest: Vec<_> = held.into_values().collect();
        let given = once(LOOK_MAX, async {
            let mut tx = self.db.begin().await?;
            let given = store::give_back(&mut tx, self.deps.clock.now(), &rest).await?;
            tx.commit().await?;
            Ok::<_, sqlx::Error>(given)
        });
        match given.await {
            Ok(jobs) => tracing::info!(jobs, "jobs under way were given back"),
            Err(error) => {
                tracing::warn!(%error, "jobs under way could not be given back; their leases run out");
            }
        }
    }
}

/// Runs an attempt for as long as its kind may take. A panic in it is its failure.
async fn limited(limit: Duration, run: impl Future<Output = Result<End, Failure>>) -> Result<End, Failure> {
    match timeout(limit, AssertUnwindSafe(run).catch_unwind()).await {
        Ok(Ok(ended)) => ended,
        Ok(Err(panic)) => Err(Failure::tried(format!("panic: {}", panic_text(&*panic)))),
        Err(_) => Err(Failure::tried(format!("it took longer than {} seconds", limit.as_secs_f64()))),
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a word")
}
