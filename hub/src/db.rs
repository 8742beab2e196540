//! The way to Postgres: connections, explicit transactions, statements, migrations, and what may be tried again.
//!
//! Everything must work through a pooler in transaction mode, also one that takes no named statements (PgBouncer before 1.21). So
//! a query is made by [`q`] or [`q_scalar`] alone, within a transaction or [`Db::read`], and nothing here or elsewhere may send
//! SET without LOCAL, LISTEN, a session's advisory lock or a temporary table over the pool. Migrations go over the direct address, once, before
//! serving.

mod cells;
pub mod holders;
mod narrowed;
mod pool;
mod reader;
mod retired;
pub mod statements;
mod transaction;

pub use cells::{Cells, phone};
pub use narrowed::Narrowed;
pub use reader::Reader;
pub use statements::Statements;
pub use transaction::Transaction;

use crate::migrations::MIGRATOR;
use crate::news::{Moved, News};
use mizili_node::deps::Deps;
use pool::{POOL_WAIT, Pool, To};
use reader::{Back, Conn};
use sqlx::error::DatabaseError;
use sqlx::migrate::MigrateError;
use sqlx::postgres::{PgArguments, PgConnectOptions};
use sqlx::query::{Query, QueryScalar};
use sqlx::{Connection, PgConnection, Postgres};
use std::future::Future;
use std::io;
use std::time::Duration;

/// Connections that one hub process opens; many processes share one pooler.
const POOL_MAX_CONNECTIONS: u32 = 16;
/// How long [`Db::begin`]'s transactions wait for a lock, as their first statement says.
pub(crate) const LOCK_WAIT: Duration = Duration::from_secs(5);
/// How long one try of a transaction may take, waiting for locks included. Longer than a batch of the largest size takes.
const TRY_TIMEOUT: Duration = Duration::from_secs(30);
/// Tries of a transaction that met a deadlock, a race, or a lost connection.
const TRIES_MAX: u32 = 6;
/// The pause before the second try, in milliseconds; doubled for each further one, and spread at random.
const FIRST_PAUSE_MS: u64 = 4;

/// The hub's database.
#[derive(Clone, Debug)]
pub struct Db {
    pool: Pool,
    direct_url: String,
    news: News,
}

impl Db {
    /// Connects, with one connection opened to show that the address works. `direct_url` is an address that keeps its session
    /// (no transaction-mode pooler); the same as `url` where there is none.
    ///
    /// # Errors
    /// An address that is none, or nobody answers there.
    pub async fn connect(url: &str, direct_url: &str) -> Result<Self, sqlx::Error> {
        Self::connect_with(url, direct_url, POOL_MAX_CONNECTIONS).await
    }

    /// [`Db::connect`] with another bound on connections.
    ///
    /// # Errors
    /// As there.
    pub async fn connect_with(url: &str, direct_url: &str, connections: u32) -> Result<Self, sqlx::Error> {
        // A pooler refuses start-up parameters it does not know; this is the one that sqlx sends by default.
        let options = url.parse::<PgConnectOptions>()?.extra_float_digits(None);
        let options = options.statement_cache_capacity(statements::KEPT_MAX);
        let pool = Pool::new(options.clone(), connections);
        match pool.lend(To::Read).await {
            Ok(lent) => lent.done(),
            Err(sqlx::Error::PoolTimedOut) => return Err(why_not(&options).await),
            Err(error) => return Err(error),
        }
        Ok(Self { pool, direct_url: direct_url.to_owned(), news: News::default() })
    }

    /// Decides how statements are sent, once, before requests are served: see [`statements`].
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn settle_statements(&self, deps: &Deps, wanted: Statements) -> Result<(), sqlx::Error> {
        statements::settle(&self.pool, deps, wanted).await
    }

    /// Begins a transaction (READ COMMITTED) that waits for each lock five seconds at most, and then is refused it (55P03): whoever waits
    /// keeps a connection, and this hub has few. Dropped without a commit, it is rolled back.
    ///
    /// # Errors
    /// No connection.
    pub async fn begin(&self) -> Result<Transaction, sqlx::Error> {
        self.begin_with("BEGIN; SET LOCAL lock_timeout = '5s'", To::Change).await
    }

