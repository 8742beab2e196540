//! Applies a frame of rows: rows, index, digest and cursor in the caller's transaction, so that all move together or not at all.
//! Frames may come late, twice or out of order. A row is written only over a lower version, except in a repair.

use super::bucket::{self, Stored};
use super::digest::Sums;
use super::many::{AT_ONCE, Many};
use super::{ReplicaError, index, repair};
use crate::db::DbError;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Transaction};
use std::cmp::Reverse;
use std::collections::HashSet;
use sync_protocol::entity::indexed_fields;
use sync_protocol::row::{Key, Row, RowHash};
use sync_protocol::session::{Judged, judge};
use sync_protocol::value::Fields;
use sync_protocol::wire::rows::{Reach, Rows};

/// Applies a frame. `Judged::Apply` says that it was written and gives the cursor that it moved to; `Skip` that it brought
/// nothing new; `Gap` that rows before it are missing: then nothing was changed and the hub has to be asked again.
///
/// To be followed by [`crate::commands::settle`] in the same transaction.
///
/// # Errors
/// When the bucket is not in the scope, or those of the database; then the transaction must not be committed.
pub fn apply_rows(tx: &Transaction<'_>, frame: &Rows) -> Result<Judged, ReplicaError> {
    let at = bucket::find(tx, frame.bucket)?.ok_or(ReplicaError::NotInScope(frame.bucket))?;
    let judged = judge(&at.cursor, frame);
    let Judged::Apply(next) = judged else { return Ok(judged) };
    let mut writer = RowWriter::new(tx, &at, next.reached.is_some())?;
    match frame.reach {
        Reach::Repair { .. } => repair::replace_slot(&mut writer, frame)?,
        Reach::Delta | Reach::Snapshot { .. } => write_rows(&mut writer, &at, frame)?,
    }
    writer.finish()?;
    if next.is_whole() && !at.cursor.is_whole() {
        // Nothing older can come any more, so nothing has to be kept from rising again.
        tx.prepare_cached("DELETE FROM replica WHERE bucket = ?1 AND payload IS NULL")?
            .execute([at.number])?;
    }
    bucket::set_cursor(tx, at.number, &next)?;
    Ok(judged)
}

fn write_rows(writer: &mut RowWriter<'_>, at: &Stored, frame: &Rows) -> Result<(), ReplicaError> {
    // In the order of the table, so that neighbours go into the same page; of one key the newest.
    let mut rows: Vec<&Row> = frame.rows.iter().collect();
    rows.sort_unstable_by_key(|row| (row.entity, row.key, Reverse(row.version)));
    rows.dedup_by_key(|row| (row.entity, row.key));
    // Everything that is here already is newer than what a snapshot has not walked down to yet.
    let older_than_all = match frame.reach {
        _ if at.cursor.upto == 0 => u64::MAX,
        Reach::Snapshot { .. } => at.cursor.reached.unwrap_or(0),
        Reach::Delta | Reach::Repair { .. } => 0,
    };
    let is_added = |row: &Row| row.body.is_some() && row.version <= older_than_all;
    // A part of several has rows of one entity, all of which are added.
    for part in rows.chunk_by(|a, b| a.entity == b.entity && is_added(a) && is_added(b)) {
        let (many, rest) = part.as_chunks();
        for rows in many {
            writer.add_many_unless_here(rows)?;
        }
        for row in rest {
            match &row.body {
                Some(body) if is_added(row) => writer.add_unless_here(row, body)?,
                Some(_) | None => writer.write_over_lower(row)?,
            }
        }
    }
    Ok(())
}

/// A row's stored state.
pub(super) struct Here {
    version: u64,
    /// `None` for a tombstone.
    payload: Option<Vec<u8>>,
}

/// Writes rows of one bucket, and keeps their index entries and sums in step.
pub(super) struct RowWriter<'a> {
    tx: &'a Transaction<'a>,
    bucket: i64,
    /// Whether gone rows leave a mark, so that a snapshot under way does not bring them back.
    keeps_gone: bool,
    sums: Sums,
    /// Listings of which entries or orders changed.
    listings: HashSet<Vec<u8>>,
    /// The bytes of the row at hand, in a buffer that serves all.
    payload: Vec<u8>,
    insert: CachedStatement<'a>,
    insert_index: CachedStatement<'a>,
}

