//! Which connections must not be used again: all that were opened before something went wrong with one of them. Kept for the
//! process, since every pool of it stands before one database. It closes nothing itself: the pool asks before it hands one out.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// From when moments are counted.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The newest retirement, in microseconds since [`START`]; 0 for none.
static RETIRED_US: AtomicU64 = AtomicU64::new(0);

/// A moment of this process, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(u64);

/// Now.
pub(super) fn now() -> Moment {
    // Never 0, which stands for none.
    Moment(u64::try_from(START.elapsed().as_micros()).unwrap_or(u64::MAX).saturating_add(1))
}

/// Retires every connection that is open now, because of an attempt that began at `began`. False where that was done since:
/// what failed then says nothing about the connections of today.
pub(super) fn retire(began: Moment) -> bool {
    let now = now();
    let newer = |retired| (retired < began.0).then_some(now.0);
    RETIRED_US.fetch_update(Ordering::AcqRel, Ordering::Acquire, newer).is_ok()
}

/// Whether a connection of that age is to be closed instead of used.
pub(super) fn is_retired(age: Duration) -> bool {
    let opened = now().0.saturating_sub(u64::try_from(age.as_micros()).unwrap_or(u64::MAX));
    opened < RETIRED_US.load(Ordering::Acquire)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_before_a_retirement_does_not_retire_again() {
        let (began, beside) = (now(), now());
        std::thread::yield_now();
        assert!(retire(began));
        assert!(!retire(beside), "it began before the retirement");
        assert!(is_retired(Duration::from_secs(1)), "opened before");
        let later = Moment(now().0 + 1_000);
        assert!(retire(later));
    }
}
