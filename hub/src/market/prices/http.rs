//! The route of market prices.

use super::app;
use crate::error::ApiError;
use crate::state::AppState;
use axum::extract::State;
use axum::response::Response;
use mizili_node::api::Page;
use mizili_node::market::prices::{MarketPrice, PriceQuery};
use mizili_node::query::Params;

/// List market prices
///
/// The newest of each series, or with `from` and `to` (or `latest=false`) the history; newest months first. Each price has its
/// month and age, and `old` where it is too old to compare markets by. Source: WFP via HDX.
#[utoipa::path(get, path = "/api/v1/market-prices", operation_id = "list_market_prices", tag = "Prices", params(PriceQuery),
    responses((status = 200, body = Page<MarketPrice>)))]
pub async fn list(State(state): State<AppState>, query: Params<PriceQuery>) -> Result<Response, ApiError> {
    let (filter, slice) = query.given.read("hub.prices")?;
    let page = app::list(&state, &filter, &slice).await?;
    Ok(page.respond(&query.address))
}
