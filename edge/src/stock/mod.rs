//! What each holder may spend of a listing, by the spend rule ([`market::spendable`]) over the replica's entries and those of waiting
//! commands. The sums of a listing are kept until an entry of it changes, so that the ten-thousandth order of a day costs no more
//! than the first (the replica forgets them then). The kept sums decide nothing by themselves: without them the entries are added up again.

mod on_its_way;

pub use on_its_way::on_its_way;

use crate::db::DbError;
use crate::replica::{fields_of, find, forget_sums_of, get_sent, index_key, is_sent, steps, typed};
use rusqlite::{Connection, OptionalExtension, Transaction};
use std::collections::BTreeSet;
use sync_protocol::ids::{Holder, ListingId};
use sync_protocol::market;
use sync_protocol::market::{Effect, Entity, EntryId, Order, OrderStatus, StockEntry};
use sync_protocol::row::Key;
use sync_protocol::units::Quantity;
use sync_protocol::value::Value;
use uuid::Uuid;

/// Bytes of one holder in the kept sums.
const PART_BYTES: usize = 13;

/// How one holder stands with a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Position {
    holder: Holder,
    /// What it may spend.
    quantity: Quantity,
    /// Whether an order that it filled is short: it sells no more until a person has settled that.
    short: bool,
}

/// The entries of a listing that one command made, and those that take them back, as far as they are known here: the hub's, and those
/// that the hub has not sent.
///
/// # Errors
/// Those of the database.
pub fn entries_caused_by(
    conn: &Connection,
    listing: ListingId,
    command: Uuid,
) -> Result<Vec<StockEntry>, DbError> {
    let entries = steps(conn, StockEntry::NUMBER, command)?.into_iter();
    let entries = entries.map(|(key, fields)| typed::<StockEntry>(key, &fields));
    entries.filter(|read| read.as_ref().map_or(true, |entry| entry.listing == listing)).collect()
}

/// By how much a change of a listing's stock has moved it, whoever held it, and how much of that was taken back since, as far as is known
/// here: less than it said where a count found less than was sold.
///
/// # Errors
/// Those of the database.
pub fn moved(conn: &Connection, listing: ListingId, change: Uuid) -> Result<(Quantity, Quantity), DbError> {
    let entries = entries_caused_by(conn, listing, change)?;
    let is_taken_back = |id: EntryId| entries.iter().any(|other| other.id.takes_back() == Some(id));
    let (mut moved, mut back) = (Quantity::ZERO, Quantity::ZERO);
    // What is missing beyond has not moved; what takes an entry back takes back what that one counts for.
    for entry in entries.iter().filter(|e| e.id.takes_back().is_none() && e.id.step != EntryId::MISSING) {
        moved = moved.plus(entry.quantity);
        if is_taken_back(entry.id) {
            back = back.plus(entry.quantity);
        }
    }
    Ok((moved, back))
}

/// What a holder may spend of a listing now; below zero where it sold more than it held.
///
/// # Errors
/// Those of the database.
pub fn spendable(conn: &Connection, listing: ListingId, holder: Holder) -> Result<Quantity, DbError> {
    let held = holdings(conn, listing)?;
    Ok(held.into_iter().find(|(h, _)| *h == holder).map_or(Quantity::ZERO, |(_, quantity)| quantity))
}

/// What each holder that ever had units of a listing may spend of it, the hub first, then edges by number.
///
/// # Errors
/// Those of the database.
pub fn holdings(conn: &Connection, listing: ListingId) -> Result<Vec<(Holder, Quantity)>, DbError> {
    match kept(conn, listing)? {
        Some(positions) => Ok(quantities(&positions)),
        None => added_up(conn, listing),
    }
}

/// As [`holdings`], and keeps what it had to add up.
pub(crate) fn holdings_kept(
    tx: &Transaction<'_>,
    listing: ListingId,
) -> Result<Vec<(Holder, Quantity)>, DbError> {
    Ok(quantities(&positions_kept(tx, listing)?))
}

/// Whether a holder has filled an order of a listing that is short: then it sells no more of it until a person has settled that.
///
/// # Errors
/// Those of the database.
pub fn stands_short(conn: &Connection, listing: ListingId, holder: Holder) -> Result<bool, DbError> {
    if let Some(positions) = kept(conn, listing)? {
        return Ok(positions.iter().any(|position| position.holder == holder && position.short));
    }
    Ok(short_holders(conn, listing)?.contains(&holder))
}

