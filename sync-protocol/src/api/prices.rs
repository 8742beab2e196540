//! Market prices and the lists they refer to.

use super::Money;
use serde::{Deserialize, Serialize};
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
