//! The rows that a command sets here before the hub has answered, beside the replica, under the command's sequence number. They
//! go only together, when the verdict's rows are here or the hub has refused.

use crate::db::DbError;
use crate::replica::{counted_locally, entries, forget_sum, index_key};
use rusqlite::{Connection, OptionalExtension, Transaction};
use std::ops::RangeInclusive;
use sync_protocol::field::FieldError;
use sync_protocol::ids::ListingId;
use sync_protocol::market::{
    Alias, Effect, EffectRow, Entity, Listing, Member, Order, OrderStatus, StockEntry,
};
use sync_protocol::row::Key;
use sync_protocol::value::{Fields, Value};

/// Stores what a decided command sets.
pub(super) fn put(tx: &Transaction<'_>, seq: u64, effects: &[Effect]) -> Result<(), DbError> {
    for effect in effects {
        let (entity, key, fields) = effect.row.to_row();
        let id = key.to_bytes();
        let known = matches!(effect.row, EffectRow::Order(_)) && order_is_known(tx, key)?;
        tx.prepare_cached("INSERT OR REPLACE INTO local_row (seq, entity, id, payload, at_once) VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute((seq, entity, &*id, fields.canonical(), effect.at_once))?;
        let mut index = tx.prepare_cached(
            "INSERT OR IGNORE INTO local_index (entity, field, value, seq, id) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        for (field, value) in entries(entity, &fields) {
            index.execute((entity, field, index_key(value), seq, &*id))?;
        }
        match &effect.row {
            EffectRow::StockEntry(entry) => counted_locally(tx, seq, entry, effect.at_once)?,
            // A new order that is not short leaves what is known of its listing as it is.
            EffectRow::Order(order) if known || order.status == OrderStatus::Short => {
                forget_sum(tx, order.listing)?
            }
            EffectRow::Order(_) | EffectRow::Member(_) | EffectRow::Alias(_) | EffectRow::Listing(_) => {}
        }
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
        // Both name their listing in field 1.
        if let (StockEntry::NUMBER | Order::NUMBER, Some(Value::Uuid(listing))) = (entity, fields.get(1)) {
            forget_sum(tx, ListingId(listing))?;
        }
    }
    let run = (run.start(), run.end());
    tx.prepare_cached("DELETE FROM local_row WHERE seq BETWEEN ?1 AND ?2")?.execute(run)?;
    tx.prepare_cached("UPDATE command SET local = 0 WHERE seq BETWEEN ?1 AND ?2")?.execute(run)?;
    Ok(())
}

/// What a command has set, as far as it is still here.
pub(super) fn effects(conn: &Connection, seq: u64) -> Result<Vec<Effect>, DbError> {
    let typed = |Stored { entity, key, fields, at_once, .. }| {
        Ok(effect_row(entity, key, &fields)?.map(|row| Effect { row, at_once }))
    };
    let list: Result<Vec<Option<Effect>>, FieldError> =
        stored(conn, seq..=seq)?.into_iter().map(typed).collect();
    Ok(list.map_err(|error| DbError::BadRow(error.to_string()))?.into_iter().flatten().collect())
}

fn effect_row(entity: u16, key: Key, fields: &Fields) -> Result<Option<EffectRow>, FieldError> {
    Ok(Some(match entity {
        Member::NUMBER => EffectRow::Member(Member::from_fields(key, fields)?),
        Alias::NUMBER => EffectRow::Alias(Alias::from_fields(key, fields)?),
        Listing::NUMBER => EffectRow::Listing(Listing::from_fields(key, fields)?),
        StockEntry::NUMBER => EffectRow::StockEntry(StockEntry::from_fields(key, fields)?),
        Order::NUMBER => EffectRow::Order(Order::from_fields(key, fields)?),
        _ => return Ok(None),
    }))
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

/// Whether an order is anywhere here already.
fn order_is_known(conn: &Connection, key: Key) -> Result<bool, DbError> {
    let mut statement = conn.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM local_row WHERE entity = ?1 AND id = ?2)
             OR EXISTS (SELECT 1 FROM replica WHERE entity = ?1 AND id = ?2)",
    )?;
    Ok(statement.query_row((Order::NUMBER, &*key.to_bytes()), |row| row.get(0)).optional()?.unwrap_or(false))
}
