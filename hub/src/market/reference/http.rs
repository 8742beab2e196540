//! The routes of the reference lists.

use super::app;
use crate::error::ApiError;
use crate::state::AppState;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use mizili_node::api::Page;
use mizili_node::id::PathId;
use mizili_node::market::reference::{Commodity, CountryQuery, ListQuery, Market, PlaceQuery, Region, Unit};
use mizili_node::query::{NoParams, Params};

/// List commodities
#[utoipa::path(get, path = "/api/v1/commodities", tag = "Reference", params(ListQuery), responses((status = 200, body = Page<Commodity>)))]
pub async fn list_commodities(
    State(state): State<AppState>,
    query: Params<ListQuery>,
) -> Result<Response, ApiError> {
    let (filter, slice) = query.given.read("hub.commodities")?;
    Ok(app::list_commodities(&state, filter, &slice).await?.respond(&query.address))
}

/// See a commodity
#[utoipa::path(get, path = "/api/v1/commodities/{id}", tag = "Reference", params(("id" = i32, Path, description = "The commodity.")),
    responses((status = 200, body = Commodity)))]
pub async fn get_commodity(
    State(state): State<AppState>,
    PathId(id): PathId<i32>,
    _: Params<NoParams>,
) -> Result<Json<Commodity>, ApiError> {
    app::get_commodity(&state, id).await.map(Json)
}

/// List units
#[utoipa::path(get, path = "/api/v1/units", tag = "Reference", params(ListQuery), responses((status = 200, body = Page<Unit>)))]
pub async fn list_units(
    State(state): State<AppState>,
    query: Params<ListQuery>,
) -> Result<Response, ApiError> {
    let (filter, slice) = query.given.read("hub.units")?;
    Ok(app::list_units(&state, filter, &slice).await?.respond(&query.address))
}

/// See a unit
#[utoipa::path(get, path = "/api/v1/units/{id}", tag = "Reference", params(("id" = i32, Path, description = "The unit.")),
    responses((status = 200, body = Unit)))]
pub async fn get_unit(
    State(state): State<AppState>,
    PathId(id): PathId<i32>,
    _: Params<NoParams>,
) -> Result<Json<Unit>, ApiError> {
    app::get_unit(&state, id).await.map(Json)
}

/// List markets
#[utoipa::path(get, path = "/api/v1/markets", tag = "Reference", params(PlaceQuery), responses((status = 200, body = Page<Market>)))]
pub async fn list_markets(
    State(state): State<AppState>,
    query: Params<PlaceQuery>,
) -> Result<Response, ApiError> {
    let (filter, slice) = query.given.read("hub.markets")?;
    Ok(app::list_markets(&state, filter, &slice).await?.respond(&query.address))
}

/// See a market
#[utoipa::path(get, path = "/api/v1/markets/{id}", tag = "Reference", params(("id" = i32, Path, description = "The market.")),
    responses((status = 200, body = Market)))]
pub async fn get_market(
    State(state): State<AppState>,
    PathId(id): PathId<i32>,
    _: Params<NoParams>,
) -> Result<Json<Market>, ApiError> {
    app::get_market(&state, id).await.map(Json)
}

/// List regions
#[utoipa::path(get, path = "/api/v1/regions", tag = "Reference", params(CountryQuery), responses((status = 200, body = Page<Region>)))]
pub async fn list_regions(
    State(state): State<AppState>,
    query: Params<CountryQuery>,
) -> Result<Response, ApiError> {
    let (filter, slice) = query.given.read("hub.regions")?;
    Ok(app::list_regions(&state, filter, &slice).await?.respond(&query.address))
}

/// See a region
#[utoipa::path(get, path = "/api/v1/regions/{id}", tag = "Reference", params(("id" = i32, Path, description = "The region.")),
    responses((status = 200, body = Region)))]
pub async fn get_region(
    State(state): State<AppState>,
    PathId(id): PathId<i32>,
    _: Params<NoParams>,
) -> Result<Json<Region>, ApiError> {
    app::get_region(&state, id).await.map(Json)
}
