//! Orders, as an office takes and cancels them.

mod later;
mod recorded;
mod refused;

pub use later::{heard_short, mark_end, mark_standing, without_its_end};
pub use recorded::{ListKey, RecordOrder, key_of_refused};
pub use refused::{RefusedOrder, refused_orders};

use super::listings::words_of;
use super::{AtOffice, Office};
use crate::commands::submit::SubmitError;
use crate::commands::taken_back::{NOT_REFUSED, SAYS_SO, has_after};
use crate::commands::{CommandState, Thing, log, outcome};
use crate::db::DbError;
use crate::node::counts;
use crate::replica::{self, is_complete};
use crate::stock;
use rusqlite::Connection;
use sync_protocol::ids::{CommandId, ListingId};
use sync_protocol::market::{
    Context, Listing, ListingStatus, Order, OrderCancel, OrderPlace, OrderStatus, Source, WorkingSet,
};
use sync_protocol::row::Key;
use sync_protocol::units::Quantity;
use uuid::Uuid;

impl AtOffice for OrderPlace {
    /// At any time: of a listing that is not here its rule has the say.
    fn may_be_taken(&self, _: &Office<'_>) -> Result<(), SubmitError> {
        Ok(())
    }

    fn state_facts(&mut self, office: &Office<'_>, _: &Context, set: &WorkingSet) -> Result<(), DbError> {
        self.source = source(office, self, set)?;
        Ok(())
    }

    /// Of a listing that is gone an order still says how much, and at what price.
    fn thing(&self, conn: &Connection) -> Result<Option<Thing>, DbError> {
        Ok(Some(Thing {
            listing: self.listing,
            quantity_milli: self.quantity_milli,
            unit_price_minor: self.unit_price_minor,
            buyer_phone: self.buyer_phone,
            ..words_of(conn, self.listing)?.unwrap_or_default()
        }))
    }

    fn takes_back(&self) -> bool {
        false
    }

    /// The log is searched only for one that does not stand.
    fn is_taken_back(&self, conn: &Connection, state: &CommandState) -> Result<bool, DbError> {
        let order = state.command.id.0;
        let row = replica::get::<Order>(conn, Key::Uuid(order))?;
        let is_off = row.is_none_or(|order| order.status == OrderStatus::Cancelled);
        Ok(is_off && has_after(conn, OrderCancel::KIND, state.command.seq, order, NOT_REFUSED)?)
    }
}

impl AtOffice for OrderCancel {
    /// At any time: of an order that is not here its rule has the say.
    fn may_be_taken(&self, _: &Office<'_>) -> Result<(), SubmitError> {
        Ok(())
    }

    /// Whether the order was made here and the hub has never heard of it.
    fn state_facts(&mut self, office: &Office<'_>, _: &Context, _: &WorkingSet) -> Result<(), DbError> {
        self.never_left = log::never_left(office.tx, CommandId(self.order))?
            && replica::get_sent::<Order>(office.tx, Key::Uuid(self.order))?.is_none();
        Ok(())
    }

    fn thing(&self, conn: &Connection) -> Result<Option<Thing>, DbError> {
        let kept = outcome(conn, CommandId(self.order))?.and_then(|state| state.thing);
        let Some(order) = replica::get::<Order>(conn, Key::Uuid(self.order))? else { return Ok(kept) };
        let thing = match kept {
            Some(kept) => kept,
            None => words_of(conn, order.listing.0)?.unwrap_or_default(),
        };
        Ok(Some(Thing {
            listing: order.listing.0,
            cooperative: order.cooperative.0,
            currency: order.currency.as_str().to_owned(),
            quantity_milli: order.quantity.0,
            unit_price_minor: order.unit_price_minor,
            buyer_phone: order.buyer_phone,
            ..thing
        }))
    }

    fn takes_back(&self) -> bool {
        true
    }

    fn is_taken_back(&self, _: &Connection, _: &CommandState) -> Result<bool, DbError> {
        Ok(false)
    }
}

/// Whether a command here says or will say that an order is taken back: one that came after it, and that the hub has neither refused nor
/// put aside.
///
/// # Errors
/// Those of the database.
pub fn has_its_word(conn: &Connection, order_seq: u64, order: Uuid) -> Result<bool, DbError> {
    has_after(conn, OrderCancel::KIND, order_seq, order, SAYS_SO)
}

/// Whose units an order spends: this office's own where it surely holds enough of them and may sell them at this price, else
/// the hub is asked.
fn source(office: &Office<'_>, order: &OrderPlace, set: &WorkingSet) -> Result<Source, DbError> {
    let (tx, identity, id) = (office.tx, office.identity, ListingId(order.listing));
    let for_sale = set.get::<Listing>(id).is_some_and(|listing| {
        listing.cooperative == identity.cooperative
            && listing.status == ListingStatus::Active
            && listing.price_minor == order.unit_price_minor
    });
    let holds = for_sale
        && set.available(id, identity.holder()) >= Quantity(order.quantity_milli)
        && is_complete(tx, identity.coop_bucket())?
        && counts::doubt_about(tx, id)?.is_none()
        && !stock::stands_short(tx, id, identity.holder())?;
    Ok(if holds { Source::Held } else { Source::Ask })
}
