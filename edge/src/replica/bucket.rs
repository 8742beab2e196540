//! The edge's buckets and how far each has come. Only the hub decides which there are; a bucket that left takes its rows along.

use super::ReplicaError;
use crate::db::DbError;
use rusqlite::{Connection, OptionalExtension, Row, Transaction};
use std::collections::HashSet;
use sync_protocol::bucket::Bucket;
use sync_protocol::session::BucketCursor;
use sync_protocol::wire::message::Welcome;

/// A bucket as it stands in the database.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stored {
    /// Its number in the other tables.
    pub(super) number: i64,
    /// How far it has come.
    pub(super) cursor: BucketCursor,
}

/// The cursors of all buckets, in the order of the scope.
///
/// # Errors
/// Those of the database.
pub fn cursors(conn: &Connection) -> Result<Vec<BucketCursor>, DbError> {
    let mut statement =
        conn.prepare_cached("SELECT number, name, upto, reached FROM bucket ORDER BY position")?;
    let mut rows = statement.query([])?;
    let mut list = Vec::new();
    while let Some(row) = rows.next()? {
        list.push(stored(row)?.cursor);
    }
    Ok(list)
}

/// Whether everything of a bucket up to its cursor is here. A bucket of which nothing has come yet is not complete.
///
/// # Errors
/// Those of the database.
pub fn is_complete(conn: &Connection, bucket: Bucket) -> Result<bool, DbError> {
    Ok(find(conn, bucket)?.is_some_and(|stored| stored.cursor.upto > 0 && stored.cursor.is_whole()))
}

/// Takes the scope and the epoch that the hub states: buckets that left go with all their rows, new ones begin empty, the others
/// keep their rows and cursors. In the transaction of the response that said so.
///
/// # Errors
/// When the scope names a bucket twice, or those of the database.
pub fn take_scope(tx: &Transaction<'_>, welcome: &Welcome) -> Result<(), ReplicaError> {
    let mut seen = HashSet::new();
    if let Some(twice) = welcome.scope.iter().find(|bucket| !seen.insert(**bucket)) {
        return Err(ReplicaError::BadScope(*twice));
    }
    let mut left = false;
    for cursor in cursors(tx)?.into_iter().filter(|cursor| !seen.contains(&cursor.bucket)) {
        tx.prepare_cached("DELETE FROM bucket WHERE name = ?1")?.execute([cursor.bucket.to_string()])?;
        left = true;
    }
    if left {
        drop_orphans(tx)?;
    }
    let mut place = tx.prepare_cached(
        "INSERT INTO bucket (name, position, rank) VALUES (?1, ?2, ?3)
         ON CONFLICT (name) DO UPDATE SET position = excluded.position, rank = excluded.rank",
    )?;
    for (position, bucket) in (0i64..).zip(&welcome.scope) {
        place.execute((bucket.to_string(), position, bucket.read_rank()))?;
    }
    Ok(())
}

/// Forgets the whole replica, as for another edge.
pub(crate) fn drop_everything(tx: &Transaction<'_>) -> Result<(), DbError> {
    tx.execute("DELETE FROM bucket", [])?;
    drop_orphans(tx)
}

/// One statement a table for all buckets that left: the tables are not ordered by bucket.
fn drop_orphans(tx: &Transaction<'_>) -> Result<(), DbError> {
    for table in ["replica", "replica_index", "digest"] {
        tx.execute(&format!("DELETE FROM {table} WHERE bucket NOT IN (SELECT number FROM bucket)"), [])?;
    }
    tx.execute("DELETE FROM stock_sum", [])?;
    Ok(())
}

pub(super) fn find(conn: &Connection, bucket: Bucket) -> Result<Option<Stored>, DbError> {
    let mut statement =
        conn.prepare_cached("SELECT number, name, upto, reached FROM bucket WHERE name = ?1")?;
    let mut rows = statement.query([bucket.to_string()])?;
    rows.next()?.map(stored).transpose()
}

pub(super) fn set_cursor(tx: &Transaction<'_>, number: i64, cursor: &BucketCursor) -> Result<(), DbError> {
    let mut statement = tx.prepare_cached("UPDATE bucket SET upto = ?2, reached = ?3 WHERE number = ?1")?;
    statement.execute((number, cursor.upto, cursor.reached))?;
    Ok(())
}

/// Notes that the digests were equal where the bucket stands.
pub(super) fn set_verified(tx: &Transaction<'_>, number: i64, head: u64) -> Result<(), DbError> {
    tx.prepare_cached("UPDATE bucket SET verified = ?2 WHERE number = ?1")?.execute((number, head))?;
    Ok(())
}

/// The version at which a bucket's digests were last found equal to the hub's.
pub(super) fn verified(conn: &Connection, number: i64) -> Result<u64, DbError> {
    let mut statement = conn.prepare_cached("SELECT verified FROM bucket WHERE number = ?1")?;
    Ok(statement.query_row([number], |row| row.get(0)).optional()?.unwrap_or(0))
}

fn stored(row: &Row<'_>) -> Result<Stored, DbError> {
    let name: String = row.get(1)?;
    let bucket = name.parse().map_err(|_| DbError::bad_value("bucket", "name", &name))?;
    Ok(Stored {
        number: row.get(0)?,
        cursor: BucketCursor { bucket, upto: row.get(2)?, reached: row.get(3)? },
    })
}
