//! Who is connected, and who has to make room: bounds on connections in all and by line.
//!
//! The bound by line is half of all, so that one cannot keep out everybody else; an office behind one address, or a village behind
//! a phone network's, has a few dozen. A trusted proxy has no bound of its own: it speaks for everybody.

use super::pulse::{Pulse, Times};
use crate::address::{Place, Proxies};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::Notify;
use tokio::time::Instant;

/// Connections that were told to go at once and may still be there, beside those that have a place: each is an open file until then.
const LEAVING_MAX: usize = 64;

/// One connection's place.
#[derive(Debug)]
pub(super) struct Seat {
    number: u64,
    /// What its peer is counted by; `None` for a trusted proxy.
    line: Option<IpAddr>,
    pub(super) pulse: Arc<Pulse>,
    over: Notify,
    room: Notify,
}

impl Seat {
    /// Waits until the connection's time is over. It may say so.
    pub(super) async fn is_over(&self) {
        self.over.notified().await;
    }

    /// Waits until somebody else has its place. It ends at once.
    pub(super) async fn is_taken(&self) {
        self.room.notified().await;
    }
}

/// All places that are taken.
#[derive(Debug)]
pub(super) struct Seats {
    most: usize,
    most_of_one: usize,
    times: Times,
    proxies: Arc<Proxies>,
    next: u64,
    taken: BTreeMap<u64, Arc<Seat>>,
    /// Whose places were given to others, until their connections have ended.
    leaving: BTreeSet<u64>,
    of_one: HashMap<IpAddr, usize>,
}

impl Seats {
    pub(super) fn new(most: usize, times: Times, proxies: Arc<Proxies>) -> Self {
        let (most_of_one, next) = ((most / 2).max(1), 0);
        let (taken, leaving, of_one) = (BTreeMap::new(), BTreeSet::new(), HashMap::new());
        Self { most, most_of_one, times, proxies, next, taken, leaving, of_one }
    }

    pub(super) fn times(&self) -> Times {
        self.times
    }

    pub(super) fn len(&self) -> usize {
        self.taken.len()
    }

    /// A place for a peer, if need be of one who waits without a request, or whose request has taken very long; none where there
    /// is nobody such.
    pub(super) fn take(&mut self, peer: IpAddr, now: Instant) -> Option<Arc<Seat>> {
        if self.leaving.len() >= LEAVING_MAX {
            return None;
        }
        let line = (!self.proxies.trusts(peer)).then(|| Place::of(peer).line_address());
        let of_one = line.and_then(|line| self.of_one.get(&line)).copied().unwrap_or(0);
        if of_one >= self.most_of_one && !self.end_one(|seat| seat.line == line, now) {
            return None;
        }
        if self.taken.len() >= self.most && !self.make_room(now) {
            return None;
        }
        self.next += 1;
        let pulse = Arc::new(Pulse::new(now));
        let seat = Seat { number: self.next, line, pulse, over: Notify::new(), room: Notify::new() };
        let seat = Arc::new(seat);
        self.taken.insert(seat.number, seat.clone());
        if let Some(line) = line {
            *self.of_one.entry(line).or_default() += 1;
        }
        Some(seat)
    }

    /// A connection has ended. Its place is free, where it was not given to somebody else before.
    pub(super) fn leave(&mut self, seat: &Seat) {
        self.leaving.remove(&seat.number);
        self.free(seat);
    }

    fn free(&mut self, seat: &Seat) {
        if self.taken.remove(&seat.number).is_some()
            && let Some(line) = seat.line
            && let Some(count) = self.of_one.get_mut(&line)
        {
            *count -= 1;
            if *count == 0 {
                self.of_one.remove(&line);
            }
        }
    }

    /// Ends the connection that can best be spared. False where none can.
    pub(super) fn make_room(&mut self, now: Instant) -> bool {
        self.end_one(|_| true, now)
    }

    /// Ends connections whose time is over.
    pub(super) fn end_overdue(&self, now: Instant) {
        self.taken
            .values()
            .filter(|seat| seat.pulse.over_at(&self.times) <= now)
            .for_each(|seat| seat.over.notify_one());
    }

