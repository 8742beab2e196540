//! Market prices: what markets paid, as far as this box has it. Every price is shown with its month and age; an old one is marked,
//! never hidden. Open to everybody.

use super::filter::{self, passes};
use super::me::best_now_s;
use super::month_of;
use super::names::Names;
use super::text::money;
use crate::http::page::Slice;
use crate::http::problem::ApiError;
use crate::http::query::{self, IdOrName, Params};
use crate::replica;
use crate::state::AppState;
use crate::ussd::OLD_AFTER_MONTHS;
use axum::extract::State;
use axum::response::Response;
use rusqlite::Connection;
use serde::Deserialize;
use std::cmp::{Ordering, Reverse};
use sync_protocol::api::prices::MarketPrice;
use sync_protocol::api::{Page, Problem};
use sync_protocol::entity::{Price, PriceFlags, PriceSeries, UnitBase};
use sync_protocol::ids::{CommodityId, MarketId};
use sync_protocol::limits::PRICE_HISTORY_MONTHS;
use sync_protocol::units::Month;
use utoipa::IntoParams;

/// Whose data it is, in the words of its licence.
const SOURCE: &str = "WFP via HDX";

/// The indexed fields of [`PriceSeries`].
const MARKET_FIELD: u16 = 1;
const COMMODITY_FIELD: u16 = 2;

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

/// What a list is narrowed to.
struct Filter {
    commodity: Option<IdOrName>,
    market: Option<IdOrName>,
    region: Option<IdOrName>,
    country: Option<String>,
    price_type: Option<String>,
    latest: bool,
    from: Option<Month>,
    to: Option<Month>,
}

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

impl PriceQuery {
    fn filter(&self) -> Result<Filter, ApiError> {
        let (from, to) =
            (query::month("from", self.from.as_deref())?, query::month("to", self.to.as_deref())?);
        let latest = query::boolean("latest", self.latest.as_deref())?;
        if latest == Some(true) && (from.is_some() || to.is_some()) {
            return Err(ApiError::parameter("latest", "cannot stand beside `from` and `to`; leave one out."));
        }
        if from.zip(to).is_some_and(|(from, to)| from > to) {
            return Err(ApiError::parameter("to", "must not be before `from`."));
        }
        Ok(Filter {
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
#[utoipa::path(get, path = "/api/v1/market-prices", tag = "Prices", params(PriceQuery),
    responses((status = 200, body = Page<MarketPrice>),
        (status = 400, body = Problem, description = "`unknown_parameter`, `invalid_parameter`", content_type = "application/problem+json")))]
pub async fn list(State(state): State<AppState>, query: Params<PriceQuery>) -> Result<Response, ApiError> {
    let slice = Slice::<ListKey>::read(query.given.limit.as_deref(), query.given.cursor.as_deref())?;
    let (filter, box_now_s) = (query.given.filter()?, state.deps.clock.now_s());
    let page = state.db.read(move |conn| {
        let this_month = month_of(best_now_s(conn, box_now_s)?);
        let mut names = Names::new(conn);
        let series = series(conn, &mut names, &filter)?;
        let key = |row: &Row| (row.month.0, series[row.series].id.0);
        let mut rows = rows(conn, &series, &filter)?;
        rows.sort_unstable_by_key(|row| (Reverse(row.month), series[row.series].id));
        slice.cut(rows, key, order, |row| show(&mut names, &series[row.series], &row, this_month))
    });
    Ok(page.await?.respond(&query.address))
}

fn order(a: &ListKey, b: &ListKey) -> Ordering {
    b.0.cmp(&a.0).then(a.1.cmp(&b.1))
}

fn series(conn: &Connection, names: &mut Names<'_>, filter: &Filter) -> Result<Vec<PriceSeries>, ApiError> {
    let commodities = filter::commodities(conn, filter.commodity.as_ref())?;
    let markets = filter::markets(conn, filter.market.as_ref())?;
    let regions = filter::regions(conn, filter.region.as_ref())?;
    // The narrowest index first: a market of a national node has a few dozen series, a commodity hundreds.
    let mut all = Vec::new();
    match (&markets, &commodities) {
        (Some(ids), _) => {
            for id in ids {
                all.extend(replica::find::<PriceSeries>(conn, MARKET_FIELD, &MarketId(*id))?);
            }
        }
        (None, Some(ids)) => {
            for id in ids {
                all.extend(replica::find::<PriceSeries>(conn, COMMODITY_FIELD, &CommodityId(*id))?);
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

fn rows(conn: &Connection, series: &[PriceSeries], filter: &Filter) -> Result<Vec<Row>, ApiError> {
    // The newest, and the one before it to tell the change.
    let limit = if filter.latest { 2 } else { PRICE_HISTORY_MONTHS as usize + 1 };
    let mut rows = Vec::new();
    for (place, one) in series.iter().enumerate() {
        let prices = replica::prices_of(conn, one.id, limit)?;
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
    let per_base = unit.and_then(|unit| per_base_minor(row.price.price_minor, unit.base, unit.factor_milli));
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

/// The price of one kilogram or litre, rounded half up; `None` where the unit cannot be turned into either.
fn per_base_minor(price_minor: i64, base: UnitBase, factor_milli: i64) -> Option<i64> {
    if !matches!(base, UnitBase::Kilogram | UnitBase::Litre) || factor_milli <= 0 {
        return None;
    }
    let exact = i128::from(price_minor) * 2000 + i128::from(factor_milli);
    i64::try_from(exact.div_euclid(2 * i128::from(factor_milli))).ok()
}

/// By how many tenths of a percent a price moved, rounded towards zero.
fn change_permille(before_minor: i64, price_minor: i64) -> Option<i64> {
    if before_minor <= 0 {
        return None;
    }
    let moved = (i128::from(price_minor) - i128::from(before_minor)) * 1000 / i128::from(before_minor);
    i64::try_from(moved).ok()
}

fn flag_words(flags: PriceFlags) -> Vec<String> {
    let words = [
        (PriceFlags::ACTUAL, "actual"),
        (PriceFlags::AGGREGATE, "aggregate"),
        (PriceFlags::SUSPECT, "suspect"),
    ];
    words.iter().filter(|(flag, _)| flags.has(*flag)).map(|(_, word)| (*word).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_turned_into_one_of_a_kilogram_where_that_can_be_said() {
        assert_eq!(per_base_minor(900_000, UnitBase::Kilogram, 90_000), Some(10_000));
        assert_eq!(per_base_minor(5, UnitBase::Litre, 2_000), Some(3));
        assert_eq!(per_base_minor(100, UnitBase::Piece, 1_000), None);
        assert_eq!(per_base_minor(100, UnitBase::Kilogram, 0), None);
    }

    #[test]
    fn a_change_is_in_tenths_of_a_percent() {
        assert_eq!(change_permille(200, 210), Some(50));
        assert_eq!(change_permille(200, 100), Some(-500));
        assert_eq!(change_permille(0, 100), None);
        assert_eq!(flag_words(PriceFlags::ACTUAL.with(PriceFlags::SUSPECT)), ["actual", "suspect"]);
    }

    #[test]
    fn newest_months_come_first_and_series_upwards() {
        let mut keys = [(2, 9), (3, 5), (3, 4), (1, 1)];
        keys.sort_by(order);
        assert_eq!(keys, [(3, 4), (3, 5), (2, 9), (1, 1)]);
    }
}
