//! Tombstones: rows that say that a row is gone, kept until everybody who had it knows. In no digest.

use crate::db::Cells;
use crate::db::{Db, q};
use sqlx::PgConnection;
use sync_protocol::bucket::Bucket;

/// Tombstones that one transaction forgets.
const ROWS_MAX: i64 = 5_000;

/// Buckets that have tombstones. A kind of bucket that this hub does not know is left out.
///
/// # Errors
/// Those of the database.
pub async fn buckets(conn: &mut PgConnection) -> Result<Vec<Bucket>, sqlx::Error> {
    let rows = q("SELECT b.name FROM buckets b WHERE EXISTS (SELECT FROM sync_rows s WHERE s.bucket = b.name AND s.deleted)
        ORDER BY b.name")
    .fetch_all(conn)
    .await?;
    let bucket = |row| Ok(Cells::of("buckets", row).get::<&str>(0)?.parse().ok());
    rows.iter().filter_map(|row| bucket(row).transpose()).collect()
}

/// Forgets a bucket's tombstones up to a version, which everybody who reads the bucket has passed. Returns how many.
///
/// # Errors
/// Those of the database.
pub async fn prune(db: &Db, bucket: Bucket, upto: u64) -> Result<u64, sqlx::Error> {
    let mut total = 0;
    loop {
        let mut tx = db.begin().await?;
        // A row that a writer holds right now comes to life again, or goes next time.
        let gone = q("DELETE FROM sync_rows WHERE (bucket, entity, id) IN (
                SELECT bucket, entity, id FROM sync_rows WHERE bucket = $1 AND version <= $2 AND deleted
                ORDER BY version LIMIT $3 FOR UPDATE SKIP LOCKED)")
        .bind(bucket.to_string())
        .bind(i64::try_from(upto).unwrap_or(i64::MAX))
        .bind(ROWS_MAX)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        total += gone.rows_affected();
        if gone.rows_affected() < ROWS_MAX as u64 {
            return Ok(total);
        }
    }
}
