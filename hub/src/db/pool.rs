//! Connections to Postgres: a bounded number, kept open and lent out one after the other. One that comes back from finished work
//! is lent again as it is, without a question to the database: that would be a round trip more for each request. One whose work
//! was broken off is cleaned behind the scenes first. Nothing here knows what is asked over them.

use super::retired;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, Executor, PgConnection};
use std::io;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

/// How long a request waits for a connection before it is told to come back.
pub(super) const POOL_WAIT: Duration = Duration::from_secs(3);
/// The oldest that a connection gets: what Postgres gathers for it is given back then.
const AGE_MAX: Duration = Duration::from_secs(30 * 60);
/// How long one lies unused before it is closed.
const IDLE_MAX: Duration = Duration::from_secs(10 * 60);
/// How long cleaning may take: as long as a broken-off statement may still run.
const CLEAN_WAIT: Duration = Duration::from_secs(30);
/// One of so many connections is for those alone who read.
const READERS_PART: u32 = 4;
/// Where Postgres works on this machine, looks run side by side so many for each core, and never fewer than the least: more only push each
/// other off the cores and out of their caches. By pgbench on two cores, 16 together do a sixth less than 8.
const LOOKS_A_CORE: usize = 4;
const LOOKS_LEAST: usize = 8;
/// The first pause while Postgres takes nobody; doubled up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// See the module. Clones are one pool.
#[derive(Clone, Debug)]
pub(super) struct Pool(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    options: PgConnectOptions,
    connections_max: u32,
    permits: Arc<Semaphore>,
    /// For those who change something, who may wait for each other: fewer, so that they never keep all of them.
    to_change: Arc<Semaphore>,
    /// For those who look by single statements, each of which is over at once.
    to_look: Arc<Semaphore>,
    /// Whoever gave back last is lent first: a busy hub's connections are warm, and a quiet one's close.
    idle: Mutex<Vec<Idle>>,
}

#[derive(Debug)]
struct Kept {
    connection: PgConnection,
    opened: Instant,
}

#[derive(Debug)]
struct Idle {
    kept: Kept,
    since: Instant,
}

/// A connection that is lent. It goes back when it is dropped: as it is after [`Lent::done`], and else once it is clean.
#[derive(Debug)]
pub(super) struct Lent {
    kept: Option<Kept>,
    pool: Pool,
    permits: Vec<OwnedSemaphorePermit>,
    /// Of whoever looks. It goes with this: what was broken off is cleaned without it.
    _look: Option<OwnedSemaphorePermit>,
    state: State,
}

/// What a connection is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum To {
    /// To look by single statements: nobody is waited for.
    Look,
    /// To look for longer, at one state of the database.
    Read,
    /// To change something, which may wait for whoever changes it at the time.
    Change,
}

/// What is to be done before another may have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing: all that was asked was answered.
    Done,
    /// Perhaps an answer is under way.
    Asked,
    /// The same, within a transaction.
    InTransaction,
    /// It must serve nobody any more.
    Unusable,
}

impl Pool {
    /// A pool of so many connections at most. None is opened yet.
    pub(super) fn new(options: PgConnectOptions, connections_max: u32) -> Self {
        let permits = |connections: u32| Arc::new(Semaphore::new(connections as usize));
        let to_change = permits(connections_max - connections_max / READERS_PART);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let looks = (cores * LOOKS_A_CORE).max(LOOKS_LEAST);
        // Elsewhere they wait for the line, and it is not known what they have there.
        let looks = if options.get_socket().is_some() { looks } else { connections_max as usize };
        let to_look = Arc::new(Semaphore::new(looks));
        let (permits, idle) = (permits(connections_max), Mutex::new(Vec::new()));
        Self(Arc::new(Shared { options, connections_max, permits, to_change, to_look, idle }))
    }

    /// Lends a connection: the one that came back last, or a new one.
    ///
    /// # Errors
    /// `PoolTimedOut` where none came back in time, or Postgres took nobody; `PoolClosed`; what Postgres said.
    pub(super) async fn lend(&self, to: To) -> Result<Lent, sqlx::Error> {
        let permit =
            async |of: &Arc<Semaphore>| of.clone().acquire_owned().await.map_err(|_| sqlx::Error::PoolClosed);
        let lending = async {
            let mut permits = Vec::with_capacity(2);
            let mut look = None;
            match to {
                To::Look => look = Some(permit(&self.0.to_look).await?),
                To::Read => {}
                To::Change => permits.push(permit(&self.0.to_change).await?),
            }
            permits.push(permit(&self.0.permits).await?);
            let kept = match self.take_idle() {
                Some(kept) => kept,
                None => Box::pin(self.open()).await?,
            };
            Ok(Lent { kept: Some(kept), pool: self.clone(), permits, _look: look, state: State::Asked })
        };
        timeout(POOL_WAIT, lending).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
    }

