//! THE list of replicated entities. Each has a file with its fields and checks.
//!
//! To add one: a file here, a line in the list below, a projection at the hub. The codec, the edge's replica and the digests
//! need nothing: they know rows only as numbered fields.

pub mod field;
mod market;
mod people;
mod reference;
mod stock;

pub use field::{Field, FieldError};
pub use market::{Channel, Listing, ListingStatus, Order, OrderStatus};
pub use people::{Alias, Cooperative, EdgeSettings, Member, OfficeRole, OfficeUser};
pub use reference::{Commodity, Market, Price, PriceFlags, PriceSeries, Region, Unit, UnitBase};
pub use stock::{EntryId, EntryKind, StockEntry};

use crate::row::Key;
use crate::value::Fields;

/// A typed view of a replicated row.
pub trait Entity: Sized {
    /// The number on the wire; never reused.
    const NUMBER: u16;
    /// The name in logs and errors.
    const NAME: &'static str;
    /// Fields that a replica keeps an index on.
    const INDEXED: &'static [u16];
    /// The row's key.
    fn key(&self) -> Key;
    /// The row's fields, canonical: default values left out.
    fn to_fields(&self) -> Fields;
    /// From a row.
    ///
    /// # Errors
    /// Names the field that does not fit.
    fn from_fields(key: Key, fields: &Fields) -> Result<Self, FieldError>;
}

macro_rules! list {
    ($($entity:ident),+ $(,)?) => {
        /// Number and name of every entity of this version.
        pub const ALL: &[(u16, &str)] = &[$((<$entity as Entity>::NUMBER, <$entity as Entity>::NAME)),+];

        /// The fields of an entity that a replica indexes; none for one this version does not know.
        pub fn indexed_fields(number: u16) -> &'static [u16] {
            $(if number == <$entity as Entity>::NUMBER { return <$entity as Entity>::INDEXED; })+
            &[]
        }

        /// The entity's name; `None` for one this version does not know.
        pub fn name(number: u16) -> Option<&'static str> {
            ALL.iter().find(|(n, _)| *n == number).map(|(_, name)| *name)
        }
    };
}

list! {
    Commodity, Unit, Region, Market, PriceSeries, Price, Cooperative, Member, Alias, OfficeUser, EdgeSettings,
    Listing, StockEntry, Order,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn numbers_and_names_are_unique() {
        let numbers: HashSet<_> = ALL.iter().map(|(n, _)| n).collect();
        let names: HashSet<_> = ALL.iter().map(|(_, n)| n).collect();
        assert_eq!((numbers.len(), names.len()), (ALL.len(), ALL.len()));
    }
}
