//! Whether this process names its statements. A named one is planned once by each connection and kept there; an unnamed one is
//! planned every time, which costs more than most of them take to run. Only where a pooler takes no named statements are they
//! unnamed: PgBouncer before 1.21 in transaction mode. That is found out when the hub starts, and may be set instead.
//!
//! One process serves one database, so this is one switch for the process. It only ever turns from named to unnamed while
//! requests are served.

use super::Transaction;
use super::pool::{Lent, Pool, To};
use super::retired::{self, Moment};
use mizili_node::deps::Deps;
use sqlx::postgres::PgDatabaseError;
use sqlx::{AssertSqlSafe, PgConnection};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

/// Statements that a connection keeps. More than there are texts, so that none is ever pushed out and prepared again.
pub const KEPT_MAX: usize = 1_024;
/// Connections that try to get the one that a statement was prepared on, when it is found out whether a pooler stands between.
const HOLDERS: usize = 3;
/// How long one step of that may take. A pooler that has no connection left lets wait for minutes.
const STEP_WAIT: Duration = Duration::from_secs(3);

/// What an operator is told who wants what the pooler cannot do.
const NO_NAMES: &str = "MIZILI_STATEMENTS is named, and a pooler between here and the database keeps no named statements \
    (PgBouncer before 1.21 in transaction mode), or had no connection free to find out. Leave the setting out, or give \
    DATABASE_URL an address without the pooler";

static NAMED: AtomicBool = AtomicBool::new(false);
/// How often a statement that should have been there was not, or was another.
static TROUBLES: AtomicU32 = AtomicU32::new(0);

/// How an operator wants statements to be sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Statements {
    /// Named, unless a pooler turns out to take none.
    #[default]
    Auto,
    /// Named: planned once and kept. Where a pooler takes none, the hub does not start.
    Named,
    /// Unnamed: for a pooler in transaction mode that takes no named statements.
    Unnamed,
}

/// Whether statements are named now.
pub fn are_named() -> bool {
    NAMED.load(Ordering::Relaxed)
}

/// Decides how this process sends its statements, and says so in the log. To be called once, before requests are served; until
/// then they are unnamed.
///
/// # Errors
/// The database does not answer. [`sqlx::Error::Configuration`] where they are wanted named and a pooler takes no names: there a name
/// may be another connection's statement, which nobody would notice.
pub(super) async fn settle(pool: &Pool, deps: &Deps, wanted: Statements) -> Result<(), sqlx::Error> {
    let can_be = wanted != Statements::Unnamed && may_be_named(pool, deps).await?;
    let (named, why) = match (wanted, can_be) {
        (Statements::Unnamed, _) => (false, "as set"),
        (_, true) => (true, "nothing between here and the database minds"),
        (Statements::Auto, false) => (false, "a pooler between here and the database takes no named ones"),
        (Statements::Named, false) => return Err(sqlx::Error::Configuration(NO_NAMES.into())),
    };
    NAMED.store(named, Ordering::Relaxed);
    let how = if named { "prepared once and kept" } else { "planned each time" };
    tracing::info!(named, "statements are {how}: {why}");
    Ok(())
}

/// Whether an error says that a connection has not the statements that it should: it was handed another session by a pooler, or
/// a table's columns changed under a statement. It says nothing about what was asked.
pub(super) fn is_trouble(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(refusal) = error else { return false };
    let Some(refusal) = refusal.try_downcast_ref::<PgDatabaseError>() else { return false };
    match refusal.code() {
        // There is no such statement; there is one of that name already.
        "26000" | "42P05" => true,
        // "Cached plan must not change result type", of all that is not supported. Its words depend on the server's language.
        "0A000" => refusal.routine() == Some("RevalidateCachedQuery"),
        _ => false,
    }
}

/// Takes note of such an error in an attempt that began at `began`. Connections of before are given up, which mends a changed
/// table. Where one that was opened since has the same trouble, statements stay unnamed until the process ends.
pub(super) fn trouble(error: &sqlx::Error, began: Moment) {
    if !retired::retire(began) {
        return;
    }
    if TROUBLES.fetch_add(1, Ordering::AcqRel) == 0 {
        tracing::warn!(%error, "prepared statements were gone or outdated; all connections are made anew");
    } else if NAMED.swap(false, Ordering::AcqRel) {
        tracing::warn!(%error, "prepared statements were gone or outdated again; from now on they are planned each time");
    }
}

/// Finds out whether named statements are kept for whoever prepared them: prepares one on a connection, has others take the
/// session behind it, and runs it again. A pooler that is idle would hand back the same session, and pass falsely.
async fn may_be_named(pool: &Pool, deps: &Deps) -> Result<bool, sqlx::Error> {
    // A text that no other probe has: a statement that another left behind a pooler must not pass for this one.
    let mark = i64::from_le_bytes(deps.ids.random());
    let mut first = pool.lend(To::Read).await?;
    let Some(session) = session_by_name(&mut first, mark).await? else { return Ok(unusable(first)) };
    let mut holders: Vec<Transaction> = Vec::new();
    for _ in 0..HOLDERS {
        let holder = async { Transaction::begin(pool.lend(To::Read).await?, "BEGIN").await };
        let Ok(Ok(mut holder)) = tokio::time::timeout(STEP_WAIT, holder).await else { break };
        let query = sqlx::query_scalar("SELECT pg_backend_pid()").persistent(false);
        let held: Option<i32> = in_time(query.fetch_one(&mut *holder)).await?;
        holders.push(holder);
        if held == Some(session) {
            break;
        }
    }
    let again = session_by_name(&mut first, mark).await?;
    if again.is_none() {
        return Ok(unusable(first));
    }
    first.done();
    Ok(true)
}

/// What was prepared on it may stand on another session: it must not serve anybody.
fn unusable(connection: Lent) -> bool {
    connection.unusable();
    false
}

/// The session behind a connection, asked by a named statement; `None` where that is not there, or no session is free.
async fn session_by_name(connection: &mut PgConnection, mark: i64) -> Result<Option<i32>, sqlx::Error> {
    let text = format!("SELECT pg_backend_pid(), ({mark})::bigint");
    let query = sqlx::query_as::<_, (i32, i64)>(AssertSqlSafe(text)).persistent(true);
    match in_time(query.fetch_one(connection)).await {
        Ok(said) => Ok(said.filter(|(_, of)| *of == mark).map(|(session, _)| session)),
        Err(error) if is_trouble(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// `None` where it took too long.
async fn in_time<T>(step: impl Future<Output = Result<T, sqlx::Error>>) -> Result<Option<T>, sqlx::Error> {
    tokio::time::timeout(STEP_WAIT, step).await.ok().transpose()
}
