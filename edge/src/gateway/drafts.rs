//! What numbers have begun and not finished, as far as that is not on the disk yet: a call sees what the one before has left, however soon
//! it comes, and what is written is always what was left last. Holds nothing that is written; [`super::calls`] writes it.

use crate::ussd::Draft;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Numbers that wait to be written at most, for a disk that refuses for long. What was left the longest ago is forgotten then.
const UNWRITTEN_MAX: usize = 8_192;

/// What one number has left.
#[derive(Clone)]
struct Left {
    /// `None`: nothing, whatever is on the disk.
    draft: Option<Draft>,
    /// Counts changes: what was collected before a later one must not be written over it.
    change: u64,
    /// An act of the number is about to write what it leaves itself: until it has failed, this must not be written after that.
    is_acting: bool,
}

#[derive(Default)]
struct Unwritten {
    by_phone: HashMap<u64, Left>,
    changes: u64,
}

/// All that is not written.
#[derive(Default)]
pub(super) struct Drafts(Mutex<Unwritten>);

impl Drafts {
    /// What a number has left; the outer `None` where that is on the disk. To be asked before the disk is: what is written meanwhile is
    /// there then.
    pub(super) fn of(&self, phone: u64) -> Option<Option<Draft>> {
        self.lock().by_phone.get(&phone).map(|left| left.draft.clone())
    }

    /// Notes what a number leaves.
    pub(super) fn leave(&self, phone: u64, draft: Option<Draft>) {
        let mut unwritten = self.lock();
        unwritten.changes += 1;
        let change = unwritten.changes;
        let by_phone = &mut unwritten.by_phone;
        if by_phone.len() >= UNWRITTEN_MAX && !by_phone.contains_key(&phone) {
            let oldest = by_phone.iter().min_by_key(|(_, left)| left.change).map(|(phone, _)| *phone);
            oldest.map(|phone| by_phone.remove(&phone));
        }
        by_phone.insert(phone, Left { draft, change, is_acting: false });
    }

    /// What waits to be written of a number, with its change; nothing while an act of it is under way.
    pub(super) fn collect(&self, phone: u64) -> Option<(Option<Draft>, u64)> {
        let unwritten = self.lock();
        let left = unwritten.by_phone.get(&phone).filter(|left| !left.is_acting)?;
        Some((left.draft.clone(), left.change))
    }

    /// Whether that is still the last that the number left.
    pub(super) fn is_last(&self, phone: u64, change: u64) -> bool {
        self.lock().by_phone.get(&phone).is_some_and(|left| left.change == change)
    }

    /// Notes that an act of a number is about to write what it leaves: what was collected before is out of date, and what is still here is
    /// forgotten with what this gives, unless the act is said to have failed.
    pub(super) fn acts(self: &Arc<Self>, phone: u64) -> Acting {
        let mut unwritten = self.lock();
        unwritten.changes += 1;
        let change = unwritten.changes;
        if let Some(left) = unwritten.by_phone.get_mut(&phone) {
            left.change = change;
            left.is_acting = true;
        }
        Acting { drafts: self.clone(), phone, change }
    }

    /// Notes that a change is on the disk.
    pub(super) fn written(&self, phone: u64, change: u64) {
        let mut unwritten = self.lock();
        if unwritten.by_phone.get(&phone).is_some_and(|left| left.change == change) {
            unwritten.by_phone.remove(&phone);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Unwritten> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An act under way. Dropped once its transaction is on the disk; or where nobody waits for the answer any more, and the disk has the last
/// word: a draft put back after its act was done would offer it a second time.
pub(super) struct Acting {
    drafts: Arc<Drafts>,
    phone: u64,
    change: u64,
}

impl Acting {
    /// Notes that nothing was written: what the number had left still stands, and waits to be written.
    pub(super) fn failed(self) {
        let mut unwritten = self.drafts.lock();
        unwritten.changes += 1;
        let change = unwritten.changes;
        if let Some(left) = unwritten.by_phone.get_mut(&self.phone)
            && left.change == self.change
        {
            left.change = change;
            left.is_acting = false;
        }
    }
}

impl Drop for Acting {
    fn drop(&mut self) {
        self.drafts.written(self.phone, self.change);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHONE: u64 = 265_991_000_001;

    #[test]
    fn nothing_is_collected_while_an_act_of_the_number_is_under_way() {
        let drafts = Arc::new(Drafts::default());
        drafts.leave(PHONE, None);
        let (_, before) = drafts.collect(PHONE).unwrap();
        let acting = drafts.acts(PHONE);
        assert!(!drafts.is_last(PHONE, before), "what was collected before is out of date");
        assert!(drafts.collect(PHONE).is_none(), "and the act writes what is left");
        assert!(drafts.of(PHONE).is_some(), "a call that comes meanwhile still finds it");
        drop(acting);
        assert!(drafts.of(PHONE).is_none(), "what is on the disk counts");
    }

    #[test]
    fn what_was_left_before_an_act_that_failed_is_written() {
        let drafts = Arc::new(Drafts::default());
        drafts.leave(PHONE, None);
        let (first, second) = (drafts.acts(PHONE), drafts.acts(PHONE));
        first.failed();
        assert!(drafts.collect(PHONE).is_none(), "another act is under way");
        second.failed();
        let (_, change) = drafts.collect(PHONE).unwrap();
        assert!(drafts.is_last(PHONE, change));
    }

    #[test]
    fn what_is_left_during_an_act_is_not_forgotten_with_it() {
        let drafts = Arc::new(Drafts::default());
        let acting = drafts.acts(PHONE);
        drafts.leave(PHONE, None);
        drop(acting);
        assert!(drafts.collect(PHONE).is_some());
    }
}
