//! Writes rows of one bucket, and keeps their index entries and sums in step. What may be written over what is for the caller to know.

use super::digest::Sums;
use super::index;
use super::many::{AT_ONCE, Many};
use super::ready::{Live, Ready, ReadyRow};
use crate::db::DbError;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Transaction};
use std::collections::HashSet;
use sync_protocol::market::indexed_fields;
use sync_protocol::row::{Key, RowHash};
use sync_protocol::value::Fields;

/// A row's stored state.
pub(super) struct Here {
    version: u64,
    /// `None` for a tombstone.
    payload: Option<Vec<u8>>,
}

/// Writes rows of one bucket. To be finished, or its sums are lost.
pub(super) struct RowWriter<'a> {
    tx: &'a Transaction<'a>,
    bucket: i64,
    /// Whether gone rows leave a mark, so that a snapshot under way does not bring them back.
    keeps_gone: bool,
    sums: Sums,
    /// Listings of which entries or orders changed.
    listings: HashSet<Vec<u8>>,
    insert: CachedStatement<'a>,
    insert_index: CachedStatement<'a>,
    many_rows: Option<Many<'a>>,
    many_entries: Option<Many<'a>>,
}

impl<'a> RowWriter<'a> {
    pub(super) fn new(tx: &'a Transaction<'a>, bucket: i64, keeps_gone: bool) -> Result<Self, DbError> {
        let insert = "INSERT OR IGNORE INTO replica (entity, id, bucket, version, payload) VALUES (?1, ?2, ?3, ?4, ?5)";
        let insert_index = "INSERT OR IGNORE INTO replica_index (entity, field, value, bucket, id) VALUES (?1, ?2, ?3, ?4, ?5)";
        Ok(Self {
            tx,
            bucket,
            keeps_gone,
            sums: Sums::load(tx, bucket)?,
            listings: HashSet::new(),
            insert: tx.prepare_cached(insert)?,
            insert_index: tx.prepare_cached(insert_index)?,
            many_rows: None,
            many_entries: None,
        })
    }

