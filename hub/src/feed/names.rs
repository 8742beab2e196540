//! Buckets by the names under which the database knows them, in the order of these names, which is the order of locks.

use crate::db::Cells;
use sqlx::postgres::PgRow;
use std::collections::BTreeMap;
use sync_protocol::bucket::Bucket;

/// See the module.
pub(super) struct Names(BTreeMap<String, Bucket>);

impl Names {
    /// Those of some buckets, each once.
    pub(super) fn of(buckets: impl IntoIterator<Item = Bucket>) -> Self {
        Self(buckets.into_iter().map(|bucket| (bucket.to_string(), bucket)).collect())
    }

    /// The names.
    pub(super) fn list(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    /// The bucket that a row's first column names; `None` for one that nobody asked for.
    ///
    /// # Errors
    /// When it is no name.
    pub(super) fn of_row(&self, row: &PgRow) -> Result<Option<Bucket>, sqlx::Error> {
        Ok(self.0.get(Cells::of("buckets", row).get::<&str>(0)?).copied())
    }
}
