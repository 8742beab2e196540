//! Fills the working set of a batch: one query for each table, whatever the batch's size, and the locks that make it safe.
//!
//! Rows that a batch may change are locked in the order of the tables' list and of their ids. What each table reads and locks, its own
//! file says; here is what holds for all of them, and for what is not known here at all.

use super::may_come::{Unknown, may_come};
use crate::tables::{self, Wanted};
use sqlx::PgConnection;
use std::collections::HashSet;
use sync_protocol::ids::{CommodityId, CooperativeId, ListingId, MemberId, OrderId, UnitId};
use sync_protocol::market::{
    Commodity, Entity, Listing, Made, Member, Needs, Order, StockEntry, Unit, WorkingSet,
};
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
    pub(super) fn of_nothing(cooperative: CooperativeId) -> [Self; 2] {
        let nil = Uuid::nil();
        let one = || {
            let needs = Needs::of::<Listing>(ListingId(nil))
                .row::<Order>(OrderId(nil))
                .row::<Member>(MemberId(nil))
                .row::<Commodity>(CommodityId(0))
                .row::<Unit>(UnitId(0))
                .steps::<StockEntry>([nil]);
            let known = [(Order::NUMBER, Key::Uuid(nil))].into();
            let wanted = Wanted { needs, known, tries_all: true, ..Wanted::default() };
            Self { wanted, is_of_edge: true, ..Self::default() }
        };
        let mut other = one();
        other.wanted.needs.found.extend([Member::of_number(cooperative, 0), Order::open_of(ListingId(nil))]);
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
