//! The last change of the stock of each listing that was made at this office, for whoever wants to see it or take it back. It reads
//! and judges nothing.

use crate::commands::state::{COLUMNS, CommandState};
use crate::db::{DbError, pass_over};
use rusqlite::Connection;
use std::collections::HashMap;
use sync_protocol::ids::ListingId;
use sync_protocol::market::{Adjustment, Body};
use uuid::Uuid;

/// A change of the stock that the hub has not refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adjusted {
    /// The change's id.
    pub id: Uuid,
    /// What was found.
    pub found: Adjustment,
    /// Why, as the person wrote it.
    pub reason: String,
    /// The change that it took back, if it took one back.
    pub undoes: Option<Uuid>,
    /// When it was made, seconds since 1970 UTC, as far as this box knew.
    pub made_at_s: i64,
}

impl Adjusted {
    /// By how much it said that the stock is another, in thousandths of the unit; less than zero where it took away.
    pub fn said_milli(&self) -> i64 {
        match self.found {
            Adjustment::Intake(milli) => milli,
            Adjustment::WriteOff(milli) => -milli,
            Adjustment::Count { counted_milli, expected_milli } => {
                counted_milli.saturating_sub(expected_milli)
            }
        }
    }
}

/// The last change of each listing, as far as the log goes back: what has not been answered for good stands in it, and of the rest at
/// least 30 days.
///
/// # Errors
/// Those of the database.
pub fn last_adjusted(conn: &Connection) -> Result<HashMap<ListingId, Adjusted>, DbError> {
    // The kind is written out, as in the index.
    let sql = format!(
        "SELECT {COLUMNS} FROM command WHERE kind = 7 AND (verdict IS NULL OR verdict NOT IN ('rejected', 'dismissed')) ORDER BY seq"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query([])?;
    let mut last = HashMap::new();
    while let Some(row) = rows.next()? {
        let Some(state) = pass_over(CommandState::read(row))? else { continue };
        let Ok(Some(Body::StockAdjust(adjust))) = Body::from_raw(&state.command.body) else { continue };
        let made = Adjusted {
            id: state.command.id.0,
            found: adjust.found,
            reason: adjust.reason,
            undoes: adjust.undoes,
            made_at_s: state.command.made_at_s,
        };
        last.insert(ListingId(adjust.listing), made);
    }
    Ok(last)
}
