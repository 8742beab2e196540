//! Reads market prices. Every price is shown with its month and age; an old one is marked, never hidden. Open to everybody.

use super::db::{self, ListKey, PriceRow};
use crate::error::ApiError;
use crate::names::kept::{Kept, Market};
use crate::names::{Asked, Meant};
use crate::state::AppState;
use mizili_node::market::prices::{MarketPrice, PriceFilter, change_permille, flag_words, per_base_minor};
use mizili_node::page::{Cut, Slice};
use mizili_node::text::{money, month_of};
use sync_protocol::units::Month;

/// A price of more months than this is old: it stays out of a comparison of markets. The same as on phones.
pub const OLD_AFTER_MONTHS: u32 = 3;

/// A page of prices.
pub(crate) async fn list(
    state: &AppState,
    filter: &PriceFilter,
    slice: &Slice<ListKey>,
) -> Result<Cut<MarketPrice>, ApiError> {
    let this_month = month_of(state.deps.clock.now_s());
    let asked = Asked {
        commodity: filter.commodity.as_ref(),
        market: filter.market.as_ref(),
        region: filter.region.as_ref(),
        crop: None,
    };
    let (names, mut meant) = state.names.meant(&state.db, &state.deps, asked).await?;
    meant.markets = markets(&names, filter.country.as_deref(), &meant);
    let (meant, wanted) = (&meant, slice.fetch());
    let rows = state.db.read(&state.deps, |mut conn| async move {
        db::list(&mut conn, filter, meant, slice.after, wanted).await
    });
    let rows = rows.await?;
    let rows = rows.iter().map(db::price_of).collect::<Result<Vec<_>, _>>()?;
    let named = |names: &Kept| {
        rows.iter().map(|row| Some((key(row), show(row, names, this_month)?))).collect::<Option<Vec<_>>>()
    };
    Ok(slice.cut(state.names.shown(&state.db, &state.deps, &names, named).await?))
}

/// The markets that a list is narrowed to: those that were named, of the regions and the country that were.
fn markets(names: &Kept, country: Option<&str>, meant: &Meant) -> Option<Vec<i32>> {
    if country.is_none() && meant.regions.is_none() {
        return meant.markets.clone();
    }
    let within = |id: i32, market: &Market| {
        meant.markets.as_ref().is_none_or(|markets| markets.contains(&id))
            && country.is_none_or(|country| market.country == country)
            && meant
                .regions
                .as_ref()
                .is_none_or(|regions| market.region.is_some_and(|r| regions.contains(&r)))
    };
    Some(names.markets_where(within))
}

fn key(row: &PriceRow<'_>) -> ListKey {
    (month(row).0.cast_signed(), row.series.id.0.cast_signed())
}

fn month(row: &PriceRow<'_>) -> Month {
    row.price.at.1
}

/// `None` where a name is not known yet.
fn show(row: &PriceRow<'_>, names: &Kept, this_month: Month) -> Option<MarketPrice> {
    let PriceRow { series, price, source, before_minor } = row;
    let age_months = month(row).months_until(this_month);
    let (market, unit) = (names.market(series.market)?, names.unit(series.unit)?);
    let per_base = per_base_minor(price.price_minor, &unit.code, unit.base, unit.factor_milli);
    let currency = series.currency.as_str();
    Some(MarketPrice {
        commodity_id: series.commodity.0,
        commodity: names.commodity(series.commodity)?.to_owned(),
        market_id: series.market.0,
        market: market.name.clone(),
        region: match market.region {
            Some(region) => Some(names.region(region)?.to_owned()),
            None => None,
        },
        country: market.country.clone(),
        unit: unit.code.clone(),
        price_type: series.price_type.clone(),
        month: month(row).to_string(),
        age_months,
        old: age_months > OLD_AFTER_MONTHS,
        price: money(price.price_minor, currency),
        price_per_base: per_base.map(|amount| money(amount, currency)),
        change_permille: before_minor.and_then(|before| change_permille(before, price.price_minor)),
        flags: flag_words(price.flags),
        source: source_words(source),
    })
}

/// Whose data it is, in the words of its licence.
fn source_words(source: &str) -> String {
    match source {
        "wfp" => "WFP via HDX".to_owned(),
        other => other.to_owned(),
    }
}