    /// Begins a transaction that waits for each lock twenty seconds at most, well below what a try may take: for long work that nobody
    /// sits before.
    ///
    /// # Errors
    /// No connection.
    pub async fn begin_patient(&self) -> Result<Transaction, sqlx::Error> {
        self.begin_with("BEGIN; SET LOCAL lock_timeout = '20s'", To::Change).await
    }

    /// Begins a transaction that waits for each lock 200 ms at most: for whoever does many things at once, of which most need not wait for
    /// what somebody else holds.
    ///
    /// # Errors
    /// No connection.
    pub async fn begin_impatient(&self) -> Result<Transaction, sqlx::Error> {
        self.begin_with("BEGIN; SET LOCAL lock_timeout = '200ms'", To::Change).await
    }

    /// Begins a transaction that only reads, and sees one state of the database throughout.
    ///
    /// # Errors
    /// No connection.
    pub async fn begin_snapshot(&self) -> Result<Transaction, sqlx::Error> {
        self.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", To::Read).await
    }

    /// A connection that was lost while it lay in the pool shows now, and costs nothing but another.
    async fn begin_with(&self, begin: &'static str, to: To) -> Result<Transaction, sqlx::Error> {
        let began = retired::now();
        match Transaction::begin(self.pool.lend(to).await?, begin).await {
            Err(error) if is_lost(&error) => {
                retired::retire(began);
                Transaction::begin(self.pool.lend(to).await?, begin).await
            }
            begun => begun,
        }
    }

    /// Reads by single statements that need not see one state of the database. Tried again where the moment was wrong.
    ///
    /// # Errors
    /// Those of the last attempt.
    pub async fn read<T, E, F, Fut>(&self, deps: &Deps, read: F) -> Result<T, E>
    where
        E: Transient,
        F: Fn(Reader) -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        let attempt = || async {
            let back = Back::default();
            let read = read(back.lend(self.to_read_over().await?)).await;
            if read.is_ok() {
                back.done();
            }
            read
        };
        retrying(deps, attempt).await
    }

    async fn to_read_over(&self) -> Result<Conn, sqlx::Error> {
        if statements::are_named() {
            return self.pool.lend(To::Look).await.map(Conn::Alone);
        }
        Box::pin(self.begin_with("BEGIN", To::Look)).await.map(Conn::Within)
    }

    /// The address that keeps its session: for migrations and the one listener.
    pub fn direct_url(&self) -> &str {
        &self.direct_url
    }

    /// Commits a transaction, and tells what it has moved. Once begun it goes on to its end, also where whoever asked for it hangs up
    /// meanwhile; and where nobody knows whether it stands it is told too: to look in vain costs little, to miss it minutes.
    ///
    /// # Errors
    /// Those of the commit.
    pub async fn commit_and_tell(&self, tx: Transaction, moved: &Moved) -> Result<(), sqlx::Error> {
        let (db, moved) = (self.clone(), moved.clone());
        let committed = tokio::spawn(async move {
            let committed = tx.commit().await;
            db.tell(&moved);
            committed
        });
        committed.await.unwrap_or(Err(sqlx::Error::WorkerCrashed))
    }

    /// Tells those who wait which buckets a transaction has moved; to be called after its commit, by whoever made it.
    pub fn tell(&self, moved: &Moved) {
        self.news.tell(moved);
    }

    /// Tells this process' worker that jobs were put in; to be called after the commit, by whoever put them in.
    pub fn tell_jobs(&self) {
        self.news.tell_jobs();
    }

    /// Who waits for what moves.
    pub fn news(&self) -> &News {
        &self.news
    }

    /// Whether the database answers now.
    ///
    /// # Errors
    /// Why it does not.
    pub async fn ping(&self) -> Result<(), sqlx::Error> {
        let mut tx = self.begin_with("BEGIN", To::Read).await?;
        q("SELECT 1").execute(&mut *tx).await?;
        tx.commit().await
    }

    /// Waits until every connection is closed. What the hubs were not told yet is told first: an operator's command ends at once
    /// after what it did.
    pub async fn close(&self) {
        if let Err(error) = self.say().await {
            tracing::warn!(%error, "the hubs were not told what moved; edges hear with a few minutes' delay");
        }
        self.pool.close().await;
    }
}

impl Db {
    async fn say(&self) -> Result<(), sqlx::Error> {
        if self.news.is_said() {
            return Ok(());
        }
        let mut tx = self.begin().await?;
        self.news.say(&mut *tx).await?;
        tx.commit().await
    }
}

