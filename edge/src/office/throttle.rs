//! Slows down guessing: each wrong password for a name makes the next try wait longer. Counted for unknown names too, so that it
//! does not tell which ones there are. Kept in memory: whoever can restart the program needs no password.

use crate::http::problem::ApiError;
use mizili_node::throttle::{FORGET_AFTER, too_early, wait};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

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

impl Throttle {
    /// Counts a try before the password is looked at, so that tries made at once count too. `now` is monotonic.
    ///
    /// # Errors
    /// 429 with `Retry-After` when it is too early.
    pub fn count(&self, name: &str, now: Duration) -> Result<(), ApiError> {
        let mut all = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        let before = all.get(name).copied().filter(|tries| now.saturating_sub(tries.last) < FORGET_AFTER);
        let before = before.unwrap_or(Tries { failures: 0, last: now });
        let until = before.last + wait(before.failures);
        if until > now {
            let left_s = (until - now).as_secs_f64().ceil().max(1.0) as u64;
            return Err(too_early("name", left_s));
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
    use crate::http::problem::Kind;
    use mizili_node::throttle::FREE_TRIES;

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
