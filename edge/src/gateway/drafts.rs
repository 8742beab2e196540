//! What numbers have begun and not finished, as far as that is not on the disk yet: a call sees what the one before has left, however soon
//! it comes, and what is written is always what was left last. Holds nothing that is written; [`super::calls`] writes it.

use crate::ussd::Draft;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Numbers that wait to be written at most, for a disk that refuses for long. What was left the longest ago is forgotten then.
const UNWRITTEN_MAX: usize = 8_192;

/// What one number has left.
#[derive(Clone)]
struct Left {
    /// `None`: nothing, whatever is on the disk.
    draft: Option<Draft>,
    /// Counts changes: what was collected before a later one must not be written over it.
    change: u64,
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
        by_phone.insert(phone, Left { draft, change });
    }

    /// What waits to be written of a number, with its change.
    pub(super) fn collect(&self, phone: u64) -> Option<(Option<Draft>, u64)> {
        self.lock().by_phone.get(&phone).map(|left| (left.draft.clone(), left.change))
    }

    /// Whether that is still the last that the number left.
    pub(super) fn is_last(&self, phone: u64, change: u64) -> bool {
        self.lock().by_phone.get(&phone).is_some_and(|left| left.change == change)
    }

    /// Notes that an act of a number is about to write what it leaves: what was collected before is out of date. Gives the change of that.
    pub(super) fn acts(&self, phone: u64) -> u64 {
        let mut unwritten = self.lock();
        unwritten.changes += 1;
        let change = unwritten.changes;
        if let Some(left) = unwritten.by_phone.get_mut(&phone) {
            left.change = change;
        }
        change
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
