//! What a batch of commands asks the tables for.

use std::collections::BTreeSet;
use sync_protocol::market::{Entity, Needs, Search};
use sync_protocol::row::Key;
use uuid::Uuid;

/// See the module.
#[derive(Default)]
pub(crate) struct Wanted {
    /// What its commands read.
    pub(crate) needs: Needs,
    /// Rows among these that are there already, if they are anywhere: what stands beside them is needed too.
    pub(crate) known: BTreeSet<(u16, Key)>,
    /// Whether listings that somebody else holds are left out instead of waited for.
    pub(crate) passes_over: bool,
    /// Whether also that is asked which hardly ever is: to try whether it can be.
    pub(crate) tries_all: bool,
}

impl Wanted {
    /// The ids of rows of an entity that were born offline, in order.
    pub(crate) fn uuids<E: Entity>(&self) -> Vec<Uuid> {
        self.of::<E>().filter_map(|key| if let Key::Uuid(id) = key { Some(id) } else { None }).collect()
    }

    /// The numbers of rows of an entity, in order. One beyond a column's range names nothing.
    pub(crate) fn ints<E: Entity>(&self) -> Vec<i32> {
        self.of::<E>()
            .filter_map(|key| if let Key::Int(id) = key { i32::try_from(id).ok() } else { None })
            .collect()
    }

    /// The ids of rows of an entity that are there already, if they are anywhere.
    pub(crate) fn known<E: Entity>(&self) -> impl Iterator<Item = Uuid> {
        let of = self.known.iter().filter(|(entity, _)| *entity == E::NUMBER);
        of.filter_map(|(_, key)| if let Key::Uuid(id) = key { Some(*id) } else { None })
    }

    /// By what rows of an entity are looked for.
    pub(crate) fn found<E: Entity>(&self) -> impl Iterator<Item = &Search> {
        self.needs.found.iter().filter(|search| search.entity() == E::NUMBER)
    }

    /// The aggregates whose entries are asked for.
    pub(crate) fn steps<E: Entity>(&self) -> Vec<Uuid> {
        let of = self.needs.steps.iter().filter(|(entity, _)| *entity == E::NUMBER);
        of.map(|(_, of)| *of).collect()
    }

    fn of<E: Entity>(&self) -> impl Iterator<Item = Key> {
        let from = (E::NUMBER, Key::Int(0));
        let of = self.needs.rows.range(from..).take_while(|(entity, _)| *entity == E::NUMBER);
        of.map(|(_, key)| *key)
    }
}
