//! Units that a waiting command gives to somebody, as long as they do not count there: the hub has yet to hear of it. For showing
//! only; what may be spent is the spend rule's to say.

use crate::db::DbError;
use crate::replica::{fields_of, index_key, typed};
use rusqlite::Connection;
use sync_protocol::ids::{Holder, ListingId};
use sync_protocol::market::{Entity, StockEntry};
use sync_protocol::row::Key;
use sync_protocol::units::Quantity;
use sync_protocol::value::Value;

/// Increases of a listing's stock that wait for the hub, by who will have them.
///
/// # Errors
/// Those of the database.
pub fn on_its_way(conn: &Connection, listing: ListingId) -> Result<Vec<(Holder, Quantity)>, DbError> {
    let mut statement = conn.prepare_cached(
        "SELECT r.id, r.payload FROM local_index i
         JOIN local_row r ON r.seq = i.seq AND r.entity = i.entity AND r.id = i.id
         WHERE i.entity = ?1 AND i.field = ?2 AND i.value = ?3 AND r.at_once = 0
           AND NOT EXISTS (SELECT 1 FROM replica s WHERE s.entity = r.entity AND s.id = r.id AND s.payload IS NOT NULL)
         GROUP BY r.id",
    )?;
    let mut rows = statement.query((
        StockEntry::NUMBER,
        StockEntry::LISTING.number(),
        index_key(Value::Uuid(listing.0)),
    ))?;
    let mut list: Vec<(Holder, Quantity)> = Vec::new();
    while let Some(row) = rows.next()? {
        let id = row.get_ref(0)?.as_blob().unwrap_or_default();
        let key = Key::from_bytes(id).map_err(|_| DbError::bad_value("local_row", "id", StockEntry::NAME))?;
        let entry: StockEntry = typed(key, &fields_of(row, 1, StockEntry::NAME)?)?;
        if entry.quantity > Quantity::ZERO {
            list.push((entry.holder, entry.quantity));
        }
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{COOP, EDGE, TestEdge, entry, live};
    use sync_protocol::bucket::Bucket;
    use sync_protocol::market::{EntryId, EntryKind};

    #[test]
    fn the_hub_s_share_is_on_its_way_until_its_row_is_here() {
        let edge = TestEdge::with_market();
        let listing = edge.post_listing(50);
        let way = || edge.read(|conn| on_its_way(conn, listing));
        assert_eq!(way(), [(Holder::Hub, Quantity::units(25))]);
        assert_eq!(edge.spendable(listing, Holder::Hub), Quantity::ZERO);
        let received = entry(listing.0, EntryId::RECEIVED, listing, Holder::Hub, 25, EntryKind::Transfer);
        edge.feed(Bucket::Coop(COOP), vec![live(&received)]);
        assert_eq!(way(), []);
        assert_eq!(edge.spendable(listing, Holder::Hub), Quantity::units(25));
        assert_eq!(edge.spendable(listing, Holder::Edge(EDGE)), Quantity::units(25));
    }
}
