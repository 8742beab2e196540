//! What one chunk does to one series: which prices are new, which change, which flags move. Pure.
//!
//! A price is suspect by its neighbours, so a new price can change the flag of the two beside it; those are written
//! too, though nobody counts them as changed. It must never lower what a newer publication said to an older one.

use std::collections::BTreeMap;

use sync_protocol::market::PriceFlags;

use super::super::wfp::suspect::suspects;
use super::Precedence;

/// Stored prices before and after a chunk's months that are read along: the neighbour whose flag may move, and the
/// neighbour of that one.
pub(super) const CONTEXT_PRICES: usize = 2;

/// A price as the table holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) month: u32,
    pub(super) price_minor: i64,
    /// All bits of `PriceFlags`.
    pub(super) flags: u32,
}

/// A price as the file gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Incoming {
    pub(super) line: u64,
    pub(super) month: u32,
    pub(super) price_minor: i64,
    /// Bits of `PriceFlags`, never suspect.
    pub(super) flags: u32,
    /// The file had a price of this month before.
    pub(super) repeated: bool,
}

/// A stored price that is written over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Update {
    pub(super) now: Stored,
    /// What stood there, where the file changed it; `None` where only the suspect flag moved.
    pub(super) before: Option<Stored>,
}

/// Why a well-formed price was not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Objection {
    /// The file has another price for the same key in an earlier line.
    Contradicts,
    /// The file has the same price for the same key in an earlier line, with another flag: that line stands, and nothing is lost.
    OtherFlag {
        /// The flags that stand.
        stand: u32,
    },
    /// A newer publication has another price.
    Differs {
        /// The price that stands.
        stands_minor: i64,
    },
}

/// A price that was not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Objected {
    pub(super) price: Incoming,
    pub(super) objection: Objection,
}

/// What is to be done to one series.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct SeriesPlan {
    /// In the order of months.
    pub(super) inserts: Vec<Stored>,
    /// In the order of months.
    pub(super) updates: Vec<Update>,
    pub(super) objections: Vec<Objected>,
    /// Rows of the file whose price stood there as it is, or stays because a newer publication says otherwise.
    pub(super) unchanged: u64,
    /// Prices that stood there before the file and are in it.
    pub(super) matched: u64,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    before: Option<Stored>,
    price_minor: i64,
    flags: u32,
    by_file: bool,
}

impl Entry {
    fn stored(&self, month: u32, suspect: bool) -> Stored {
        let suspect = if suspect { PriceFlags::SUSPECT.0 } else { 0 };
        Stored { month, price_minor: self.price_minor, flags: self.flags | suspect }
    }
}

const fn without_suspect(flags: u32) -> u32 {
    flags & !PriceFlags::SUSPECT.0
}

/// Plans one series. `stored` holds every stored price from the first to the last month of `incoming`, and up to
/// [`CONTEXT_PRICES`] on each side; fewer where the series has no more. `incoming` is in the order of lines.
pub(super) fn plan_series(stored: &[Stored], incoming: &[Incoming], precedence: Precedence) -> SeriesPlan {
    let mut entries: BTreeMap<u32, Entry> = stored
        .iter()
        .map(|&price| {
            let flags = without_suspect(price.flags);
            let entry = Entry { before: Some(price), price_minor: price.price_minor, flags, by_file: false };
            (price.month, entry)
        })
        .collect();
    let mut plan = SeriesPlan::default();
    for price in incoming {
        take(&mut entries, price, precedence, &mut plan);
    }
    write(&entries, known_ends(stored, incoming), &mut plan);
    plan
}

fn take(entries: &mut BTreeMap<u32, Entry>, price: &Incoming, precedence: Precedence, plan: &mut SeriesPlan) {
    let fresh = Entry { before: None, price_minor: price.price_minor, flags: price.flags, by_file: true };
    let Some(entry) = entries.get_mut(&price.month) else {
        entries.insert(price.month, fresh);
        return;
    };
    plan.matched += u64::from(!price.repeated);
    if (entry.price_minor, entry.flags) == (price.price_minor, price.flags) {
        plan.unchanged += 1;
    } else if price.repeated && entry.price_minor == price.price_minor {
        plan.objections
            .push(Objected { price: *price, objection: Objection::OtherFlag { stand: entry.flags } });
        plan.unchanged += 1;
    } else if price.repeated {
        plan.objections.push(Objected { price: *price, objection: Objection::Contradicts });
    } else if precedence == Precedence::Known {
        let objection = Objection::Differs { stands_minor: entry.price_minor };
        plan.objections.push(Objected { price: *price, objection });
        plan.unchanged += 1;
    } else {
        *entry = Entry { before: entry.before, ..fresh };
    }
}