impl<'a> RowWriter<'a> {
    fn new(tx: &'a Transaction<'a>, at: &Stored, keeps_gone: bool) -> Result<Self, DbError> {
        let insert = "INSERT OR IGNORE INTO replica (entity, id, bucket, version, payload) VALUES (?1, ?2, ?3, ?4, ?5)";
        let insert_index = "INSERT OR IGNORE INTO replica_index (entity, field, value, bucket, id) VALUES (?1, ?2, ?3, ?4, ?5)";
        Ok(Self {
            tx,
            bucket: at.number,
            keeps_gone,
            sums: Sums::load(tx, at.number)?,
            listings: HashSet::new(),
            payload: Vec::new(),
            insert: tx.prepare_cached(insert)?,
            insert_index: tx.prepare_cached(insert_index)?,
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

    /// Adds a row that is older than every row that is here: without looking first.
    fn add_unless_here(&mut self, row: &Row, body: &Fields) -> Result<(), DbError> {
        let mut payload = std::mem::take(&mut self.payload);
        payload.clear();
        body.write_canonical(&mut payload);
        let key = row.key.to_bytes();
        if self.insert.execute((row.entity, &*key, self.bucket, row.version, &payload))? == 1 {
            self.counted_in(row.entity, row.key, row.version, &payload, body)?;
        }
        self.payload = payload;
        Ok(())
    }

    /// The same for neighbours of one entity, by one statement where nothing of them is here in any bucket.
    fn add_many_unless_here(&mut self, rows: &[&Row; AT_ONCE]) -> Result<(), DbError> {
        let [first, .., last] = rows;
        let (entity, from, to) = (first.entity, first.key.to_bytes(), last.key.to_bytes());
        let between = "SELECT EXISTS (SELECT 1 FROM replica WHERE entity = ?1 AND id BETWEEN ?2 AND ?3)";
        let mut is_any_here = self.tx.prepare_cached(between)?;
        if is_any_here.query_row((entity, &*from, &*to), |row| row.get(0))? {
            for row in rows {
                row.body.iter().try_for_each(|body| self.add_unless_here(row, body))?;
            }
            return Ok(());
        }
        let mut insert = Many::rows(self.tx, entity, self.bucket)?;
        let mut payload = std::mem::take(&mut self.payload);
        let mut entries = Vec::new();
        for row in rows {
            let Some(body) = &row.body else { continue };
            payload.clear();
            body.write_canonical(&mut payload);
            insert.add((&*row.key.to_bytes(), row.version, &payload))?;
            self.sums.of(entity).add(RowHash::of(entity, row.key, row.version, &payload));
            entries.extend(index::entries(entity, body).map(|(field, value)| (field, value, row.key)));
        }
        self.payload = payload;
        self.add_entries(entity, entries)
    }

    /// Adds index entries of rows of one entity.
    fn add_entries(&mut self, entity: u16, mut entries: Vec<(u16, Vec<u8>, Key)>) -> Result<(), DbError> {
        // In the order of the table, as the rows are.
        entries.sort_unstable();
        let (many, rest) = entries.as_chunks::<AT_ONCE>();
        if !many.is_empty() {
            let mut insert = Many::index(self.tx, entity, self.bucket)?;
            for (field, value, key) in many.as_flattened() {
                insert.add((field, value, &*key.to_bytes()))?;
            }
        }
        for (field, value, key) in rest {
            self.insert_index.execute((entity, field, value, self.bucket, &*key.to_bytes()))?;
        }
        for (field, value, _) in entries {
            self.touch_listing(entity, field, value);
        }
        Ok(())
    }

    /// Writes a row, live or gone, over a lower version or none.
    fn write_over_lower(&mut self, row: &Row) -> Result<(), DbError> {
        let here = self.here(row.entity, row.key)?;
        if here.as_ref().is_some_and(|here| here.version >= row.version) {
            return Ok(());
        }
        self.replace(row, here)
    }

    /// What is here of a row.
    pub(super) fn here(&self, entity: u16, key: Key) -> Result<Option<Here>, DbError> {
        let mut statement = self.tx.prepare_cached(
            "SELECT version, payload FROM replica WHERE entity = ?1 AND id = ?2 AND bucket = ?3",
        )?;
        let read = |row: &rusqlite::Row<'_>| Ok(Here { version: row.get(0)?, payload: row.get(1)? });
        Ok(statement.query_row((entity, &*key.to_bytes(), self.bucket), read).optional()?)
    }

    /// Writes a row in place of what is here, whatever the versions.
    pub(super) fn replace(&mut self, row: &Row, here: Option<Here>) -> Result<(), DbError> {
        let key = row.key.to_bytes();
        let payload = row.body.as_ref().map(Fields::to_canonical);
        let is_here = here.is_some();
        if let Some(Here { version, payload: Some(old) }) = here {
            self.counted_out(row.entity, row.key, version, &old)?;
        }
        match (is_here, payload.is_some() || self.keeps_gone) {
            (true, true) => {
                let sql = "UPDATE replica SET version = ?4, payload = ?5 WHERE entity = ?1 AND id = ?2 AND bucket = ?3";
                let values = (row.entity, &*key, self.bucket, row.version, &payload);
                self.tx.prepare_cached(sql)?.execute(values)?;
            }
            (false, true) => {
                self.insert.execute((row.entity, &*key, self.bucket, row.version, &payload))?;
            }
            (true, false) => {
                let sql = "DELETE FROM replica WHERE entity = ?1 AND id = ?2 AND bucket = ?3";
                self.tx.prepare_cached(sql)?.execute((row.entity, &*key, self.bucket))?;
            }
            (false, false) => {}
        }
        if let (Some(body), Some(payload)) = (&row.body, &payload) {
            self.counted_in(row.entity, row.key, row.version, payload, body)?;
        }
        Ok(())
    }

    /// Takes a live row into sums and index.
    fn counted_in(
        &mut self,
        entity: u16,
        key: Key,
        version: u64,
        payload: &[u8],
        body: &Fields,
    ) -> Result<(), DbError> {
        self.sums.of(entity).add(RowHash::of(entity, key, version, payload));
        if indexed_fields(entity).is_empty() {
            return Ok(());
        }
        let id = key.to_bytes();
        for (field, value) in index::entries(entity, body) {
            self.insert_index.execute((entity, field, &value, self.bucket, &*id))?;
            self.touch_listing(entity, field, value);
        }
        Ok(())
    }

    /// Takes a live row out of sums and index.
    fn counted_out(&mut self, entity: u16, key: Key, version: u64, payload: &[u8]) -> Result<(), DbError> {
        self.sums.of(entity).remove(RowHash::of(entity, key, version, payload));
        if indexed_fields(entity).is_empty() {
            return Ok(());
        }
        // A row that was damaged on this disk has no readable fields; its entries point nowhere and reads skip them.
        let Ok(fields) = Fields::from_canonical(payload) else { return Ok(()) };
        let id = key.to_bytes();
        let sql = "DELETE FROM replica_index WHERE entity = ?1 AND field = ?2 AND value = ?3 AND bucket = ?4 AND id = ?5";
        let mut remove = self.tx.prepare_cached(sql)?;
        for (field, value) in index::entries(entity, &fields) {
            remove.execute((entity, field, &value, self.bucket, &*id))?;
            self.touch_listing(entity, field, value);
        }
        Ok(())
    }

    fn touch_listing(&mut self, entity: u16, field: u16, value: Vec<u8>) {
        if super::stock::names_listing(entity, field) {
            self.listings.insert(value);
        }
    }

    /// Sums an entity anew from the rows on disk, when they are written.
    pub(super) fn recount(&mut self, entity: u16) -> Result<(), DbError> {
        *self.sums.of(entity) = super::digest::recount_rows(self.tx, self.bucket, entity)?;
        Ok(())
    }

    fn finish(self) -> Result<(), DbError> {
        self.sums.store(self.tx, self.bucket)?;
        for listing in &self.listings {
            super::stock::forget_sum_by_index_key(self.tx, listing)?;
        }
        Ok(())
    }
}
