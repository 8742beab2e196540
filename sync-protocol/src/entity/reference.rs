//! Reference data that the hub gives: commodities, units, regions, markets, price series and prices.

use super::field::{codes, entity};
use crate::bucket::CountryCode;
use crate::ids::{CommodityId, MarketId, RegionId, SeriesId, UnitId};
use crate::row::Key;
use crate::units::{Currency, Month};

fn int_key(key: Key) -> Option<u32> {
    if let Key::Int(n) = key { Some(n) } else { None }
}

entity! {
    /// A commodity as the price source names it, with names in farmers' languages where one is known. In `global`.
    Commodity = 1 "commodity", key id: CommodityId => |id| Key::Int(id.0), |key| int_key(key).map(CommodityId);
    index [];
    {
        /// English name.
        1 name: String,
        /// The source's category, such as "cereals and tubers".
        2 category: String,
        /// Swahili name; empty where none is known.
        3 name_sw: String,
        /// Chichewa name; empty where none is known.
        4 name_ny: String,
        /// French name; empty where none is known.
        5 name_fr: String,
        /// Whether farmers' menus offer it (fuel, wages and exchange rates are not offered).
        6 on_menus: bool,
    }
}

codes! {
    /// What a unit measures.
    UnitBase { Unknown = 0 "unknown", Kilogram = 1 "kg", Litre = 2 "l", Piece = 3 "piece" }
}

entity! {
    /// A unit of price or sale, such as `90 KG`. In `global`.
    Unit = 2 "unit", key id: UnitId => |id| Key::Int(id.0), |key| int_key(key).map(UnitId);
    index [];
    {
        /// As the source writes it.
        1 code: String,
        /// What it measures.
        2 base: UnitBase,
        /// How much of the base one unit is, in thousandths: 90,000 for `90 KG`; 0 where it cannot be said.
        3 factor_milli: i64,
    }
}

impl Unit {
    /// The smallest step in which it can be had, in thousandths; see [`UnitBase::step_milli`].
    pub fn step_milli(&self) -> i64 {
        self.base.step_milli(self.factor_milli)
    }
}

impl UnitBase {
    /// The smallest step in which so large a unit can be had, in thousandths of it: pieces are whole, so a head goes by ones and a
    /// dozen by twelfths where those are thousandths (a quarter is three pieces). What is weighed or poured, or cannot be measured,
    /// goes by thousandths.
    pub fn step_milli(self, factor_milli: i64) -> i64 {
        /// A quantity times a factor, both in thousandths, is a whole number of pieces when it is a multiple of this.
        const WHOLE: i64 = 1_000_000;
        if self != Self::Piece || factor_milli <= 0 {
            return 1;
        }
        let (mut a, mut b) = (factor_milli, WHOLE);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        WHOLE / a
    }
}

entity! {
    /// A region of a country. In `country:C`.
    Region = 3 "region", key id: RegionId => |id| Key::Int(id.0), |key| int_key(key).map(RegionId);
    index [];
    {
        /// Name as the price source writes it.
        1 name: String,
        /// Its country.
        2 country: CountryCode,
    }
}

entity! {
    /// A physical market. In `region:R`, or `country:C` where the source names no region.
    Market = 4 "market", key id: MarketId => |id| Key::Int(id.0), |key| int_key(key).map(MarketId);
    index [];
    {
        /// Name as the source writes it.
        1 name: String,
        /// Its country.
        2 country: CountryCode,
        /// Its region, where known.
        3 region: Option<RegionId>,
        /// District, or empty.
        4 district: String,
        /// Latitude in hundred-thousandths of a degree, where known.
        5 latitude_e5: Option<i64>,
        /// Longitude in hundred-thousandths of a degree, where known.
        6 longitude_e5: Option<i64>,
    }
}

entity! {
    /// What one line of a price history is of. Stands in its market's bucket.
    PriceSeries = 5 "price_series", key id: SeriesId => |id| Key::Int(id.0), |key| int_key(key).map(SeriesId);
    index [1, 2];
    {
        /// The market.
        1 market: MarketId,
        /// The commodity.
        2 commodity: CommodityId,
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

impl super::Field for PriceFlags {
    fn to_value(&self) -> crate::value::Value<'_> {
        crate::value::Value::Int(i64::from(self.0))
    }
    fn is_default(&self) -> bool {
        self.0 == 0
    }
    fn from_value(value: crate::value::Value<'_>) -> Option<Self> {
        u32::from_value(value).map(Self)
    }
    fn absent() -> Option<Self> {
        Some(Self(0))
    }
}

/// A price's key: series and month.
fn price_key(key: Key) -> Option<(SeriesId, Month)> {
    if let Key::Pair(series, month) = key { Some((SeriesId(series), Month(month))) } else { None }
}

entity! {
    /// One month's price of one series. Stands in its market's bucket.
    Price = 6 "price", key at: (SeriesId, Month) => |at| Key::Pair(at.0.0, at.1.0), price_key;
    index [];
    {
        /// Minor units of the series' currency for one of the series' units.
        1 price_minor: i64,
        /// What is known about it.
        2 flags: PriceFlags,
    }
}

#[cfg(test)]
mod tests {
    use super::UnitBase::{Kilogram, Litre, Piece, Unknown};

    #[test]
    fn pieces_are_whole() {
        for (base, factor_milli, step_milli) in [
            (Piece, 1_000, 1_000),
            (Piece, 12_000, 250),
            (Piece, 30_000, 100),
            (Piece, 0, 1),
            (Kilogram, 1_000, 1),
            (Kilogram, 90_000, 1),
            (Litre, 500, 1),
            (Unknown, 0, 1),
        ] {
            assert_eq!(base.step_milli(factor_milli), step_milli, "{base:?} {factor_milli}");
        }
    }
}
