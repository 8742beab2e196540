//! The feed: the latest state of every replicated row, by bucket and version. The only code that writes `sync_rows`, and what stands in
//! a bucket; all that others write is the jump of every version at once after a restore (`sync/restored.rs`). Others may ask it which
//! versions there are and which rows stand (`sync/salvage.rs`, `jobs/catalogue.rs`, `names/kept.rs`). It must never be written
//! from content that a caller hands in: a caller names what it changed, and the feed reads it itself, after the bucket is locked. The one
//! exception is a row that the caller's own transaction has put where none was ([`Touched::made`]): nobody else can change it before the
//! commit, so what was put there is what the feed would read.
//!
//! **To write.** Change the hub's tables, put the names of the changed rows in a [`Touched`], and call [`publish`] at the end of
//! the same transaction, once. Locks are taken in this order: stream row; domain rows by table and id; buckets by name.
//!
//! **To read.** [`read`]. Versions of a bucket are given under its lock, so commit order is version order: whoever has read up to
//! a committed version has missed nothing at or below it.
//!
//! **To check.** [`check::compare_all`].

pub mod catalogues;
pub mod check;
mod digests;
mod names;
pub mod prices;
mod publish;
pub mod read;
pub mod tombstones;
mod touched;

pub use digests::Digests;
pub use touched::Touched;

use crate::bad_rows::OfARow;
use crate::db::{Transient, is_transient};
use crate::tables::{self, Standing, View};
use sqlx::PgConnection;
use sync_protocol::bucket::Bucket;
use sync_protocol::row::Key;

/// Why rows were not published. Nothing of it is written: the transaction has to be rolled back.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The database refused.
    #[error(transparent)]
    Db(#[from] sqlx::Error),
    /// A changed row stands in a bucket that the writer did not name, so its lock is not held: a bug in the writer.
    #[error("entity {entity} {key:?} stands in {bucket}, which its writer did not name")]
    UnnamedBucket {
        /// Where it stands.
        bucket: Bucket,
        /// Its entity's number.
        entity: u16,
        /// Its key.
        key: Key,
    },
    /// A name of an entity that has no projection: a bug in the writer.
    #[error("nothing is known about entity {0} in the buckets named")]
    UnknownEntity(u16),
}

impl Transient for FeedError {
    fn transient(&self) -> Option<&sqlx::Error> {
        if let Self::Db(error) = self { Some(error).filter(|error| is_transient(error)) } else { None }
    }
}

impl OfARow for FeedError {
    fn is_of_a_row(&self) -> bool {
        match self {
            Self::Db(error) => error.is_of_a_row(),
            Self::UnnamedBucket { .. } | Self::UnknownEntity(_) => true,
        }
    }
}

impl From<FeedError> for sqlx::Error {
    fn from(error: FeedError) -> Self {
        match error {
            FeedError::Db(error) => error,
            bug => Self::Encode(Box::new(bug)),
        }
    }
}

/// Writes what changed into the feed, in the caller's transaction, which must commit soon after: the buckets stay locked until
/// then. Each row that really changed gets a version of its own; one whose content is as before gets none. Returns each named
/// bucket with its head.
///
/// # Errors
/// See [`FeedError`]; the caller has to roll back.
pub async fn publish(conn: &mut PgConnection, touched: &Touched) -> Result<Vec<(Bucket, u64)>, FeedError> {
    if touched.is_empty() {
        return Ok(Vec::new());
    }
    Ok(publish::write(conn, touched, publish::Compare::Hashes).await?.heads)
}

/// Names rows in the buckets where they stand, for whoever changes content that moves none of them to another.
///
/// # Errors
/// See [`FeedError`].
pub async fn where_they_stand(
    conn: &mut PgConnection,
    entity: u16,
    keys: &[Key],
) -> Result<Touched, FeedError> {
    let mut touched = Touched::new();
    for row in project(conn, View::Home, entity, keys).await? {
        touched.add(row.bucket, entity, row.key);
    }
    Ok(touched)
}

/// Where the rows of these keys stand in a view. A key without an answer stands nowhere.
async fn project(
    conn: &mut PgConnection,
    view: View,
    entity: u16,
    keys: &[Key],
) -> Result<Vec<Standing>, FeedError> {
    Ok(tables::standing(conn, view, entity, keys).await.ok_or(FeedError::UnknownEntity(entity))??)
}

/// Runs every statement of [`publish`], also where nothing changed: whether the feed can be written at all. The caller rolls back.
///
/// # Errors
/// See [`FeedError`].
pub async fn try_to_publish(conn: &mut PgConnection, touched: &Touched) -> Result<(), FeedError> {
    publish::try_to_write(conn, touched).await
}
