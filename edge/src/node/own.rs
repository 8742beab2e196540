//! What the hub says of this box itself: its settings, and in what its office sells. It only reads.

use super::identity;
use crate::db::DbError;
use crate::replica;
use rusqlite::Connection;
use sync_protocol::ids::EdgeId;
use sync_protocol::market::{Cooperative, EdgeSettings};
use sync_protocol::row::Key;
use sync_protocol::units::Currency;

/// What people call the box; `None` where it has no name, or its settings have not come yet.
///
/// # Errors
/// Those of the database.
pub fn own_name(conn: &Connection, edge: EdgeId) -> Result<Option<String>, DbError> {
    let settings: Option<EdgeSettings> = replica::get(conn, Key::Int(edge.0))?;
    Ok(settings.map(|settings| settings.name).filter(|name| !name.is_empty()))
}

/// In what this office sells: what is sold near it is sold in it, so a thing whose words have left this box was. `None` before the
/// first exchange.
///
/// # Errors
/// Those of the database.
pub fn own_currency(conn: &Connection) -> Result<Option<Currency>, DbError> {
    let Some(me) = identity(conn)? else { return Ok(None) };
    if let Some(own) = replica::get::<Cooperative>(conn, Key::Int(me.cooperative.0))? {
        return Ok(Some(own.currency));
    }
    Ok(replica::get::<EdgeSettings>(conn, Key::Int(me.edge.0))?.map(|settings| settings.currency))
}
