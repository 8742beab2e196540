//! What the market is made of: the nouns that are replicated, and the commands that change them. Each noun has a file or a folder: its
//! row, where it stands if commands set it, and a file for each command.
//!
//! To add a noun that edges see: its file, and a line in `entities!`. To add a command: its file, and a line in `commands!`. Neither
//! list can be forgotten: the hub's list of tables is compared with the one, and what stands not in the other is no command. All of the
//! recipe is in ARCHITECTURE.md.

#[cfg(test)]
mod cases;
pub mod check;
mod command;
mod decision;
mod entity;
mod facts;
mod listings;
mod members;
mod offices;
mod orders;
mod prices;
mod reference;
mod set;
mod stock;
mod waiting;

pub use check::Invalid;
pub use command::{Actor, ActorKind, Command, Context, Form, RawBody, Rule};
pub use decision::{Certainty, Decision, Effect};
pub use entity::{Awaited, Column, Entity, Index, Sample, Settable, Settled};
pub use facts::Facts;
pub use listings::{
    Listing, ListingEdit, ListingPost, ListingStatus, ListingWithdraw, TextChange, WholeChange,
};
pub use members::{Alias, Member, MemberRegister};
pub use offices::{Cooperative, EdgeSettings, OfficeRole, OfficeUser};
pub use orders::{Channel, Order, OrderCancel, OrderPlace, OrderStatus, Source};
pub use prices::{Price, PriceFlags, PriceSeries};
pub use reference::{Commodity, Market, Region, Unit, UnitBase};
pub use set::{Made, Needs, Search, WorkingSet};
pub use stock::{Adjustment, EntryId, EntryKind, StockAdjust, StockEntry, spendable};
pub use waiting::{Aggregates, Blocked};

// What the two lists are written out with.
use crate::ids::{CommandId, ListingId, OrderId};
use crate::verdict::{Reject, RejectCode};
use uuid::Uuid;

entity::entities! {
    seen: [Commodity, Unit, Region, Market, PriceSeries, Price, Cooperative, OfficeUser, EdgeSettings],
    set: [Member, Alias, Listing, StockEntry, Order],
}

command::commands! {
    1 "member.register" MemberRegister,
    2 "listing.post" ListingPost,
    3 "listing.edit" ListingEdit,
    4 "listing.withdraw" ListingWithdraw,
    5 "order.place" OrderPlace,
    6 "order.cancel" OrderCancel,
    7 "stock.adjust" StockAdjust,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::hub_born;
    use std::collections::HashSet;

    #[test]
    fn numbers_and_names_are_unique() {
        for list in [ENTITIES, COMMANDS] {
            let numbers: HashSet<_> = list.iter().map(|(n, _)| n).collect();
            let names: HashSet<_> = list.iter().map(|(_, n)| n).collect();
            assert_eq!((numbers.len(), names.len()), (list.len(), list.len()));
        }
    }

    #[test]
    fn every_sample_is_read_back_as_what_it_was() {
        for (entity, key, fields) in samples() {
            assert_eq!(fits(entity, key, &fields), Ok(true), "{entity}");
        }
        for body in Body::samples(hub_born(1)) {
            assert_eq!(Body::from_raw(&body.to_raw()), Ok(Some(body.clone())));
            assert_eq!(body.check(), [], "{body:?}");
        }
    }
}
