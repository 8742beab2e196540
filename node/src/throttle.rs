//! How long somebody waits who guesses at passwords and codes: the same at a hub and at an office. Where tries are counted is each
//! node's own; that they are counted by account and line is everybody's: whoever guesses from elsewhere makes nobody wait. On a line
//! where an account has signed in before its tries are put off and never refused, so that nobody there can be locked out.
//!
//! Only a try that was looked at counts. It is counted before, so that tries made at once count too, and taken back if nobody came to
//! look at it.

use crate::problem::{Kind, Problem};
use crate::text::counted;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Wrong tries that nobody has to wait for: people mistype.
pub const FREE_TRIES: u32 = 4;
/// The longest wait.
const WAIT_MAX: Duration = Duration::from_secs(15 * 60);
/// After how long wrong tries are forgotten.
pub const FORGET_AFTER: Duration = Duration::from_secs(24 * 60 * 60);
/// Wrong tries from other lines after which an account's next guesser has no free ones left but the first: many lines guess together.
const ELSEWHERE_MANY: u32 = 20;
/// The longest time by which a try is put off, on a line where the account has signed in before.
const PUT_OFF_MAX: Duration = Duration::from_secs(10);
/// The longest time that a try waits behind others of its account and line.
const QUEUE_MAX: Duration = Duration::from_secs(30);
/// After how many seconds somebody may come back who found too many before them.
const BUSY_RETRY_S: u64 = 5;

/// Wrong tries at an account from one line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tries {
    /// How many.
    pub failures: u32,
    /// When the last one was looked at or will be, on any clock that tries are counted by.
    pub last: Duration,
}

/// What becomes of a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It is looked at so much later.
    After(Duration),
    /// It is refused: the next one may come so much later.
    TooEarly(Duration),
    /// Too many of this account and line wait already.
    Full,
}

/// The wait after so many wrong tries: none for the first few, then 2, 4, 8 seconds, and so on up to a quarter of an hour.
fn wait(failures: u32) -> Duration {
    match failures.checked_sub(FREE_TRIES) {
        None => Duration::ZERO,
        Some(over) => Duration::from_secs(2u64.checked_shl(over.min(20)).unwrap_or(u64::MAX)).min(WAIT_MAX),
    }
}

impl Tries {
    /// As far as they still count now. What lies a day back is forgotten; what lies ahead by more than anybody waits was written
    /// while a clock was wrong, and locks nobody out.
    pub fn still(self, now: Duration) -> Self {
        let is_old = now.saturating_sub(self.last) >= FORGET_AFTER;
        let is_ahead = self.last.saturating_sub(now) > WAIT_MAX;
        if is_old || is_ahead { Self::default() } else { self }
    }

    /// When the next try may be looked at. `elsewhere` are the account's wrong tries from other lines: they never keep a first try
    /// from being looked at.
    pub fn open_at(self, elsewhere: u32) -> Duration {
        let guessed_by_many = self.failures > 0 && elsewhere >= ELSEWHERE_MANY;
        let counted =
            if guessed_by_many { self.failures.saturating_add(FREE_TRIES - 1) } else { self.failures };
        self.last.saturating_add(wait(counted))
    }

    /// What becomes of the next try. `is_known` says that the account has signed in on this line before.
    pub fn next(self, elsewhere: u32, is_known: bool, now: Duration) -> Turn {
        let before = self.still(now);
        let open_at = before.open_at(elsewhere);
        if open_at <= now {
            return Turn::After(Duration::ZERO);
        }
        if !is_known {
            return Turn::TooEarly(open_at - now);
        }
        // Behind those that wait already, each put off by a bounded time.
        let soonest = before.last.max(now) + PUT_OFF_MAX;
        let after = open_at.min(soonest).saturating_sub(now);
        if after > QUEUE_MAX { Turn::Full } else { Turn::After(after) }
    }
}

/// What a try is told that comes too early. `what` is tried for: a name, a number.
pub fn too_early(what: &str, left: Duration) -> Problem {
    let left_s = left.as_secs() + u64::from(left.subsec_nanos() > 0);
    let detail = format!(
        "There were too many wrong tries for this {what} from where you are. Try again in {}.",
        counted(left_s, "second", "seconds")
    );
    Kind::TooManyAttempts.because(detail).retry_after_s(left_s.max(1))
}

