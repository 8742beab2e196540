//! Slows down guessing at passwords and codes, by what is guessed at and by line. Counted in the database, so that it holds over all
//! hubs, and for unknown numbers too, so that it does not tell which ones have accounts. Times are those of the hub that looked:
//! what another one's wrong clock wrote locks nobody out.

use crate::db::{misfit, q};
use crate::error::ApiError;
use jiff::Timestamp;
use mizili_node::throttle::{FORGET_AFTER, Tries, Turn, full, too_early};
use sqlx::{PgConnection, Row};
use std::time::Duration;

/// Lines that are kept of each account: those on which it has signed in last.
const LINES_KEPT: i64 = 32;
/// Days after which a line is forgotten on which an account has not signed in again.
const LINE_DAYS: i64 = 180;

/// What is guessed at, and from where.
#[derive(Clone, Debug)]
pub(crate) struct Guess {
    what: String,
    line: String,
}

impl Guess {
    /// At the password of a number.
    pub(crate) fn of_number(phone: u64, line: String) -> Self {
        Self { what: format!("phone:{phone}"), line }
    }

    /// At the enrolment codes that begin alike.
    pub(crate) fn of_code(pick: u64, line: String) -> Self {
        Self { what: format!("code:{pick}"), line }
    }
}

/// A try that was counted. What comes of it is said with [`forgive`] or [`take_back`]; else it was wrong.
pub(crate) struct Attempt {
    /// How long it is put off before it is looked at.
    pub(crate) put_off: Duration,
    guess: Guess,
    before: Tries,
    counted: Tries,
}

/// Counts a try before it is looked at, so that tries made at once count too. To be committed whatever comes of it. `name` is the
/// word for what is tried.
///
/// # Errors
/// 429 with `Retry-After` when it is too early, which does not count; 503 when too many wait before it.
pub(crate) async fn begin(
    conn: &mut PgConnection,
    guess: Guess,
    name: &str,
    now: Timestamp,
) -> Result<Attempt, ApiError> {
    // The upsert locks the row: of two tries at once the second sees what the first counted.
    let sql = "INSERT INTO sign_in_tries AS t (what, line, failures, last_ms) VALUES ($1, $2, 0, $3)
               ON CONFLICT (what, line) DO UPDATE SET what = t.what RETURNING failures, last_ms";
    let now = since_1970(now);
    let row = q(sql).bind(&guess.what).bind(&guess.line).bind(ms(now)).fetch_one(&mut *conn).await?;
    let before = tries_of(&row)?.still(now);
    let sql = "SELECT coalesce(sum(failures) FILTER (WHERE last_ms > $3), 0)::bigint AS elsewhere,
                      EXISTS (SELECT FROM sign_in_lines WHERE what = $1 AND line = $2) AS is_known
               FROM sign_in_tries WHERE what = $1 AND line <> $2";
    let since = ms(now.saturating_sub(FORGET_AFTER));
    let row = q(sql).bind(&guess.what).bind(&guess.line).bind(since).fetch_one(&mut *conn).await?;
    let elsewhere = u32::try_from(row.try_get::<i64, _>("elsewhere")?).unwrap_or(u32::MAX);
    let put_off = match before.next(elsewhere, row.try_get("is_known")?, now) {
        Turn::After(put_off) => put_off,
        Turn::TooEarly(left) => return Err(too_early(name, left).into()),
        Turn::Full => return Err(full().into()),
    };
    let counted = Tries { failures: before.failures.saturating_add(1), last: now + put_off };
    let sql = "UPDATE sign_in_tries SET failures = $3, last_ms = $4 WHERE what = $1 AND line = $2";
    let failures = i32::try_from(counted.failures).unwrap_or(i32::MAX);
    q(sql).bind(&guess.what).bind(&guess.line).bind(failures).bind(ms(counted.last)).execute(conn).await?;
    Ok(Attempt { put_off, guess, before, counted })
}

