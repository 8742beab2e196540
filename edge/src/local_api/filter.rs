//! What lists are narrowed by: names or ids, turned into the ids that are here. A name that nothing has is said, not answered with
//! an empty list.

use super::names::commodity_names;
use crate::db::DbError;
use crate::http::problem::ApiError;
use crate::replica;
use mizili_node::query::IdOrName;
use rusqlite::Connection;
use std::collections::HashSet;
use sync_protocol::market::{Commodity, Entity, Market, Region};
use sync_protocol::row::Key;

/// Ids that a filter lets through; `None` for all.
pub(super) type Ids = Option<HashSet<u32>>;

/// Whether an id passes.
pub(super) fn passes(ids: &Ids, id: u32) -> bool {
    ids.as_ref().is_none_or(|ids| ids.contains(&id))
}

/// Commodities of an id or a whole name in any language.
pub(super) fn commodities(conn: &Connection, wanted: Option<&IdOrName>) -> Result<Ids, ApiError> {
    named(conn, "commodity", "commodities", wanted, |wanted, c: &Commodity| {
        wanted.means(c.id.0, commodity_names(c)).then_some(c.id.0)
    })
}

/// Commodities whose name begins so in any language.
pub(super) fn crops(conn: &Connection, beginning: Option<&str>) -> Result<Ids, DbError> {
    let Some(beginning) = beginning.map(str::to_lowercase) else { return Ok(None) };
    let all = replica::all::<Commodity>(conn)?;
    let fits =
        |c: &&Commodity| commodity_names(c).iter().any(|name| name.to_lowercase().starts_with(&beginning));
    Ok(Some(all.iter().filter(fits).map(|c| c.id.0).collect()))
}

/// Regions of an id or name.
pub(super) fn regions(conn: &Connection, wanted: Option<&IdOrName>) -> Result<Ids, ApiError> {
    named(conn, "region", "regions", wanted, |wanted, r: &Region| {
        wanted.means(r.id.0, [r.name.as_str()]).then_some(r.id.0)
    })
}

/// Markets of an id or name.
pub(super) fn markets(conn: &Connection, wanted: Option<&IdOrName>) -> Result<Ids, ApiError> {
    named(conn, "market", "markets", wanted, |wanted, m: &Market| {
        wanted.means(m.id.0, [m.name.as_str()]).then_some(m.id.0)
    })
}

fn named<E: Entity>(
    conn: &Connection,
    parameter: &str,
    list: &str,
    wanted: Option<&IdOrName>,
    id_if_meant: impl Fn(&IdOrName, &E) -> Option<u32>,
) -> Result<Ids, ApiError> {
    let Some(wanted) = wanted else { return Ok(None) };
    let found: HashSet<u32> = match wanted {
        // One look instead of the whole list: most programs ask by id.
        IdOrName::Id(id) => replica::get::<E>(conn, Key::Int(*id))?.map(|_| *id).into_iter().collect(),
        IdOrName::Name(_) => {
            replica::all::<E>(conn)?.iter().filter_map(|row| id_if_meant(wanted, row)).collect()
        }
    };
    if found.is_empty() {
        return Err(ApiError::parameter(parameter, format!("nothing has {wanted}. See /api/v1/{list}.")));
    }
    Ok(Some(found))
}

/// Whether a text stands in one of the names, in any case.
pub(super) fn mentions<'n>(words: Option<&str>, names: impl IntoIterator<Item = &'n str>) -> bool {
    let Some(words) = words.map(str::to_lowercase) else { return true };
    names.into_iter().any(|name| name.to_lowercase().contains(&words))
}