/// Why nobody answers at an address. A pool tries until its time is over, and then only says that.
async fn why_not(options: &PgConnectOptions) -> sqlx::Error {
    match tokio::time::timeout(POOL_WAIT, PgConnection::connect_with(options)).await {
        Ok(Err(error)) => error,
        // It answers by now, or is silent: there is no better word.
        Ok(Ok(_)) | Err(_) => sqlx::Error::PoolTimedOut,
    }
}

/// Brings the schema at an address up to date. To be called with the direct address: it holds a session's lock meanwhile, so
/// that two hubs starting at once do not do it twice.
///
/// # Errors
/// No connection, or a step that failed; the steps before it stand.
pub async fn migrate(direct_url: &str) -> Result<(), MigrateError> {
    let mut connection = PgConnection::connect(direct_url).await.map_err(named_if_a_pooler)?;
    MIGRATOR.run(&mut connection).await?;
    connection.close().await?;
    Ok(())
}

/// PgBouncer refuses what a client that means to keep its session asks for first; Postgres never does.
fn named_if_a_pooler(error: sqlx::Error) -> sqlx::Error {
    let is_poolers = |refusal: &dyn DatabaseError| refusal.message().contains("startup parameter");
    if error.as_database_error().is_some_and(is_poolers) {
        let advice = "this is a pooler's address. Set DATABASE_DIRECT_URL to the database's own";
        return sqlx::Error::Configuration(advice.into());
    }
    error
}

/// A list that is bound, by its place and the type of its values, in a statement that is kept: `concat!("… unnest(", listed!(1, "uuid"), ")")`.
/// A bare `$1` is planned anew at each use while lists are short: Postgres finds the plan for that very list cheaper than one for every
/// list, and counts too little for the planning, which costs more than most of them take. How long a list behind a sub-select is it
/// cannot see, so that plan is made once and kept.
macro_rules! listed {
    ($place:literal, $of:literal) => {
        concat!("(SELECT $", $place, "::", $of, "[])")
    };
}
pub(crate) use listed;

/// Any of the values of such a list: `concat!("… WHERE id = ", any_of!(1, "uuid"))`.
macro_rules! any_of {
    ($place:literal, $of:literal) => {
        concat!("ANY((SELECT $", $place, "::", $of, "[])::", $of, "[])")
    };
}
pub(crate) use any_of;

/// A query by a statement that is kept, where statements are. Its text alone names it there: everybody who sends this text binds
/// the same types.
pub fn q(sql: &'static str) -> Query<'static, Postgres, PgArguments> {
    sqlx::query(sql).persistent(statements::are_named())
}

/// [`q`] of one column.
pub fn q_scalar<O>(sql: &'static str) -> QueryScalar<'static, Postgres, O, PgArguments>
where
    (O,): for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow>,
{
    sqlx::query_scalar(sql).persistent(statements::are_named())
}

/// A stored value that does not fit what the program makes of it: damage, or a bug.
pub fn misfit(table: &'static str, column: &'static str) -> sqlx::Error {
    sqlx::Error::Decode(format!("{table}.{column} holds a value that does not fit").into())
}

/// A number of the program as Postgres keeps it. Ids and codes stay far below the bound; a larger one is refused, not cut.
///
/// # Errors
/// When it is larger than Postgres' `int`.
pub fn int(number: u32) -> Result<i32, sqlx::Error> {
    i32::try_from(number).map_err(|_| sqlx::Error::Encode(format!("{number} does not fit a column").into()))
}

/// The SQLSTATE of an error that the database itself answered with.
fn code(error: &sqlx::Error) -> Option<String> {
    if let sqlx::Error::Database(refusal) = error {
        refusal.code().map(|code| code.into_owned())
    } else {
        None
    }
}

/// Whether an error says something about the moment, not about what was asked: deadlock, serialisation failure, time-out, lost
/// connection, too many connections, a full disk, a statement that is not there any more. Such an error never becomes a verdict.
pub fn is_transient(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::BeginFailed => true,
        _ if statements::is_trouble(error) => true,
        _ => code(error).is_some_and(|code| {
            // 08 connection, 40 rollback, 53 resources (disk full, too many connections), 57 an operator or a time-out ended
            // it, 58 the system under Postgres; a lock not available; a database that is read-only for now.
            let passing_classes = ["08", "40", "53", "57", "58"];
            passing_classes.iter().any(|class| code.starts_with(class))
                || code == LOCK_NOT_AVAILABLE
                || code == "25006"
        }),
    }
}

/// Whether only what was handed in can have caused the error: data that no column takes, a constraint, a rule that somebody has put
/// into the database, a value that cannot be sent at all. Anything else that is not of the moment (a column that is not there, a
/// denied privilege, a damaged page) says something about this hub or its database, and nothing about what was asked.
pub fn is_of_a_value(error: &sqlx::Error) -> bool {
    // 21 cardinality, 22 data, 23 constraints, 44 a view's check; a row too large for its index; what a trigger raises.
    let of_values = ["21", "22", "23", "44"];
    matches!(error, sqlx::Error::Encode(_) | sqlx::Error::InvalidArgument(_))
        || code(error).is_some_and(|code| {
            of_values.iter().any(|class| code.starts_with(class)) || code == "54000" || code == "P0001"
        })
}

/// Whether two transactions made the same new thing at once; the later one finds it when it tries again.
pub fn is_race(error: &sqlx::Error) -> bool {
    code(error).is_some_and(|code| code == "23505")
}

/// Whether the connection is gone, and with it perhaps all others that were open.
fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(cause) => cause.kind() != io::ErrorKind::TimedOut,
        sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed | sqlx::Error::BeginFailed => true,
        _ => code(error).is_some_and(|code| ["08", "57P"].iter().any(|class| code.starts_with(class))),
    }
}