    /// The connection, for reading.
    pub(super) fn conn(&self) -> &'a Connection {
        self.tx
    }

    /// The bucket's number.
    pub(super) fn bucket(&self) -> i64 {
        self.bucket
    }

    /// Adds a row that is older than every row that is here: without looking first. One that is gone is passed over.
    pub(super) fn add_unless_here(&mut self, frame: &Ready, row: &ReadyRow) -> Result<(), DbError> {
        let Some(live) = &row.live else { return Ok(()) };
        let (id, payload) = (frame.id(row), frame.payload(live));
        if self.insert.execute((row.entity, id, self.bucket, row.version, payload))? == 1 {
            self.counted_in(frame, row, live)?;
        }
        Ok(())
    }

    /// The same for neighbours of one entity, none of which is gone. By one statement as far as nothing of them is here: gives how many, from
    /// the first on, whose index entries are still to be added.
    pub(super) fn add_many_unless_here(
        &mut self,
        frame: &Ready,
        rows: &[ReadyRow; AT_ONCE],
    ) -> Result<usize, DbError> {
        let many = match &mut self.many_rows {
            Some(many) => many,
            none => none.insert(Many::rows(self.tx, self.bucket)?),
        };
        let entity = rows[0].entity;
        let live = || rows.iter().filter_map(|row| Some((row, row.live.as_ref()?)));
        let row = |(row, live)| (frame.id(row), row.version, frame.payload(live));
        let written = many.write(entity, live().map(row))?;
        let sum = self.sums.of(entity);
        live().take(written).for_each(|(_, live)| sum.add(live.hash));
        rows[written..].iter().try_for_each(|row| self.add_unless_here(frame, row))?;
        Ok(written)
    }

    /// Adds the index entries of those rows of a frame, by their places, that are asked for.
    pub(super) fn add_entries(&mut self, frame: &Ready, of: impl Fn(usize) -> bool) -> Result<(), DbError> {
        let entries: Vec<_> = frame.entries_in_order(of).collect();
        for part in entries.chunk_by(|(a, ..), (b, ..)| a.entity == b.entity) {
            let (many, rest) = part.as_chunks::<AT_ONCE>();
            for entries in many {
                let many = match &mut self.many_entries {
                    Some(many) => many,
                    none => none.insert(Many::index(self.tx, self.bucket)?),
                };
                let rows = entries.iter().map(|(row, field, value)| (*field, *value, frame.id(row)));
                many.write(entries[0].0.entity, rows)?;
            }
            for (row, field, value) in rest {
                self.insert_index.execute((row.entity, field, value, self.bucket, frame.id(row)))?;
            }
            for (row, field, value) in part {
                self.touch_listing(row.entity, *field, value);
            }
        }
        Ok(())
    }

    /// Writes a row, live or gone, over a lower version or none.
    pub(super) fn write_over_lower(&mut self, frame: &Ready, row: &ReadyRow) -> Result<(), DbError> {
        let here = self.here(row.entity, row.key)?;
        if here.as_ref().is_some_and(|here| here.version >= row.version) {
            return Ok(());
        }
        self.replace(frame, row, here)
    }

    /// What is here of a row.
    pub(super) fn here(&self, entity: u16, key: Key) -> Result<Option<Here>, DbError> {
        let mut statement = self.tx.prepare_cached(
            "SELECT version, payload FROM replica WHERE entity = ?1 AND id = ?2 AND bucket = ?3",
        )?;
        let read = |row: &rusqlite::Row<'_>| Ok(Here { version: row.get(0)?, payload: row.get(1)? });
        Ok(statement.query_row((entity, &*key.to_bytes(), self.bucket), read).optional()?)
    }

    /// Writes a row of a frame in place of what is here, whatever the versions.
    pub(super) fn replace(
        &mut self,
        frame: &Ready,
        row: &ReadyRow,
        here: Option<Here>,
    ) -> Result<(), DbError> {
        let id = frame.id(row);
        let payload = row.live.as_ref().map(|live| frame.payload(live));
        let is_here = here.is_some();
        if let Some(here) = here {
            self.counted_out(row.entity, row.key, here)?;
        }
        match (is_here, payload.is_some() || self.keeps_gone) {
            (true, true) => {
                let sql = "UPDATE replica SET version = ?4, payload = ?5 WHERE entity = ?1 AND id = ?2 AND bucket = ?3";
                let values = (row.entity, id, self.bucket, row.version, payload);
                self.tx.prepare_cached(sql)?.execute(values)?;
            }
            (false, true) => {
                self.insert.execute((row.entity, id, self.bucket, row.version, payload))?;
            }
            (true, false) => self.delete(row.entity, row.key)?,
            (false, false) => {}
        }
        row.live.as_ref().map_or(Ok(()), |live| self.counted_in(frame, row, live))
    }

    /// Takes away what is here of a row, without a mark.
    pub(super) fn remove(&mut self, entity: u16, key: Key) -> Result<(), DbError> {
        let Some(here) = self.here(entity, key)? else { return Ok(()) };
        self.counted_out(entity, key, here)?;
        self.delete(entity, key)
    }

    fn delete(&self, entity: u16, key: Key) -> Result<(), DbError> {
        let sql = "DELETE FROM replica WHERE entity = ?1 AND id = ?2 AND bucket = ?3";
        self.tx.prepare_cached(sql)?.execute((entity, &*key.to_bytes(), self.bucket))?;
        Ok(())
    }

    /// Takes a live row into sums and index.
    fn counted_in(&mut self, frame: &Ready, row: &ReadyRow, live: &Live) -> Result<(), DbError> {
        self.sums.of(row.entity).add(live.hash);
        let id = frame.id(row);
        for (field, value) in frame.entries(live) {
            self.insert_index.execute((row.entity, field, value, self.bucket, id))?;
            self.touch_listing(row.entity, field, value);
        }
        Ok(())
    }

    /// Takes a row that is here out of sums and index; one that is gone is in neither.
    fn counted_out(&mut self, entity: u16, key: Key, here: Here) -> Result<(), DbError> {
        let Some(payload) = here.payload else { return Ok(()) };
        self.sums.of(entity).remove(RowHash::of(entity, key, here.version, &payload));
        if indexed_fields(entity).is_empty() {
            return Ok(());
        }
        // A row that was damaged on this disk has no readable fields; its entries point nowhere and reads skip them.
        let Ok(fields) = Fields::from_canonical(&payload) else { return Ok(()) };
        let id = key.to_bytes();
        let sql = "DELETE FROM replica_index WHERE entity = ?1 AND field = ?2 AND value = ?3 AND bucket = ?4 AND id = ?5";
        let mut remove = self.tx.prepare_cached(sql)?;
        for (field, value) in index::entries(entity, &fields) {
            let value = index::index_key(value);
            remove.execute((entity, field, &value, self.bucket, &*id))?;
            self.touch_listing(entity, field, &value);
        }
        Ok(())
    }

    fn touch_listing(&mut self, entity: u16, field: u16, value: &[u8]) {
        if super::kept::hangs_on(entity, field) && !self.listings.contains(value) {
            self.listings.insert(value.to_vec());
        }
    }

    /// Sums an entity anew from the rows on disk, when they are written.
    pub(super) fn recount(&mut self, entity: u16) -> Result<(), DbError> {
        *self.sums.of(entity) = super::digest::recount_rows(self.tx, self.bucket, entity)?;
        Ok(())
    }

    pub(super) fn finish(self) -> Result<(), DbError> {
        self.sums.store(self.tx, self.bucket)?;
        for listing in &self.listings {
            super::kept::forget_by_index_key(self.tx, listing)?;
        }
        Ok(())
    }
}
