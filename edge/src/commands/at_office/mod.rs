//! What a command means to the office that takes it, one file or folder for each noun: what only the office can say of it, what it is
//! about in words, and what it takes back. Whatever else keeps, decides or sends commands here names none.

mod listings;
mod members;
mod orders;
mod stock;

pub use listings::listing_of;
pub use orders::{
    ListKey, RecordOrder, RefusedOrder, has_its_word, heard_short, key_of_refused, mark_end, mark_standing,
    refused_orders, without_its_end,
};
pub use stock::{Adjusted, last_adjusted};

use super::submit::SubmitError;
use super::{CommandState, Thing};
use crate::db::DbError;
use crate::node::Identity;
use crate::replica;
use rusqlite::{Connection, Transaction};
use sync_protocol::each_command;
use sync_protocol::ids::{CommandId, Id as _};
use sync_protocol::market::{Body, Context, Cooperative, Made, WorkingSet};

/// This office, taking a command.
pub(super) struct Office<'a> {
    pub(super) tx: &'a Transaction<'a>,
    pub(super) identity: &'a Identity,
    /// Its cooperative's row, where that is here.
    pub(super) cooperative: Option<Cooperative>,
}

impl<'a> Office<'a> {
    pub(super) fn open(tx: &'a Transaction<'a>, identity: &'a Identity) -> Result<Self, DbError> {
        let cooperative = replica::get(tx, identity.cooperative.to_key())?;
        Ok(Self { tx, identity, cooperative })
    }
}

/// What a type of command means here.
pub(super) trait AtOffice {
    /// Whether it can be taken now, by what this office has and is.
    fn may_be_taken(&self, office: &Office<'_>) -> Result<(), SubmitError>;

    /// States in it what this office alone knows, whatever whoever asked has said of that.
    fn state_facts(&mut self, _: &Office<'_>, _: &Context, _: &WorkingSet) -> Result<(), DbError> {
        Ok(())
    }

    /// What it is about, by what is known here now; `None` for one about a person, or where nothing is known.
    fn thing(&self, conn: &Connection) -> Result<Option<Thing>, DbError>;

    /// Notes beside it what follows from its having been taken, once it is in the log.
    fn note_taken(&self, _: &Transaction<'_>, _: u64) -> Result<(), DbError> {
        Ok(())
    }

    /// Notes what follows from the hub's having refused it.
    fn note_refused(&self, _: &Transaction<'_>, _: CommandId) -> Result<(), DbError> {
        Ok(())
    }

    /// Whether it takes back what another command asked for about the same thing, unless it is refused itself.
    fn takes_back(&self) -> bool;

    /// Whether what it asked for is off, now that it has its final verdict: see [`super::is_taken_back`].
    fn is_taken_back(&self, conn: &Connection, state: &CommandState) -> Result<bool, DbError>;
}

/// What a command means here.
pub(super) fn at_office(body: &Body) -> &dyn AtOffice {
    each_command!(body, it => it)
}

/// The same, to state facts in it.
pub(super) fn at_office_mut(body: &mut Body) -> &mut dyn AtOffice {
    each_command!(body, it => it)
}

/// All that a command with this id could have made, whatever it was.
pub(super) fn could_have_made(id: CommandId) -> impl Iterator<Item = Made> {
    let about = [id.0, listing_of(id)];
    about.into_iter().flat_map(Body::samples).filter_map(move |body| body.makes(id))
}
