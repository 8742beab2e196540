//! Reads market prices. Every price is shown with its month and age; an old one is marked, never hidden. Open to everybody.

use super::db::{self, ListKey, PriceRow};
use crate::error::ApiError;
use crate::market::reference::db::must_be_known;
use crate::state::AppState;
use mizili_node::lists::PriceFilter;
use mizili_node::page::{Cut, Slice};
use mizili_node::text::{money, month_of};
use sync_protocol::api::prices::{MarketPrice, change_permille, flag_words, per_base_minor};
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
    let mut tx = state.db.begin().await?;
    let rows = db::list(&mut tx, filter, slice.after, slice.fetch()).await?;
    if rows.is_empty() && slice.after.is_none() {
        // Nothing to show: a misspelt name is said, not answered with an empty list.
        let (commodity, market, region) =
            (filter.commodity.as_ref(), filter.market.as_ref(), filter.region.as_ref());
        must_be_known(&mut tx, commodity, market, region).await?;
    }
    tx.commit().await?;
    Ok(slice.cut(rows.into_iter().map(|row| (key(&row), show(row, this_month))).collect()))
}

fn key(row: &PriceRow) -> ListKey {
    (row.month.0.cast_signed(), row.series)
}

fn show(row: PriceRow, this_month: Month) -> MarketPrice {
    let age_months = row.month.months_until(this_month);
    let per_base = per_base_minor(row.price_minor, row.base, row.factor_milli);
    MarketPrice {
        commodity_id: row.commodity.cast_unsigned(),
        commodity: row.commodity_name,
        market_id: row.market.cast_unsigned(),
        market: row.market_name,
        region: row.region,
        country: row.country,
        unit: row.unit,
        price_type: row.price_type,
        month: row.month.to_string(),
        age_months,
        old: age_months > OLD_AFTER_MONTHS,
        price: money(row.price_minor, &row.currency),
        price_per_base: per_base.map(|amount| money(amount, &row.currency)),
        change_permille: row.before_minor.and_then(|before| change_permille(before, row.price_minor)),
        flags: flag_words(row.flags),
        source: source_words(&row.source),
    }
}

/// Whose data it is, in the words of its licence.
fn source_words(source: &str) -> String {
    match source {
        "wfp" => "WFP via HDX".to_owned(),
        other => other.to_owned(),
    }
}
