//! What lists are narrowed by: names or ids, turned into the ids that are here. A name that nothing has is said, not answered with
//! an empty list.

use crate::db::DbError;
use crate::http::problem::ApiError;
use crate::http::query::IdOrName;
use crate::replica;
use rusqlite::Connection;
use std::collections::HashSet;
use sync_protocol::entity::{Commodity, Market, Region};

use super::names::commodity_names;

/// Ids that a filter lets through; `None` for all.
pub(super) type Ids = Option<HashSet<u32>>;

/// Whether an id passes.
pub(super) fn passes(ids: &Ids, id: u32) -> bool {
    ids.as_ref().is_none_or(|ids| ids.contains(&id))
}

/// Commodities of an id or a whole name in any language.
pub(super) fn commodities(conn: &Connection, wanted: Option<&IdOrName>) -> Result<Ids, ApiError> {
    let Some(wanted) = wanted else { return Ok(None) };
    let all = replica::all::<Commodity>(conn)?;
    let found = all.iter().filter(|c| wanted.means(c.id.0, commodity_names(c))).map(|c| c.id.0);
    known("commodity", "commodities", wanted, found.collect())
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
    let Some(wanted) = wanted else { return Ok(None) };
    let all = replica::all::<Region>(conn)?;
    let found = all.iter().filter(|r| wanted.means(r.id.0, [r.name.as_str()])).map(|r| r.id.0);
    known("region", "regions", wanted, found.collect())
}

/// Markets of an id or name.
pub(super) fn markets(conn: &Connection, wanted: Option<&IdOrName>) -> Result<Ids, ApiError> {
    let Some(wanted) = wanted else { return Ok(None) };
    let all = replica::all::<Market>(conn)?;
    let found = all.iter().filter(|m| wanted.means(m.id.0, [m.name.as_str()])).map(|m| m.id.0);
    known("market", "markets", wanted, found.collect())
}

fn known(parameter: &str, list: &str, wanted: &IdOrName, found: HashSet<u32>) -> Result<Ids, ApiError> {
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
