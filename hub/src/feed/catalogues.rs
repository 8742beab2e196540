//! How far catalogues are behind what they show: a job makes them from the buckets of cooperatives, each of which it has read up to a cursor of
//! its own.

use crate::db::{Cells, q};
use sqlx::PgConnection;
use sync_protocol::bucket::Bucket;

/// The name of that job, at its cursors.
pub const JOB: &str = "catalogue";

/// Whether some cooperative's bucket has moved past the job's cursor.
///
/// # Errors
/// Those of the database.
pub async fn is_behind(conn: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let row =
        q("SELECT EXISTS (SELECT FROM buckets b LEFT JOIN job_cursors j ON j.job = $1 AND j.bucket = b.name
        WHERE b.name LIKE 'coop:%' AND b.version > coalesce(j.version, 0))")
        .bind(JOB)
        .fetch_one(conn)
        .await?;
    Cells::of("buckets", &row).get(0)
}

/// How far the job has read a bucket.
///
/// # Errors
/// Those of the database.
pub async fn cursor(conn: &mut PgConnection, bucket: Bucket) -> Result<u64, sqlx::Error> {
    let row = q("SELECT version FROM job_cursors WHERE job = $1 AND bucket = $2")
        .bind(JOB)
        .bind(bucket.to_string())
        .fetch_optional(conn)
        .await?;
    row.map_or(Ok(0), |row| Cells::of("job_cursors", &row).count(0))
}
