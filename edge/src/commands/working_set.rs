//! Loads what a command reads: from the replica joined with what waits beside it, so that two acts in a row at one office see
//! each other. Reads only what was asked for.

use crate::db::DbError;
use crate::replica::{self, LISTING_FIELD, find, get};
use rusqlite::Transaction;
use std::collections::BTreeSet;
use sync_protocol::ids::{ListingId, MemberId, UnitId};
use sync_protocol::market::{
    Alias, Commodity, Entity, Listing, Member, Needs, Order, OrderStatus, Unit, WorkingSet,
};
use sync_protocol::row::Key;

/// Aliases that one id is followed through; the protocol follows as many.
const ALIASES_MAX: usize = 4;

/// Loads a working set.
pub(super) fn load(tx: &Transaction<'_>, needs: &Needs) -> Result<WorkingSet, DbError> {
    let mut set = WorkingSet::default();
    for id in &needs.members {
        member(tx, &mut set, *id)?;
    }
    for (cooperative, phone) in &needs.phones {
        let known = find::<Member>(tx, PHONE_FIELD, phone)?;
        // One that gave way to another under the same number is not the one that is meant.
        for known in known.into_iter().filter(|m| m.cooperative == *cooperative) {
            if alias(tx, known.id)?.is_none() {
                set.put_member(known);
            }
        }
    }
    let mut listings: BTreeSet<ListingId> = needs.listings.iter().chain(&needs.orders_of).copied().collect();
    for id in &needs.orders {
        if let Some(order) = get::<Order>(tx, Key::Uuid(id.0))? {
            listings.insert(order.listing);
            set.put_order(order);
        }
    }
    for id in listings {
        listing(tx, &mut set, id)?;
    }
    for id in &needs.orders_of {
        open_orders(tx, &mut set, *id)?;
    }
    for of in &needs.entries_of {
        let mut entries = Vec::new();
        for listing in needs.listings.iter().copied() {
            entries.extend(replica::entries_caused_by(tx, listing, *of)?);
        }
        set.entries.extend(entries.iter().map(|entry| entry.id));
        set.entries_of.insert(*of, entries);
    }
    for id in &needs.commodities {
        if get::<Commodity>(tx, Key::Int(id.0))?.is_some() {
            set.commodities.insert(*id);
        }
    }
    for id in &needs.units {
        unit(tx, &mut set, *id)?;
    }
    Ok(set)
}

/// The indexed field of [`Member`] with the phone number.
const PHONE_FIELD: u16 = 3;

const _: () =
    assert!(matches!(Member::INDEXED, [PHONE_FIELD]) && matches!(Order::INDEXED, [LISTING_FIELD, ..]));

fn member(tx: &Transaction<'_>, set: &mut WorkingSet, id: MemberId) -> Result<(), DbError> {
    let mut at = id;
    for _ in 0..ALIASES_MAX {
        let Some(to) = alias(tx, at)? else { break };
        set.aliases.insert(at, to);
        at = to;
    }
    if let Some(member) = get::<Member>(tx, Key::Uuid(at.0))? {
        set.put_member(member);
    }
    Ok(())
}

fn alias(tx: &Transaction<'_>, id: MemberId) -> Result<Option<MemberId>, DbError> {
    Ok(get::<Alias>(tx, Key::Uuid(id.0))?.map(|alias| alias.to))
}

fn listing(tx: &Transaction<'_>, set: &mut WorkingSet, id: ListingId) -> Result<(), DbError> {
    if let Some(listing) = get::<Listing>(tx, Key::Uuid(id.0))? {
        for (holder, quantity) in replica::holdings_kept(tx, id)? {
            set.stock.insert((id, holder), quantity);
        }
        unit(tx, set, listing.unit)?;
        set.listings.insert(id, listing);
    }
    Ok(())
}

fn unit(tx: &Transaction<'_>, set: &mut WorkingSet, id: UnitId) -> Result<(), DbError> {
    if let Some(unit) = get::<Unit>(tx, Key::Int(id.0))? {
        set.units.insert(id, unit.step_milli());
    }
    Ok(())
}

fn open_orders(tx: &Transaction<'_>, set: &mut WorkingSet, listing: ListingId) -> Result<(), DbError> {
    set.orders_of.insert(listing, Default::default());
    for order in find::<Order>(tx, LISTING_FIELD, &listing)? {
        if matches!(order.status, OrderStatus::Confirmed | OrderStatus::Short) {
            set.put_order(order);
        }
    }
    Ok(())
}
