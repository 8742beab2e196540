//! What a transaction has changed, as the feed needs to know it: names, and the content of nothing but what it has made itself.

use crate::news::Moved;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use sync_protocol::bucket::Bucket;
use sync_protocol::row::Key;
use sync_protocol::value::Fields;

/// Rows that may have changed, by the buckets where they stand or stood. Naming one too many costs a look; naming one too few
/// leaves a replica wrong until the regular check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    rows: BTreeMap<Bucket, BTreeSet<(u16, Key)>>,
    /// Canonical contents of rows that the transaction itself has put into their tables.
    made: HashMap<(u16, Key), Vec<u8>>,
}

impl Touched {
    /// Nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Names a row in a bucket, by its entity's number. What was said of its content is forgotten: it may be another by now.
    pub fn add(&mut self, bucket: Bucket, entity: u16, key: Key) {
        self.made.remove(&(entity, key));
        self.rows.entry(bucket).or_default().insert((entity, key));
    }

    /// Says what a named row holds that this transaction has put into its table, where nothing of that key was. Nobody else can
    /// change it before the commit, nor (where that hangs on other rows, as with prices) whether and where it stands, and it never stood
    /// in the feed: mostly the feed asks nobody about it. Where it did all the same,
    /// publishing may fail as a race does; see [`Touched::look_at_all`].
    pub fn made(&mut self, entity: u16, key: Key, content: &Fields) {
        self.made.insert((entity, key), content.canonical().to_vec());
    }

    /// Forgets what was said of contents: the feed looks at each row, and at what stands of it. For a second try, where one that is new
    /// turned out to stand there.
    pub fn look_at_all(&mut self) {
        self.made.clear();
    }

    /// What [`Touched::made`] said of a row.
    pub(super) fn content(&self, entity: u16, key: Key) -> Option<&[u8]> {
        self.made.get(&(entity, key)).map(Vec::as_slice)
    }

    /// Takes in what came after.
    pub fn extend(&mut self, after: Self) {
        for (bucket, rows) in after.rows {
            rows.into_iter().for_each(|(entity, key)| self.add(bucket, entity, key));
        }
        self.made.extend(after.made);
    }

    /// Whether nothing was named.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How many rows were named, one in two buckets counted twice.
    pub fn len(&self) -> usize {
        self.rows.values().map(BTreeSet::len).sum()
    }

    /// How many of them are new to the feed.
    pub(super) fn new_rows(&self) -> usize {
        let all = self.rows.values().flatten();
        all.filter(|row| self.made.contains_key(row)).count()
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
