//! Reference data that the hub gives: commodities, units, regions and markets.

use super::entity::{Sample, entity};
use super::set::WorkingSet;
use crate::bucket::CountryCode;
use crate::field::codes;
use crate::ids::{CommodityId, MarketId, RegionId, UnitId};
use crate::units::Quantity;
use crate::verdict::{Reject, RejectCode};

entity! {
    /// A commodity as the price source names it, with names in farmers' languages where one is known. In `global`.
    Commodity = 1 "commodity", id id: CommodityId;
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
    Unit = 2 "unit", id id: UnitId;
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
    Region = 3 "region", id id: RegionId;
    {
        /// Name as the price source writes it.
        1 name: String,
        /// Its country.
        2 country: CountryCode,
    }
}

entity! {
    /// A physical market. In `region:R`, or `country:C` where the source names no region.
    Market = 4 "market", id id: MarketId;
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

impl WorkingSet {
    /// Whether there can be so much of a unit: what is counted in pieces is whole. Of a unit that is not known here nothing is said.
    pub fn is_in_steps(&self, unit: UnitId, quantity: Quantity) -> bool {
        quantity.0 % self.get::<Unit>(unit).map_or(1, |unit| unit.step_milli()).max(1) == 0
    }
}

/// Refuses parts of what is counted in pieces (half a head): a request wherever it is decided, a record only where it is entered. What an
/// office has recorded is applied, and an order of it is flagged.
pub(super) fn in_steps(set: &WorkingSet, unit: UnitId, quantity: Quantity) -> Result<(), Reject> {
    let refusal = || Reject::with(RejectCode::Invalid, ["/quantity".to_owned()]);
    if set.is_in_steps(unit, quantity) { Ok(()) } else { Err(refusal()) }
}

impl Sample for Commodity {
    fn sample() -> Self {
        Self {
            id: CommodityId(5),
            name: "Maize".into(),
            category: "cereals and tubers".into(),
            name_sw: "Mahindi".into(),
            name_ny: "Chimanga".into(),
            name_fr: "Maïs".into(),
            on_menus: true,
        }
    }
}

impl Sample for Unit {
    fn sample() -> Self {
        Self { id: UnitId(1), code: "90 KG".into(), base: UnitBase::Kilogram, factor_milli: 90_000 }
    }
}

impl Sample for Region {
    fn sample() -> Self {
        Self { id: RegionId(3), name: "Central Region".into(), country: CountryCode::MWI }
    }
}

impl Sample for Market {
    fn sample() -> Self {
        Self {
            id: MarketId(9),
            name: "Lilongwe".into(),
            country: CountryCode::MWI,
            region: Some(RegionId(3)),
            district: "Lilongwe".into(),
            latitude_e5: Some(-1_398_333),
            longitude_e5: Some(0),
        }
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
