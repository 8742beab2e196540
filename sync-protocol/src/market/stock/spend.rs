//! What a holder may spend of a listing: the replica's entries and those that wait beside it.

use super::{EntryId, StockEntry};
use crate::ids::Holder;
use crate::units::Quantity;
use std::collections::HashMap;

/// What `holder` may spend: the replica's entries, and of the local ones that the replica lacks every decrease, but only the
/// increases that nobody can refuse. What takes another entry back counts for just what that one counts for here: where its command was
/// refused or put aside there is nothing to give back, and where the hub booked less there is less. Of what a count has missed here
/// beyond what was free, so much is taken as comes free later, until the hub has said from whom it takes it.
pub fn spendable<'a>(
    holder: Holder,
    replica: impl IntoIterator<Item = &'a StockEntry>,
    local: impl IntoIterator<Item = (&'a StockEntry, bool)>,
) -> Quantity {
    let mut counted: HashMap<EntryId, Quantity> = HashMap::new();
    for entry in replica.into_iter().filter(|e| e.holder == holder) {
        counted.entry(entry.id).or_insert(entry.quantity);
    }
    let (mut takers_back, mut missing) = (Vec::new(), HashMap::new());
    for (entry, at_once) in local.into_iter().filter(|(e, _)| e.holder == holder) {
        if entry.quantity < Quantity::ZERO || at_once {
            match entry.id.takes_back() {
                Some(taken_back) => takers_back.push((entry.id, taken_back)),
                None if entry.id.step == EntryId::MISSING => drop(missing.insert(entry.id, entry.quantity)),
                None => drop(counted.entry(entry.id).or_insert(entry.quantity)),
            }
        }
    }
    // These last: in which order local entries come says nothing.
    for (id, taken_back) in takers_back {
        missing.remove(&taken_back);
        if let Some(quantity) = counted.get(&taken_back).map(|quantity| quantity.negated()) {
            counted.entry(id).or_insert(quantity);
        }
    }
    let sum = |quantities: HashMap<EntryId, Quantity>| {
        quantities.into_values().fold(Quantity::ZERO, Quantity::plus)
    };
    let free = sum(counted);
    free.minus(free.max(Quantity::ZERO).min(sum(missing).negated()))
}

#[cfg(test)]
mod tests {
    use super::super::EntryKind;
    use super::*;
    use crate::bucket::Bucket;
    use crate::ids::{CooperativeId, EdgeId, ListingId, hub_born};
    use crate::overlay::may_drop;
    use crate::session::BucketCursor;
    use crate::verdict::{Applied, Verdict};

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

    #[test]
    fn what_a_count_missed_is_taken_of_what_comes_free_later_and_of_no_more() {
        let (sold, released) = (entry(2, EntryId::SOLD, -20), entry(2, EntryId::RELEASED, 20));
        let (intake, missing) = (entry(1, EntryId::INTAKE, 20), entry(3, EntryId::MISSING, -15));
        let waits = (&missing, true);
        assert_eq!(spendable(HERE, [&intake, &sold], [waits]), Quantity::ZERO, "never less than nothing");
        assert_eq!(spendable(HERE, [&intake, &sold, &released], [waits]), Quantity::units(5));
        let undone = StockEntry { id: missing.id.undone(), quantity: Quantity::units(15), ..missing.clone() };
        for local in [[waits, (&undone, true)], [(&undone, true), waits]] {
            assert_eq!(spendable(HERE, [&intake, &sold, &released], local), Quantity::units(20));
        }
        // A hole that is there already stays one, and is no deeper.
        let more = entry(4, EntryId::SOLD, -3);
        assert_eq!(spendable(HERE, [&intake, &sold, &more], [waits]), Quantity::units(-3));
    }

    #[test]
    fn what_takes_an_entry_back_counts_only_beside_it_and_for_what_it_counts() {
        let intake = entry(1, EntryId::INTAKE, 50);
        let counted = entry(2, EntryId::WRITTEN_OFF, -5);
        let undone = StockEntry { id: counted.id.undone(), quantity: Quantity::units(5), ..counted.clone() };
        let (sold, released) = (entry(3, EntryId::SOLD, -20), entry(3, EntryId::RELEASED, 20));
        for (taken, back) in [(&counted, &undone), (&sold, &released)] {
            // Both wait, whichever is looked at first.
            assert_eq!(spendable(HERE, [&intake], [(back, true), (taken, true)]), Quantity::units(50));
            // The first was refused, or put aside, and the second has not had its answer: it has nothing to give back.
            assert_eq!(spendable(HERE, [&intake], [(back, true)]), Quantity::units(50), "{taken:?}");
            // The hub booked less, or more.
            for units in [-2, -8] {
                let booked = StockEntry { quantity: Quantity::units(units), ..taken.clone() };
                let replica = [&intake, &booked];
                assert_eq!(spendable(HERE, replica, [(taken, true), (back, true)]), Quantity::units(50));
                assert_eq!(spendable(HERE, replica, [(back, true)]), Quantity::units(50));
                // And what the hub said of taking it back stands.
                let given = StockEntry { quantity: Quantity::units(-units), ..back.clone() };
                let replica = [&intake, &booked, &given];
                assert_eq!(spendable(HERE, replica, [(taken, true), (back, true)]), Quantity::units(50));
            }
            // What somebody else holds of it is no matter of this holder's.
            let theirs = StockEntry { holder: Holder::Hub, ..taken.clone() };
            assert_eq!(spendable(HERE, [&intake, &theirs], [(back, true)]), Quantity::units(50));
        }
        // The same of an intake: what takes it back takes away nothing that never came.
        let (found, gone) = (entry(4, EntryId::INTAKE, 7), entry(4, EntryId::INTAKE, -7));
        let gone = StockEntry { id: found.id.undone(), ..gone };
        assert_eq!(spendable(HERE, [&intake], [(&gone, true), (&found, true)]), Quantity::units(50));
        assert_eq!(spendable(HERE, [&intake], [(&gone, true)]), Quantity::units(50));
    }
}
