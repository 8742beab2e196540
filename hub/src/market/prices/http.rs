//! The route of market prices.

use super::{app, db};
use crate::error::ApiError;
use crate::http::page::Slice;
use crate::http::query::{self, Params};
use crate::state::AppState;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use sync_protocol::api::prices::MarketPrice;
use sync_protocol::api::{Page, Problem};
use utoipa::IntoParams;

/// How a list of prices is narrowed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PriceQuery {
    /// A commodity's id, or its whole name in any language.
    commodity: Option<String>,
    /// A market's id or name.
    market: Option<String>,
    /// A region's id or name.
    region: Option<String>,
    /// ISO 3166-1 alpha-3.
    country: Option<String>,
    /// `Retail` or `Wholesale`.
    price_type: Option<String>,
    /// Only the newest price of each market, commodity, unit and type: so when `from` and `to` are left out, unless it is false.
    #[param(value_type = Option<bool>)]
    latest: Option<String>,
    /// The first month of a history, `YYYY-MM`.
    from: Option<String>,
    /// The last month of a history, `YYYY-MM`.
    to: Option<String>,
    /// Items of a page, 1 to 100; 50 by default.
    #[param(value_type = Option<u32>)]
    limit: Option<String>,
    /// Of the page before: follow `next`.
    cursor: Option<String>,
}

impl PriceQuery {
    fn filter(&self) -> Result<db::Filter, ApiError> {
        let (from, to) =
            (query::month("from", self.from.as_deref())?, query::month("to", self.to.as_deref())?);
        let latest = query::boolean("latest", self.latest.as_deref())?;
        if latest == Some(true) && (from.is_some() || to.is_some()) {
            return Err(ApiError::parameter("latest", "cannot stand beside `from` and `to`; leave one out."));
        }
        if from.zip(to).is_some_and(|(from, to)| from > to) {
            return Err(ApiError::parameter("to", "must not be before `from`."));
        }
        Ok(db::Filter {
            commodity: query::id_or_name("commodity", self.commodity.as_deref())?,
            market: query::id_or_name("market", self.market.as_deref())?,
            region: query::id_or_name("region", self.region.as_deref())?,
            country: query::country("country", self.country.as_deref())?,
            price_type: query::text("price_type", self.price_type.as_deref())?,
            latest: latest.unwrap_or(from.is_none() && to.is_none()),
            from,
            to,
        })
    }
}

/// List market prices
///
/// The newest of each series, or with `from` and `to` (or `latest=false`) the history; newest months first. Each price has its
/// month and age, and `old` where it is too old to compare markets by. Source: WFP via HDX.
#[utoipa::path(get, path = "/api/v1/market-prices", operation_id = "list_market_prices", tag = "Prices", params(PriceQuery),
    responses((status = 200, body = Page<MarketPrice>),
        (status = 400, body = Problem, description = "`unknown_parameter`, `invalid_parameter`", content_type = "application/problem+json")))]
pub async fn list(State(state): State<AppState>, query: Params<PriceQuery>) -> Result<Response, ApiError> {
    let slice = Slice::read(query.given.limit.as_deref(), query.given.cursor.as_deref())?;
    let page = app::list(&state, &query.given.filter()?, &slice).await?;
    Ok(page.respond(&query.address))
}
