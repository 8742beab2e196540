//! Reads market prices. Every price is shown with its month and age; an old one is marked, never hidden. Open to everybody.

use super::db::{self, Filter, ListKey, PriceRow};
use crate::error::ApiError;
use crate::http::page::{Cut, Slice};
use crate::market::reference::db::must_be_known;
use crate::market::text::money;
use crate::state::AppState;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use sync_protocol::api::prices::MarketPrice;
use sync_protocol::entity::{PriceFlags, UnitBase};
use sync_protocol::units::Month;

/// A price of more months than this is old: it stays out of a comparison of markets. The same as on phones.
pub const OLD_AFTER_MONTHS: u32 = 3;

/// A page of prices.
pub(crate) async fn list(
    state: &AppState,
    filter: &Filter,
    slice: &Slice<ListKey>,
) -> Result<Cut<MarketPrice>, ApiError> {
    let this_month = month_of(state.deps.clock.now());
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

fn month_of(now: Timestamp) -> Month {
    let date = now.to_zoned(TimeZone::UTC).date();
    let number = |n: i64| u32::try_from(n).unwrap_or(0);
    Month::new(number(date.year().into()), number(date.month().into())).unwrap_or(Month(0))
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

/// Whose data it is, in the words of its licence.
fn source_words(source: &str) -> String {
    match source {
        "wfp" => "WFP via HDX".to_owned(),
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_turned_into_one_of_a_kilogram_where_that_can_be_said() {
        assert_eq!(per_base_minor(900_000, UnitBase::Kilogram, 90_000), Some(10_000));
        assert_eq!(per_base_minor(100, UnitBase::Kilogram, 200), Some(500));
        assert_eq!(per_base_minor(100, UnitBase::Litre, 3_000), Some(33));
        assert_eq!(per_base_minor(5, UnitBase::Litre, 2_000), Some(3));
        assert_eq!(per_base_minor(100, UnitBase::Piece, 1_000), None);
        assert_eq!(per_base_minor(100, UnitBase::Kilogram, 0), None);
    }

    #[test]
    fn a_change_is_in_tenths_of_a_percent() {
        assert_eq!(change_permille(200, 210), Some(50));
        assert_eq!(change_permille(200, 100), Some(-500));
        assert_eq!(change_permille(0, 100), None);
        assert_eq!(month_of(Timestamp::from_second(1_772_352_000).unwrap()), Month::new(2026, 3).unwrap());
        assert_eq!(flag_words(PriceFlags::ACTUAL.with(PriceFlags::SUSPECT)), ["actual", "suspect"]);
    }
}
