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

#[cfg(test)]
mod in_memory {
    use crate::text::Lang;
    use crate::ussd::fake::{Fake, begins, part};
    use crate::ussd::market::*;
    use sync_protocol::phone::Phone;
    use sync_protocol::units::Month;

    impl Prices for Fake {
        fn markets(&self, _: u32, _: &Phone, starts_with: &str, window: Window) -> Read<Vec<Named>> {
            self.readable()?;
            Ok(part(self.markets.iter().filter(|named| begins(&named.name, starts_with)).cloned(), window))
        }

        /// Those with a price, as a replica has it.
        fn nearest(&self, _: u32, _: Option<u32>) -> Read<Vec<Named>> {
            let mut markets = self.all_markets()?;
            markets.pop();
            Ok(markets)
        }

        fn all_markets(&self) -> Read<Vec<Named>> {
            self.readable()?;
            Ok(self.markets.clone())
        }

        fn home_market(&self, _: &Phone, _: u32) -> Read<Option<u32>> {
            Ok(self.markets.first().map(|named| named.id))
        }

        fn quote(&self, commodity: u32, market: u32, lang: Lang) -> Read<Option<Quote>> {
            let Some(crop) = self.crop_name(commodity, lang)? else { return Ok(None) };
            let Some(named) = self.markets.iter().find(|named| named.id == market) else { return Ok(None) };
            // The last market of the list has no price yet: it is near nothing.
            let mut series =
                if named.id as usize == self.markets.len() { Vec::new() } else { self.series.clone() };
            let month =
                self.months.iter().find(|(of, _)| *of == (commodity, market)).map(|(_, month)| *month);
            if let (Some(first), Some(month)) = (series.first_mut(), month) {
                first.latest.month = month;
            }
            Ok(Some(Quote { crop, market: named.name.clone(), series }))
        }

        fn best_near(&self, _: u32, _: u32, _: &Series, not_before: Month) -> Read<Option<Best>> {
            Ok(self.best.clone().filter(|best| best.point.month >= not_before))
        }
    }
}
