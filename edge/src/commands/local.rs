//! The rows that a command sets here before the hub has answered, beside the replica, under the command's sequence number. They
//! go only together, when the verdict's rows are here or the hub has refused.

use crate::db::DbError;
use crate::replica::{self, entries, index_key};
use crate::stock;
use rusqlite::{Connection, Transaction};
use std::ops::RangeInclusive;
use sync_protocol::market::{Effect, fits};
use sync_protocol::row::Key;
use sync_protocol::value::Fields;

/// Stores what a decided command sets.
pub(super) fn put(tx: &Transaction<'_>, seq: u64, effects: &[Effect]) -> Result<(), DbError> {
    for effect in effects {
        let Effect { entity, key, fields, at_once } = effect;
        let id = key.to_bytes();
        tx.prepare_cached("INSERT OR REPLACE INTO local_row (seq, entity, id, payload, at_once) VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute((seq, entity, &*id, fields.canonical(), at_once))?;
        let mut index = tx.prepare_cached(
            "INSERT OR IGNORE INTO local_index (entity, field, value, seq, id) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        for (field, value) in entries(*entity, fields) {
            index.execute((entity, field, index_key(value), seq, &*id))?;
        }
        stock::counted_locally(tx, seq, effect)?;
    }
    Ok(())
}

/// Drops what a run of commands has set.
pub(super) fn drop_rows(tx: &Transaction<'_>, run: RangeInclusive<u64>) -> Result<(), DbError> {
    let mut index = tx.prepare_cached(
        "DELETE FROM local_index WHERE entity = ?1 AND field = ?2 AND value = ?3 AND seq = ?4 AND id = ?5",
    )?;
    for Stored { seq, entity, key, fields, .. } in stored(tx, run.clone())? {
        for (field, value) in entries(entity, &fields) {
            index.execute((entity, field, index_key(value), seq, &*key.to_bytes()))?;
        }
        replica::forget_sums(tx, entity, &fields)?;
    }
    let run = (run.start(), run.end());
    tx.prepare_cached("DELETE FROM local_row WHERE seq BETWEEN ?1 AND ?2")?.execute(run)?;
    tx.prepare_cached("UPDATE command SET local = 0 WHERE seq BETWEEN ?1 AND ?2")?.execute(run)?;
    Ok(())
}

/// What a command has set, as far as it is still here.
pub(super) fn effects(conn: &Connection, seq: u64) -> Result<Vec<Effect>, DbError> {
    let effect = |Stored { entity, key, fields, at_once, .. }| {
        fits(entity, key, &fields).map_err(|error| DbError::BadRow(error.to_string()))?;
        Ok(Effect { entity, key, fields, at_once })
    };
    stored(conn, seq..=seq)?.into_iter().map(effect).collect()
}

/// A row that a command has set.
struct Stored {
    seq: u64,
    entity: u16,
    key: Key,
    fields: Fields,
    at_once: bool,
}

fn stored(conn: &Connection, run: RangeInclusive<u64>) -> Result<Vec<Stored>, DbError> {
    let mut statement = conn.prepare_cached(
        "SELECT seq, entity, id, payload, at_once FROM local_row WHERE seq BETWEEN ?1 AND ?2",
    )?;
    let mut rows = statement.query((run.start(), run.end()))?;
    let mut list = Vec::new();
    while let Some(row) = rows.next()? {
        let seq = row.get(0)?;
        let bad = |column| DbError::bad_value("local_row", column, seq);
        let key = Key::from_bytes(row.get_ref(2)?.as_blob().unwrap_or_default()).map_err(|_| bad("id"))?;
        let fields = Fields::from_canonical(row.get_ref(3)?.as_blob().unwrap_or_default())
            .map_err(|_| bad("payload"))?;
        list.push(Stored { seq, entity: row.get(1)?, key, fields, at_once: row.get(4)? });
    }
    Ok(list)
}
