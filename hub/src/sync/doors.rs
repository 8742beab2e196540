//! Ways out for an operator: a stopped stream goes on, and what a revoked edge held is written off. What is said about each state, and
//! which command opens it, stands with the state.

use super::edges::no_edge;
use super::store::edge as edge_row;
use crate::db::Cells;
use crate::db::{Db, int, q, retrying};
use crate::error::{ApiError, Kind};
use crate::feed::{Touched, publish};
use crate::news::Moved;
use jiff_sqlx::ToSqlx;
use mizili_node::deps::Deps;
use serde::Serialize;
use sqlx::PgConnection;
use std::sync::{Mutex, OnceLock, PoisonError};
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::{CooperativeId, EdgeId, derived};
use sync_protocol::market::{Entity, EntryId, EntryKind, StockEntry};
use sync_protocol::row::Key;
use sync_protocol::units::Quantity;
use uuid::Uuid;

/// Takes commands again from an edge whose stream was stopped. Returns why it was; `None` where it was not.
///
/// # Errors
/// No such edge, or a revoked or replaced one, in words that say what to do; the database.
pub async fn resume(db: &Db, deps: &Deps, edge: u32) -> Result<Option<String>, ApiError> {
    // What the first try saw: it may have taken effect unseen.
    let why = OnceLock::new();
    retrying(deps, || resume_once(db, edge, &why)).await?;
    Ok(why.into_inner())
}

async fn resume_once(db: &Db, edge: u32, why: &OnceLock<String>) -> Result<(), ApiError> {
    let mut tx = db.begin().await?;
    let row = edge_row(&mut tx, EdgeId(edge)).await?.ok_or_else(|| no_edge(edge))?;
    if row.revoked {
        let detail =
            format!("Edge {edge} was revoked, which is for good. Make a new one with `mizili-hub edge add`.");
        return Err(Kind::EdgeRevoked.because(detail).into());
    }
    let stream = q("SELECT halted_reason, frozen_at IS NOT NULL FROM edge_streams WHERE edge_id = $1 AND incarnation = $2 FOR UPDATE")
        .bind(int(edge)?)
        .bind(int(row.incarnation)?)
        .fetch_optional(&mut *tx)
        .await?;
    let Some(stream) = stream else { return Ok(()) };
    let cells = Cells::of("edge_streams", &stream);
    if cells.get(1)? {
        let detail = format!(
            "A copy of edge {edge}'s data was in use, and the hub cannot tell which box is the right one. Let that one go on by a new \
             code: `mizili-hub edge code {edge}`, then `mizili-edge enrol` there. It keeps its file."
        );
        return Err(Kind::EdgeReplaced.because(detail).into());
    }
    let halted: Option<String> = cells.get(0)?;
    if let Some(halted) = halted {
        why.get_or_init(|| halted);
    }
    q("UPDATE edge_streams SET halted_reason = NULL WHERE edge_id = $1 AND incarnation = $2")
        .bind(int(edge)?)
        .bind(int(row.incarnation)?)
        .execute(&mut *tx)
        .await?;
    Ok(db.commit_and_tell(tx, &Moved::from_iter([Bucket::Edge(EdgeId(edge))])).await?)
}

/// What a revoked edge held of one product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WrittenOff {
    /// The product.
    pub listing: Uuid,
    /// Its title, or its crop's name.
    pub title: String,
    /// How much, in its unit; below zero where the edge had sold more than it held.
    pub quantity: String,
    /// Whether it was written off. What is below zero is not: units would appear that nobody has; a person has to count.
    pub written_off: bool,
}

/// What would be written off of an edge, as it holds it now. It must be revoked, for a box that may still sell keeps what it holds.
///
/// # Errors
/// It may not be written off, and why; the database.
pub async fn to_write_off(db: &Db, edge: u32) -> Result<Vec<WrittenOff>, ApiError> {
    let mut tx = db.begin().await?;
    let row = edge_row(&mut tx, EdgeId(edge)).await?.ok_or_else(|| no_edge(edge))?;
    let held = held(&mut tx, edge).await?;
    tx.commit().await?;
    if row.revoked {
        return Ok(held.into_iter().map(|held| held.written).collect());
    }
    let detail = if row.public_key.is_none() {
        format!("No box was ever enrolled as edge {edge}, so it holds nothing to write off.")
    } else {
        format!(
            "Edge {edge} may still sell what it holds. First end it for good: `mizili-hub edge revoke {edge}`."
        )
    };
    Err(Kind::NotAllowed.because(detail).into())
}

