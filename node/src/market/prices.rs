//! Market prices, and the parameters of their list.

use crate::api::Money;
use crate::page::Slice;
use crate::problem::Problem;
use crate::query::{self, IdOrName};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sync_protocol::market::{PriceFlags, UnitBase};
use sync_protocol::units::Month;
use utoipa::{IntoParams, ToSchema};

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

/// What a list of prices is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct PriceFilter {
    /// A commodity of that id or name.
    pub commodity: Option<IdOrName>,
    /// A market of that id or name.
    pub market: Option<IdOrName>,
    /// A region of that id or name.
    pub region: Option<IdOrName>,
    /// ISO 3166-1 alpha-3.
    pub country: Option<String>,
    /// `Retail`, `Wholesale`; any case.
    pub price_type: Option<String>,
    /// Only the newest price of each series.
    pub latest: bool,
    /// The first month.
    pub from: Option<Month>,
    /// The last month, not before the first.
    pub to: Option<Month>,
}

impl PriceQuery {
    /// What it narrows a list to, and which page. `list` names the list in its cursors, see [`Slice::read`].
    ///
    /// # Errors
    /// Names the parameter that is wrong.
    pub fn read<K: Serialize + DeserializeOwned>(
        &self,
        list: &'static str,
    ) -> Result<(PriceFilter, Slice<K>), Problem> {
        let slice = Slice::read(list, self.limit.as_deref(), self.cursor.as_deref())?;
        Ok((self.filter()?, slice))
    }

    fn filter(&self) -> Result<PriceFilter, Problem> {
        let (from, to) =
            (query::month("from", self.from.as_deref())?, query::month("to", self.to.as_deref())?);
        let latest = query::boolean("latest", self.latest.as_deref())?;
        if latest == Some(true) && (from.is_some() || to.is_some()) {
            return Err(Problem::parameter("latest", "cannot stand beside `from` and `to`; leave one out."));
        }
        if from.zip(to).is_some_and(|(from, to)| from > to) {
            return Err(Problem::parameter("to", "must not be before `from`."));
        }
        Ok(PriceFilter {
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
