//! The lists that everything else refers to: commodities, units, markets, regions. They come from the hub; nobody edits them here.
//! Everybody may read them.

use super::filter::{self, passes};
use super::names::{Names, commodity_names};
use crate::http::problem::ApiError;
use crate::local_api::Caller;
use crate::replica;
use crate::state::AppState;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use mizili_node::api::Page;
use mizili_node::id::PathId;
use mizili_node::market::reference::{Commodity, CountryQuery, ListQuery, Market, PlaceQuery, Region, Unit};
use mizili_node::page::{Cut, Slice};
use mizili_node::query::{NoParams, Params};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use sync_protocol::market;
use sync_protocol::market::Entity;
use sync_protocol::row::Key;
use sync_protocol::units::Quantity;
use utoipa::ToSchema;

/// What has market prices at this box, whatever their age.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OfficePriced {
    /// Ids of commodities, upwards: see `/api/v1/commodities`.
    pub commodities: BTreeSet<u32>,
    /// Ids of the units that the prices are for, upwards: see `/api/v1/units`.
    pub units: BTreeSet<u32>,
}

/// A page of small rows, in the order of their ids.
pub(super) fn page<E, T>(
    conn: &Connection,
    slice: &Slice<u32>,
    id: impl Fn(&E) -> u32,
    fits: impl FnMut(&E) -> bool,
    mut show: impl FnMut(&mut Names<'_>, E) -> Result<T, ApiError>,
) -> Result<Cut<T>, ApiError>
where
    E: Entity,
{
    let mut rows = replica::all_readable::<E>(conn)?;
    rows.retain(fits);
    rows.sort_unstable_by_key(|row| id(row));
    let mut names = Names::new(conn);
    slice.cut_whole(rows, id, Ord::cmp, |row| show(&mut names, row))
}

async fn one<E: Entity + Send + 'static, T: Send + 'static>(
    state: &AppState,
    id: u32,
    what: &'static str,
    show: fn(&mut Names<'_>, E) -> Result<T, ApiError>,
) -> Result<Json<T>, ApiError> {
    let found = state.db.read(move |conn| {
        let row = replica::get::<E>(conn, Key::Int(id))?.ok_or_else(|| ApiError::not_found(what))?;
        show(&mut Names::new(conn), row)
    });
    found.await.map(Json)
}

fn show_commodity(_: &mut Names<'_>, row: market::Commodity) -> Result<Commodity, ApiError> {
    let names = [("sw", row.name_sw), ("ny", row.name_ny), ("fr", row.name_fr)].into_iter();
    let names =
        names.filter(|(_, name)| !name.is_empty()).map(|(code, name)| (code.to_owned(), name)).collect();
    Ok(Commodity { id: row.id.0, name: row.name, category: row.category, names })
}

fn show_unit(_: &mut Names<'_>, row: market::Unit) -> Result<Unit, ApiError> {
    let factor = (row.factor_milli > 0).then(|| Quantity(row.factor_milli).to_string());
    Ok(Unit { id: row.id.0, code: row.code, base: row.base.as_str().to_owned(), factor })
}

fn show_market(names: &mut Names<'_>, row: market::Market) -> Result<Market, ApiError> {
    let degrees = |e5: Option<i64>| e5.and_then(|e5| i32::try_from(e5).ok()).map(|e5| f64::from(e5) / 1e5);
    Ok(Market {
        id: row.id.0,
        name: row.name,
        country: row.country.as_str().to_owned(),
        region: names.region(row.region)?,
        district: Some(row.district).filter(|district| !district.is_empty()),
        latitude: degrees(row.latitude_e5),
        longitude: degrees(row.longitude_e5),
    })
}

fn show_region(_: &mut Names<'_>, row: market::Region) -> Result<Region, ApiError> {
    Ok(Region { id: row.id.0, name: row.name, country: row.country.as_str().to_owned() })
}

/// List commodities
#[utoipa::path(get, path = "/api/v1/commodities", tag = "Reference", params(ListQuery), responses((status = 200, body = Page<Commodity>)))]
pub async fn list_commodities(
    State(state): State<AppState>,
    query: Params<ListQuery>,
) -> Result<Response, ApiError> {
    let (filter, slice) = query.given.read("office.commodities")?;
    let cut = state.db.read(move |conn| {
        let fits = |c: &market::Commodity| filter::mentions(filter.words.as_deref(), commodity_names(c));
        page(conn, &slice, |c: &market::Commodity| c.id.0, fits, show_commodity)
    });
    Ok(cut.await?.respond(&query.address))
}

/// See a commodity
#[utoipa::path(get, path = "/api/v1/commodities/{id}", tag = "Reference", params(("id" = i32, Path, description = "The commodity.")),
    responses((status = 200, body = Commodity)))]
