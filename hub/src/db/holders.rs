//! Whoever keeps a transaction open in which something was changed or locked, and with it what others wait for.

use super::{Db, q};
use sqlx::Row as _;
use std::time::Duration;

/// A session of the database that holds something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The number of its server process, as `pg_terminate_backend` takes it.
    pub session: i32,
    /// What it calls itself; may be empty.
    pub program: String,
    /// Whole seconds since its transaction began; `None` where it is another role's, of which this one is not told.
    pub open_s: Option<i64>,
}

/// The session that has held something for longest, if it is for as long as that; `None` where nobody does. A transaction that only reads
/// holds up nobody, however long. What a session says to Postgres is not told: names and numbers of people stand in it.
///
/// # Errors
/// Those of the database.
pub async fn longest_held(db: &Db, at_least: Duration) -> Result<Option<Holder>, sqlx::Error> {
    // Whoever has changed or locked a row has a number, and the lock on it; that is shown to every role.
    let sql = "SELECT a.pid, coalesce(a.application_name, ''), extract(epoch FROM clock_timestamp() - a.xact_start)::bigint
               FROM pg_locks l JOIN pg_stat_activity a USING (pid)
               WHERE l.locktype = 'transactionid' AND l.mode = 'ExclusiveLock' AND l.granted
                 AND a.datname = current_database() AND a.pid <> pg_backend_pid()
                 AND (a.xact_start IS NULL OR a.xact_start <= clock_timestamp() - make_interval(secs => $1))
               ORDER BY a.xact_start NULLS LAST LIMIT 1";
    let mut tx = db.begin().await?;
    let row = q(sql).bind(at_least.as_secs_f64()).fetch_optional(&mut *tx).await?;
    tx.commit().await?;
    row.map(|row| Ok(Holder { session: row.try_get(0)?, program: row.try_get(1)?, open_s: row.try_get(2)? }))
        .transpose()
}
