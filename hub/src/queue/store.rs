//! The table of jobs: each step of a job's life is one statement. What a worker says of its job is guarded by the claim's fencing number, so that
//! one whose lease ran out changes nothing. No step decides what comes next; the worker does.

use super::backoff;
use super::kind::{Job, Registered};
use crate::db::{Cells, listed, q, q_scalar};
use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use mizili_node::deps::Deps;
use sqlx::PgConnection;
use sqlx::postgres::PgRow;
use std::time::Duration;
use uuid::Uuid;

/// How long a claim holds without a sign of life. Longer than a database takes that is started again.
pub const LEASE: Duration = Duration::from_secs(60);
/// Characters that are kept of what went wrong.
const ERROR_MAX_CHARS: usize = 500;
/// Jobs whose lease ran out that one transaction sees to.
const EXPIRED_MAX: i64 = 100;
/// By how much the clock that wrote a time may be ahead of the one that reads it: further, and it was wrong.
pub(super) const APART: Duration = Duration::from_secs(300);

/// A job to be put in.
pub struct NewJob<J: Job> {
    payload: J::Payload,
    key: Option<String>,
    due: Due,
}

enum Due {
    After(Duration),
    At(Timestamp),
}

impl<J: Job> NewJob<J> {
    /// Due at once.
    pub fn now(payload: J::Payload) -> Self {
        Self { payload, key: None, due: Due::After(Duration::ZERO) }
    }

    /// The same, due after a while.
    #[must_use]
    pub fn after(self, wait: Duration) -> Self {
        Self { due: Due::After(wait), ..self }
    }

    /// The same, due at a certain time.
    #[must_use]
    pub fn at(self, time: Timestamp) -> Self {
        Self { due: Due::At(time), ..self }
    }

    /// The same, unless a job of this kind and key is open.
    #[must_use]
    pub fn keyed(self, key: impl Into<String>) -> Self {
        Self { key: Some(key.into()), ..self }
    }
}

/// What came of putting a job in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enqueued {
    /// It is in, once the caller's transaction is committed.
    New(Uuid),
    /// One of its kind and key is open already; nothing was changed.
    AlreadyOpen,
}