pub async fn get_commodity(
    State(state): State<AppState>,
    PathId(id): PathId<u32>,
    _: Params<NoParams>,
) -> Result<Json<Commodity>, ApiError> {
    one(&state, id, "commodity", show_commodity).await
}

/// See what has prices here
///
/// The lists of commodities and units are the same everywhere; these are the ones that this office's markets trade in.
#[utoipa::path(get, path = "/api/v1/office/priced", operation_id = "list_priced", tag = "Office", security(("office" = []), ("cookie" = [])),
    responses((status = 200, body = OfficePriced)))]
pub async fn priced(
    State(state): State<AppState>,
    _: Caller,
    _: Params<NoParams>,
) -> Result<Json<OfficePriced>, ApiError> {
    let found = state.db.read(|conn| {
        let series = replica::all::<market::PriceSeries>(conn)?;
        Ok::<_, ApiError>(OfficePriced {
            commodities: series.iter().map(|one| one.commodity.0).collect(),
            units: series.iter().map(|one| one.unit.0).collect(),
        })
    });
    found.await.map(Json)
}

/// List units
#[utoipa::path(get, path = "/api/v1/units", tag = "Reference", params(ListQuery), responses((status = 200, body = Page<Unit>)))]
pub async fn list_units(
    State(state): State<AppState>,
    query: Params<ListQuery>,
) -> Result<Response, ApiError> {
    let (filter, slice) = query.given.read("office.units")?;
    let cut = state.db.read(move |conn| {
        let fits = |u: &market::Unit| filter::mentions(filter.words.as_deref(), [u.code.as_str()]);
        page(conn, &slice, |u: &market::Unit| u.id.0, fits, show_unit)
    });
    Ok(cut.await?.respond(&query.address))
}

/// See a unit
#[utoipa::path(get, path = "/api/v1/units/{id}", tag = "Reference", params(("id" = i32, Path, description = "The unit.")),
    responses((status = 200, body = Unit)))]
pub async fn get_unit(
    State(state): State<AppState>,
    PathId(id): PathId<u32>,
    _: Params<NoParams>,
) -> Result<Json<Unit>, ApiError> {
    one(&state, id, "unit", show_unit).await
}

/// List markets
#[utoipa::path(get, path = "/api/v1/markets", tag = "Reference", params(PlaceQuery), responses((status = 200, body = Page<Market>)))]
pub async fn list_markets(
    State(state): State<AppState>,
    query: Params<PlaceQuery>,
) -> Result<Response, ApiError> {
    let (filter, slice) = query.given.read("office.markets")?;
    let cut = state.db.read(move |conn| {
        let regions = filter::regions(conn, filter.region.as_ref())?;
        let fits = |m: &market::Market| {
            filter::mentions(filter.words.as_deref(), [m.name.as_str()])
                && filter.country.as_deref().is_none_or(|country| country == m.country.as_str())
                && (regions.is_none() || m.region.is_some_and(|region| passes(&regions, region.0)))
        };
        page(conn, &slice, |m: &market::Market| m.id.0, fits, show_market)
    });
    Ok(cut.await?.respond(&query.address))
}

/// See a market
#[utoipa::path(get, path = "/api/v1/markets/{id}", tag = "Reference", params(("id" = i32, Path, description = "The market.")),
    responses((status = 200, body = Market)))]
pub async fn get_market(
    State(state): State<AppState>,
    PathId(id): PathId<u32>,
    _: Params<NoParams>,
) -> Result<Json<Market>, ApiError> {
    one(&state, id, "market", show_market).await
}

/// List regions
#[utoipa::path(get, path = "/api/v1/regions", tag = "Reference", params(CountryQuery), responses((status = 200, body = Page<Region>)))]
pub async fn list_regions(
    State(state): State<AppState>,
    query: Params<CountryQuery>,
) -> Result<Response, ApiError> {
    let (filter, slice) = query.given.read("office.regions")?;
    let cut = state.db.read(move |conn| {
        let fits = |r: &market::Region| {
            filter::mentions(filter.words.as_deref(), [r.name.as_str()])
                && filter.country.as_deref().is_none_or(|country| country == r.country.as_str())
        };
        page(conn, &slice, |r: &market::Region| r.id.0, fits, show_region)
    });
    Ok(cut.await?.respond(&query.address))
}

/// See a region
#[utoipa::path(get, path = "/api/v1/regions/{id}", tag = "Reference", params(("id" = i32, Path, description = "The region.")),
    responses((status = 200, body = Region)))]
pub async fn get_region(
    State(state): State<AppState>,
    PathId(id): PathId<u32>,
    _: Params<NoParams>,
) -> Result<Json<Region>, ApiError> {
    one(&state, id, "region", show_region).await
}