fn short_holders(conn: &Connection, listing: ListingId) -> Result<BTreeSet<Holder>, DbError> {
    let orders = find(conn, Order::LISTING, &listing)?;
    let short = orders.iter().filter(|order| order.status == OrderStatus::Short);
    Ok(short.filter_map(|order| order.holder).collect())
}

fn positions_kept(tx: &Transaction<'_>, listing: ListingId) -> Result<Vec<Position>, DbError> {
    if let Some(positions) = kept(tx, listing)? {
        return Ok(positions);
    }
    let local = local_entries(tx, listing)?;
    let sums = added_up_with(tx, listing, &local)?;
    let short = short_holders(tx, listing)?;
    let position = |(holder, quantity)| Position { holder, quantity, short: short.contains(&holder) };
    let positions: Vec<Position> = sums.into_iter().map(position).collect();
    // While something is missing, what comes changes more than its own part.
    if local.iter().all(|(entry, _)| entry.id.step != EntryId::MISSING) {
        keep(tx, listing, &positions)?;
    }
    Ok(positions)
}

fn quantities(positions: &[Position]) -> Vec<(Holder, Quantity)> {
    positions.iter().map(|position| (position.holder, position.quantity)).collect()
}

/// Takes what a command has set into the kept sums, whatever it is. To be called after it was stored under `seq`.
pub(crate) fn counted_locally(tx: &Transaction<'_>, seq: u64, effect: &Effect) -> Result<(), DbError> {
    match effect.entity {
        StockEntry::NUMBER => count_entry(tx, seq, &typed(effect.key, &effect.fields)?, effect.at_once),
        Order::NUMBER => {
            // A new order that is not short leaves what is known of its listing as it is.
            let order: Order = typed(effect.key, &effect.fields)?;
            let changes = order.status == OrderStatus::Short
                || is_local_elsewhere(tx, Order::NUMBER, effect.key, seq)?
                || is_sent(tx, Order::NUMBER, effect.key)?;
            if changes { forget_sums_of(tx, order.listing.0) } else { Ok(()) }
        }
        _ => Ok(()),
    }
}

fn count_entry(tx: &Transaction<'_>, seq: u64, entry: &StockEntry, at_once: bool) -> Result<(), DbError> {
    let Some(mut positions) = kept(tx, entry.listing)? else { return Ok(()) };
    let is_local = is_local_elsewhere(tx, StockEntry::NUMBER, entry.key(), seq)?;
    if is_local || entry.id.step == EntryId::MISSING || is_sent(tx, StockEntry::NUMBER, entry.key())? {
        // The same effect by two roads, or one on what comes later: what counts is for the whole sum to say.
        return forget_sums_of(tx, entry.listing.0);
    }
    let part = counts_for(tx, entry, at_once)?;
    match positions.iter_mut().find(|position| position.holder == entry.holder) {
        Some(position) => position.quantity = position.quantity.plus(part),
        None => {
            positions.push(Position { holder: entry.holder, quantity: part, short: false });
            positions.sort_unstable_by_key(|position| position.holder);
        }
    }
    keep(tx, entry.listing, &positions)
}

/// Whether another waiting command has set the row too.
fn is_local_elsewhere(tx: &Transaction<'_>, entity: u16, key: Key, seq: u64) -> Result<bool, DbError> {
    let sql = "SELECT 1 FROM local_row WHERE entity = ?1 AND id = ?2 AND seq <> ?3";
    let values = (entity, &*key.to_bytes(), seq);
    Ok(tx.prepare_cached(sql)?.query_row(values, |_| Ok(())).optional()?.is_some())
}

/// What a new local entry adds to what its holder may spend: what takes another back counts beside that one alone.
fn counts_for(tx: &Transaction<'_>, entry: &StockEntry, at_once: bool) -> Result<Quantity, DbError> {
    let (mut sent, mut local) = (None, Vec::new());
    if let Some(taken_back) = entry.id.takes_back() {
        let key = Key::Step(taken_back.of, taken_back.step);
        sent = get_sent::<StockEntry>(tx, key)?;
        let mut statement =
            tx.prepare_cached("SELECT id, payload, at_once FROM local_row WHERE entity = ?1 AND id = ?2")?;
        let mut rows = statement.query((StockEntry::NUMBER, &*key.to_bytes()))?;
        while let Some(row) = rows.next()? {
            local.push(local_entry(row)?);
        }
    }
    let waiting = || local.iter().map(|(entry, at_once)| (entry, *at_once));
    let before = market::spendable(entry.holder, &sent, waiting());
    Ok(market::spendable(entry.holder, &sent, waiting().chain([(entry, at_once)])).minus(before))
}

