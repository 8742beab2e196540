//! Whoever keeps a transaction open for long, and with it what others wait for.

use super::{Db, q};
use sqlx::Row as _;
use std::time::Duration;

/// A session of the database that is inside a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The number of its server process, as `pg_terminate_backend` takes it.
    pub session: i32,
    /// What it calls itself; may be empty.
    pub program: String,
    /// Whole seconds since its transaction began.
    pub open_s: i64,
}

/// The session whose transaction has been open longest, if it is for as long as that; `None` where nobody's is. What it says to
/// Postgres is not told: names and numbers of people stand in it.
///
/// # Errors
/// Those of the database.
pub async fn longest_open(db: &Db, at_least: Duration) -> Result<Option<Holder>, sqlx::Error> {
    let sql = "SELECT pid, coalesce(application_name, ''), extract(epoch FROM clock_timestamp() - xact_start)::bigint
               FROM pg_stat_activity
               WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
                 AND xact_start <= clock_timestamp() - make_interval(secs => $1)
               ORDER BY xact_start LIMIT 1";
    let mut tx = db.begin().await?;
    let row = q(sql).bind(at_least.as_secs_f64()).fetch_optional(&mut *tx).await?;
    tx.commit().await?;
    row.map(|row| Ok(Holder { session: row.try_get(0)?, program: row.try_get(1)?, open_s: row.try_get(2)? }))
        .transpose()
}
