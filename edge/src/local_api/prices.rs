//! Market prices: what markets paid, as far as this box has it. Every price is shown with its month and age; an old one is marked,
//! never hidden. Open to everybody.

use super::filter::{self, passes};
use super::names::Names;
use crate::http::problem::ApiError;
use crate::replica;
use crate::state::AppState;
use crate::time;
use crate::ussd::OLD_AFTER_MONTHS;
use axum::extract::State;
use axum::response::Response;
use mizili_node::api::Page;
use mizili_node::market::prices::{
    MarketPrice, PriceFilter, PriceQuery, change_permille, flag_words, per_base_minor,
};
use mizili_node::query::Params;
use mizili_node::text::{money, month_of};
use rusqlite::Connection;
use std::cmp::{Ordering, Reverse};
use sync_protocol::ids::{CommodityId, MarketId};
use sync_protocol::limits::PRICE_HISTORY_MONTHS;
use sync_protocol::market::{Price, PriceSeries};
use sync_protocol::units::Month;

/// Whose data it is, in the words of its licence.
const SOURCE: &str = "WFP via HDX";

/// The sort key of a list: month (downwards) and series (upwards).
type ListKey = (u32, u32);

/// A price on its way into a list.
struct Row {
    /// Its place among the series that were found.
    series: usize,
    month: Month,
    price: Price,
    /// The price of the month before in the series, where there is one.
    before_minor: Option<i64>,
}

/// List market prices
///
/// The newest of each series, or with `from` and `to` (or `latest=false`) the history; newest months first. Each price has its
/// month and age, and `old` where it is too old to compare markets by. Source: WFP via HDX.
#[utoipa::path(get, path = "/api/v1/market-prices", operation_id = "list_market_prices", tag = "Prices", params(PriceQuery),
    responses((status = 200, body = Page<MarketPrice>)))]
pub async fn list(State(state): State<AppState>, query: Params<PriceQuery>) -> Result<Response, ApiError> {
    let (filter, slice) = query.given.read("office.prices")?;
    let at = state.deps.clock.read();
    let page = state.db.read(move |conn| {
        let this_month = month_of(time::now(conn, at)?.best_s);
        let mut names = Names::new(conn);
        let series = series(conn, &mut names, &filter)?;
        let key = |row: &Row| (row.month.0, series[row.series].id.0);
        let mut rows = rows(conn, &series, &filter)?;
        rows.sort_unstable_by_key(|row| (Reverse(row.month), series[row.series].id));
        slice.cut_whole(rows, key, order, |row| show(&mut names, &series[row.series], &row, this_month))
    });
    Ok(page.await?.respond(&query.address))
}

fn order(a: &ListKey, b: &ListKey) -> Ordering {
    b.0.cmp(&a.0).then(a.1.cmp(&b.1))
}

fn series(
    conn: &Connection,
    names: &mut Names<'_>,
    filter: &PriceFilter,
) -> Result<Vec<PriceSeries>, ApiError> {
    let commodities = filter::commodities(conn, filter.commodity.as_ref())?;
    let markets = filter::markets(conn, filter.market.as_ref())?;
    let regions = filter::regions(conn, filter.region.as_ref())?;
    // The narrowest index first: a market of a national node has a few dozen series, a commodity hundreds.
    let mut all = Vec::new();
    match (&markets, &commodities) {
        (Some(ids), _) => {
            for id in ids {
                all.extend(replica::find(conn, PriceSeries::MARKET, &MarketId(*id))?);
            }
        }
        (None, Some(ids)) => {
            for id in ids {
                all.extend(replica::find(conn, PriceSeries::COMMODITY, &CommodityId(*id))?);
            }
        }
        (None, None) => all = replica::all(conn)?,
    }
    let price_type = filter.price_type.as_deref();
    all.retain(|one| {
        passes(&commodities, one.commodity.0)
            && price_type.is_none_or(|wanted| wanted.eq_ignore_ascii_case(&one.price_type))
    });
    if regions.is_none() && filter.country.is_none() {
        return Ok(all);
    }
    let mut found = Vec::new();
    for one in all {
        let Some(market) = names.market(one.market)? else { continue };
        let in_region = regions.is_none() || market.region.is_some_and(|region| passes(&regions, region.0));
        let in_country = filter.country.as_deref().is_none_or(|wanted| wanted == market.country.as_str());
        if in_region && in_country {
            found.push(one);
        }
    }
    Ok(found)
}

fn rows(conn: &Connection, series: &[PriceSeries], filter: &PriceFilter) -> Result<Vec<Row>, ApiError> {
    // The newest, and the one before it to tell the change.
    let limit = if filter.latest { 2 } else { PRICE_HISTORY_MONTHS as usize + 1 };
    let mut rows = Vec::new();
    for (place, one) in series.iter().enumerate() {
        let prices = replica::newest::<Price>(conn, one.id.0, limit)?;
        let shown = if filter.latest { 1 } else { prices.len() };
        for (at, price) in prices.iter().enumerate().take(shown) {
            let month = price.at.1;
            if filter.from.is_some_and(|from| month < from) || filter.to.is_some_and(|to| month > to) {
                continue;
            }
            let before = prices.get(at + 1).filter(|before| before.at.1.0 + 1 == month.0);
            let before_minor = before.map(|before| before.price_minor);
            rows.push(Row { series: place, month, price: price.clone(), before_minor });
        }
    }
    Ok(rows)
}

fn show(
    names: &mut Names<'_>,
    series: &PriceSeries,
    row: &Row,
    this_month: Month,
) -> Result<MarketPrice, ApiError> {
    let market = names.market(series.market)?;
    let unit = names.unit_row(series.unit)?;
    let per_base =
        unit.and_then(|unit| per_base_minor(row.price.price_minor, &unit.code, unit.base, unit.factor_milli));
    let age_months = row.month.months_until(this_month);
    Ok(MarketPrice {
        commodity_id: series.commodity.0,
        commodity: names.commodity(series.commodity)?,
        market_id: series.market.0,
        region: names.region(market.as_ref().and_then(|market| market.region))?,
        country: market.as_ref().map_or_else(String::new, |market| market.country.as_str().to_owned()),
        market: market.map_or_else(|| format!("Market {}", series.market), |market| market.name),
        unit: names.unit(series.unit)?,
        price_type: series.price_type.clone(),
        month: row.month.to_string(),
        age_months,
        old: age_months > OLD_AFTER_MONTHS,
        price: money(row.price.price_minor, series.currency),
        price_per_base: per_base.map(|amount| money(amount, series.currency)),
        change_permille: row.before_minor.and_then(|before| change_permille(before, row.price.price_minor)),
        flags: flag_words(row.price.flags),
        source: SOURCE.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newest_months_come_first_and_series_upwards() {
        let mut keys = [(2, 9), (3, 5), (3, 4), (1, 1)];
        keys.sort_by(order);
        assert_eq!(keys, [(3, 4), (3, 5), (2, 9), (1, 1)]);
    }
}
