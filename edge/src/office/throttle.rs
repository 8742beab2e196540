//! Slows down guessing: each wrong password for a name makes the next try wait longer. Counted for unknown names too, so that it
//! does not tell which ones there are. Kept in memory: whoever can restart the program needs no password.

use crate::http::problem::{ApiError, Kind};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Wrong tries that nobody has to wait for: people mistype.
const FREE_TRIES: u32 = 4;
/// The longest wait, in seconds. It bounds what somebody can do to a person by guessing at their name.
const WAIT_MAX_S: u64 = 15 * 60;
/// Seconds after which wrong tries are forgotten.
const FORGET_S: u64 = 24 * 60 * 60;
/// Names that are counted at once. When more are tried, the ones tried longest ago are forgotten.
const NAMES_MAX: usize = 1_000;

/// Wrong tries by name.
#[derive(Debug, Default)]
pub struct Throttle {
    tries: Mutex<HashMap<String, Tries>>,
}

#[derive(Clone, Copy, Debug)]
struct Tries {
    failures: u32,
    last: Duration,
}

/// Seconds to wait after so many wrong tries: none for the first few, then 2, 4, 8, and so on.
fn wait_s(failures: u32) -> u64 {
    match failures.checked_sub(FREE_TRIES) {
        None => 0,
        Some(over) => 2u64.checked_shl(over.min(20)).unwrap_or(WAIT_MAX_S).min(WAIT_MAX_S),
    }
}

impl Throttle {
    /// Counts a try before the password is looked at, so that tries made at once count too. `now` is monotonic.
    ///
    /// # Errors
    /// 429 with `Retry-After` when it is too early.
    pub fn count(&self, name: &str, now: Duration) -> Result<(), ApiError> {
        let mut all = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        let before =
            all.get(name).copied().filter(|tries| now.saturating_sub(tries.last).as_secs() < FORGET_S);
        let before = before.unwrap_or(Tries { failures: 0, last: now });
        let until = before.last + Duration::from_secs(wait_s(before.failures));
        if until > now {
            let left_s = (until - now).as_secs_f64().ceil().max(1.0) as u64;
            let detail =
                format!("There were too many wrong passwords for this name. Try again in {left_s} seconds.");
            return Err(Kind::TooManyAttempts.because(detail).retry_after_s(left_s));
        }
        if all.len() >= NAMES_MAX && !all.contains_key(name) {
            let oldest = all.iter().min_by_key(|(_, tries)| tries.last).map(|(name, _)| name.clone());
            oldest.and_then(|oldest| all.remove(&oldest));
        }
        all.insert(name.to_owned(), Tries { failures: before.failures.saturating_add(1), last: now });
        Ok(())
    }

    /// Forgets the tries of a name whose password was right.
    pub fn forgive(&self, name: &str) {
        self.tries.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_a_bound() {
        let waits: Vec<_> = (1..=16).map(wait_s).collect();
        assert_eq!(waits, [0, 0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900]);
        assert_eq!(wait_s(u32::MAX), WAIT_MAX_S);
    }

    #[test]
    fn a_name_waits_alone_and_a_right_password_ends_it() {
        let throttle = Throttle::default();
        let mut now = Duration::from_secs(5);
        for _ in 0..FREE_TRIES {
            throttle.count("office", now).unwrap();
        }
        let refused = throttle.count("office", now).unwrap_err();
        assert_eq!(refused.kind(), Kind::TooManyAttempts);
        throttle.count("mercy", now).unwrap();
        now += Duration::from_secs(2);
        throttle.count("office", now).unwrap();
        assert!(
            throttle.count("office", now + Duration::from_secs(3)).is_err(),
            "the next wait is 4 seconds"
        );
        throttle.forgive("office");
        throttle.count("office", now).unwrap();
    }

    #[test]
    fn many_names_do_not_fill_the_memory() {
        let throttle = Throttle::default();
        for n in 0..2 * NAMES_MAX {
            throttle.count(&n.to_string(), Duration::from_secs(n as u64)).unwrap();
        }
        assert_eq!(throttle.tries.lock().unwrap().len(), NAMES_MAX);
    }
}