fn added_up(conn: &Connection, listing: ListingId) -> Result<Vec<(Holder, Quantity)>, DbError> {
    added_up_with(conn, listing, &local_entries(conn, listing)?)
}

fn added_up_with(
    conn: &Connection,
    listing: ListingId,
    local: &[(StockEntry, bool)],
) -> Result<Vec<(Holder, Quantity)>, DbError> {
    let sent = sent_entries(conn, listing)?;
    let holders: BTreeSet<Holder> =
        sent.iter().chain(local.iter().map(|(entry, _)| entry)).map(|entry| entry.holder).collect();
    let sum =
        |holder| market::spendable(holder, &sent, local.iter().map(|(entry, at_once)| (entry, *at_once)));
    Ok(holders.into_iter().map(|holder| (holder, sum(holder))).collect())
}

fn sent_entries(conn: &Connection, listing: ListingId) -> Result<Vec<StockEntry>, DbError> {
    let mut statement = conn.prepare_cached(
        "SELECT r.id, r.payload FROM replica_index i
         JOIN replica r ON r.entity = i.entity AND r.id = i.id AND r.bucket = i.bucket
         WHERE i.entity = ?1 AND i.field = ?2 AND i.value = ?3 AND r.payload IS NOT NULL",
    )?;
    let mut rows = statement.query((
        StockEntry::NUMBER,
        StockEntry::LISTING.number(),
        index_key(Value::Uuid(listing.0)),
    ))?;
    let mut list = Vec::new();
    while let Some(row) = rows.next()? {
        list.push(entry(row)?);
    }
    Ok(list)
}

fn local_entries(conn: &Connection, listing: ListingId) -> Result<Vec<(StockEntry, bool)>, DbError> {
    let mut statement = conn.prepare_cached(
        "SELECT r.id, r.payload, r.at_once FROM local_index i
         JOIN local_row r ON r.seq = i.seq AND r.entity = i.entity AND r.id = i.id
         WHERE i.entity = ?1 AND i.field = ?2 AND i.value = ?3",
    )?;
    let mut rows = statement.query((
        StockEntry::NUMBER,
        StockEntry::LISTING.number(),
        index_key(Value::Uuid(listing.0)),
    ))?;
    let mut list = Vec::new();
    while let Some(row) = rows.next()? {
        list.push(local_entry(row)?);
    }
    Ok(list)
}

/// An entry that waits beside the replica, and whether it counts at once.
fn local_entry(row: &rusqlite::Row<'_>) -> Result<(StockEntry, bool), DbError> {
    Ok((entry(row)?, row.get(2)?))
}

fn entry(row: &rusqlite::Row<'_>) -> Result<StockEntry, DbError> {
    let id = row.get_ref(0)?.as_blob().unwrap_or_default();
    let key = Key::from_bytes(id).map_err(|_| DbError::bad_value("replica", "id", StockEntry::NAME))?;
    typed(key, &fields_of(row, 1, StockEntry::NAME)?)
}

fn kept(conn: &Connection, listing: ListingId) -> Result<Option<Vec<Position>>, DbError> {
    let mut statement = conn.prepare_cached("SELECT sums FROM stock_sum WHERE listing = ?1")?;
    let bytes: Option<Vec<u8>> = statement.query_row([listing.0.as_bytes()], |row| row.get(0)).optional()?;
    let Some(bytes) = bytes else { return Ok(None) };
    let (parts, rest) = bytes.as_chunks::<PART_BYTES>();
    if !rest.is_empty() {
        return Err(DbError::bad_value("stock_sum", "sums", listing));
    }
    let part = |[short, a, b, c, d, milli @ ..]: [u8; PART_BYTES]| Position {
        holder: Holder::from_code(u32::from_le_bytes([a, b, c, d])),
        quantity: Quantity(i64::from_le_bytes(milli)),
        short: short != 0,
    };
    Ok(Some(parts.iter().copied().map(part).collect()))
}

fn keep(tx: &Transaction<'_>, listing: ListingId, positions: &[Position]) -> Result<(), DbError> {
    let mut bytes = Vec::with_capacity(positions.len() * PART_BYTES);
    for Position { holder, quantity, short } in positions {
        bytes.push(u8::from(*short));
        bytes.extend_from_slice(&holder.code().to_le_bytes());
        bytes.extend_from_slice(&quantity.0.to_le_bytes());
    }
    let mut statement =
        tx.prepare_cached("INSERT OR REPLACE INTO stock_sum (listing, sums) VALUES (?1, ?2)")?;
    statement.execute((listing.0.as_bytes(), bytes))?;
    Ok(())
}
