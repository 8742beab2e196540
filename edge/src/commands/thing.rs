//! What a command is about, kept beside it as it was when the command was made: a listing may leave this node before the hub has
//! answered, and the answer must still name it. Kept for words alone; nothing is decided by it.

use super::CommandState;
use super::at_office::at_office;
use crate::db::DbError;
use crate::text::Lang;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use sync_protocol::market::Body;
use sync_protocol::units::Currency;
use uuid::Uuid;

/// A thing that somebody orders or offers, in words that need no other row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thing {
    /// The listing.
    pub listing: Uuid,
    /// Its cooperative's number; 0 for one that was only being offered.
    pub cooperative: u32,
    /// Its title, or the crop's name in English.
    pub name: String,
    /// The crop's name in Swahili where it has one and the listing no title; else empty.
    pub name_sw: String,
    /// The code of its unit, such as `KG`.
    pub unit: String,
    /// The code of its currency; empty where that was not known.
    pub currency: String,
    /// How much of it: of an order or an offer what was named, else what there was of it.
    pub quantity_milli: i64,
    /// Price of one unit, in minor units.
    pub unit_price_minor: i64,
    /// Whom an order is for: E.164 without the plus sign; 0 where nobody was named.
    pub buyer_phone: u64,
    /// Whose act it is where the office pressed the keys for somebody: E.164 without the plus sign; 0 for nobody else's.
    #[serde(default)]
    pub caller_phone: u64,
}

impl Thing {
    /// What it is called.
    pub fn name(&self, lang: Lang) -> &str {
        if lang == Lang::Sw && !self.name_sw.is_empty() { &self.name_sw } else { &self.name }
    }

    /// In what it is paid, where that was known.
    pub fn currency(&self) -> Option<Currency> {
        Currency::new(&self.currency)
    }

    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The inverse; what cannot be read counts as not kept.
    pub(super) fn from_json(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }
}

/// What a stored command is about: as it was kept, or for one of an earlier version as far as it is known here now.
///
/// # Errors
/// Those of the database.
pub fn thing(conn: &Connection, state: &CommandState) -> Result<Option<Thing>, DbError> {
    match (&state.thing, Body::from_raw(&state.command.body)) {
        (Some(kept), _) => Ok(Some(kept.clone())),
        (None, Ok(Some(body))) => at_office(&body).thing(conn),
        (None, _) => Ok(None),
    }
}
