//! Time, ids and randomness, as parameters. This file alone asks the machine for them; everything else is handed a [`Deps`], so
//! that a test moves the clock by hand and sees the same ids again. It must never decide anything by the time it hands out.

use jiff::{SignedDuration, Timestamp};
use rand::rngs::StdRng;
use rand::{Rng, RngCore, SeedableRng};
use rustix::time::{ClockId, clock_gettime};
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

    /// The machine's run, and how long it has lasted: the same count in every program of the machine.
    fn uptime(&self) -> Uptime;

    /// What all of them say at one moment.
    fn read(&self) -> Reading {
        Reading { wall_s: self.now_s(), uptime: self.uptime() }
    }

    /// The wall clock in whole seconds since 1970 UTC.
    fn now_s(&self) -> i64 {
        self.now().as_second()
    }
}

/// How long a machine has been running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uptime {
    /// Names the run: another one after each start of the machine.
    pub boot: [u8; 16],
    /// Since it started.
    pub since: Duration,
}

/// What a machine's clocks say at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The wall clock in seconds since 1970 UTC. It may be wrong by years.
    pub wall_s: i64,
    /// The count that never jumps.
    pub uptime: Uptime,
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
        Self { clock: Arc::new(MachineClock::start()), ids: Arc::new(MachineIds) }
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
    boot: [u8; 16],
}

impl MachineClock {
    fn start() -> Self {
        // Where the system does not say it, the run of this program stands for the machine's.
        Self { started: Instant::now(), boot: machine_boot().unwrap_or_else(rand::random) }
    }
}

/// What Linux calls its run.
fn machine_boot() -> Option<[u8; 16]> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(Uuid::parse_str(boot.trim()).ok()?.into_bytes())
}

/// How long the machine has been running, with the time that it slept. An [`Instant`] leaves that out, so a program that counted by
/// one would fall behind another that started after the sleep.
fn since_boot() -> Duration {
    let since = clock_gettime(ClockId::Boottime);
    let (seconds, nanos) = (u64::try_from(since.tv_sec), u32::try_from(since.tv_nsec));
    Duration::new(seconds.unwrap_or(0), nanos.unwrap_or(0))
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

    fn uptime(&self) -> Uptime {
        Uptime { boot: self.boot, since: since_boot() }
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
    at: Mutex<Hands>,
}

#[derive(Clone, Copy)]
struct Hands {
    wall: Timestamp,
    monotonic: Duration,
    /// Starts of the machine so far, and when the last one was.
    boots: u8,
    booted: Duration,
}

impl HandClock {
    /// Where [`Deps::fixed`] starts: 2026-03-01 08:00 UTC.
    pub const START_S: i64 = 1_772_352_000;

    fn new(start_s: i64) -> Self {
        let wall = Timestamp::from_second(start_s).unwrap_or(Timestamp::UNIX_EPOCH);
        let (monotonic, booted) = (Duration::ZERO, Duration::ZERO);
        Self { at: Mutex::new(Hands { wall, monotonic, boots: 1, booted }) }
    }

    /// Lets time pass, on the wall clock and the monotonic one.
    pub fn advance(&self, by: Duration) {
        let mut at = self.hands();
        let step = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
        at.wall = at.wall.checked_add(step).unwrap_or(Timestamp::MAX);
        at.monotonic = at.monotonic.saturating_add(by);
    }

    /// Sets the wall clock alone, also back, as a box without a battery does. The monotonic clock goes on.
    pub fn set_wall_s(&self, second: i64) {
        let mut at = self.hands();
        at.wall = Timestamp::from_second(second).unwrap_or(at.wall);
    }

    /// Starts the machine anew: its uptime begins at nothing, and what the wall clock says is for [`HandClock::set_wall_s`].
    pub fn reboot(&self) {
        let mut at = self.hands();
        at.boots = at.boots.wrapping_add(1);
        at.booted = at.monotonic;
    }

    fn hands(&self) -> std::sync::MutexGuard<'_, Hands> {
        self.at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        self.hands().wall
    }

    fn monotonic(&self) -> Duration {
        self.hands().monotonic
    }

    fn uptime(&self) -> Uptime {
        let at = *self.hands();
        Uptime { boot: [at.boots; 16], since: at.monotonic.saturating_sub(at.booted) }
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
        let before = a.clock.uptime();
        assert_eq!(before.since, Duration::from_secs(90));
        clock.reboot();
        assert_ne!(a.clock.uptime().boot, before.boot);
        assert_eq!((a.clock.uptime().since, a.clock.monotonic()), (Duration::ZERO, Duration::from_secs(90)));
    }

    #[test]
    fn two_programs_of_a_machine_count_its_run_alike() {
        let (one, other) = (Deps::real().clock, Deps::real().clock);
        let counts = [one.uptime(), other.uptime(), one.uptime(), other.uptime()];
        assert!(counts.is_sorted_by_key(|count| count.since), "{counts:?}");
        assert!(counts.iter().all(|count| count.boot == counts[0].boot));
        let text = std::fs::read_to_string("/proc/uptime").unwrap();
        let machine: f64 = text.split_whitespace().next().unwrap().parse().unwrap();
        // It says hundredths.
        assert!(counts[3].since.as_secs_f64() < machine + 0.02, "{counts:?} {machine}");
        assert!(one.uptime().since.as_secs_f64() > machine - 0.02);
    }

    #[test]
    fn the_machine_gives_ids_that_differ() {
        let deps = Deps::real();
        assert_ne!(deps.ids.uuid_v7(), deps.ids.uuid_v7());
        assert_ne!(deps.ids.random::<16>(), [0; 16]);
    }
}
