//! The routes of the reference lists.

use super::db::Filter;
use super::{Region, app};
use crate::error::ApiError;
use crate::http::id::PathId;
use crate::http::page::Slice;
use crate::http::query::{self, NoParams, Params};
use crate::state::AppState;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use sync_protocol::api::prices::{Commodity, Market, Unit};
use sync_protocol::api::{Page, Problem};
use utoipa::IntoParams;

/// How a list without places is narrowed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// A text within the name, in any language.
    q: Option<String>,
    /// Items of a page, 1 to 100; 50 by default.
    #[param(value_type = Option<u32>)]
    limit: Option<String>,
    /// Of the page before: follow `next`.
    cursor: Option<String>,
}

/// How a list of things in a country is narrowed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CountryQuery {
    /// ISO 3166-1 alpha-3.
    country: Option<String>,
    /// A text within the name.
    q: Option<String>,
    /// Items of a page, 1 to 100; 50 by default.
    #[param(value_type = Option<u32>)]
    limit: Option<String>,
    /// Of the page before: follow `next`.
    cursor: Option<String>,
}

/// How a list of things in a region is narrowed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PlaceQuery {
    /// ISO 3166-1 alpha-3.
    country: Option<String>,
    /// A region's id or name.
    region: Option<String>,
    /// A text within the name.
    q: Option<String>,
    /// Items of a page, 1 to 100; 50 by default.
    #[param(value_type = Option<u32>)]
    limit: Option<String>,
    /// Of the page before: follow `next`.
    cursor: Option<String>,
}

impl PlaceQuery {
    /// What it narrows a list to, and which page.
    pub(crate) fn read(&self) -> Result<(Filter, Slice<i32>), ApiError> {
        let filter = Filter {
            country: query::country("country", self.country.as_deref())?,
            region: query::id_or_name("region", self.region.as_deref())?,
            words: query::text("q", self.q.as_deref())?,
            ..Filter::default()
        };
        Ok((filter, Slice::read(self.limit.as_deref(), self.cursor.as_deref())?))
    }
}

impl CountryQuery {
    fn read(&self) -> Result<(Filter, Slice<i32>), ApiError> {
        let filter = Filter {
            country: query::country("country", self.country.as_deref())?,
            words: query::text("q", self.q.as_deref())?,
            ..Filter::default()
        };
        Ok((filter, Slice::read(self.limit.as_deref(), self.cursor.as_deref())?))
    }
}

impl ListQuery {
    fn read(&self) -> Result<(Filter, Slice<i32>), ApiError> {
        let filter = Filter { words: query::text("q", self.q.as_deref())?, ..Filter::default() };
        Ok((filter, Slice::read(self.limit.as_deref(), self.cursor.as_deref())?))
    }
}

/// List commodities
#[utoipa::path(get, path = "/api/v1/commodities", tag = "Reference", params(ListQuery), responses((status = 200, body = Page<Commodity>)))]
pub async fn list_commodities(
    State(state): State<AppState>,
    query: Params<ListQuery>,
) -> Result<Response, ApiError> {
    let (filter, slice) = query.given.read()?;
    Ok(app::list_commodities(&state, filter, &slice).await?.respond(&query.address))
}

/// See a commodity
#[utoipa::path(get, path = "/api/v1/commodities/{id}", tag = "Reference", params(("id" = i32, Path, description = "The commodity.")),
    responses((status = 200, body = Commodity),
        (status = 404, body = Problem, description = "`not_found`", content_type = "application/problem+json")))]
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
    let (filter, slice) = query.given.read()?;
    Ok(app::list_units(&state, filter, &slice).await?.respond(&query.address))
}

/// See a unit
#[utoipa::path(get, path = "/api/v1/units/{id}", tag = "Reference", params(("id" = i32, Path, description = "The unit.")),
    responses((status = 200, body = Unit),
        (status = 404, body = Problem, description = "`not_found`", content_type = "application/problem+json")))]
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
    let (filter, slice) = query.given.read()?;
    Ok(app::list_markets(&state, filter, &slice).await?.respond(&query.address))
}

/// See a market
#[utoipa::path(get, path = "/api/v1/markets/{id}", tag = "Reference", params(("id" = i32, Path, description = "The market.")),
    responses((status = 200, body = Market),
        (status = 404, body = Problem, description = "`not_found`", content_type = "application/problem+json")))]
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
    let (filter, slice) = query.given.read()?;
    Ok(app::list_regions(&state, filter, &slice).await?.respond(&query.address))
}

/// See a region
#[utoipa::path(get, path = "/api/v1/regions/{id}", tag = "Reference", params(("id" = i32, Path, description = "The region.")),
    responses((status = 200, body = Region),
        (status = 404, body = Problem, description = "`not_found`", content_type = "application/problem+json")))]
pub async fn get_region(
    State(state): State<AppState>,
    PathId(id): PathId<i32>,
    _: Params<NoParams>,
) -> Result<Json<Region>, ApiError> {
    app::get_region(&state, id).await.map(Json)
}
