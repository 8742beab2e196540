//! Lists the keys of every replicated table, page by page, for the check. An entity that is missing here is not checked, so a
//! test counts them.

use crate::db::{misfit, q};
use crate::rows::Cells;
use sqlx::PgConnection;
use sync_protocol::market::{
    Alias, Commodity, Cooperative, EdgeSettings, Entity, Listing, Market, Member, OfficeUser, Order, Price,
    PriceSeries, Region, StockEntry, Unit,
};
use sync_protocol::row::Key;
use uuid::Uuid;

/// How a table's rows are told apart, and the statement that lists those after one.
enum Table {
    Int(&'static str),
    Pair(&'static str),
    Uuid(&'static str),
    Step(&'static str),
}

fn table(entity: u16) -> Option<Table> {
    Some(match entity {
        Commodity::NUMBER => Table::Int("SELECT id FROM commodities WHERE id > $1 ORDER BY id LIMIT $2"),
        Unit::NUMBER => Table::Int("SELECT id FROM units WHERE id > $1 ORDER BY id LIMIT $2"),
        Region::NUMBER => Table::Int("SELECT id FROM regions WHERE id > $1 ORDER BY id LIMIT $2"),
        Market::NUMBER => Table::Int("SELECT id FROM markets WHERE id > $1 ORDER BY id LIMIT $2"),
        PriceSeries::NUMBER => Table::Int("SELECT id FROM price_series WHERE id > $1 ORDER BY id LIMIT $2"),
        Cooperative::NUMBER => Table::Int("SELECT id FROM cooperatives WHERE id > $1 ORDER BY id LIMIT $2"),
        EdgeSettings::NUMBER => Table::Int("SELECT id FROM edges WHERE id > $1 ORDER BY id LIMIT $2"),
        Price::NUMBER => Table::Pair(
            "SELECT p.series_id, p.month FROM prices p JOIN price_series s ON s.id = p.series_id
            WHERE (p.series_id, p.month) > ($1, $2) AND p.month > s.newest_month - (SELECT price_history_months FROM hub)
            ORDER BY p.series_id, p.month LIMIT $3",
        ),
        Member::NUMBER => Table::Uuid("SELECT id FROM members WHERE id > $1 ORDER BY id LIMIT $2"),
        Alias::NUMBER => Table::Uuid("SELECT from_id FROM member_aliases WHERE from_id > $1 ORDER BY from_id LIMIT $2"),
        OfficeUser::NUMBER => Table::Uuid(
            "SELECT id FROM users WHERE id > $1 AND cooperative_id IS NOT NULL ORDER BY id LIMIT $2",
        ),
        Listing::NUMBER => Table::Uuid("SELECT id FROM listings WHERE id > $1 ORDER BY id LIMIT $2"),
        Order::NUMBER => Table::Uuid("SELECT id FROM orders WHERE id > $1 ORDER BY id LIMIT $2"),
        StockEntry::NUMBER => Table::Step(
            "SELECT of_id, step FROM stock_entries WHERE (of_id, step) > ($1, $2) ORDER BY of_id, step LIMIT $3",
        ),
        _ => return None,
    })
}

/// Whether rows of the entity stand in catalogues too.
pub(super) fn stands_in_catalogues(entity: u16) -> bool {
    entity == Listing::NUMBER || entity == Cooperative::NUMBER
}

/// The next keys of the entity's table after one, in order.
pub(super) async fn after(
    conn: &mut PgConnection,
    entity: u16,
    after: Option<Key>,
    limit: usize,
) -> Result<Vec<Key>, sqlx::Error> {
    let limit = limit as i64;
    let Some(table) = table(entity) else { return Err(misfit("sync_rows", "entity")) };
    let ints = match after {
        Some(Key::Int(a)) => (i32::try_from(a).unwrap_or(i32::MAX), 0),
        Some(Key::Pair(a, b)) => (i32::try_from(a).unwrap_or(i32::MAX), i32::try_from(b).unwrap_or(i32::MAX)),
        Some(Key::Step(_, step)) => (0, i32::try_from(step).unwrap_or(i32::MAX)),
        Some(Key::Uuid(_)) | None => (-1, -1),
    };
    let uuid = match after {
        Some(Key::Uuid(id) | Key::Step(id, _)) => id,
        // No row has it: every id of ours names its version.
        _ => Uuid::nil(),
    };
    let query = match &table {
        Table::Int(sql) => q(sql).bind(ints.0),
        Table::Pair(sql) => q(sql).bind(ints.0).bind(ints.1),
        Table::Uuid(sql) => q(sql).bind(uuid),
        Table::Step(sql) => q(sql).bind(uuid).bind(ints.1),
    };
    let rows = query.bind(limit).fetch_all(conn).await?;
    let key = |row| {
        let cells = Cells::of("table", row);
        Ok(match &table {
            Table::Int(_) => Key::Int(cells.number(0)?),
            Table::Pair(_) => Key::Pair(cells.number(0)?, cells.number(1)?),
            Table::Uuid(_) => Key::Uuid(cells.get(0)?),
            Table::Step(_) => Key::Step(cells.get(0)?, cells.number(1)?),
        })
    };
    rows.iter().map(key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entity_is_checked() {
        for (number, name) in sync_protocol::market::ENTITIES {
            assert!(table(*number).is_some(), "{name} has no table here");
        }
    }
}
