//! Prices, and where they were seen.

use super::{Named, Read, Window};
use crate::text::Lang;
use sync_protocol::phone::Phone;
use sync_protocol::units::{Currency, Month};

/// Whose price it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PriceKind {
    /// What a buyer of small quantities pays.
    Retail,
    /// What a trader pays.
    Wholesale,
    /// What a farmer gets.
    FarmGate,
    /// Something else: shown without a word.
    Other,
}

impl PriceKind {
    /// From the price source's word.
    pub fn from_source(word: &str) -> Self {
        match word {
            "Retail" => Self::Retail,
            "Wholesale" => Self::Wholesale,
            "Farm Gate" | "Producer" => Self::FarmGate,
            _ => Self::Other,
        }
    }
}

/// One price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// Minor units of the series' currency for one of the series' units.
    pub price_minor: i64,
    /// Its month.
    pub month: Month,
}

/// One line of prices: a commodity at a market in one unit and of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    /// The unit's id: best prices are compared within it.
    pub unit: u32,
    /// The unit as a screen shows it, such as `kg` or `90 kg`.
    pub unit_text: String,
    /// Whose price.
    pub kind: PriceKind,
    /// The currency.
    pub currency: Currency,
    /// The newest price.
    pub latest: Point,
    /// The one before it.
    pub previous: Option<Point>,
    /// Who says so, in a word: `WFP`. May be empty.
    pub source: String,
}

/// What is known about a commodity at a market.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// The commodity's name.
    pub crop: String,
    /// The market's name.
    pub market: String,
    /// Its lines of prices, the most useful first; empty when there is none.
    pub series: Vec<Series>,
}

/// The best price near a market.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Best {
    /// The market's id; it may be the very one that was asked about.
    pub market: u32,
    /// The market's name.
    pub name: String,
    /// The price.
    pub point: Point,
}

/// Markets and their prices. Prices that were only forecast, and commodities that are not on farmers' menus, must not come through here.
pub trait Prices {
    /// Markets with a price of a commodity, those near the caller or this office first.
    fn markets(&self, commodity: u32, phone: &Phone, starts_with: &str, window: Window) -> Read<Vec<Named>>;

    /// All markets with a price of a commodity, those nearest to a market first; without one, those near this office, or those with
    /// most prices where it is nowhere in particular.
    fn nearest(&self, commodity: u32, to: Option<u32>) -> Read<Vec<Named>>;

    /// All markets, with prices or without: for finding in an SMS one that has none.
    fn all_markets(&self) -> Read<Vec<Named>>;

    /// The market to answer about when an SMS names none; `None` where there is no obvious one.
    fn home_market(&self, phone: &Phone, commodity: u32) -> Read<Option<u32>>;

    /// The prices of a commodity at a market; `None` when either does not exist.
    fn quote(&self, commodity: u32, market: u32, lang: Lang) -> Read<Option<Quote>>;

    /// The highest price near a market (itself included) in the same unit, kind and currency, not older than a month.
    fn best_near(
        &self,
        commodity: u32,
        market: u32,
        series: &Series,
        not_before: Month,
    ) -> Read<Option<Best>>;
}
