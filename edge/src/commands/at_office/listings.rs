//! Listings, as their office offers, changes and withdraws them.

use super::{AtOffice, Office};
use crate::commands::submit::SubmitError;
use crate::commands::taken_back::{
    NOT_CALLED_REFUSED, NOT_REFUSED, REFUSED, has_after, has_before, is_refused, took_effect_in_part,
};
use crate::commands::{CommandState, Thing, outcome};
use crate::db::DbError;
use crate::{node, replica, stock};
use rusqlite::Connection;
use sync_protocol::ids::{CommandId, ListingId, derived};
use sync_protocol::market::{
    Commodity, Context, Listing, ListingEdit, ListingPost, ListingWithdraw, Unit, WorkingSet,
};
use sync_protocol::row::Key;
use sync_protocol::session::MINOR_WITH_FACTS;
use uuid::Uuid;

/// The id of the listing that a command with a key posts.
pub fn listing_of(id: CommandId) -> Uuid {
    derived("listing.post", id.0)
}

impl AtOffice for ListingPost {
    fn may_be_taken(&self, office: &Office<'_>) -> Result<(), SubmitError> {
        office.cooperative.as_ref().map(|_| ()).ok_or(SubmitError::NotComplete)
    }

    /// How much of it is the hub's, once the hub understands that.
    fn state_facts(&mut self, office: &Office<'_>, context: &Context, _: &WorkingSet) -> Result<(), DbError> {
        if node::hub_minor(office.tx)? >= MINOR_WITH_FACTS {
            self.hub_milli = Some(self.hub_part(context.hub_share_percent).0);
        }
        Ok(())
    }

    fn thing(&self, conn: &Connection) -> Result<Option<Thing>, DbError> {
        Ok(Some(Thing {
            listing: self.listing,
            currency: self.currency.clone(),
            quantity_milli: self.quantity_milli,
            unit_price_minor: self.price_minor,
            ..named(conn, self.title.clone(), self.commodity, self.unit)?
        }))
    }

    /// Whoever takes produce in knows how much there is of it.
    fn note_taken(&self, tx: &rusqlite::Transaction<'_>, _: u64) -> Result<(), DbError> {
        node::counts::counted(tx, ListingId(self.listing)).map(drop)
    }

    fn takes_back(&self) -> bool {
        false
    }

    fn is_taken_back(&self, conn: &Connection, state: &CommandState) -> Result<bool, DbError> {
        let withdraw = ListingWithdraw::KIND;
        Ok(is_refused(state)
            && has_after(conn, withdraw, state.command.seq, self.listing, NOT_CALLED_REFUSED)?)
    }
}

impl AtOffice for ListingEdit {
    /// At any time: what it changes has to be here, and its rule sees to that.
    fn may_be_taken(&self, _: &Office<'_>) -> Result<(), SubmitError> {
        Ok(())
    }

    fn thing(&self, conn: &Connection) -> Result<Option<Thing>, DbError> {
        listed(conn, self.listing)
    }

    fn takes_back(&self) -> bool {
        false
    }

    fn is_taken_back(&self, conn: &Connection, state: &CommandState) -> Result<bool, DbError> {
        let (seq, listing, withdraw) = (state.command.seq, self.listing, ListingWithdraw::KIND);
        Ok((is_refused(state) || took_effect_in_part(state))
            && (has_after(conn, withdraw, seq, listing, NOT_REFUSED)?
                || (was_refused(conn, seq, listing)?
                    && has_after(conn, withdraw, seq, listing, NOT_CALLED_REFUSED)?)))
    }
}

impl AtOffice for ListingWithdraw {
    /// At any time, as an edit.
    fn may_be_taken(&self, _: &Office<'_>) -> Result<(), SubmitError> {
        Ok(())
    }

    fn thing(&self, conn: &Connection) -> Result<Option<Thing>, DbError> {
        listed(conn, self.listing)
    }

    fn takes_back(&self) -> bool {
        true
    }

    fn is_taken_back(&self, conn: &Connection, state: &CommandState) -> Result<bool, DbError> {
        Ok(is_refused(state) && was_refused(conn, state.command.seq, self.listing)?)
    }
}

/// Whether the hub refused the offer that a later command is about.
fn was_refused(conn: &Connection, before: u64, listing: Uuid) -> Result<bool, DbError> {
    has_before(conn, ListingPost::KIND, before, listing, REFUSED)
}

/// A listing with what there is of it, which is added up from all that ever happened to it: only where that is told.
pub(super) fn listed(conn: &Connection, listing: Uuid) -> Result<Option<Thing>, DbError> {
    let words = words_of(conn, listing)?;
    if replica::get::<Listing>(conn, Key::Uuid(listing))?.is_none() {
        return Ok(words);
    }
    let left = stock::holdings(conn, ListingId(listing))?.iter().map(|(_, held)| held.0.max(0)).sum();
    Ok(words.map(|words| Thing { quantity_milli: left, ..words }))
}

/// A listing without how much there is of it.
pub(super) fn words_of(conn: &Connection, listing: Uuid) -> Result<Option<Thing>, DbError> {
    let Some(listing) = replica::get::<Listing>(conn, Key::Uuid(listing))? else {
        // An offer that was refused stands in its command alone, whose id it has when it was made by phone.
        return Ok(outcome(conn, CommandId(listing))?.and_then(|state| state.thing));
    };
    Ok(Some(Thing {
        listing: listing.id.0,
        cooperative: listing.cooperative.0,
        currency: listing.currency.as_str().to_owned(),
        unit_price_minor: listing.price_minor,
        ..named(conn, listing.title, listing.commodity.0, listing.unit.0)?
    }))
}

fn named(conn: &Connection, title: String, commodity: u32, unit: u32) -> Result<Thing, DbError> {
    let unit = replica::get::<Unit>(conn, Key::Int(unit))?.map_or_else(String::new, |unit| unit.code);
    let crop = replica::get::<Commodity>(conn, Key::Int(commodity))?;
    let (name, name_sw) = match crop {
        Some(crop) if title.is_empty() => (crop.name, crop.name_sw),
        _ => (title, String::new()),
    };
    Ok(Thing { name, name_sw, unit, ..Thing::default() })
}
