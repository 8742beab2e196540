//! In which order lists of orders stand: as the hub recorded them, and above those what it has not heard of yet, as it was made here.
//! A clock of some box, by which an order claims to have been placed, says nothing about that.

use super::refused::RefusedOrder;
use crate::db::{DbError, pass_over};
use rusqlite::{Connection, Row};
use std::collections::HashMap;
use sync_protocol::market::{Entity as _, Order};
use sync_protocol::row::Key;
use uuid::Uuid;

/// What a list is sorted by, downwards.
pub type ListKey = (i64, Uuid);

/// Later than any time: orders that wait follow from here on, by their places in the log.
const WAITING_FROM_S: i64 = 1 << 40;

/// The orders that the hub has not heard of yet, with their places in the log.
#[derive(Debug)]
pub struct RecordOrder {
    waiting: HashMap<Uuid, i64>,
}

impl RecordOrder {
    /// Reads them.
    ///
    /// # Errors
    /// Those of the database.
    pub fn load(conn: &Connection) -> Result<Self, DbError> {
        let mut statement = conn.prepare_cached(
            "SELECT id, min(seq) FROM local_row AS here WHERE entity = ?1 AND NOT EXISTS
                (SELECT 1 FROM replica WHERE entity = here.entity AND id = here.id AND payload IS NOT NULL) GROUP BY id",
        )?;
        let mut rows = statement.query([Order::NUMBER])?;
        let mut waiting = HashMap::new();
        while let Some(row) = rows.next()? {
            waiting.extend(pass_over(waits(row))?);
        }
        Ok(Self { waiting })
    }

    /// Where an order that stands comes. Of one that the hub recorded before it said when, there is only what it claims.
    pub fn key(&self, order: &Order) -> ListKey {
        let waiting = self.waiting.get(&order.id.0).map(|seq| WAITING_FROM_S.saturating_add(*seq));
        (order.recorded_at_s.or(waiting).unwrap_or(order.placed_at_s), order.id.0)
    }
}

/// One that waits, with its place.
fn waits(row: &Row<'_>) -> Result<(Uuid, i64), DbError> {
    let key = row.get_ref(0)?.as_blob().ok().and_then(|id| Key::from_bytes(id).ok());
    match key {
        Some(Key::Uuid(id)) => Ok((id, row.get(1)?)),
        _ => Err(DbError::bad_value("local_row", "id", Order::NAME)),
    }
}

/// Where a refused order comes: when its refusal was heard.
pub fn key_of_refused(order: &RefusedOrder) -> ListKey {
    (order.refused_at_s, order.id.0)
}
