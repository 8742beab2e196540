//! Time, ids and randomness, as parameters. This file alone asks the machine for them; everything else is handed a [`Deps`], so
//! that a test moves the clock by hand and sees the same ids again. It must never decide anything by the time it hands out.

use jiff::{SignedDuration, Timestamp};
use rand::rngs::StdRng;
use rand::{Rng, RngCore, SeedableRng};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Tells the time. The hub's clock alone ends sessions, codes and keys. An edge's may be wrong by years: it is shown and sent as
/// claimed. Nothing is ordered by either.
pub trait Clock: Send + Sync {
    /// The wall clock.
    fn now(&self) -> Timestamp;

    /// Time since some moment, never going back. Sessions and waits are counted by it.
    fn monotonic(&self) -> Duration;

    /// Lets time pass. By the monotonic clock, in which nobody goes back.
    fn pause(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>>;

    /// The wall clock in whole seconds since 1970 UTC.
    fn now_s(&self) -> i64 {
        self.now().as_second()
    }
}

/// Makes ids and random bytes.
pub trait Ids: Send + Sync {
    /// A new id (UUID version 7).
    fn uuid_v7(&self) -> Uuid;

    /// Fills a buffer with random bytes, fit for secrets.
    fn fill(&self, out: &mut [u8]);
}

impl dyn Ids {
    /// So many random bytes, fit for secrets.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut out = [0; N];
        self.fill(&mut out);
        out
    }
}

/// What code that needs time, ids or randomness is handed.
#[derive(Clone)]
pub struct Deps {
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The source of ids and random bytes.
    pub ids: Arc<dyn Ids>,
}

impl Deps {
    /// The machine's own.
    pub fn real() -> Self {
        Self { clock: Arc::new(MachineClock { started: Instant::now() }), ids: Arc::new(MachineIds) }
    }

    /// For tests: the same ids for the same seed, and a clock that stands still.
    pub fn fixed(seed: u64) -> Self {
        Self::fixed_with_clock(seed).0
    }

    /// For tests: as [`Deps::fixed`], with the clock to be moved by hand.
    pub fn fixed_with_clock(seed: u64) -> (Self, Arc<HandClock>) {
        let clock = Arc::new(HandClock::new(HandClock::START_S));
        let ids = SeededIds { clock: clock.clone(), random: Mutex::new(StdRng::seed_from_u64(seed)) };
        (Self { clock: clock.clone(), ids: Arc::new(ids) }, clock)
    }
}

struct MachineClock {
    started: Instant,
}

impl Clock for MachineClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine for the time")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }

    fn pause(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep(time))
    }
}

struct MachineIds;

impl Ids for MachineIds {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine for an id")]
    fn uuid_v7(&self) -> Uuid {
        Uuid::now_v7()
    }

    fn fill(&self, out: &mut [u8]) {
        rand::rng().fill_bytes(out);
    }
}

/// A clock for tests that only moves when it is told to.
pub struct HandClock {
    /// Wall clock, and time since the start.
    at: Mutex<(Timestamp, Duration)>,
}

impl HandClock {
    /// Where [`Deps::fixed`] starts: 2026-03-01 08:00 UTC.
    pub const START_S: i64 = 1_772_352_000;

    fn new(start_s: i64) -> Self {
        let start = Timestamp::from_second(start_s).unwrap_or(Timestamp::UNIX_EPOCH);
        Self { at: Mutex::new((start, Duration::ZERO)) }
    }

    /// Lets time pass, on the wall clock and the monotonic one.
    pub fn advance(&self, by: Duration) {
        let mut at = self.at.lock().unwrap_or_else(PoisonError::into_inner);
        let step = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
        at.0 = at.0.checked_add(step).unwrap_or(Timestamp::MAX);
        at.1 = at.1.saturating_add(by);
    }

    /// Sets the wall clock alone, also back, as a box without a battery does. The monotonic clock goes on.
    pub fn set_wall_s(&self, second: i64) {
        let mut at = self.at.lock().unwrap_or_else(PoisonError::into_inner);
        at.0 = Timestamp::from_second(second).unwrap_or(at.0);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        self.at.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    fn monotonic(&self) -> Duration {
        self.at.lock().unwrap_or_else(PoisonError::into_inner).1
    }

    /// Nobody waits in a test: the clock moves on by as much at once.
    fn pause(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.advance(time);
        Box::pin(std::future::ready(()))
    }
}

struct SeededIds {
    clock: Arc<HandClock>,
    random: Mutex<StdRng>,
}

impl Ids for SeededIds {
    fn uuid_v7(&self) -> Uuid {
        let millis = u64::try_from(self.clock.now().as_millisecond()).unwrap_or(0);
        let random = self.random.lock().unwrap_or_else(PoisonError::into_inner).random();
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }

    fn fill(&self, out: &mut [u8]) {
        self.random.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_ids_and_the_clock_moves_by_hand() {
        let ((a, clock), b) = (Deps::fixed_with_clock(7), Deps::fixed(7));
        assert_eq!(a.ids.uuid_v7(), b.ids.uuid_v7());
        assert_eq!(a.ids.random::<16>(), b.ids.random::<16>());
        assert_ne!(Deps::fixed(8).ids.uuid_v7(), Deps::fixed(7).ids.uuid_v7());
        assert_eq!(a.clock.now_s(), HandClock::START_S);
        clock.advance(Duration::from_secs(90));
        assert_eq!(a.clock.now_s(), HandClock::START_S + 90);
        clock.set_wall_s(0);
        assert_eq!((a.clock.now_s(), a.clock.monotonic()), (0, Duration::from_secs(90)));
        assert_eq!(a.ids.uuid_v7().get_version_num(), 7);
    }

    #[test]
    fn the_machine_gives_ids_that_differ() {
        let deps = Deps::real();
        assert_ne!(deps.ids.uuid_v7(), deps.ids.uuid_v7());
        assert_ne!(deps.ids.random::<16>(), [0; 16]);
    }
}
