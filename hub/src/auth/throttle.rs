//! Slows down guessing: each wrong password for a number makes the next try wait longer. Counted in the database, so that it
//! holds over all hubs, and for unknown numbers too, so that it does not tell which ones have accounts.

use crate::db::q;
use crate::error::{ApiError, Problem};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use mizili_node::throttle::{FORGET_AFTER, too_early, wait};
use sqlx::{PgConnection, Row};

/// Counts a try before the password is looked at, so that tries made at once count too. To be committed whatever comes of it.
///
/// # Errors
/// 429 with `Retry-After` when it is too early.
pub async fn count(conn: &mut PgConnection, phone: u64, now: Timestamp) -> Result<(), ApiError> {
    let phone = phone.cast_signed();
    let forget = now.checked_sub(FORGET_AFTER).map_err(Problem::internal)?;
    // The upsert locks the row: of two tries at once the second sees what the first counted.
    let sql = "INSERT INTO login_attempts AS a (phone, failures, blocked_until, changed_at) VALUES ($1, 0, $2, $2)
               ON CONFLICT (phone) DO UPDATE SET failures = CASE WHEN a.changed_at < $3 THEN 0 ELSE a.failures END
               RETURNING failures, blocked_until";
    let query = q(sql).bind(phone).bind(now.to_sqlx()).bind(forget.to_sqlx());
    let row = query.fetch_one(&mut *conn).await?;
    let blocked_until: Timestamp = row.try_get::<jiff_sqlx::Timestamp, _>("blocked_until")?.to_jiff();
    if blocked_until > now {
        let left_s = (blocked_until.as_second() - now.as_second()).max(1);
        return Err(too_early("number", left_s.cast_unsigned()).into());
    }
    let failures = row.try_get::<i32, _>("failures")?.saturating_add(1);
    let until = now.checked_add(wait(failures.cast_unsigned())).map_err(Problem::internal)?;
    let sql = "UPDATE login_attempts SET failures = $2, blocked_until = $3, changed_at = $4 WHERE phone = $1";
    q(sql).bind(phone).bind(failures).bind(until.to_sqlx()).bind(now.to_sqlx()).execute(conn).await?;
    Ok(())
}

/// Forgets the tries of a number whose password was right.
///
/// # Errors
/// Those of the database.
pub async fn forgive(conn: &mut PgConnection, phone: u64) -> Result<(), sqlx::Error> {
    q("DELETE FROM login_attempts WHERE phone = $1").bind(phone.cast_signed()).execute(conn).await?;
    Ok(())
}

/// Forgets what is a day old, for all numbers.
///
/// # Errors
/// Those of the database.
pub async fn prune(conn: &mut PgConnection, now: Timestamp) -> Result<u64, sqlx::Error> {
    let sql = "DELETE FROM login_attempts WHERE changed_at < $1 - make_interval(secs => $2)";
    let deleted = q(sql).bind(now.to_sqlx()).bind(FORGET_AFTER.as_secs_f64()).execute(conn).await?;
    Ok(deleted.rows_affected())
}
