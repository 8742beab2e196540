//! Whose turn it is: a regular job runs at one of the hubs that share a database, and not again at once after a restart.

use crate::db::{Db, q};
use mizili_node::deps::Deps;

/// Takes the job's turn, if its last one began long enough ago.
pub(super) async fn take(db: &Db, deps: &Deps, job: &'static str, every_s: i64) -> Result<bool, sqlx::Error> {
    let mut tx = db.begin().await?;
    let taken = q("INSERT INTO job_cursors AS j (job, bucket, version) VALUES ($1, 'turn', $2)
        ON CONFLICT (job, bucket) DO UPDATE SET version = excluded.version WHERE j.version <= excluded.version - $3")
    .bind(job)
    .bind(deps.clock.now_s())
    .bind(every_s)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(taken.rows_affected() == 1)
}