/// Where the connection was at fault, the next try gets a new one.
fn blame_connections(error: &sqlx::Error, began: retired::Moment) {
    if statements::is_trouble(error) {
        statements::trouble(error, began);
    } else if is_lost(error) {
        retired::retire(began);
    }
}

/// Whether a lock was refused that somebody else held for too long.
pub fn is_locked(error: &sqlx::Error) -> bool {
    code(error).is_some_and(|code| code == LOCK_NOT_AVAILABLE)
}

const LOCK_NOT_AVAILABLE: &str = "55P03";

/// Whether trying again at once may help: not where nobody answers at all, nor where somebody was waited for already.
fn is_worth_another_try(error: &sqlx::Error) -> bool {
    let waited = matches!(error, sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed) || is_locked(error);
    !waited && (is_transient(error) || is_race(error))
}

/// An error of a transaction that may be tried again.
pub trait Transient: From<sqlx::Error> {
    /// The database's error that makes another try worth while; `None` for a final answer.
    fn transient(&self) -> Option<&sqlx::Error>;
}

impl Transient for sqlx::Error {
    fn transient(&self) -> Option<&sqlx::Error> {
        is_transient(self).then_some(self)
    }
}

/// Runs `attempt`, which begins and commits a transaction, and runs it again after a deadlock, a race or a lost connection, a
/// bounded number of times, each time after a longer pause. An attempt that takes too long is given up and counts as such an
/// error. `attempt` must be harmless to repeat even when its commit took effect unseen: everything it makes has an id.
///
/// # Errors
/// Those of the last attempt.
pub async fn retrying<T, E, F, Fut>(deps: &Deps, mut attempt: F) -> Result<T, E>
where
    E: Transient,
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, E>>,
{
    for pause in 0..TRIES_MAX - 1 {
        match once(TRY_TIMEOUT, attempt()).await {
            Err(error) if error.transient().is_some_and(is_worth_another_try) => {
                let mut random = [0; 1];
                deps.ids.fill(&mut random);
                let spread = 128 + u64::from(random[0]);
                tokio::time::sleep(Duration::from_micros((FIRST_PAUSE_MS << pause) * 1000 * spread / 256))
                    .await;
            }
            done => return done,
        }
    }
    once(TRY_TIMEOUT, attempt()).await
}

/// Runs an attempt once, and gives it up when it takes longer than that. A connection that was at fault serves nobody after it.
///
/// # Errors
/// Its own, or that it took too long.
pub async fn once<T, E: Transient>(
    at_most: Duration,
    attempt: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let began = retired::now();
    let late = |_| {
        Err(sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, "the transaction took too long")).into())
    };
    let done = tokio::time::timeout(at_most, attempt).await.unwrap_or_else(late);
    let at_fault = done.as_ref().err().and_then(Transient::transient);
    at_fault.into_iter().for_each(|cause| blame_connections(cause, began));
    done
}
