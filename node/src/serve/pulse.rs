//! Signs of life of one connection: which requests are under way on it and since when, and when something last moved. From them
//! follows how long it may go on as it is. It knows no socket; a ping of the connection itself is no sign of life.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// How long a connection may go on as it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// A new one without a whole head of a request. Browsers open connections that they may need; those end so too.
    pub(super) first: Duration,
    /// One without a request after its last.
    pub(super) idle: Duration,
    /// One with a request, of which or of whose answer nothing moves.
    pub(super) stalled: Duration,
    /// One with a request that is under way for so long makes room for others where there is no more, though something moves.
    pub(super) yields: Duration,
    /// One with a request, whatever moves.
    pub(super) longest: Duration,
    /// One of HTTP/2 that is silent is asked whether its peer is still there.
    pub(super) ping_after: Duration,
    /// Such a question may be without an answer.
    pub(super) pong_within: Duration,
}

/// The longest that one request may take, its answer included. Whatever bounds an address has of its own are shorter.
pub const LONGEST: Duration = Duration::from_secs(45 * 60);

/// Several tries of a slow mobile link; longer than a page or an edge is silent between two requests, so that a connection in use
/// is not opened anew each time; longer than a poll is held and than any handler may think; longer than people wait for a page. A poll is shorter than the silence
/// after which a peer is asked, so that a living edge is never asked.
pub(super) const TIMES: Times = Times {
    first: Duration::from_secs(20),
    idle: Duration::from_secs(75),
    stalled: Duration::from_secs(180),
    yields: Duration::from_secs(300),
    longest: LONGEST,
    ping_after: Duration::from_secs(45),
    pong_within: Duration::from_secs(30),
};

/// The signs of one connection.
#[derive(Debug)]
pub(super) struct Pulse {
    began: Instant,
    /// Whether requests come one after another (HTTP/1), so that what is written is the answer to the last one.
    in_turn: AtomicBool,
    /// Milliseconds after `began`.
    moved_ms: AtomicU64,
    requests: Mutex<Requests>,
    first: Notify,
}

#[derive(Debug, Default)]
struct Requests {
    /// How many have come.
    seen: u64,
    /// Those under way, by their numbers, which count up: when they began.
    under_way: BTreeMap<u64, Instant>,
    /// Those of them whose answers were made and are still to be written.
    answered: Vec<u64>,
}

