//! Cooperatives: the own one, and those around whose products are seen here. Everybody may read them.

use super::filter::{self, passes};
use super::names::Names;
use super::reference::page;
use crate::http::problem::ApiError;
use crate::replica;
use crate::state::AppState;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use mizili_node::api::Page;
use mizili_node::id::PathId;
use mizili_node::market::cooperatives::Cooperative;
use mizili_node::market::reference::PlaceQuery;
use mizili_node::query::{NoParams, Params};
use sync_protocol::market;
use sync_protocol::row::Key;

/// As it is shown.
pub(super) fn show(names: &mut Names<'_>, row: market::Cooperative) -> Result<Cooperative, ApiError> {
    Ok(Cooperative {
        id: row.id.0,
        name: row.name,
        country: row.country.as_str().to_owned(),
        region: names.region(row.region)?,
        currency: row.currency.as_str().to_owned(),
    })
}

/// List cooperatives
///
/// This office's own, and those around.
#[utoipa::path(get, path = "/api/v1/cooperatives", operation_id = "list_cooperatives", tag = "Cooperatives", params(PlaceQuery), responses((status = 200, body = Page<Cooperative>)))]
pub async fn list(State(state): State<AppState>, query: Params<PlaceQuery>) -> Result<Response, ApiError> {
    let (filter, slice) = query.given.read("office.cooperatives")?;
    let cut = state.db.read(move |conn| {
        let regions = filter::regions(conn, filter.region.as_ref())?;
        let fits = |c: &market::Cooperative| {
            filter::mentions(filter.words.as_deref(), [c.name.as_str()])
                && filter.country.as_deref().is_none_or(|country| country == c.country.as_str())
                && (regions.is_none() || c.region.is_some_and(|region| passes(&regions, region.0)))
        };
        page(conn, &slice, |c: &market::Cooperative| c.id.0, fits, show)
    });
    Ok(cut.await?.respond(&query.address))
}

/// See a cooperative
#[utoipa::path(get, path = "/api/v1/cooperatives/{id}", operation_id = "get_cooperative", tag = "Cooperatives", params(("id" = i32, Path, description = "The cooperative.")),
    responses((status = 200, body = Cooperative)))]
pub async fn get(
    State(state): State<AppState>,
    PathId(id): PathId<u32>,
    _: Params<NoParams>,
) -> Result<Json<Cooperative>, ApiError> {
    let found = state.db.read(move |conn| {
        let row: market::Cooperative =
            replica::get(conn, Key::Int(id))?.ok_or_else(|| ApiError::not_found("cooperative"))?;
        show(&mut Names::new(conn), row)
    });
    found.await.map(Json)
}
