//! Reference data that the hub gives: commodities, units, regions and markets.

use super::entity::{entity, int_key};
use crate::bucket::CountryCode;
use crate::field::codes;
use crate::ids::{CommodityId, MarketId, RegionId, UnitId};
use crate::row::Key;

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
