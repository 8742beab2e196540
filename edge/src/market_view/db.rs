//! The few reads of this folder that the replica's own reads do not offer: what has moved, which values an index holds, what waits
//! behind an order. Reads only.

use crate::db::DbError;
use crate::replica::index_key;
use crate::time::Anchor;
use rusqlite::{Connection, OptionalExtension};
use std::sync::LazyLock;
use sync_protocol::field::Field;
use sync_protocol::ids::{CommodityId, OrderId, SeriesId};
use sync_protocol::market::{Entity, Index, Order, Price};
use sync_protocol::row::Key;

/// How often what screens show has moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moves {
    /// Names, units, markets, prices, settings.
    pub(super) reference: u64,
    /// Listings, stock, orders.
    pub(super) offers: u64,
    /// By what time is told.
    pub(super) anchor: Anchor,
}

pub(super) fn moves(conn: &Connection) -> Result<Moves, DbError> {
    // One statement, since every screen pays for it.
    static SQL: LazyLock<String> =
        LazyLock::new(|| format!("SELECT reference, offers, {} FROM market_move, lived", Anchor::COLUMNS));
    let moves = conn.prepare_cached(&SQL)?.query_row([], |row| {
        Ok(Moves { reference: row.get(0)?, offers: row.get(1)?, anchor: Anchor::from_row(row, 2)? })
    })?;
    Ok(moves)
}

/// Commodities that some series, or some listing, is of, by the field that names them. Steps from value to value, so that the number of rows does not matter.
pub(super) fn commodities_of<E: Entity>(
    conn: &Connection,
    index: Index<E, CommodityId>,
) -> Result<Vec<CommodityId>, DbError> {
    let mut found = Vec::new();
    for table in ["replica_index", "local_index"] {
        let mut statement = conn.prepare_cached(&format!(
            "SELECT min(value) FROM {table} WHERE entity = ?1 AND field = ?2 AND value > ?3"
        ))?;
        let mut last: Vec<u8> = Vec::new();
        loop {
            let next: Option<Vec<u8>> =
                statement.query_row((E::NUMBER, index.number(), &last), |row| row.get(0))?;
            let Some(next) = next else { break };
            found.extend(number_of(&next).map(CommodityId));
            last = next;
        }
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

fn number_of(index_value: &[u8]) -> Option<u32> {
    let bytes: [u8; 8] = index_value.get(1..)?.try_into().ok()?;
    u32::try_from(i64::from_be_bytes(bytes)).ok()
}

/// Keys of a kind whose indexed field has a value, in the order of keys; a row may have changed it since.
pub(super) fn keys_of<E: Entity, V: Field>(
    conn: &Connection,
    index: Index<E, V>,
    value: &V,
) -> Result<Vec<Key>, DbError> {
    let mut statement = conn.prepare_cached(
        "SELECT id FROM replica_index WHERE entity = ?1 AND field = ?2 AND value = ?3
         UNION SELECT id FROM local_index WHERE entity = ?1 AND field = ?2 AND value = ?3 ORDER BY id",
    )?;
    let mut rows = statement.query((E::NUMBER, index.number(), index_key(value.to_value())))?;
    let mut keys = Vec::new();
    while let Some(row) = rows.next()? {
        let id = row.get_ref(0)?.as_blob().unwrap_or_default();
        keys.push(Key::from_bytes(id).map_err(|_| DbError::bad_value("replica_index", "id", E::NAME))?);
    }
    Ok(keys)
}

/// Whether a series has any price.
pub(super) fn has_price(conn: &Connection, series: SeriesId) -> Result<bool, DbError> {
    let mut statement = conn.prepare_cached(
        "SELECT 1 FROM replica WHERE entity = ?1 AND id BETWEEN ?2 AND ?3 AND payload IS NOT NULL LIMIT 1",
    )?;
    let (first, last) = (Key::Pair(series.0, 0).to_bytes(), Key::Pair(series.0, u32::MAX).to_bytes());
    Ok(statement.query_row((Price::NUMBER, &*first, &*last), |_| Ok(())).optional()?.is_some())
}

/// Whether what an order shows was set by an act that the hub may still refuse.
pub(super) fn is_only_asked(conn: &Connection, order: OrderId) -> Result<bool, DbError> {
    let mut statement = conn.prepare_cached(
        "SELECT c.record = 0 FROM local_row l JOIN command c ON c.seq = l.seq
         WHERE l.entity = ?1 AND l.id = ?2 ORDER BY l.seq DESC LIMIT 1",
    )?;
    let id = Key::Uuid(order.0).to_bytes();
    Ok(statement.query_row((Order::NUMBER, &*id), |row| row.get(0)).optional()?.unwrap_or(false))
}

/// The language that a number chose without being a member.
pub(super) fn number_language(conn: &Connection, phone: u64) -> Result<Option<String>, DbError> {
    let mut statement = conn.prepare_cached("SELECT language FROM number_language WHERE phone = ?1")?;
    Ok(statement.query_row([phone], |row| row.get(0)).optional()?)
}
