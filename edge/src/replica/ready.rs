//! A frame of rows in the form in which it is written: canonical bytes, hashes and index entries, in the order of the tables. Made by
//! whoever reads the line, so that the one writer of the database has nothing to do but write. Touches no database.

use super::index;
use std::cmp::Reverse;
use std::ops::Range;
use sync_protocol::row::{Key, Row, RowHash};
use sync_protocol::wire::rows::{Rows, Span};

/// A frame of rows, made ready. Its bytes lie in one buffer: thousands of rows are freed at once.
#[derive(Debug)]
pub struct Ready {
    span: Span,
    came: u64,
    /// By entity and key; of one key the newest.
    rows: Vec<ReadyRow>,
    /// Row by row.
    entries: Vec<Entry>,
    /// Places in `entries`, in the order of the index.
    in_order: Vec<u32>,
    /// Ids, payloads and the values of entries.
    bytes: Vec<u8>,
}

/// One row of it.
#[derive(Debug)]
pub(super) struct ReadyRow {
    pub(super) entity: u16,
    pub(super) key: Key,
    pub(super) version: u64,
    id: Range<usize>,
    /// `None` for a row that is gone.
    pub(super) live: Option<Live>,
}

/// What a row that is not gone has besides.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) hash: RowHash,
    payload: Range<usize>,
    entries: Range<usize>,
}

/// An index entry.
#[derive(Debug)]
struct Entry {
    field: u16,
    value: Range<usize>,
    /// Place of the row it is of.
    row: usize,
}

impl Ready {
    /// Makes a frame ready.
    pub fn of(frame: &Rows) -> Self {
        // In the order of the table, so that neighbours go into the same page. They come in runs of it, which this sort goes by.
        let mut rows: Vec<&Row> = frame.rows.iter().collect();
        rows.sort_by_key(|row| (row.entity, row.key, Reverse(row.version)));
        rows.dedup_by_key(|row| (row.entity, row.key));
        let mut ready = Self {
            span: frame.span(),
            came: frame.rows.len() as u64,
            rows: Vec::with_capacity(rows.len()),
            entries: Vec::new(),
            in_order: Vec::new(),
            bytes: Vec::with_capacity(rows.len() * 32),
        };
        for row in rows {
            ready.take(row);
        }
        let mut in_order: Vec<u32> = (0..).take(ready.entries.len()).collect();
        in_order.sort_unstable_by_key(|place| {
            let (row, field, value) = ready.entry(*place as usize);
            (row.entity, field, value, row.key)
        });
        ready.in_order = in_order;
        ready
    }

    fn take(&mut self, row: &Row) {
        let id = self.put(&row.key.to_bytes());
        let live = row.body.as_ref().map(|body| {
            let payload = self.put(body.canonical());
            let first = self.entries.len();
            for (field, value) in index::entries(row.entity, body) {
                let start = self.bytes.len();
                index::write_index_key(value, &mut self.bytes);
                self.entries.push(Entry { field, value: start..self.bytes.len(), row: self.rows.len() });
            }
            let hash = RowHash::of(row.entity, row.key, row.version, &self.bytes[payload.clone()]);
            Live { hash, payload, entries: first..self.entries.len() }
        });
        self.rows.push(ReadyRow { entity: row.entity, key: row.key, version: row.version, id, live });
    }

    fn put(&mut self, bytes: &[u8]) -> Range<usize> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        start..self.bytes.len()
    }

    /// What the frame speaks for.
    pub fn span(&self) -> Span {
        self.span
    }

    /// How many rows came.
    pub fn came(&self) -> u64 {
        self.came
    }

    /// The rows, by entity and key.
    pub(super) fn rows(&self) -> &[ReadyRow] {
        &self.rows
    }

    /// A row's id as it is stored.
    pub(super) fn id(&self, row: &ReadyRow) -> &[u8] {
        &self.bytes[row.id.clone()]
    }

    /// A row's canonical bytes.
    pub(super) fn payload(&self, live: &Live) -> &[u8] {
        &self.bytes[live.payload.clone()]
    }

    /// A row's index entries: field and value.
    pub(super) fn entries(&self, live: &Live) -> impl Iterator<Item = (u16, &[u8])> {
        self.entries[live.entries.clone()].iter().map(|entry| (entry.field, &self.bytes[entry.value.clone()]))
    }

    /// The index entries of those rows, by their places, that are asked for, in the order of the index.
    pub(super) fn entries_in_order(
        &self,
        of: impl Fn(usize) -> bool,
    ) -> impl Iterator<Item = (&ReadyRow, u16, &[u8])> {
        let places = self.in_order.iter().map(|place| *place as usize);
        places.filter(move |place| of(self.entries[*place].row)).map(|place| self.entry(place))
    }

    fn entry(&self, place: usize) -> (&ReadyRow, u16, &[u8]) {
        let entry = &self.entries[place];
        (&self.rows[entry.row], entry.field, &self.bytes[entry.value.clone()])
    }
}
