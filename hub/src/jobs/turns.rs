//! Whose turn it is: a regular job runs at one of the hubs that share a database, and not again at once after a restart.

use crate::db::{Db, q};
use mizili_node::deps::Deps;

/// Seconds by which the clocks of hubs that share a database may differ.
const APART_S: i64 = 300;

/// Takes the job's turn, if its last one began long enough ago. One that begins in the future was taken by a clock that was wrong,
/// and counts as none: else the job would not run again before that day.
///
/// # Errors
/// Those of the database.
pub async fn take(db: &Db, deps: &Deps, job: &'static str, every_s: i64) -> Result<bool, sqlx::Error> {
    let mut tx = db.begin().await?;
    let taken = q("INSERT INTO job_cursors AS j (job, bucket, version) VALUES ($1, 'turn', $2)
        ON CONFLICT (job, bucket) DO UPDATE SET version = excluded.version 
        WHERE j.version <= excluded.version - $3 OR j.version > excluded.version + $4")
    .bind(job)
    .bind(deps.clock.now_s())
    .bind(every_s)
    .bind(APART_S)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(taken.rows_affected() == 1)
}