/// Forgets the tries at something from this line: the last was right.
///
/// # Errors
/// Those of the database.
pub(crate) async fn forgive(conn: &mut PgConnection, attempt: &Attempt) -> Result<(), sqlx::Error> {
    let sql = "DELETE FROM sign_in_tries WHERE what = $1 AND line = $2";
    q(sql).bind(&attempt.guess.what).bind(&attempt.guess.line).execute(conn).await?;
    Ok(())
}

/// Takes a try back that nobody looked at.
///
/// # Errors
/// Those of the database.
pub(crate) async fn take_back(conn: &mut PgConnection, attempt: &Attempt) -> Result<(), sqlx::Error> {
    let sql = "UPDATE sign_in_tries SET failures = greatest(failures - 1, 0), last_ms = CASE WHEN last_ms = $3 THEN $4 ELSE last_ms END
               WHERE what = $1 AND line = $2";
    let query = q(sql).bind(&attempt.guess.what).bind(&attempt.guess.line);
    query.bind(ms(attempt.counted.last)).bind(ms(attempt.before.last)).execute(conn).await?;
    Ok(())
}

/// Notes that an account signed in on this line. Those on which it did so longest ago are forgotten.
///
/// # Errors
/// Those of the database.
pub(crate) async fn remember_line(conn: &mut PgConnection, attempt: &Attempt) -> Result<(), sqlx::Error> {
    let sql = "INSERT INTO sign_in_lines (what, line, last_ms) VALUES ($1, $2, $3)
               ON CONFLICT (what, line) DO UPDATE SET last_ms = excluded.last_ms";
    let Guess { what, line } = &attempt.guess;
    q(sql).bind(what).bind(line).bind(ms(attempt.counted.last)).execute(&mut *conn).await?;
    let sql = "DELETE FROM sign_in_lines WHERE what = $1 AND line IN
                   (SELECT line FROM sign_in_lines WHERE what = $1 ORDER BY last_ms DESC, line OFFSET $2)";
    q(sql).bind(what).bind(LINES_KEPT).execute(conn).await?;
    Ok(())
}

/// Forgets what was counted of a number, and where its account signed in: the number has another owner or another password now.
///
/// # Errors
/// Those of the database.
pub(crate) async fn forget_number(conn: &mut PgConnection, phone: u64) -> Result<(), sqlx::Error> {
    let what = format!("phone:{phone}");
    q("DELETE FROM sign_in_tries WHERE what = $1").bind(&what).execute(&mut *conn).await?;
    q("DELETE FROM sign_in_lines WHERE what = $1").bind(&what).execute(conn).await?;
    Ok(())
}

/// Forgets what is old, for everybody.
///
/// # Errors
/// Those of the database.
pub async fn prune(conn: &mut PgConnection, now: Timestamp) -> Result<u64, sqlx::Error> {
    let now = since_1970(now);
    let line_kept = Duration::from_secs(LINE_DAYS.unsigned_abs() * 24 * 60 * 60);
    let tries = q("DELETE FROM sign_in_tries WHERE last_ms < $1").bind(ms(now.saturating_sub(FORGET_AFTER)));
    let tries = tries.execute(&mut *conn).await?.rows_affected();
    let lines = q("DELETE FROM sign_in_lines WHERE last_ms < $1").bind(ms(now.saturating_sub(line_kept)));
    Ok(tries + lines.execute(conn).await?.rows_affected())
}

fn tries_of(row: &sqlx::postgres::PgRow) -> Result<Tries, sqlx::Error> {
    let failures =
        u32::try_from(row.try_get::<i32, _>("failures")?).map_err(|_| misfit("sign_in_tries", "failures"))?;
    let last_ms =
        u64::try_from(row.try_get::<i64, _>("last_ms")?).map_err(|_| misfit("sign_in_tries", "last_ms"))?;
    Ok(Tries { failures, last: Duration::from_millis(last_ms) })
}

fn since_1970(now: Timestamp) -> Duration {
    Duration::from_millis(u64::try_from(now.as_millisecond()).unwrap_or(0))
}

fn ms(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