/// Puts a job in, within the caller's transaction: it exists if and only if that is committed. Tell the workers after that
/// ([`crate::db::Db::tell_jobs`]), or they find it within a second or so.
///
/// # Errors
/// Those of the database; a payload that is no JSON.
pub async fn enqueue<J: Registered>(
    conn: &mut PgConnection,
    deps: &Deps,
    job: &NewJob<J>,
) -> Result<Enqueued, sqlx::Error> {
    let payload = serde_json::to_string(&job.payload).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let (id, now) = (deps.ids.uuid_v7(), deps.clock.now());
    let due = match job.due {
        Due::After(wait) => later(now, wait),
        Due::At(time) => time,
    };
    let put = q("INSERT INTO jobs (id, kind, payload_version, payload, open_key, due_at, attempts_max, created_at, written_at)
        VALUES ($1, $2, $3, $4::text::jsonb, $5, $6, $7, $8, $8)
        ON CONFLICT (kind, open_key) WHERE open_key IS NOT NULL AND state <> 'dead' DO NOTHING")
    .bind(id)
    .bind(J::KIND)
    .bind(J::VERSION)
    .bind(payload)
    .bind(job.key.as_deref())
    .bind(due.to_sqlx())
    .bind(i32::from(J::ATTEMPTS_MAX))
    .bind(now.to_sqlx())
    .execute(conn)
    .await?;
    Ok(if put.rows_affected() == 1 { Enqueued::New(id) } else { Enqueued::AlreadyOpen })
}

/// A job that this worker has.
pub(super) struct Claimed {
    pub(super) id: Uuid,
    pub(super) fencing: i64,
    pub(super) kind: String,
    pub(super) version: i16,
    pub(super) payload: String,
    pub(super) attempts: u32,
    pub(super) attempts_max: u32,
}

impl Claimed {
    fn read(row: &PgRow) -> Result<Self, sqlx::Error> {
        let cells = Cells::of("jobs", row);
        Ok(Self {
            id: cells.get(0)?,
            fencing: cells.get(1)?,
            kind: cells.get(2)?,
            version: cells.get(3)?,
            payload: cells.get(4)?,
            attempts: cells.number(5)?,
            attempts_max: cells.number(6)?,
        })
    }
}

/// Claims so many jobs of these kinds, each in a form up to its version, that are due: those that have been for the longest. Kinds and forms of
/// a newer hub stay where they are.
pub(super) async fn claim(
    conn: &mut PgConnection,
    now: Timestamp,
    kinds: &[(&'static str, i16)],
    most: usize,
) -> Result<Vec<Claimed>, sqlx::Error> {
    let (names, versions): (Vec<&str>, Vec<i16>) = kinds.iter().copied().unzip();
    let rows = q(concat!(
        "WITH due AS (
            SELECT j.id FROM jobs j JOIN unnest(",
        listed!(2, "text"),
        ", ",
        listed!(3, "smallint"),
        ") AS k (kind, version) ON k.kind = j.kind AND j.payload_version <= k.version
            WHERE j.state = 'ready' AND j.due_at <= $1 ORDER BY j.due_at, j.id LIMIT $4 FOR UPDATE OF j SKIP LOCKED)
        UPDATE jobs j SET state = 'running', fencing = fencing + 1, attempts = attempts + 1, lease_until = $5, written_at = $1
        FROM due WHERE j.id = due.id
        RETURNING j.id, j.fencing, j.kind, j.payload_version, j.payload::text, j.attempts, j.attempts_max"
    ))
    .bind(now.to_sqlx())
    .bind(names)
    .bind(versions)
    .bind(i64::try_from(most).unwrap_or(i64::MAX))
    .bind(later(now, LEASE).to_sqlx())
    .fetch_all(conn)
    .await?;
    rows.iter().map(Claimed::read).collect()
}

/// Locks a job that is still the claim's. Says whether it is.
pub(super) async fn lock(conn: &mut PgConnection, id: Uuid, fencing: i64) -> Result<bool, sqlx::Error> {
    let sql = "SELECT true FROM jobs WHERE id = $1 AND fencing = $2 AND state = 'running' FOR UPDATE";
    let found: Option<bool> = q_scalar(sql).bind(id).bind(fencing).fetch_optional(conn).await?;
    Ok(found.is_some())
}

/// A sign of life. Says whether the job is still the claim's.
pub(super) async fn renew(
    conn: &mut PgConnection,
    now: Timestamp,
    id: Uuid,
    fencing: i64,
) -> Result<bool, sqlx::Error> {
    let renewed = q("UPDATE jobs SET lease_until = $3, written_at = $4 WHERE id = $1 AND fencing = $2 AND state = 'running'")
        .bind(id)
        .bind(fencing)
        .bind(later(now, LEASE).to_sqlx())
        .bind(now.to_sqlx())
        .execute(conn)
        .await?;
    Ok(renewed.rows_affected() == 1)
}

/// The job is done, and a dead one of its key needs nobody any more. Says whether it was still the claim's; if not, nothing was changed.
pub(super) async fn done(conn: &mut PgConnection, id: Uuid, fencing: i64) -> Result<bool, sqlx::Error> {
    let done: i64 = q_scalar(
        "WITH done AS (DELETE FROM jobs WHERE id = $1 AND fencing = $2 AND state = 'running' RETURNING kind, open_key),
            before AS (DELETE FROM jobs j USING done d WHERE j.kind = d.kind AND j.open_key = d.open_key AND j.state = 'dead')
        SELECT count(*) FROM done",
    )
    .bind(id)
    .bind(fencing)
    .fetch_one(conn)
    .await?;
    Ok(done == 1)
}

/// The job's next attempt.
pub(super) struct Again<'e> {
    pub(super) due: Timestamp,
    /// Whether the one that ended was an attempt.
    pub(super) counts: bool,
    /// What went wrong, if anything did.
    pub(super) error: Option<&'e str>,
}

/// The job is to be done again. Says whether it was still the claim's.
pub(super) async fn again(
    conn: &mut PgConnection,
    now: Timestamp,
    id: Uuid,
    fencing: i64,
    next: &Again<'_>,
) -> Result<bool, sqlx::Error> {
    let put = q("UPDATE jobs SET state = 'ready', lease_until = NULL, due_at = $3, attempts = attempts - $4,
            last_error = coalesce($5, last_error), written_at = $6
        WHERE id = $1 AND fencing = $2 AND state = 'running'")
    .bind(id)
    .bind(fencing)
    .bind(next.due.to_sqlx())
    .bind(i32::from(!next.counts))
    .bind(next.error.map(printable))
    .bind(now.to_sqlx())
    .execute(conn)
    .await?;
    Ok(put.rows_affected() == 1)
}

/// The job is dead, and takes the place of an earlier dead one of its key. Says whether it was still the claim's.
pub(super) async fn bury(
    conn: &mut PgConnection,
    now: Timestamp,
    id: Uuid,
    fencing: i64,
    error: &str,
) -> Result<bool, sqlx::Error> {
    let dead: i64 = q_scalar(
        "WITH dead AS (UPDATE jobs SET state = 'dead', lease_until = NULL, last_error = $3, written_at = $4
                WHERE id = $1 AND fencing = $2 AND state = 'running' RETURNING id, kind, open_key),
            before AS (DELETE FROM jobs j USING dead d
                WHERE j.kind = d.kind AND j.open_key = d.open_key AND j.state = 'dead' AND j.id <> d.id)
        SELECT count(*) FROM dead",
    )
    .bind(id)
    .bind(fencing)
    .bind(printable(error))
    .bind(now.to_sqlx())
    .fetch_one(conn)
    .await?;
    Ok(dead == 1)
}

/// Jobs that this worker does not do any more, at once for whoever comes next. What it began was no attempt.
pub(super) async fn give_back(
    conn: &mut PgConnection,
    now: Timestamp,
    held: &[(Uuid, i64)],
) -> Result<u64, sqlx::Error> {
    let (ids, fencing): (Vec<Uuid>, Vec<i64>) = held.iter().copied().unzip();
    let given = q(concat!(
        "UPDATE jobs j SET state = 'ready', lease_until = NULL, due_at = $3, attempts = j.attempts - 1, written_at = $3
        FROM unnest(",
        listed!(1, "uuid"),
        ", ",
        listed!(2, "bigint"),
        ") AS h (id, fencing) WHERE j.id = h.id AND j.fencing = h.fencing AND j.state = 'running'"
    ))
    .bind(ids)
    .bind(fencing)
    .bind(now.to_sqlx())
    .execute(conn)
    .await?;
    Ok(given.rows_affected())
}

/// Sees to jobs whose lease ran out: their worker is gone, and its attempt counts. Of any kind, for that needs no knowledge of it. Gives how many.
pub(super) async fn free_expired(
    conn: &mut PgConnection,
    deps: &Deps,
    now: Timestamp,
) -> Result<usize, sqlx::Error> {
    const GONE: &str = "its worker ended, or gave no sign of life";
    let rows = q("SELECT id, fencing, attempts, attempts_max, kind FROM jobs WHERE state = 'running' AND lease_until <= $1
        ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED")
    .bind(now.to_sqlx())
    .bind(EXPIRED_MAX)
    .fetch_all(&mut *conn)
    .await?;
    for row in &rows {
        let cells = Cells::of("jobs", row);
        let (id, fencing, attempts) = (cells.get(0)?, cells.get(1)?, cells.number(2)?);
        let kind: &str = cells.get(4)?;
        if attempts >= cells.number(3)? {
            tracing::error!(%id, kind, error = GONE, "ALARM: a job is dead; `mizili-hub jobs list` shows it");
            bury(conn, now, id, fencing, GONE).await?;
            continue;
        }
        tracing::warn!(%id, kind, attempts, "the lease of a job ran out; another worker may have it");
        // The first time at once: it was a hub that ended. Then as after any failure: the job may be what ends it.
        let wait = if attempts > 1 { backoff::wait(attempts, random(deps)) } else { Duration::ZERO };
        let next = Again { due: later(now, wait), counts: true, error: Some(GONE) };
        again(conn, now, id, fencing, &next).await?;
    }
    Ok(rows.len())
}

/// Moves times that were written by a clock which was ahead of today's: what was due in a minute is due in a minute. Without that a job would
/// wait for the day that the clock showed. Gives how many. (It reads the whole table, which is small, now and then.)
pub(super) async fn mend_times(conn: &mut PgConnection, now: Timestamp) -> Result<u64, sqlx::Error> {
    let moved = q("UPDATE jobs SET due_at = CASE WHEN due_at >= written_at THEN $1 + (due_at - written_at) ELSE due_at END,
            lease_until = $1 + (lease_until - written_at), written_at = $1
        WHERE written_at > $2")
    .bind(now.to_sqlx())
    .bind(later(now, APART).to_sqlx())
    .execute(conn)
    .await?;
    Ok(moved.rows_affected())
}

/// Forgets jobs that have been dead since before a time. Gives how many.
pub(super) async fn forget_dead(conn: &mut PgConnection, before: Timestamp) -> Result<u64, sqlx::Error> {
    let gone = q("DELETE FROM jobs WHERE state = 'dead' AND written_at < $1")
        .bind(before.to_sqlx())
        .execute(conn)
        .await?;
    Ok(gone.rows_affected())
}

/// What is kept of an error: Postgres keeps no NUL in a text, and nobody reads pages of it.
fn printable(error: &str) -> String {
    error.chars().filter(|c| *c != '\0').take(ERROR_MAX_CHARS).collect()
}

pub(super) fn random(deps: &Deps) -> u32 {
    u32::from_le_bytes(deps.ids.random())
}

pub(super) fn later(now: Timestamp, wait: Duration) -> Timestamp {
    let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
    now.checked_add(wait).unwrap_or(Timestamp::MAX)
}