    fn take_idle(&self) -> Option<Kept> {
        loop {
            let Idle { kept, .. } = self.idle().pop()?;
            let age = kept.opened.elapsed();
            if age < AGE_MAX && !retired::is_retired(age) {
                return Some(kept);
            }
            close(kept);
        }
    }

    /// A new connection. While Postgres starts, or has no room, it is asked again. To be boxed: a request that is lent an open one need not
    /// carry the room that this takes.
    async fn open(&self) -> Result<Kept, sqlx::Error> {
        let mut pause = FIRST_PAUSE;
        loop {
            let opened = Instant::now();
            match PgConnection::connect_with(&self.0.options).await {
                Ok(connection) => return Ok(Kept { connection, opened }),
                Err(error) if is_for_now(&error) => sleep(pause).await,
                Err(error) => return Err(error),
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn give_back(&self, kept: Kept) {
        if self.0.permits.is_closed() {
            return close(kept);
        }
        let now = Instant::now();
        let mut idle = self.idle();
        idle.push(Idle { kept, since: now });
        // Those that lay longest are first. Nobody looks while nothing comes back: then there is nothing to be won either.
        let over = idle.iter().take_while(|idle| now - idle.since > IDLE_MAX).count();
        idle.drain(..over).for_each(|idle| close(idle.kept));
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lends nothing more, and closes every connection as soon as it is back.
    pub(super) async fn close(&self) {
        // Whoever works still is waited for, as long as their work may take.
        let all = timeout(CLEAN_WAIT, self.0.permits.acquire_many(self.0.connections_max)).await;
        self.0.permits.close();
        self.0.to_change.close();
        self.0.to_look.close();
        drop(all);
        let idle = std::mem::take(&mut *self.idle());
        for Idle { kept, .. } in idle {
            // It goes away whatever it says.
            let _ = kept.connection.close().await;
        }
    }
}

/// Whether Postgres takes nobody at this moment: it starts, or all its places are taken.
fn is_for_now(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(cause) => cause.kind() == io::ErrorKind::ConnectionRefused,
        sqlx::Error::Database(refusal) => {
            refusal.code().is_some_and(|code| ["53300", "57P03"].contains(&&*code))
        }
        _ => false,
    }
}

/// Says good-bye behind the scenes; without a runtime the socket just closes.
fn close(kept: Kept) {
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(timeout(POOL_WAIT, kept.connection.close()));
    }
}

impl Lent {
    /// Begins a transaction by these words.
    pub(super) async fn begin(mut self, words: &'static str) -> Result<Self, sqlx::Error> {
        self.state = State::InTransaction;
        self.connection().execute(words).await?;
        Ok(self)
    }

    /// Ends a transaction by these words.
    pub(super) async fn end(mut self, words: &'static str) -> Result<(), sqlx::Error> {
        self.connection().execute(words).await?;
        self.state = State::Done;
        Ok(())
    }

    fn connection(&mut self) -> &mut PgConnection {
        self
    }

    /// Says that all that was asked was answered, outside of a transaction.
    pub(super) fn done(mut self) {
        self.state = State::Done;
    }

    /// Says that it must serve nobody any more.
    pub(super) fn unusable(mut self) {
        self.state = State::Unusable;
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let (Some(mut kept), permits) = (self.kept.take(), std::mem::take(&mut self.permits)) else { return };
        let (state, pool) = (self.state, self.pool.clone());
        match state {
            State::Done => pool.give_back(kept),
            State::Unusable => close(kept),
            State::Asked | State::InTransaction => {
                let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
                runtime.spawn(async move {
                    let cleaning = async {
                        if state == State::InTransaction {
                            kept.connection.execute("ROLLBACK").await?;
                        } else {
                            kept.connection.ping().await?;
                        }
                        Ok::<_, sqlx::Error>(kept)
                    };
                    // One that cannot be cleaned closes; the next who asks opens another.
                    if let Ok(Ok(kept)) = timeout(CLEAN_WAIT, cleaning).await {
                        pool.give_back(kept);
                    }
                    drop(permits);
                });
            }
        }
    }
}

#[expect(clippy::expect_used, reason = "it is taken out when it is dropped, and nowhere else")]
impl Deref for Lent {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.kept.as_ref().expect("a lent connection").connection
    }
}

#[expect(clippy::expect_used, reason = "it is taken out when it is dropped, and nowhere else")]
impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.kept.as_mut().expect("a lent connection").connection
    }
}
