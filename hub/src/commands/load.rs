//! Fills the working set of a batch: one query for each table, whatever the batch's size, and the locks that make it safe.
//!
//! Rows that a batch may change are locked in the order of the tables' list and of their ids. What each table reads and locks, its own
//! file says; here is what holds for all of them, and for what is not known here at all.

use super::may_come::{Unknown, may_come};
use crate::tables::{self, LOADED, Wanted};
use sqlx::PgConnection;
use std::collections::{BTreeSet, HashSet};
use sync_protocol::market::{Body, Entity, Listing, Made, Needs, Order, WorkingSet, samples};
use sync_protocol::row::Key;
use uuid::Uuid;

/// What a batch asks for.
#[derive(Default)]
pub(super) struct Asked {
    /// Of the tables.
    pub(super) wanted: Wanted,
    /// The batch's own commands.
    pub(super) ids: Vec<Uuid>,
    /// What the batch itself is to make: that is new as a rule, and nobody else brings it.
    pub(super) made: Vec<Made>,
    /// Whether the batch is an edge's, which waits for listings that may come. People at the hub are told that there is none.
    pub(super) is_of_edge: bool,
}

impl Asked {
    /// Everything that can be asked for, by ids that nothing has. What is asked in one of two ways is asked in both.
    pub(super) fn of_nothing() -> [Self; 2] {
        let one = || {
            let (steps, rows): (Vec<_>, Vec<_>) =
                nobodys(LOADED).partition(|(_, key)| matches!(key, Key::Step(..)));
            let of = |(entity, key)| if let Key::Step(of, _) = key { Some((entity, of)) } else { None };
            let needs = Needs {
                rows: rows.into_iter().collect(),
                steps: steps.into_iter().filter_map(of).collect(),
                found: BTreeSet::new(),
                // Asked for without them too, where all is tried.
                prices: BTreeSet::new(),
            };
            let known = needs.rows.clone();
            let wanted = Wanted { needs, known, tries_all: true, ..Wanted::default() };
            Self { wanted, is_of_edge: true, ..Self::default() }
        };
        let mut other = one();
        other.wanted.needs.found = Body::searches();
        other.wanted.passes_over = true;
        [one(), other]
    }

    /// What the set lacks of it.
    fn unknown(&self, set: &WorkingSet) -> Unknown {
        let is_made = |entity, key: &Key| self.made.contains(&Made::Row(entity, *key));
        let lacks = |(entity, key): &(u16, Key)| match key {
            Key::Uuid(id) if !set.has_row(*entity, *key) => Some(*id),
            _ => None,
        };
        let listings =
            self.wanted.needs.rows.iter().filter(|(entity, key)| {
                *entity == Listing::NUMBER && self.is_of_edge && !is_made(*entity, key)
            });
        let orders = self.wanted.known.iter().filter(|(entity, _)| *entity == Order::NUMBER);
        Unknown { listings: listings.filter_map(lacks).collect(), orders: orders.filter_map(lacks).collect() }
    }
}

/// A row of each of these entities that is not there: nobody gives these keys.
pub(super) fn nobodys(entities: &[u16]) -> impl Iterator<Item = (u16, Key)> {
    let key = |key| match key {
        Key::Int(_) => Key::Int(0),
        Key::Pair(..) => Key::Pair(0, 0),
        Key::Uuid(_) => Key::Uuid(Uuid::nil()),
        Key::Step(_, step) => Key::Step(Uuid::nil(), step),
    };
    let of = samples().into_iter().filter(|(entity, ..)| entities.contains(entity));
    of.map(move |(entity, of, _)| (entity, key(of)))
}

/// Rows that were there before the batch; any other that it sets is new.
pub(super) type Existing = HashSet<(u16, Key)>;

/// Reads and locks what the batch asks for.
pub(super) async fn load(
    conn: &mut PgConnection,
    mut asked: Asked,
) -> Result<(WorkingSet, Existing), sqlx::Error> {
    let mut set = WorkingSet::for_needs(&asked.wanted.needs);
    // What is locked before the rows that it stands beside has to be known before them.
    let beside = tables::beside(conn, &asked.wanted).await?;
    asked.wanted.needs.rows.extend(beside);
    tables::load(conn, &asked.wanted, &mut set).await?;
    let unknown = asked.unknown(&set);
    if !unknown.is_empty() {
        set.facts.may_come = may_come(conn, &unknown, &asked.ids).await?;
    }
    let existing = set.keys().collect();
    Ok((set, existing))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_commands_may_ask_for_is_tried_and_can_be_answered() {
        let [_, all] = Asked::of_nothing();
        assert_eq!(tables::answerable(&all.wanted).err().map(|e| e.to_string()), None);
        let Needs { rows, steps, found, .. } = &all.wanted.needs;
        for entity in LOADED {
            let is_row = rows.iter().any(|(of, _)| of == entity);
            assert!(is_row || steps.iter().any(|(of, _)| of == entity), "entity {entity} is not asked for");
        }
        assert!(found.len() >= 2, "{found:?}");
    }
}
