//! THE lists of what the market is made of: the entities that are replicated, and the commands that change them.

mod awaited;
pub mod check;
mod command;
mod entity;
mod listings;
mod members;
mod offices;
mod orders;
mod prices;
mod reference;
mod rename;
#[cfg(test)]
mod samples;
mod set;
mod stock;
mod waiting;

pub use check::Invalid;
pub use command::{
    Actor, ActorKind, Body, COMMANDS, Certainty, Command, Context, Decision, Effect, EffectRow, RawBody,
    command_name,
};
pub use entity::Entity;
pub use listings::{
    Listing, ListingEdit, ListingPost, ListingStatus, ListingWithdraw, TextChange, WholeChange,
};
pub use members::{Alias, Member, MemberRegister};
pub use offices::{Cooperative, EdgeSettings, OfficeRole, OfficeUser};
pub use orders::{Channel, Order, OrderCancel, OrderPlace, OrderStatus, Source};
pub use prices::{Price, PriceFlags, PriceSeries};
pub use reference::{Commodity, Market, Region, Unit, UnitBase};
pub use set::{Needs, WorkingSet};
pub use stock::{Adjustment, EntryId, EntryKind, StockAdjust, StockEntry, spendable};
pub use waiting::{Aggregates, Blocked};

macro_rules! entities {
    ($($entity:ident),+ $(,)?) => {
        /// Number and name of every entity of this version.
        pub const ENTITIES: &[(u16, &str)] = &[$((<$entity as Entity>::NUMBER, <$entity as Entity>::NAME)),+];

        /// The fields of an entity that a replica indexes; none for one this version does not know.
        pub fn indexed_fields(number: u16) -> &'static [u16] {
            $(if number == <$entity as Entity>::NUMBER { return <$entity as Entity>::INDEXED; })+
            &[]
        }

        /// The entity's name; `None` for one this version does not know.
        pub fn entity_name(number: u16) -> Option<&'static str> {
            ENTITIES.iter().find(|(n, _)| *n == number).map(|(_, name)| *name)
        }
    };
}

entities! {
    Commodity, Unit, Region, Market, PriceSeries, Price, Cooperative, Member, Alias, OfficeUser, EdgeSettings,
    Listing, StockEntry, Order,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn numbers_and_names_are_unique() {
        let numbers: HashSet<_> = ENTITIES.iter().map(|(n, _)| n).collect();
        let names: HashSet<_> = ENTITIES.iter().map(|(_, n)| n).collect();
        assert_eq!((numbers.len(), names.len()), (ENTITIES.len(), ENTITIES.len()));
    }
}
