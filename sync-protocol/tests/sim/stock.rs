//! Changes of the stock that people make at edges: an intake, a loss, a count above, at or below what is sold, and the undo of the last
//! of them, whatever has become of that one; and what of them the outside book keeps.

use crate::edge::Edge;
use crate::random::Random;
use crate::world::World;
use std::collections::BTreeMap;
use sync_protocol::ids::{CommandId, Holder, ListingId};
use sync_protocol::market::{Adjustment, Body, Effect, EntryId, StockAdjust, StockEntry, WorkingSet};
use sync_protocol::verdict::Verdict;

/// Who takes back the last change of the stock does it so often, of a hundred changes.
const UNDO_PERCENT: u64 = 35;

/// A change of the stock, as whoever made it was told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change {
    pub(crate) listing: ListingId,
    /// What it took in, or away from the units that its edge could sell, in thousandths.
    pub(crate) milli: i64,
    /// What a count said that there is more, or less; `None` for another change.
    pub(crate) counted: Option<i64>,
    /// Whether it was taken back since.
    pub(crate) is_undone: bool,
}

/// The last change of each listing that the hub has not refused, as the office page shows it.
fn last_changes(edge: &Edge) -> BTreeMap<ListingId, (CommandId, StockAdjust)> {
    let mut last = BTreeMap::new();
    for logged in edge.log.values() {
        let verdict = logged.verdict.as_ref().map(|v| &v.verdict);
        let is_refused = matches!(verdict, Some(Verdict::Rejected(_) | Verdict::Dismissed));
        if let (false, Ok(Some(Body::StockAdjust(adjust)))) =
            (is_refused, Body::from_raw(&logged.command.body))
        {
            last.insert(ListingId(adjust.listing), (logged.command.id, adjust));
        }
    }
    last
}

fn adjust(listing: ListingId, found: Adjustment) -> StockAdjust {
    StockAdjust { listing: listing.0, found, reason: String::new(), undoes: None }
}

/// What should be there: everything free, less what was sold beyond the books, and what is sold and not fetched.
fn expected_milli(set: &WorkingSet, listing: ListingId) -> (i64, i64) {
    let free = set.holders(listing).into_iter().map(|(_, quantity)| quantity.0).sum();
    (free, set.open_orders(listing).iter().map(|order| order.quantity.0).sum())
}

impl World {
    /// A change of the stock of a listing at an edge, or the undo of the last one.
    pub(crate) fn change_of_the_stock(&mut self, at: usize, seen: ListingId) -> Body {
        let set = self.edges[at].view();
        if self.random.chance(UNDO_PERCENT) {
            let last: Vec<_> = last_changes(&self.edges[at]).into_values().collect();
            let number = self.random.below(last.len().max(1));
            if let Some((id, last)) = last.get(number).filter(|(_, last)| last.undoes.is_none()) {
                // What is said of it is not what counts.
                let found = Adjustment::Intake(9_000_000);
                return StockAdjust { undoes: Some(id.0), ..adjust(ListingId(last.listing), found) }.into();
            }
        }
        let units = |random: &mut Random, below: usize| 1000 * (1 + random.below(below) as i64);
        match self.random.below(5) {
            0 => adjust(seen, Adjustment::Intake(units(&mut self.random, 12))).into(),
            1 => adjust(seen, Adjustment::WriteOff(units(&mut self.random, 12))).into(),
            n => {
                let (free, sold) = expected_milli(&set, seen);
                let own = set.available(seen, Holder::Edge(self.edges[at].id)).0;
                // More; less, but by no more than is free here; or so little that something of it is sold.
                let moved = match n {
                    2 => units(&mut self.random, 6),
                    3 => -units(&mut self.random, 6).min(own.max(0)),
                    _ => -free - units(&mut self.random, 12),
                };
                let expected_milli = (free + sold).max(0);
                let counted_milli = (expected_milli + moved).max(0);
                adjust(seen, Adjustment::Count { counted_milli, expected_milli }).into()
            }
        }
    }

    /// The book takes in a change that an edge has taken.
    pub(crate) fn note_changed(&mut self, at: usize, id: CommandId, body: &StockAdjust) {
        if let Some(undone) = body.undoes {
            return self.note_undone(at, CommandId(undone));
        }
        let (_, logged) = self.edges[at].log.last_key_value().unwrap();
        // What is missing beyond is not gone from here yet.
        let is_gone = |entry: &StockEntry| entry.id.step != EntryId::MISSING;
        let entries = logged.effects.iter().filter_map(Effect::read::<StockEntry>).filter(is_gone);
        let entries = entries.map(|entry| entry.quantity.0);
        let counted = match body.found {
            Adjustment::Count { counted_milli, expected_milli } => Some(counted_milli - expected_milli),
            _ => None,
        };
        let milli = entries.sum();
        let change = Change { listing: ListingId(body.listing), milli, counted, is_undone: false };
        match counted.unwrap_or(0) {
            1.. => self.faults.counts_up += 1,
            ..0 => self.faults.counts_down += 1,
            0 => {}
        }
        self.book.changes.insert(id, change);
    }

    fn note_undone(&mut self, at: usize, undone: CommandId) {
        let logged = self.edges[at].log.values().find(|logged| logged.command.id == undone).unwrap();
        match logged.verdict.as_ref().map(|v| &v.verdict) {
            None if logged.sent => self.faults.undone_on_its_way += 1,
            None => self.faults.undone_unsent += 1,
            Some(Verdict::Applied(applied)) if applied.short => self.faults.undone_short += 1,
            Some(Verdict::Applied(_)) => self.faults.undone_applied += 1,
            Some(_) => self.faults.undone_waiting += 1,
        }
        if let Some(change) = self.book.changes.get_mut(&undone) {
            change.is_undone = true;
        }
    }

    /// How much of a listing there has been in all, by what people were told, in thousandths.
    pub(crate) fn taken_in_milli(&self, listing: ListingId) -> i64 {
        let stands = |id: &CommandId, change: &Change| {
            change.listing == listing && !change.is_undone && !self.hub.dismissed.contains(&id.0)
        };
        let changes = self.book.changes.iter().filter(|(id, change)| stands(id, change));
        let changed: i64 = changes.map(|(_, change)| change.milli).sum();
        self.book.taken_in.get(&listing).copied().unwrap_or(0) + changed
    }

    /// How things ended, for the counts of what really happened.
    pub(crate) fn count_changes(&mut self) {
        for (id, change) in &self.book.changes {
            let (short, booked) = self.hub.made_by(*id);
            self.faults.counts_of_what_was_sold += u32::from(short);
            self.faults.undone_and_put_aside +=
                u32::from(change.is_undone && self.hub.dismissed.contains(&id.0));
            if let (Some(booked), Some(_)) = (booked, change.counted) {
                self.faults.booked_with_less += u32::from(booked > change.milli);
                self.faults.booked_with_more += u32::from(booked < change.milli);
            }
        }
    }
}
