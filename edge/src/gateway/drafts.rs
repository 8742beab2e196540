//! What numbers have begun and not finished, as far as that is not on the disk yet: a call sees what the one before has left, however soon
//! it comes, and what is written is always what was left last. Holds nothing that is written; [`super::calls`] writes it.

use crate::ussd::Draft;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Numbers that wait to be written at most, for a disk that refuses for long. What was left the longest ago is forgotten then.
const UNWRITTEN_MAX: usize = 8_192;

/// What is known of a number.
#[derive(Default)]
struct Number {
    /// What it has left and is not written; the inner `None`: nothing, whatever is on the disk.
    left: Option<Option<Draft>>,
    /// Which leaving that was.
    left_at: u64,
    /// Changes with each leaving and each act: what was collected before must not be written after.
    change: u64,
    /// Its acts under way. Each writes what it leaves itself, so nothing else of the number may be written until they are over.
    acts: u32,
}

impl Number {
    fn is_over(&self) -> bool {
        self.left.is_none() && self.acts == 0
    }
}

#[derive(Default)]
struct Unwritten {
    by_phone: HashMap<u64, Number>,
    changes: u64,
}

impl Unwritten {
    fn change(&mut self) -> u64 {
        self.changes += 1;
        self.changes
    }
}

/// All that is not written.
#[derive(Default)]
pub(super) struct Drafts(Mutex<Unwritten>);

impl Drafts {
    /// What a number has left; the outer `None` where that is on the disk. To be asked before the disk is: what is written meanwhile is
    /// there then.
    pub(super) fn of(&self, phone: u64) -> Option<Option<Draft>> {
        self.lock().by_phone.get(&phone)?.left.clone()
    }

    /// Notes what a number leaves.
    pub(super) fn leave(&self, phone: u64, draft: Option<Draft>) {
        let mut unwritten = self.lock();
        let change = unwritten.change();
        let by_phone = &mut unwritten.by_phone;
        if by_phone.len() >= UNWRITTEN_MAX && !by_phone.contains_key(&phone) {
            let resting = by_phone.iter().filter(|(_, number)| number.acts == 0);
            let oldest = resting.min_by_key(|(_, number)| number.change).map(|(phone, _)| *phone);
            oldest.map(|phone| by_phone.remove(&phone));
        }
        let number = by_phone.entry(phone).or_default();
        (number.left, number.left_at, number.change) = (Some(draft), change, change);
    }

    /// What waits to be written of a number, with its change; nothing while an act of it is under way.
    pub(super) fn collect(&self, phone: u64) -> Option<(Option<Draft>, u64)> {
        let unwritten = self.lock();
        let number = unwritten.by_phone.get(&phone).filter(|number| number.acts == 0)?;
        Some((number.left.clone()?, number.change))
    }

    /// Whether that is still the last that the number left.
    pub(super) fn is_last(&self, phone: u64, change: u64) -> bool {
        self.lock().by_phone.get(&phone).is_some_and(|number| number.change == change)
    }

    /// Notes that an act of a number is about to write what it leaves. What was collected before is out of date; what is left from now on
    /// is not collected before the act is over, so that it is never written ahead of it.
    pub(super) fn acts(self: &Arc<Self>, phone: u64) -> Acting {
        let mut unwritten = self.lock();
        let change = unwritten.change();
        let number = unwritten.by_phone.entry(phone).or_default();
        number.change = change;
        number.acts += 1;
        Acting { drafts: self.clone(), phone, left_at: number.left_at, has_written: false }
    }

    /// Notes that a change is on the disk.
    pub(super) fn written(&self, phone: u64, change: u64) {
        let mut unwritten = self.lock();
        if unwritten.by_phone.get(&phone).is_some_and(|number| number.change == change) {
            unwritten.by_phone.remove(&phone);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Unwritten> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An act under way, over when this is dropped.
pub(super) struct Acting {
    drafts: Arc<Drafts>,
    phone: u64,
    /// What the number had left when it began.
    left_at: u64,
    has_written: bool,
}

impl Acting {
    /// The act is over. Where it is on the disk, what the number had left before counts no more, whatever becomes of other acts: put back, it
    /// would offer this one a second time. Gives whether anything still waits to be written.
    pub(super) fn over(mut self, has_written: bool) -> bool {
        self.has_written = has_written;
        let (drafts, phone) = (self.drafts.clone(), self.phone);
        drop(self);
        drafts.of(phone).is_some()
    }
}

impl Drop for Acting {
    fn drop(&mut self) {
        let mut unwritten = self.drafts.lock();
        let Some(number) = unwritten.by_phone.get_mut(&self.phone) else { return };
        number.acts = number.acts.saturating_sub(1);
        if self.has_written && number.left_at == self.left_at {
            number.left = None;
        }
        if number.is_over() {
            unwritten.by_phone.remove(&self.phone);
        }
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
        assert!(!acting.over(true));
        assert!(drafts.of(PHONE).is_none(), "what is on the disk counts");
    }

    #[test]
    fn what_was_left_before_an_act_that_failed_is_written() {
        let drafts = Arc::new(Drafts::default());
        drafts.leave(PHONE, None);
        let (first, second) = (drafts.acts(PHONE), drafts.acts(PHONE));
        first.over(false);
        assert!(drafts.collect(PHONE).is_none(), "another act is under way");
        assert!(second.over(false), "it waits to be written");
        let (_, change) = drafts.collect(PHONE).unwrap();
        assert!(drafts.is_last(PHONE, change));
        drafts.written(PHONE, change);
        assert!(drafts.lock().by_phone.is_empty());
    }

    #[test]
    fn what_was_left_before_an_act_that_is_done_stays_gone_though_another_fails() {
        let drafts = Arc::new(Drafts::default());
        for is_first_done in [true, false] {
            drafts.leave(PHONE, None);
            let (first, second) = (drafts.acts(PHONE), drafts.acts(PHONE));
            first.over(is_first_done);
            second.over(!is_first_done);
            assert!(drafts.of(PHONE).is_none(), "{is_first_done}");
            assert!(drafts.lock().by_phone.is_empty(), "nothing is kept of it");
        }
    }

    /// Written before the act, it would be gone from memory, and the act would write over it.
    #[test]
    fn what_is_left_during_an_act_is_written_after_it() {
        let drafts = Arc::new(Drafts::default());
        for had_left in [true, false] {
            if had_left {
                drafts.leave(PHONE, None);
            }
            let acting = drafts.acts(PHONE);
            drafts.leave(PHONE, None);
            assert!(drafts.collect(PHONE).is_none(), "not ahead of the act");
            assert!(drafts.of(PHONE).is_some(), "though the next call finds it");
            assert!(acting.over(true), "it waits to be written");
            let (_, change) = drafts.collect(PHONE).unwrap();
            drafts.written(PHONE, change);
        }
    }

    #[test]
    fn where_too_many_wait_the_oldest_is_forgotten_and_no_act() {
        let drafts = Arc::new(Drafts::default());
        let acting = drafts.acts(1);
        for phone in 2..=UNWRITTEN_MAX as u64 + 2 {
            drafts.leave(phone, None);
        }
        assert_eq!(drafts.lock().by_phone.len(), UNWRITTEN_MAX);
        assert!([2, 3].iter().all(|phone| drafts.of(*phone).is_none()) && drafts.of(4).is_some());
        drafts.leave(1, None);
        assert!(drafts.collect(1).is_none());
        assert!(acting.over(false));
    }
}
