//! This office, as far as reading needs to know it: who it is, and whether it may sell from its own units at this moment.

use crate::db::DbError;
use crate::http::problem::{ApiError, Kind};
use crate::node::{self, Doubt, Identity};
use crate::replica;
use crate::stock;
use rusqlite::Connection;
use sync_protocol::ids::{Holder, ListingId};
use sync_protocol::market::Cooperative;
use sync_protocol::row::Key;
use sync_protocol::units::Quantity;

/// This office.
pub(super) struct Me {
    pub(super) identity: Identity,
    /// The own cooperative's row; `None` while it has not come.
    pub(super) cooperative: Option<Cooperative>,
    /// Whether everything of the own cooperative is here.
    pub(super) is_complete: bool,
}

impl Me {
    /// Reads it.
    ///
    /// # Errors
    /// Before enrolment, and those of the database.
    pub(super) fn load(conn: &Connection) -> Result<Self, ApiError> {
        let identity = node::identity(conn)?.ok_or_else(|| Kind::NotEnrolled.error())?;
        Ok(Self {
            cooperative: replica::get(conn, Key::Int(identity.cooperative.0))?,
            is_complete: replica::is_complete(conn, identity.coop_bucket())?,
            identity,
        })
    }

    pub(super) fn holder(&self) -> Holder {
        self.identity.holder()
    }

    /// What can be sold here at once: nothing while the box may not sell its own units, or after it sold more than it had.
    pub(super) fn can_sell(&self, conn: &Connection, listing: ListingId) -> Result<Quantity, DbError> {
        if !self.is_complete || self.doubt_about(conn, listing)?.is_some() {
            return Ok(Quantity::ZERO);
        }
        let held = stock::spendable(conn, listing, self.holder())?;
        if held <= Quantity::ZERO || stock::stands_short(conn, listing, self.holder())? {
            return Ok(Quantity::ZERO);
        }
        Ok(held)
    }

    /// Why the box must not sell its own units of a product for now, if it must not.
    pub(super) fn doubt_about(
        &self,
        conn: &Connection,
        listing: ListingId,
    ) -> Result<Option<Doubt>, DbError> {
        node::counts::doubt_about(conn, listing)
    }
}
