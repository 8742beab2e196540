//! The replica: what the hub sent and nothing else, row by row. It knows rows as numbered fields only, so an entity or a field of
//! a newer hub is kept and counted like any other. What commands do here before the hub has answered lives beside it, and
//! the reads here join the two by id. Nothing in this folder decides anything about the market.

mod apply;
mod bucket;
mod digest;
mod index;
mod kept;
mod many;
mod read;
mod ready;
mod repair;
#[cfg(test)]
mod tests;
mod writer;

pub use apply::apply_rows;
pub use bucket::{cursors, is_complete, take_scope};
pub use digest::{compare, digest, recount, slot_sums};
pub use read::{above, all, all_by_key, all_readable, find, find_readable, get, get_sent, newest, page};
pub use ready::Ready;

pub(crate) use bucket::drop_everything;
pub(crate) use index::{entries, index_key, refresh_index};
pub(crate) use kept::{forget_sums, forget_sums_of};
pub(crate) use read::{fields, fields_of, found_by, is_sent, steps, typed};
pub(crate) use repair::covers;

use crate::db::DbError;
use sync_protocol::bucket::Bucket;

/// Why something that the hub sent was not taken. Nothing of it stays.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplicaError {
    /// Rows of a bucket that this edge does not have.
    #[error("the hub sent rows of {0}, which this edge does not have")]
    NotInScope(Bucket),
    /// A scope that names a bucket twice.
    #[error("the hub's list of buckets names {0} twice")]
    BadScope(Bucket),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<rusqlite::Error> for ReplicaError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Db(error.into())
    }
}
