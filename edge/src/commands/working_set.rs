//! Loads what a command reads: from the replica joined with what waits beside it, so that two acts in a row at one office see
//! each other. Reads only what was asked for and what stands beside that; it knows rows as numbered fields, and of one kind alone more:
//! with a listing come the sums of its stock.

use crate::db::DbError;
use crate::replica;
use crate::stock;
use rusqlite::Transaction;
use std::collections::BTreeSet;
use sync_protocol::ids::{Id, ListingId};
use sync_protocol::market::{Entity, Listing, Needs, WorkingSet, fits, needed_beside};
use sync_protocol::row::Key;
use sync_protocol::value::{Fields, Value};

/// Loads a working set.
pub(super) fn load(tx: &Transaction<'_>, needs: &Needs) -> Result<WorkingSet, DbError> {
    let mut set = WorkingSet::for_needs(needs);
    let mut wanted: Vec<(u16, Key)> = needs.rows.iter().copied().collect();
    for search in &needs.found {
        wanted.extend(replica::found_by(tx, search)?.into_iter().map(|key| (search.entity(), key)));
    }
    for (entity, of) in &needs.steps {
        for (key, fields) in replica::steps(tx, *entity, *of)? {
            put(&mut set, *entity, key, fields)?;
        }
    }
    let mut looked_for = BTreeSet::new();
    while let Some((entity, key)) = wanted.pop() {
        if !looked_for.insert((entity, key)) {
            continue;
        }
        let fields = replica::fields(tx, entity, key)?;
        // What has the same id is wanted also where the row itself is gone: a member that gave way has an alias alone.
        for (field, beside) in needed_beside(entity) {
            let named =
                if *field == 0 { Some(key) } else { fields.as_ref().and_then(|row| names(row, *field)) };
            wanted.extend(named.map(|key| (*beside, key)));
        }
        if let Some(fields) = fields {
            put(&mut set, entity, key, fields)?;
            if entity == Listing::NUMBER
                && let Some(listing) = ListingId::from_key(key)
            {
                for (holder, quantity) in stock::holdings_kept(tx, listing)? {
                    set.set_available(listing, holder, quantity);
                }
            }
        }
    }
    Ok(set)
}

fn put(set: &mut WorkingSet, entity: u16, key: Key, fields: Fields) -> Result<(), DbError> {
    fits(entity, key, &fields).map_err(|error| DbError::BadRow(error.to_string()))?;
    set.put_row(entity, key, fields);
    Ok(())
}

/// The row that a field names.
fn names(fields: &Fields, field: u16) -> Option<Key> {
    match fields.get(field)? {
        Value::Uuid(id) => Some(Key::Uuid(id)),
        Value::Int(id) => u32::try_from(id).ok().map(Key::Int),
        Value::Text(_) | Value::Bytes(_) => None,
    }
}