/// Writes off whatever a revoked edge holds, of every product, and names where it is below zero. Once more finds nothing to write off.
///
/// # Errors
/// As [`to_write_off`].
pub async fn write_off(db: &Db, deps: &Deps, edge: u32) -> Result<Vec<WrittenOff>, ApiError> {
    to_write_off(db, edge).await?;
    // What the last try saw that found anything: it may have taken effect unseen.
    let seen = Mutex::new(Vec::new());
    retrying(deps, || async {
        let mut tx = db.begin().await?;
        lock_what_it_holds(&mut tx, edge).await?;
        let held = held(&mut tx, edge).await?;
        let mut touched = Touched::new();
        for Held { entry, cooperative, .. } in held.iter().filter(|held| held.written.written_off) {
            q("INSERT INTO stock_entries (of_id, step, listing_id, cooperative_id, holder, quantity_milli, kind, recorded_at)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (of_id, step) DO NOTHING")
            .bind(entry.id.of)
            .bind(int(entry.id.step)?)
            .bind(entry.listing.0)
            .bind(int(cooperative.0)?)
            .bind(int(entry.holder.code())?)
            .bind(entry.quantity.0)
            .bind(int(entry.kind.code())?)
            .bind(deps.clock.now().to_sqlx())
            .execute(&mut *tx)
            .await?;
            touched.add(Bucket::Coop(*cooperative), StockEntry::NUMBER, Key::Step(entry.id.of, entry.id.step));
        }
        publish(&mut tx, &touched).await.map_err(sqlx::Error::from)?;
        if !held.is_empty() {
            *seen.lock().unwrap_or_else(PoisonError::into_inner) = held.into_iter().map(|held| held.written).collect();
        }
        Ok::<_, ApiError>(db.commit_and_tell(tx, &touched.moved()).await?)
    })
    .await?;
    Ok(seen.into_inner().unwrap_or_else(PoisonError::into_inner))
}

struct Held {
    entry: StockEntry,
    cooperative: CooperativeId,
    written: WrittenOff,
}

/// Locks the products of which the edge has entries: nobody spends of them until the transaction ends.
async fn lock_what_it_holds(conn: &mut PgConnection, edge: u32) -> Result<(), ApiError> {
    q("SELECT 1 FROM listings WHERE id IN (SELECT listing_id FROM stock_entries WHERE holder = $1) ORDER BY id FOR NO KEY UPDATE")
        .bind(int(edge)?)
        .execute(&mut *conn)
        .await?;
    Ok(())
}

/// What the edge holds, with the entry that takes it away. Its id is made of the newest entry that it takes account of, so that the same
/// state gives the same entry.
async fn held(conn: &mut PgConnection, edge: u32) -> Result<Vec<Held>, ApiError> {
    let rows = q("SELECT l.id, l.cooperative_id, coalesce(nullif(l.title, ''), c.name), s.sum, s.entries
        FROM (SELECT listing_id, total(quantity_milli) AS sum, count(*) AS entries FROM stock_entries
            WHERE holder = $1 GROUP BY listing_id HAVING total(quantity_milli) <> 0) s
        JOIN listings l ON l.id = s.listing_id JOIN commodities c ON c.id = l.commodity_id ORDER BY l.id")
    .bind(int(edge)?)
    .fetch_all(conn)
    .await?;
    let held = |row| {
        let cells = Cells::of("stock_entries", row);
        let (listing, entries): (Uuid, i64) = (cells.get(0)?, cells.get(4)?);
        let quantity = Quantity(cells.get(3)?);
        let of = derived(&format!("write-off of edge {edge} after {entries}"), listing);
        Ok(Held {
            entry: StockEntry {
                id: EntryId { of, step: EntryId::WRITTEN_OFF },
                listing: sync_protocol::ids::ListingId(listing),
                holder: sync_protocol::ids::Holder::Edge(EdgeId(edge)),
                quantity: quantity.negated(),
                kind: EntryKind::WriteOff,
            },
            cooperative: CooperativeId(cells.number(1)?),
            written: WrittenOff {
                listing,
                title: cells.get(2)?,
                quantity: quantity.to_string(),
                written_off: quantity.0 > 0,
            },
        })
    };
    Ok(rows.iter().map(held).collect::<Result<_, sqlx::Error>>()?)
}
