//! What an office says no to before anything is stored: an order of more than there is anywhere, as far as that is known here, and one
//! of what the buyer offers. One rule for the page, for programs and for phones, and nothing that the hub decides by: a command that was
//! taken elsewhere is judged there.

use super::offers::left_milli;
use crate::commands;
use crate::db::DbError;
use crate::node;
use crate::replica;
use rusqlite::Connection;
use sync_protocol::ids::CommandId;
use sync_protocol::market::{Listing, ListingStatus, Member, OrderPlace};
use sync_protocol::row::Key;
use sync_protocol::units::Quantity;

/// Why an order is not taken here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotHere {
    /// So much is left in all.
    Only(Quantity),
    /// The buyer offers it.
    Own,
}

/// Whether an order must not be taken here under an id, and why: of a buyer with this number (0 for one without). What was taken before is
/// asked no more.
///
/// # Errors
/// Those of the database.
pub(crate) fn not_here(
    conn: &Connection,
    id: CommandId,
    order: &OrderPlace,
    buyer: u64,
) -> Result<Option<NotHere>, DbError> {
    if commands::is_known(conn, id)? {
        return Ok(None);
    }
    let Some(listing) = replica::get::<Listing>(conn, Key::Uuid(order.listing))? else { return Ok(None) };
    if is_offered_by(conn, &listing, buyer)? {
        return Ok(Some(NotHere::Own));
    }
    // What has changed about it says more.
    if listing.status != ListingStatus::Active || listing.price_minor != order.unit_price_minor {
        return Ok(None);
    }
    let most = most_milli(conn, &listing)?.filter(|most| order.quantity_milli > *most);
    Ok(most.map(|most| NotHere::Only(Quantity(most))))
}

/// How much of an offer there is in all, in thousandths: here, at other offices and at the hub, or of another cooperative's as its catalogue
/// says. `None` where nobody here knows, for the stock is not all here or has to be counted first: then the hub is asked.
///
/// # Errors
/// Those of the database.
pub(super) fn most_milli(conn: &Connection, listing: &Listing) -> Result<Option<i64>, DbError> {
    let Some(me) = node::identity(conn)? else { return Ok(None) };
    if listing.cooperative != me.cooperative {
        return Ok(listing.available.map(|available| available.0.max(0)));
    }
    if !replica::is_complete(conn, me.coop_bucket())?
        || node::counts::doubt_about(conn, listing.id)?.is_some()
    {
        return Ok(None);
    }
    left_milli(conn, listing.id).map(Some)
}

/// Whether somebody with this number offers it. Of another cooperative's members nobody here knows the numbers.
fn is_offered_by(conn: &Connection, listing: &Listing, phone: u64) -> Result<bool, DbError> {
    Ok(phone != 0 && seller_phone(conn, listing)? == phone)
}

/// The number of the member who offers it; 0 where the cooperative does, or it is not known here.
///
/// # Errors
/// Those of the database.
pub(super) fn seller_phone(conn: &Connection, listing: &Listing) -> Result<u64, DbError> {
    let Some(seller) = listing.seller else { return Ok(0) };
    Ok(replica::get::<Member>(conn, Key::Uuid(seller.0))?.map_or(0, |member| member.phone))
}
