//! What a transaction has changed, as the feed needs to know it: names only, no content.

use crate::news::Moved;
use std::collections::{BTreeMap, BTreeSet};
use sync_protocol::bucket::Bucket;
use sync_protocol::row::Key;

/// Rows that may have changed, by the buckets where they stand or stood. Naming one too many costs a look; naming one too few
/// leaves a replica wrong until the regular check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    rows: BTreeMap<Bucket, BTreeSet<(u16, Key)>>,
}

impl Touched {
    /// Nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Names a row in a bucket, by its entity's number.
    pub fn add(&mut self, bucket: Bucket, entity: u16, key: Key) {
        self.rows.entry(bucket).or_default().insert((entity, key));
    }

    /// Takes in another's.
    pub fn extend(&mut self, other: Self) {
        for (bucket, rows) in other.rows {
            self.rows.entry(bucket).or_default().extend(rows);
        }
    }

    /// Whether nothing was named.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How many rows were named, one in two buckets counted twice.
    pub fn len(&self) -> usize {
        self.rows.values().map(BTreeSet::len).sum()
    }

    /// Whether the row was named in the bucket.
    pub fn has(&self, bucket: Bucket, entity: u16, key: Key) -> bool {
        self.rows.get(&bucket).is_some_and(|rows| rows.contains(&(entity, key)))
    }

    /// The buckets, for those who wait: to be told once the transaction has committed.
    pub fn moved(&self) -> Moved {
        self.rows.keys().copied().collect()
    }

    /// The buckets, each with its rows in the order in which they get versions.
    pub fn buckets(&self) -> impl ExactSizeIterator<Item = (Bucket, &BTreeSet<(u16, Key)>)> {
        self.rows.iter().map(|(bucket, rows)| (*bucket, rows))
    }
}
