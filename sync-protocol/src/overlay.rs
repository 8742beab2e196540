//! What a command does at the edge before the hub has answered. It lives beside the replica, under the command's sequence
//! number, and every read joins the two by id.

use crate::bucket::Bucket;
use crate::entity::{EntryId, StockEntry};
use crate::ids::Holder;
use crate::session::BucketCursor;
use crate::units::Quantity;
use crate::verdict::Verdict;
use std::collections::HashSet;

/// What `holder` may spend: the replica's entries, and of the local ones that the replica lacks every decrease, but only the
/// increases that nobody can refuse.
pub fn spendable<'a>(
    holder: Holder,
    replica: impl IntoIterator<Item = &'a StockEntry>,
    local: impl IntoIterator<Item = (&'a StockEntry, bool)>,
) -> Quantity {
    let mut seen: HashSet<EntryId> = HashSet::new();
    let mut sum = Quantity::ZERO;
    for entry in replica.into_iter().filter(|e| e.holder == holder) {
        if seen.insert(entry.id) {
            sum = sum.plus(entry.quantity);
        }
    }
    for (entry, at_once) in local.into_iter().filter(|(e, _)| e.holder == holder) {
        if (entry.quantity < Quantity::ZERO || at_once) && seen.insert(entry.id) {
            sum = sum.plus(entry.quantity);
        }
    }
    sum
}

/// Whether a command's local effect may go. At once for a refusal; else only when every row that its verdict names is here, so
/// that there is no moment in which neither the local line nor the hub's row counts. A bucket outside `cursors` left the scope.
pub fn may_drop(verdict: &Verdict, stands_at: &[(Bucket, u64)], cursors: &[BucketCursor]) -> bool {
    match verdict {
        Verdict::Rejected(_) | Verdict::Dismissed => true,
        Verdict::Applied(_) => stands_at.iter().all(|(bucket, version)| {
            cursors.iter().find(|c| c.bucket == *bucket).is_none_or(|c| c.has_passed(*version))
        }),
        Verdict::Held | Verdict::Quarantined | Verdict::Unsupported => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entity::EntryKind;
    use crate::ids::{CooperativeId, EdgeId, ListingId, hub_born};
    use crate::verdict::Applied;

    const HERE: Holder = Holder::Edge(EdgeId(3));

    fn entry(n: u64, step: u32, units: i64) -> StockEntry {
        let id = EntryId { of: hub_born(n), step };
        let listing = ListingId(hub_born(1));
        StockEntry { id, listing, holder: HERE, quantity: Quantity::units(units), kind: EntryKind::Sale }
    }

    #[test]
    fn verdict_before_rows_does_not_let_sold_units_reappear() {
        let coop = Bucket::Coop(CooperativeId(1));
        let applied = Verdict::Applied(Applied::default());
        let intake = entry(1, EntryId::INTAKE, 50);
        let sold = entry(2, EntryId::SOLD, -20);
        let stands_at = [(coop, 12)];
        // The verdict has arrived, its rows have not: the local line stays and the units stay sold.
        let behind = [BucketCursor { bucket: coop, upto: 11, reached: None }];
        assert!(!may_drop(&applied, &stands_at, &behind));
        assert_eq!(spendable(HERE, [&intake], [(&sold, true)]), Quantity::units(30));
        // The rows have arrived: the same entry from both sides counts once, then the local line goes.
        assert_eq!(spendable(HERE, [&intake, &sold], [(&sold, true)]), Quantity::units(30));
        let there = [BucketCursor { bucket: coop, upto: 12, reached: None }];
        assert!(may_drop(&applied, &stands_at, &there));
        assert_eq!(spendable(HERE, [&intake, &sold], []), Quantity::units(30));
    }

    #[test]
    fn a_cancel_made_offline_of_an_order_already_dispatched_frees_nothing_until_the_row_arrives() {
        let (intake, sold) = (entry(1, EntryId::INTAKE, 50), entry(2, EntryId::SOLD, -20));
        let released = entry(2, EntryId::RELEASED, 20);
        assert_eq!(spendable(HERE, [&intake, &sold], [(&released, false)]), Quantity::units(30));
        assert_eq!(spendable(HERE, [&intake, &sold, &released], [(&released, false)]), Quantity::units(50));
    }
}