    /// Of those meant, the one that has waited longest without a request; else the one with the oldest request, if it is very old.
    fn end_one(&mut self, is_meant: impl Fn(&Seat) -> bool, now: Instant) -> bool {
        let meant = || self.taken.values().filter(|seat| is_meant(seat));
        let first = |at: fn(&Pulse) -> Option<Instant>| {
            meant().filter_map(|seat| Some((at(&seat.pulse)?, seat))).min_by_key(|(at, _)| *at)
        };
        let spared = first(Pulse::waits_since)
            .or_else(|| first(Pulse::oldest).filter(|(began, _)| *began + self.times.yields <= now));
        let Some((_, seat)) = spared else { return false };
        let seat = seat.clone();
        seat.room.notify_one();
        self.leaving.insert(seat.number);
        self.free(&seat);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::super::pulse::TIMES;
    use super::*;
    use futures_util::FutureExt as _;
    use std::time::Duration;

    const ONE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const TWO: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));
    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn seats(most: usize) -> Seats {
        let proxies = Proxies::new(vec!["10.0.0.0/8".parse().unwrap()]);
        Seats::new(most, TIMES, Arc::new(proxies))
    }

    fn is_over(seat: &Seat) -> bool {
        seat.is_over().now_or_never().is_some()
    }

    fn is_taken(seat: &Seat) -> bool {
        seat.is_taken().now_or_never().is_some()
    }

    #[test]
    fn when_all_places_are_taken_the_longest_silent_makes_room_and_nobody_with_a_request() {
        let mut seats = seats(3);
        let began = Instant::now();
        let take = |seats: &mut Seats, ms| seats.take(HERE, began + Duration::from_millis(ms));
        let first = take(&mut seats, 0).unwrap();
        let first_request = first.pulse.begin();
        let second = take(&mut seats, 5).unwrap();
        let third = take(&mut seats, 10).unwrap();
        let fourth = take(&mut seats, 15).unwrap();
        assert!(is_taken(&second) && !is_taken(&first) && !is_taken(&third));
        seats.leave(&second);
        assert_eq!(seats.len(), 3, "its place was given away already");
        let _requests = (third.pulse.begin(), fourth.pulse.begin());
        assert!(take(&mut seats, 20).is_none(), "all have a request under way");
        drop(first_request);
        assert!(take(&mut seats, 25).is_some());
        assert!(is_taken(&first));
    }

    #[test]
    fn a_request_that_never_ends_makes_room_at_last_whatever_comes_beside_it() {
        let mut seats = seats(2);
        let held: Vec<_> = (0..2).map(|_| seats.take(HERE, Instant::now()).unwrap()).collect();
        let _old: Vec<_> = held.iter().map(|seat| seat.pulse.begin()).collect();
        let since = held[0].pulse.oldest().unwrap();
        drop(held[0].pulse.begin());
        assert!(seats.take(TWO, since + TIMES.yields - Duration::from_millis(1)).is_none());
        assert!(seats.take(TWO, since + TIMES.yields).is_some());
        assert!(is_taken(&held[0]) && !is_taken(&held[1]));
    }

    #[test]
    fn those_who_are_leaving_are_counted_until_they_have_left() {
        let (mut seats, now) = (seats(1), Instant::now());
        let mut all: Vec<_> = (0..=LEAVING_MAX).map(|_| seats.take(ONE, now).unwrap()).collect();
        assert!(seats.take(ONE, now).is_none(), "their files are open still");
        seats.leave(&all.remove(0));
        assert!(seats.take(ONE, now).is_some());
    }

    #[test]
    fn one_line_has_half_of_the_places_and_a_trusted_proxy_all() {
        let now = Instant::now();
        let mut all = seats(8);
        let held: Vec<_> = (0..4).map(|_| all.take(ONE, now).unwrap()).collect();
        let _requests: Vec<_> = held.iter().map(|seat| seat.pulse.begin()).collect();
        assert!(all.take(ONE, now).is_none());
        let other = all.take(TWO, now).unwrap();
        all.leave(&held[0]);
        assert!(all.take(ONE, now).is_some());
        assert!(!is_taken(&other), "one line makes room for itself alone");
        for proxy in [HERE, "10.1.2.3".parse().unwrap()] {
            let mut seats = seats(8);
            let held: Vec<_> = (0..8).map(|_| seats.take(proxy, now).unwrap()).collect();
            let _requests: Vec<_> = held.iter().map(|seat| seat.pulse.begin()).collect();
            assert!(seats.take(TWO, now).is_none(), "all places are taken");
            assert!(seats.take(proxy, now).is_none());
        }
    }

    #[test]
    fn all_addresses_of_a_subscriber_are_one_line() {
        let now = Instant::now();
        let mut seats = seats(8);
        let addresses = (0..4).map(|n| format!("2001:db8:1:{n}::{n}").parse().unwrap());
        let held: Vec<_> = addresses.map(|address| seats.take(address, now).unwrap()).collect();
        let _requests: Vec<_> = held.iter().map(|seat| seat.pulse.begin()).collect();
        assert!(seats.take("2001:db8:1:ffff::1".parse().unwrap(), now).is_none());
        assert!(seats.take("2001:db8:2::1".parse().unwrap(), now).is_some());
    }

    #[test]
    fn a_connection_is_ended_when_its_time_is_over_and_not_before() {
        let now = Instant::now();
        let mut seats = seats(8);
        let silent = seats.take(ONE, now).unwrap();
        let used = seats.take(ONE, now).unwrap();
        drop(used.pulse.begin());
        seats.end_overdue(now + TIMES.first - Duration::from_millis(1));
        assert!(!is_over(&silent));
        seats.end_overdue(now + TIMES.first);
        assert!(is_over(&silent) && !is_over(&used));
        seats.end_overdue(used.pulse.over_at(&TIMES));
        assert!(is_over(&used));
    }
}
