//! Prices at markets, by series and month.

use super::entity::{Sample, entity};
use crate::field::Field;
use crate::ids::{CommodityId, Id, MarketId, SeriesId, UnitId};
use crate::row::Key;
use crate::units::{Currency, Month};
use crate::value::Value;

entity! {
    /// What one line of a price history is of. Stands in its market's bucket.
    PriceSeries = 5 "price_series", id id: SeriesId;
    {
        /// The market.
        1 market: MarketId => MARKET,
        /// The commodity.
        2 commodity: CommodityId => COMMODITY,
        /// The unit that the price is for.
        3 unit: UnitId,
        /// `Retail`, `Wholesale`, or the source's other word.
        4 price_type: String,
        /// The currency.
        5 currency: Currency,
    }
}

/// What is known about a price beside its number; a set of bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PriceFlags(pub u32);

impl PriceFlags {
    /// Seen at a market.
    pub const ACTUAL: Self = Self(1);
    /// Averaged from several.
    pub const AGGREGATE: Self = Self(2);
    /// More than four times its neighbour, or less than a quarter: shown, but no alert is sent from it.
    pub const SUSPECT: Self = Self(4);

    /// Whether all of `other`'s bits are set.
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both sets together.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl Field for PriceFlags {
    fn to_value(&self) -> Value<'_> {
        Value::Int(i64::from(self.0))
    }
    fn is_default(&self) -> bool {
        self.0 == 0
    }
    fn from_value(value: Value<'_>) -> Option<Self> {
        u32::from_value(value).map(Self)
    }
    fn absent() -> Option<Self> {
        Some(Self(0))
    }
}

/// A price's identity: series and month.
impl Id for (SeriesId, Month) {
    fn to_key(self) -> Key {
        Key::Pair(self.0.0, self.1.0)
    }
    fn from_key(key: Key) -> Option<Self> {
        if let Key::Pair(series, month) = key { Some((SeriesId(series), Month(month))) } else { None }
    }
}

entity! {
    /// One month's price of one series. Stands in its market's bucket.
    Price = 6 "price", id at: (SeriesId, Month);
    {
        /// Minor units of the series' currency for one of the series' units.
        1 price_minor: i64,
        /// What is known about it.
        2 flags: PriceFlags,
    }
}

impl Sample for PriceSeries {
    fn sample() -> Self {
        Self {
            id: SeriesId(77),
            market: MarketId(9),
            commodity: CommodityId(5),
            unit: UnitId(1),
            price_type: "Retail".into(),
            currency: Currency::MWK,
        }
    }
}

impl Sample for Price {
    fn sample() -> Self {
        let flags = PriceFlags::ACTUAL.with(PriceFlags::SUSPECT);
        Self { at: (SeriesId(77), Month(24_269)), price_minor: 22_650, flags }
    }
}
