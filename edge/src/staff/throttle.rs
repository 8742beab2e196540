//! Slows down guessing at the office's passwords, by name and line: each wrong one makes the next try from there wait longer. Counted for
//! unknown names too, so that it does not tell which ones there are. Kept in memory, by monotonic time: whoever can restart the
//! program needs no password. Who waits is never forgotten to make room for others.

use crate::http::problem::ApiError;
use mizili_node::throttle::{OnTheWay, Tries, Turn, UnderWay, full, too_early};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Names and lines that are counted at once, of about 100 bytes each.
const COUNTED_MAX: usize = 10_000;
/// Tries that may be under way from one line: half of what the hashing pool lets wait, so that another finds room.
const UNDER_WAY_MAX: usize = 8;

/// A name that somebody signs in with, and the line that they are on.
type Key = (String, String);

/// Wrong tries by name and line.
#[derive(Debug, Default)]
pub struct Throttle {
    tries: Mutex<HashMap<Key, Tries>>,
    under_way: UnderWay,
}

/// A try that was counted. What comes of it is said with [`Throttle::forgive`] or [`Throttle::take_back`]; else it was wrong.
#[derive(Debug)]
pub struct Attempt {
    /// How long it is put off before the password is looked at.
    pub put_off: Duration,
    key: Key,
    before: Tries,
    counted: Tries,
    _on_the_way: OnTheWay,
}

impl Throttle {
    /// Counts a try before the password is looked at, so that tries made at once count too. `is_known` says that the name has signed in
    /// on this line before; `now` is monotonic.
    ///
    /// # Errors
    /// 429 with `Retry-After` when it is too early, which does not count; 503 when too many wait before it.
    pub fn begin(&self, name: &str, line: &str, is_known: bool, now: Duration) -> Result<Attempt, ApiError> {
        let on_the_way = self.under_way.enter(line, UNDER_WAY_MAX)?;
        let mut all = self.lock();
        let key = (name.to_owned(), line.to_owned());
        let before = all.get(&key).copied().unwrap_or_default().still(now);
        let elsewhere = all.iter().filter(|((other, from), _)| other == name && from != line);
        let elsewhere = elsewhere.map(|(_, tries)| tries.still(now).failures).fold(0, u32::saturating_add);
        let put_off = match before.next(elsewhere, is_known, now) {
            Turn::After(put_off) => put_off,
            Turn::TooEarly(left) => return Err(too_early("name", left)),
            Turn::Full => return Err(full()),
        };
        if all.len() >= COUNTED_MAX && !is_known && !all.contains_key(&key) && !make_room(&mut all, now) {
            return Err(full());
        }
        let counted = Tries { failures: before.failures.saturating_add(1), last: now + put_off };
        all.insert(key.clone(), counted);
        Ok(Attempt { put_off, key, before, counted, _on_the_way: on_the_way })
    }

    /// Forgets the tries of a name on this line: its password was right.
    pub fn forgive(&self, attempt: Attempt) {
        self.lock().remove(&attempt.key);
    }

    /// Takes a try back that nobody looked at.
    pub fn take_back(&self, attempt: Attempt) {
        let mut all = self.lock();
        let Some(now) = all.get_mut(&attempt.key) else { return };
        now.failures = now.failures.saturating_sub(1);
        if now.last == attempt.counted.last {
            now.last = attempt.before.last;
        }
        if now.failures == 0 {
            all.remove(&attempt.key);
        }
    }

    /// Whether any try is under way.
    pub fn is_any_under_way(&self) -> bool {
        self.under_way.is_any()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Tries>> {
        self.tries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets one who need not wait: with the fewest wrong tries, the longest ago. False when everybody waits.
fn make_room(all: &mut HashMap<Key, Tries>, now: Duration) -> bool {
    let need_not_wait = all.iter().filter(|(_, tries)| tries.still(now).open_at(0) <= now);
    let least =
        need_not_wait.min_by_key(|(_, tries)| (tries.failures, tries.last)).map(|(key, _)| key.clone());
    least.is_some_and(|key| all.remove(&key).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::problem::Kind;
    use mizili_node::throttle::FREE_TRIES;

    const LINE: &str = "192.168.1.7";

    /// A wrong try.
    fn wrong(throttle: &Throttle, name: &str, line: &str, now: Duration) -> Result<(), Kind> {
        throttle.begin(name, line, false, now).map(drop).map_err(|error| error.kind())
    }

    #[test]
    fn a_name_waits_on_its_line_alone_and_a_right_password_ends_it() {
        let throttle = Throttle::default();
        let mut now = Duration::from_secs(5);
        for _ in 0..FREE_TRIES {
            wrong(&throttle, "office", LINE, now).unwrap();
        }
        assert_eq!(wrong(&throttle, "office", LINE, now), Err(Kind::TooManyAttempts));
        wrong(&throttle, "mercy", LINE, now).unwrap();
        wrong(&throttle, "office", "192.168.1.8", now).unwrap();
        let known = throttle.begin("office", LINE, true, now).unwrap();
        assert_eq!(
            known.put_off,
            Duration::from_secs(2),
            "who signed in here before is put off, not refused"
        );
        throttle.take_back(known);
        now += Duration::from_secs(2);
        let right = throttle.begin("office", LINE, false, now).unwrap();
        assert_eq!(
            wrong(&throttle, "office", LINE, now + Duration::from_secs(3)),
            Err(Kind::TooManyAttempts)
        );
        throttle.forgive(right);
        wrong(&throttle, "office", LINE, now).unwrap();
    }

    #[test]
    fn a_try_that_nobody_looked_at_does_not_count() {
        let throttle = Throttle::default();
        let now = Duration::from_secs(5);
        for _ in 0..100 {
            throttle.take_back(throttle.begin("office", LINE, false, now).unwrap());
        }
        assert!(throttle.lock().is_empty());
        for _ in 0..FREE_TRIES {
            wrong(&throttle, "office", LINE, now).unwrap();
        }
    }

    #[test]
    fn many_names_do_not_fill_the_memory_and_wipe_out_nobody() {
        let throttle = Throttle::default();
        let now = Duration::from_secs(5);
        for _ in 0..FREE_TRIES {
            wrong(&throttle, "office", LINE, now).unwrap();
        }
        for n in 0..2 * COUNTED_MAX {
            wrong(&throttle, &n.to_string(), LINE, now + Duration::from_micros(n as u64)).unwrap();
        }
        assert_eq!(throttle.lock().len(), COUNTED_MAX);
        assert_eq!(wrong(&throttle, "office", LINE, now), Err(Kind::TooManyAttempts), "it waits as before");
        // Nor when its wait is over: it has more wrong tries than any of those.
        let later = now + Duration::from_secs(2);
        for n in 0..COUNTED_MAX {
            wrong(&throttle, &format!("junk {n}"), LINE, later).unwrap();
        }
        wrong(&throttle, "office", LINE, later).unwrap();
        assert_eq!(wrong(&throttle, "office", LINE, later), Err(Kind::TooManyAttempts));
    }

    #[test]
    fn one_line_cannot_take_the_whole_queue() {
        let throttle = Throttle::default();
        let now = Duration::from_secs(5);
        let under_way: Vec<_> =
            (0..UNDER_WAY_MAX).map(|n| throttle.begin(&n.to_string(), LINE, false, now).unwrap()).collect();
        assert_eq!(wrong(&throttle, "mercy", LINE, now), Err(Kind::Busy));
        wrong(&throttle, "office", "192.168.1.8", now).unwrap();
        drop(under_way);
        wrong(&throttle, "mercy", LINE, now).unwrap();
    }
}
