//! What offices brought back after this hub was restored from a backup, as an operator sees it: how much by office and kind, and each row.
//! Reads only; what is done with the rows is `salvage`'s.

use crate::bad_rows::OfARow as _;
use crate::db::Cells;
use crate::db::{Db, Narrowed};
use mizili_node::text::rfc3339;
use serde::Serialize;
use sqlx::postgres::PgRow;
use sync_protocol::ids::EdgeId;
use sync_protocol::market::{self, Alias, Entity, Listing, Member, Order, StockEntry};
use sync_protocol::row::Key;
use sync_protocol::value::Fields;

/// How many rows of a kind an office brought after one restore.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Brought {
    /// The restore: the hub's epoch that began with it.
    pub epoch: u32,
    /// The edge that brought them.
    pub edge: u32,
    /// The cooperative whose office that is.
    pub cooperative: String,
    /// What they are, such as `order`; a number where this hub does not know it.
    pub kind: String,
    /// How many.
    pub rows: u64,
    /// How many of them stand here again.
    pub stand: u64,
    /// How many gave way to what was done here since, or were dismissed. What is left of them waits for another row, or is of a kind
    /// that the hub alone makes.
    pub ended: u64,
    /// When the last of them came, RFC 3339, UTC.
    pub last_at: String,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Salvaged {
    /// The restore.
    pub epoch: u32,
    /// The edge that brought it.
    pub edge: u32,
    /// What it is.
    pub kind: String,
    /// Its key.
    pub key: String,
    /// The version at which the edge had it.
    pub version: u64,
    /// Whether it stands here again.
    pub stands: bool,
    /// Why it never will, if so: `gave_way` to what was done here since, or `dismissed` by an operator.
    pub ended: Option<String>,
    /// What it says, for reading.
    pub says: String,
}

/// Counts by restore, edge and kind, the newest restore first.
///
/// # Errors
/// Those of the database.
pub async fn counts(db: &Db) -> Result<Vec<Brought>, sqlx::Error> {
    let text = Narrowed::of(
        "SELECT s.epoch, s.edge_id, p.name, s.entity, count(*), count(*) FILTER (WHERE s.stands),
            count(*) FILTER (WHERE s.ended IS NOT NULL), extract(epoch FROM max(s.received_at))::bigint
        FROM salvaged_rows s JOIN edges e ON e.id = s.edge_id JOIN cooperatives p ON p.id = e.cooperative_id
        GROUP BY s.epoch, s.edge_id, p.name, s.entity ORDER BY s.epoch DESC, s.edge_id, s.entity",
    );
    let brought = |row| {
        let cells = Cells::of("salvaged_rows", row);
        Ok(Brought {
            epoch: cells.number(0)?,
            edge: cells.number(1)?,
            cooperative: cells.get(2)?,
            kind: kind(cells.number(3)?),
            rows: cells.count(4)?,
            stand: cells.count(5)?,
            ended: cells.count(6)?,
            last_at: rfc3339(cells.get(7)?),
        })
    };
    rows(db, text).await?.iter().map(brought).collect()
}

/// The rows that an edge brought, by restore, kind and key; of all restores or one, and all or those alone that are left: that do not stand,
/// and of which that may still change.
///
/// # Errors
/// Those of the database.
pub async fn of_edge(
    db: &Db,
    edge: EdgeId,
    epoch: Option<u32>,
    only_left: bool,
) -> Result<Vec<Salvaged>, sqlx::Error> {
    let number = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
    let text = Narrowed::of(
        "SELECT epoch, edge_id, entity, id, version, stands, payload, ended FROM salvaged_rows WHERE edge_id = ",
    )
    .with("?", number(edge.0))
    .maybe(" AND epoch = ?", epoch.map(number))
    .maybe(" AND ended IS NULL AND stands <> ?", only_left.then_some(true))
    .then(" ORDER BY epoch DESC, entity, id");
    let shown = |row| match salvaged(row) {
        Err(error) if error.is_of_a_row() => Ok(unreadable(row, &error)),
        shown => shown,
    };
    rows(db, text).await?.iter().map(shown).collect()
}

