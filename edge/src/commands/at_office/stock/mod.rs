//! What a person found in the store, as an office takes it.

mod adjusted;

pub use adjusted::{Adjusted, last_adjusted};

use super::listings::listed;
use super::{AtOffice, Office};
use crate::commands::submit::SubmitError;
use crate::commands::{CommandState, Thing, log};
use crate::db::DbError;
use crate::node::{self, Doubt, counts};
use crate::replica::is_complete;
use rusqlite::{Connection, Transaction};
use sync_protocol::ids::{CommandId, ListingId};
use sync_protocol::market::{Adjustment, StockAdjust};
use sync_protocol::session::MINOR_WITH_FACTS;

impl AtOffice for StockAdjust {
    fn may_be_taken(&self, office: &Office<'_>) -> Result<(), SubmitError> {
        let tx = office.tx;
        if !is_complete(tx, office.identity.coop_bucket())? {
            return Err(SubmitError::NotComplete);
        }
        if is_count(self) {
            // Another box may have counted meanwhile, and a count is a difference to what should be there.
            if node::shut_out(tx)?.is_some() {
                return Err(SubmitError::ShutOut);
            }
            if counts::must_hear_first(tx)? {
                return Err(SubmitError::HubFirst);
            }
        }
        if self.undoes.is_some() {
            if node::hub_minor(tx)? < MINOR_WITH_FACTS {
                return Err(SubmitError::HubTooOld);
            }
            // What it took back may have to be counted again, and nothing is noted of that while nothing here is believed.
            if node::of_the_data(tx)? == Some(Doubt::Copied) {
                return Err(SubmitError::HubFirst);
            }
        }
        Ok(())
    }

    fn thing(&self, conn: &Connection) -> Result<Option<Thing>, DbError> {
        listed(conn, self.listing)
    }

    /// Whether a person knows now how much there is of the product.
    fn note_taken(&self, tx: &Transaction<'_>, seq: u64) -> Result<(), DbError> {
        let listing = ListingId(self.listing);
        match self.undoes {
            Some(undone) if log::ended_doubt(tx, undone)? => counts::uncounted(tx, listing),
            _ if is_count(self) && counts::counted(tx, listing)? => log::note_ended_doubt(tx, seq),
            _ => Ok(()),
        }
    }

    /// A count that is refused has told nobody how much there is.
    fn note_refused(&self, tx: &Transaction<'_>, id: CommandId) -> Result<(), DbError> {
        if log::ended_doubt(tx, id.0)? {
            counts::uncounted(tx, ListingId(self.listing))?;
        }
        Ok(())
    }

    /// What it takes back is a figure, not another's word.
    fn takes_back(&self) -> bool {
        false
    }

    fn is_taken_back(&self, _: &Connection, _: &CommandState) -> Result<bool, DbError> {
        Ok(false)
    }
}

fn is_count(adjust: &StockAdjust) -> bool {
    matches!(adjust.found, Adjustment::Count { .. })
}