/// What a try is told that finds too many before it. It was not looked at, and does not count.
pub fn full() -> Problem {
    Kind::Busy.error().retry_after_s(BUSY_RETRY_S)
}

/// Counts the tries that are under way by line, so that one line cannot take every place in the queue of the hashing pool.
#[derive(Clone, Debug, Default)]
pub struct UnderWay(Arc<Mutex<HashMap<String, usize>>>);

/// One that is under way, for as long as it lives.
#[derive(Debug)]
pub struct OnTheWay {
    all: UnderWay,
    line: String,
}

impl UnderWay {
    /// Begins one, of at most so many on this line.
    ///
    /// # Errors
    /// 503: there are as many already.
    pub fn enter(&self, line: &str, max: usize) -> Result<OnTheWay, Problem> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = all.entry(line.to_owned()).or_default();
        if *count >= max {
            return Err(full());
        }
        *count += 1;
        Ok(OnTheWay { all: self.clone(), line: line.to_owned() })
    }

    /// Whether there is any.
    pub fn is_any(&self) -> bool {
        !self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }
}

impl Drop for OnTheWay {
    fn drop(&mut self) {
        let mut all = self.all.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = all.get_mut(&self.line) {
            *count -= 1;
            if *count == 0 {
                all.remove(&self.line);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1_000_000);

    fn tries(failures: u32, ago_s: u64) -> Tries {
        Tries { failures, last: NOW - Duration::from_secs(ago_s) }
    }

    fn seconds(s: u64) -> Duration {
        Duration::from_secs(s)
    }

    #[test]
    fn waits_grow_up_to_a_bound() {
        let waits: Vec<_> = (1..=16).map(|failures| wait(failures).as_secs()).collect();
        assert_eq!(waits, [0, 0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900]);
        assert_eq!(wait(u32::MAX), WAIT_MAX);
    }

    #[test]
    fn a_stranger_waits_and_who_was_here_before_is_put_off() {
        assert_eq!(tries(3, 0).next(0, false, NOW), Turn::After(Duration::ZERO));
        assert_eq!(tries(6, 3).next(0, false, NOW), Turn::TooEarly(seconds(5)));
        assert_eq!(tries(6, 8).next(0, false, NOW), Turn::After(Duration::ZERO));
        assert_eq!(tries(6, 3).next(0, true, NOW), Turn::After(seconds(5)));
        assert_eq!(tries(30, 0).next(0, true, NOW), Turn::After(PUT_OFF_MAX));
        // One behind the other, not all at once, and not without end.
        let mut last = tries(30, 0);
        for place in 1..=3 {
            assert_eq!(last.next(0, true, NOW), Turn::After(PUT_OFF_MAX * place));
            last = Tries { failures: last.failures + 1, last: NOW + PUT_OFF_MAX * place };
        }
        assert_eq!(last.next(0, true, NOW), Turn::Full);
    }

    #[test]
    fn a_first_try_is_looked_at_however_many_guess_elsewhere() {
        assert_eq!(tries(0, 0).next(u32::MAX, false, NOW), Turn::After(Duration::ZERO));
        assert_eq!(tries(1, 0).next(ELSEWHERE_MANY - 1, false, NOW), Turn::After(Duration::ZERO));
        assert_eq!(tries(1, 0).next(ELSEWHERE_MANY, false, NOW), Turn::TooEarly(seconds(2)));
    }

    #[test]
    fn what_a_wrong_clock_wrote_locks_nobody_out() {
        let in_2040 = Tries { failures: 40, last: NOW + seconds(14 * 365 * 24 * 60 * 60) };
        assert_eq!(in_2040.next(0, false, NOW), Turn::After(Duration::ZERO));
        assert_eq!(in_2040.still(NOW), Tries::default());
        assert_eq!(tries(40, 24 * 60 * 60).still(NOW), Tries::default());
    }

    #[test]
    fn one_line_leaves_room_for_others() {
        let all = UnderWay::default();
        let first = all.enter("192.0.2.7", 2).unwrap();
        let _second = all.enter("192.0.2.7", 2).unwrap();
        assert_eq!(all.enter("192.0.2.7", 2).unwrap_err().kind(), Kind::Busy);
        all.enter("192.0.2.8", 2).unwrap();
        drop(first);
        all.enter("192.0.2.7", 2).unwrap();
        assert_eq!(all.0.lock().unwrap().len(), 1, "those that ended leave nothing behind");
    }
}
