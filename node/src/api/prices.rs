//! Market prices and the lists they refer to.

use super::Money;
use serde::{Deserialize, Serialize};
use sync_protocol::market::{PriceFlags, UnitBase};
use utoipa::ToSchema;

/// A commodity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Commodity {
    /// Its id.
    pub id: u32,
    /// English name.
    #[schema(example = "Maize")]
    pub name: String,
    /// The source's category.
    pub category: String,
    /// Names in other languages by code; compiled, not yet checked by native speakers.
    pub names: std::collections::BTreeMap<String, String>,
}

/// A unit of price or sale.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Unit {
    /// Its id.
    pub id: u32,
    /// As people write it.
    #[schema(example = "90 KG")]
    pub code: String,
    /// `kg`, `l`, `piece` or `unknown`.
    pub base: String,
    /// How much of the base one unit is, as a decimal string; missing where it cannot be said.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub factor: Option<String>,
}

/// A market.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Market {
    /// Its id.
    pub id: u32,
    /// Its name.
    #[schema(example = "Lilongwe")]
    pub name: String,
    /// ISO 3166-1 alpha-3.
    pub country: String,
    /// Its region, where known.
    pub region: Option<String>,
    /// Its district, where known.
    pub district: Option<String>,
    /// Degrees north, where known.
    pub latitude: Option<f64>,
    /// Degrees east, where known.
    pub longitude: Option<f64>,
}

/// A region of a country.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Region {
    /// Its id.
    pub id: u32,
    /// Its name, as the price source writes it.
    #[schema(example = "Central Region")]
    pub name: String,
    /// ISO 3166-1 alpha-3.
    #[schema(example = "MWI")]
    pub country: String,
}

/// One month's price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MarketPrice {
    /// The commodity.
    pub commodity_id: u32,
    /// Its name.
    pub commodity: String,
    /// The market.
    pub market_id: u32,
    /// Its name.
    pub market: String,
    /// The market's region, where known.
    pub region: Option<String>,
    /// ISO 3166-1 alpha-3.
    pub country: String,
    /// The unit that the price is for.
    #[schema(example = "KG")]
    pub unit: String,
    /// `Retail`, `Wholesale`, or the source's other word.
    pub price_type: String,
    /// The month, `YYYY-MM`.
    #[schema(example = "2022-06")]
    pub month: String,
    /// Whole months since then.
    pub age_months: u32,
    /// Whether it is too old for a "best market".
    pub old: bool,
    /// The price of one unit.
    pub price: Money,
    /// The price of one kilogram or litre, where the unit allows.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub price_per_base: Option<Money>,
    /// Change against the month before in the series, in tenths of a percent, where there is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub change_permille: Option<i64>,
    /// Words such as `actual`, `aggregate`, `suspect`.
    pub flags: Vec<String>,
    /// Whose data it is.
    #[schema(example = "WFP via HDX")]
    pub source: String,
}

/// Kilograms of a pound, in billionths: by definition.
const POUND_NANO: i128 = 453_592_370;

/// Billionths of a unit's base in a thousandth of it.
const NANO_IN_MILLI: i128 = 1_000_000;

/// The price of one kilogram or litre, rounded half up; `None` where the unit cannot be turned into either. `code` is the unit as the
/// source writes it: a pound is no whole number of grams, which is all that rows keep of it.
pub fn per_base_minor(price_minor: i64, code: &str, base: UnitBase, factor_milli: i64) -> Option<i64> {
    if !matches!(base, UnitBase::Kilogram | UnitBase::Litre) || factor_milli <= 0 {
        return None;
    }
    let factor_nano = pounds(code, factor_milli)
        .map_or(i128::from(factor_milli) * NANO_IN_MILLI, |pounds| i128::from(pounds) * POUND_NANO);
    let doubled = i128::from(price_minor) * 2_000_000_000 + factor_nano;
    i64::try_from(doubled.div_euclid(2 * factor_nano)).ok()
}

/// How many whole pounds a unit is, if it is sold by the pound.
fn pounds(code: &str, factor_milli: i64) -> Option<i64> {
    let word = code.trim().trim_start_matches(|c: char| c.is_ascii_digit()).trim().to_ascii_lowercase();
    let pounds = (i128::from(factor_milli) * NANO_IN_MILLI + POUND_NANO / 2) / POUND_NANO;
    let is_pound = matches!(word.as_str(), "pound" | "pounds" | "lb" | "lbs");
    i64::try_from(pounds).ok().filter(|pounds| is_pound && *pounds > 0)
}

/// By how many tenths of a percent a price moved, rounded towards zero.
pub fn change_permille(before_minor: i64, price_minor: i64) -> Option<i64> {
    if before_minor <= 0 {
        return None;
    }
    let moved = (i128::from(price_minor) - i128::from(before_minor)) * 1000 / i128::from(before_minor);
    i64::try_from(moved).ok()
}

/// What is said of a price, in words.
pub fn flag_words(flags: PriceFlags) -> Vec<String> {
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
        assert_eq!(per_base_minor(900_000, "90 KG", UnitBase::Kilogram, 90_000), Some(10_000));
        assert_eq!(per_base_minor(100, "200 G", UnitBase::Kilogram, 200), Some(500));
        assert_eq!(per_base_minor(100, "3 L", UnitBase::Litre, 3_000), Some(33));
        assert_eq!(per_base_minor(5, "2 L", UnitBase::Litre, 2_000), Some(3));
        assert_eq!(per_base_minor(100, "Head", UnitBase::Piece, 1_000), None);
        assert_eq!(per_base_minor(100, "KG", UnitBase::Kilogram, 0), None);
        // A pound is 0.45359237 kg: 45.36 are 100.00 a kilogram.
        assert_eq!(per_base_minor(4_536, "Pound", UnitBase::Kilogram, 454), Some(10_000));
        assert_eq!(per_base_minor(226_796, "50 Pounds", UnitBase::Kilogram, 22_680), Some(10_000));
        assert_eq!(per_base_minor(4_536, "454 G", UnitBase::Kilogram, 454), Some(9_991));
    }

    #[test]
    fn a_change_is_in_tenths_of_a_percent() {
        assert_eq!(change_permille(200, 210), Some(50));
        assert_eq!(change_permille(200, 100), Some(-500));
        assert_eq!(change_permille(0, 100), None);
        assert_eq!(flag_words(PriceFlags::ACTUAL.with(PriceFlags::SUSPECT)), ["actual", "suspect"]);
    }
}