/// Whether the first and the last entry are the true ends of the series; else their neighbours are not known, and
/// their own flags are not judged.
fn known_ends(stored: &[Stored], incoming: &[Incoming]) -> (bool, bool) {
    let months = || incoming.iter().map(|price| price.month);
    let (Some(low), Some(high)) = (months().min(), months().max()) else { return (false, false) };
    let before = stored.iter().filter(|price| price.month < low).count();
    let after = stored.iter().filter(|price| price.month > high).count();
    (before < CONTEXT_PRICES, after < CONTEXT_PRICES)
}

fn write(entries: &BTreeMap<u32, Entry>, (start_known, end_known): (bool, bool), plan: &mut SeriesPlan) {
    let prices: Vec<i64> = entries.values().map(|entry| entry.price_minor).collect();
    let last = prices.len().saturating_sub(1);
    for (place, ((&month, entry), suspect)) in entries.iter().zip(suspects(&prices)).enumerate() {
        let judged = (place > 0 || start_known) && (place < last || end_known);
        if !judged {
            continue;
        }
        let now = entry.stored(month, suspect);
        match entry.before {
            None => plan.inserts.push(now),
            Some(before) if entry.by_file => plan.updates.push(Update { now, before: Some(before) }),
            Some(before) if before != now => plan.updates.push(Update { now, before: None }),
            Some(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ACTUAL: u32 = PriceFlags::ACTUAL.0;
    const BOTH: u32 = ACTUAL | PriceFlags::AGGREGATE.0;
    const SUSPECT: u32 = PriceFlags::SUSPECT.0;

    fn stored(month: u32, price_minor: i64, flags: u32) -> Stored {
        Stored { month, price_minor, flags }
    }

    fn incoming(month: u32, price_minor: i64) -> Incoming {
        Incoming { line: u64::from(month), month, price_minor, flags: ACTUAL, repeated: false }
    }

    #[test]
    fn what_is_not_there_is_new_and_what_is_there_stays() {
        let plan = plan_series(
            &[stored(2, 100, ACTUAL)],
            &[incoming(1, 90), incoming(2, 100), incoming(3, 110)],
            Precedence::File,
        );
        assert_eq!(plan.inserts, [stored(1, 90, ACTUAL), stored(3, 110, ACTUAL)]);
        assert_eq!((plan.updates.len(), plan.unchanged, plan.matched), (0, 1, 1));
    }

    #[test]
    fn a_revision_keeps_what_stood_there_and_flags_are_a_set_of_their_own() {
        let before = [stored(1, 100, ACTUAL), stored(2, 100, ACTUAL)];
        let flagged = Incoming { flags: BOTH, ..incoming(2, 100) };
        let plan = plan_series(&before, &[incoming(1, 120), flagged], Precedence::File);
        assert_eq!(
            plan.updates,
            [
                Update { now: stored(1, 120, ACTUAL), before: Some(before[0]) },
                Update { now: stored(2, 100, BOTH), before: Some(before[1]) },
            ]
        );
        assert_eq!((plan.inserts.len(), plan.unchanged, plan.matched), (0, 0, 2));
    }

    #[test]
    fn an_older_publication_adds_what_is_missing_and_reports_what_differs() {
        let before = [stored(2, 100, ACTUAL), stored(4, 100, ACTUAL)];
        let file = [incoming(2, 120), incoming(3, 105), incoming(4, 100)];
        let plan = plan_series(&before, &file, Precedence::Known);
        assert_eq!(plan.inserts, [stored(3, 105, ACTUAL)]);
        assert_eq!(plan.updates, []);
        let objection = Objection::Differs { stands_minor: 100 };
        assert_eq!(plan.objections, [Objected { price: file[0], objection }]);
        assert_eq!((plan.unchanged, plan.matched), (2, 2));
    }

    #[test]
    fn a_line_that_contradicts_an_earlier_one_is_not_stored() {
        let again = |price_minor| Incoming { line: 9, repeated: true, ..incoming(1, price_minor) };
        let plan = plan_series(&[], &[incoming(1, 100), again(100), again(101)], Precedence::File);
        assert_eq!(plan.inserts, [stored(1, 100, ACTUAL)]);
        assert_eq!(plan.objections, [Objected { price: again(101), objection: Objection::Contradicts }]);
        assert_eq!((plan.unchanged, plan.matched), (1, 0));
        // The earlier line was in an earlier chunk: the same answer, and the same when the file is read again.
        let plan = plan_series(&[stored(1, 100, ACTUAL)], &[again(101)], Precedence::File);
        assert_eq!((plan.inserts.len(), plan.updates.len(), plan.objections.len()), (0, 0, 1));
    }

    #[test]
    fn suspicion_moves_to_the_neighbours_without_counting_as_a_change() {
        // The newest price jumped; then the next month agrees with the old level.
        let before = [stored(1, 100, ACTUAL), stored(2, 110, ACTUAL), stored(3, 900, ACTUAL | SUSPECT)];
        let plan = plan_series(&before[1..], &[incoming(4, 890)], Precedence::File);
        assert_eq!(plan.inserts, [stored(4, 890, ACTUAL)]);
        assert_eq!(plan.updates, [Update { now: stored(3, 900, ACTUAL), before: None }]);
        let plan = plan_series(&before[1..], &[incoming(4, 105)], Precedence::File);
        assert_eq!(plan.inserts, [stored(4, 105, ACTUAL | SUSPECT)]);
        assert_eq!(plan.updates, []);
    }

    #[test]
    fn a_price_whose_neighbours_are_not_known_keeps_its_flag() {
        // Months 1 and 2 are context for 3; 1 was found suspect by a month 0 that was not read.
        let before = [stored(1, 900, ACTUAL | SUSPECT), stored(2, 800, ACTUAL)];
        let plan = plan_series(&before, &[incoming(3, 810)], Precedence::File);
        assert_eq!((plan.inserts.len(), plan.updates.len()), (1, 0));
    }

    /// Plans chunk after chunk against a series held in memory, reading context as the database does.
    fn import(chunks: &[Vec<Incoming>]) -> BTreeMap<u32, Stored> {
        let mut series: BTreeMap<u32, Stored> = BTreeMap::new();
        for chunk in chunks {
            let months = || chunk.iter().map(|price| price.month);
            let (Some(low), Some(high)) = (months().min(), months().max()) else { continue };
            let mut known: Vec<Stored> =
                series.range(..low).rev().take(CONTEXT_PRICES).map(|(_, price)| *price).collect();
            known.reverse();
            known.extend(series.range(low..=high).map(|(_, price)| *price));
            known.extend(series.range(high + 1..).take(CONTEXT_PRICES).map(|(_, price)| *price));
            let plan = plan_series(&known, chunk, Precedence::File);
            for price in plan.inserts.into_iter().chain(plan.updates.into_iter().map(|update| update.now)) {
                series.insert(price.month, price);
            }
        }
        series
    }

    proptest! {
        #[test]
        fn chunks_give_the_flags_of_the_whole_series(
            prices in proptest::collection::vec((0u32..40, prop_oneof![Just(100i64), Just(350), Just(900)]), 1..60),
            size in 1usize..20,
        ) {
            let file: Vec<Incoming> = prices.iter().map(|&(month, price)| incoming(month, price)).collect();
            let chunks: Vec<Vec<Incoming>> = file.chunks(size).map(<[_]>::to_vec).collect();
            let series = import(&chunks);
            let minor: Vec<i64> = series.values().map(|price| price.price_minor).collect();
            for (price, suspect) in series.values().zip(suspects(&minor)) {
                prop_assert_eq!(price.flags & SUSPECT != 0, suspect);
            }
            // And again: nothing is left to do, whatever the chunks.
            let last: BTreeMap<u32, Incoming> = file.iter().map(|price| (price.month, *price)).collect();
            let stored: Vec<Stored> = series.values().copied().collect();
            let all: Vec<Incoming> = last.into_values().collect();
            let plan = plan_series(&stored, &all, Precedence::File);
            prop_assert_eq!((plan.inserts.len(), plan.updates.len(), plan.unchanged), (0, 0, all.len() as u64));
        }
    }
}