async fn rows(db: &Db, text: Narrowed) -> Result<Vec<PgRow>, sqlx::Error> {
    let mut tx = db.begin().await?;
    let rows = text.fetch_all(&mut tx).await?;
    tx.commit().await?;
    Ok(rows)
}

fn salvaged(row: &PgRow) -> Result<Salvaged, sqlx::Error> {
    let cells = Cells::of("salvaged_rows", row);
    let (id, payload): (Vec<u8>, Vec<u8>) = (cells.get(3)?, cells.get(6)?);
    let key = Key::from_bytes(&id).map_err(|_| cells.misfit(3))?;
    let fields = Fields::from_canonical(&payload).map_err(|_| cells.misfit(6))?;
    let number = cells.number(2)?;
    Ok(Salvaged {
        epoch: cells.number(0)?,
        edge: cells.number(1)?,
        kind: kind(number),
        key: named(key),
        version: cells.count(4)?,
        stands: cells.get(5)?,
        ended: cells.get(7)?,
        says: says(number, key, &fields),
    })
}

/// A row of which not everything can be read. It is named, and keeps nobody from seeing the others.
fn unreadable(row: &PgRow, error: &sqlx::Error) -> Salvaged {
    let cells = Cells::of("salvaged_rows", row);
    Salvaged {
        epoch: cells.number(0).unwrap_or_default(),
        edge: cells.number(1).unwrap_or_default(),
        kind: cells.number(2).map(kind).unwrap_or_default(),
        key: String::new(),
        version: cells.count(4).unwrap_or_default(),
        stands: cells.get(5).unwrap_or_default(),
        ended: cells.get(7).unwrap_or_default(),
        says: format!("cannot be read: {error}"),
    }
}

fn kind(number: u32) -> String {
    let name = u16::try_from(number).ok().and_then(market::entity_name);
    name.map_or_else(|| number.to_string(), str::to_owned)
}

fn named(key: Key) -> String {
    match key {
        Key::Int(n) => n.to_string(),
        Key::Pair(a, b) => format!("{a}/{b}"),
        Key::Uuid(id) => id.to_string(),
        Key::Step(id, step) => format!("{id}/{step}"),
    }
}

/// The key that is shown as this text.
pub fn key(text: &str) -> Option<Key> {
    match text.split_once('/') {
        None => text.parse().map(Key::Int).or_else(|_| text.parse().map(Key::Uuid)).ok(),
        Some((a, b)) => {
            let b = b.parse().ok()?;
            a.parse().map(|a| Key::Pair(a, b)).or_else(|_| a.parse().map(|id| Key::Step(id, b))).ok()
        }
    }
}

fn says(number: u32, key: Key, fields: &Fields) -> String {
    fn of<E: Entity + std::fmt::Debug>(key: Key, fields: &Fields) -> Option<String> {
        E::from_fields(key, fields).ok().map(|row| format!("{row:?}"))
    }
    let typed = match u16::try_from(number).unwrap_or_default() {
        Member::NUMBER => of::<Member>(key, fields),
        Alias::NUMBER => of::<Alias>(key, fields),
        Listing::NUMBER => of::<Listing>(key, fields),
        StockEntry::NUMBER => of::<StockEntry>(key, fields),
        Order::NUMBER => of::<Order>(key, fields),
        _ => None,
    };
    typed.unwrap_or_else(|| format!("{fields:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn every_key_is_found_by_what_is_shown_of_it() {
        for shown in [Key::Int(7), Key::Pair(7, 24_240), Key::Uuid(Uuid::max()), Key::Step(Uuid::nil(), 4)] {
            assert_eq!(key(&named(shown)), Some(shown));
        }
        for none in ["", "x", "7/", "/7", "7/8/9"] {
            assert_eq!(key(none), None, "{none}");
        }
    }
}