impl Pulse {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            began: now,
            in_turn: AtomicBool::new(false),
            moved_ms: AtomicU64::new(0),
            requests: Mutex::default(),
            first: Notify::new(),
        }
    }

    /// A request has come.
    pub(super) fn begin(self: &Arc<Self>) -> UnderWay {
        self.moved();
        let mut requests = self.requests();
        requests.seen += 1;
        let number = requests.seen;
        requests.under_way.insert(number, Instant::now());
        if number == 1 {
            self.first.notify_one();
        }
        UnderWay { pulse: self.clone(), number, is_answer: false }
    }

    /// Its requests come one after another.
    pub(super) fn is_in_turn(&self) {
        self.in_turn.store(true, Ordering::Relaxed);
    }

    pub(super) fn moved(&self) {
        let ms = Instant::now().duration_since(self.began).as_millis();
        self.moved_ms.store(u64::try_from(ms).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Bytes were taken by the peer's system. Where requests may be told apart by their answers alone, that may be a ping.
    pub(super) fn wrote(&self) {
        if self.in_turn.load(Ordering::Relaxed) {
            self.moved();
        }
    }

    /// All that was to be written has been.
    pub(super) fn wrote_all(&self) {
        let mut requests = self.requests();
        let Requests { under_way, answered, .. } = &mut *requests;
        if !answered.is_empty() {
            for number in answered.drain(..) {
                under_way.remove(&number);
            }
            drop(requests);
            self.moved();
        }
    }

    /// Waits for the first request.
    pub(super) async fn first(&self) {
        if self.requests().seen == 0 {
            self.first.notified().await;
        }
    }

    /// Whether no request is under way, and since when something last moved.
    pub(super) fn waits_since(&self) -> Option<Instant> {
        self.requests().under_way.is_empty().then(|| self.moved_at())
    }

    /// When the oldest request began that is under way.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.requests().under_way.values().next().copied()
    }

    fn moved_at(&self) -> Instant {
        self.began + Duration::from_millis(self.moved_ms.load(Ordering::Relaxed))
    }

    /// When its time is over, if nothing moves until then.
    pub(super) fn over_at(&self, times: &Times) -> Instant {
        let moved_at = self.moved_at();
        match (self.oldest(), self.requests().seen) {
            (Some(oldest), _) => (moved_at + times.stalled).min(oldest + times.longest),
            (None, 0) => moved_at + times.first,
            (None, _) => moved_at + times.idle,
        }
    }

    fn requests(&self) -> MutexGuard<'_, Requests> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that is under way for as long as this lives, and, where it was answered in its turn, until the answer was written.
#[derive(Debug)]
pub(super) struct UnderWay {
    pulse: Arc<Pulse>,
    number: u64,
    is_answer: bool,
}

impl UnderWay {
    /// Whose it is.
    pub(super) fn pulse(&self) -> Arc<Pulse> {
        self.pulse.clone()
    }

    /// From here on it stands for the answer.
    pub(super) fn answered(self) -> Self {
        let mut answered = self;
        answered.is_answer = true;
        answered
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.pulse.moved();
        let mut requests = self.pulse.requests();
        if self.is_answer && self.pulse.in_turn.load(Ordering::Relaxed) {
            requests.answered.push(self.number);
        } else {
            requests.under_way.remove(&self.number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patience(pulse: &Pulse) -> Duration {
        pulse.over_at(&TIMES) - pulse.moved_at()
    }

    #[tokio::test]
    async fn how_long_a_connection_may_go_on_follows_from_what_it_does() {
        let began = Instant::now();
        let pulse = Arc::new(Pulse::new(began));
        assert_eq!((pulse.over_at(&TIMES), pulse.waits_since()), (began + TIMES.first, Some(began)));
        let under_way = pulse.begin();
        pulse.first().await;
        assert_eq!((patience(&pulse), pulse.waits_since()), (TIMES.stalled, None));
        drop(under_way);
        assert_eq!((patience(&pulse), pulse.waits_since()), (TIMES.idle, Some(pulse.moved_at())));
    }

    #[test]
    fn an_answer_in_its_turn_is_under_way_until_it_is_written() {
        let pulse = Arc::new(Pulse::new(Instant::now()));
        pulse.is_in_turn();
        drop(pulse.begin());
        assert!(pulse.waits_since().is_some(), "who went away before the answer has nothing to wait for");
        drop(pulse.begin().answered());
        assert_eq!((patience(&pulse), pulse.waits_since()), (TIMES.stalled, None));
        let next = pulse.begin();
        pulse.wrote_all();
        assert!(pulse.waits_since().is_none(), "the next one is under way still");
        drop(next);
        assert!(pulse.waits_since().is_some());
    }

    #[test]
    fn no_request_lasts_for_ever_whatever_moves_beside_it() {
        let pulse = Arc::new(Pulse::new(Instant::now()));
        let first = pulse.begin();
        let oldest = pulse.oldest().unwrap();
        let _second = pulse.begin();
        pulse.moved_ms.store(u64::try_from(TIMES.longest.as_millis()).unwrap() - 1, Ordering::Relaxed);
        assert_eq!(pulse.over_at(&TIMES), oldest + TIMES.longest);
        drop(first);
        assert_eq!(patience(&pulse), TIMES.stalled);
    }

    #[test]
    fn bytes_that_may_be_a_ping_are_no_sign_of_life() {
        let pulse = Pulse::new(Instant::now());
        let long_ago = pulse.moved_at();
        while Instant::now() < long_ago + Duration::from_millis(2) {}
        pulse.wrote();
        assert_eq!(pulse.moved_at(), long_ago);
        pulse.is_in_turn();
        pulse.wrote();
        assert!(pulse.moved_at() > long_ago);
    }
}
