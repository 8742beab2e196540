//! Who is connected, and who has to make room: bounds on connections in all and by address.
//!
//! The bound by address is half of all, so that one cannot keep out everybody else; an office behind one address, or a village
//! behind a phone network's, has a few dozen. This machine's own addresses have no bound of their own: a proxy that stands before
//! the node speaks for everybody.

use super::pulse::{Pulse, Times};
use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use tokio::sync::Notify;
use tokio::time::Instant;

/// One connection's place.
#[derive(Debug)]
pub(super) struct Seat {
    number: u64,
    address: IpAddr,
    pub(super) pulse: Arc<Pulse>,
    leave: Notify,
}

impl Seat {
    /// Waits until the connection has to end.
    pub(super) async fn has_to_leave(&self) {
        self.leave.notified().await;
    }
}

/// All places that are taken.
#[derive(Debug)]
pub(super) struct Seats {
    most: usize,
    most_of_one: usize,
    times: Times,
    next: u64,
    taken: BTreeMap<u64, Arc<Seat>>,
    of_one: HashMap<IpAddr, usize>,
}

impl Seats {
    pub(super) fn new(most: usize, times: Times) -> Self {
        let most_of_one = (most / 2).max(1);
        Self { most, most_of_one, times, next: 0, taken: BTreeMap::new(), of_one: HashMap::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.taken.len()
    }

    /// A place for a peer, if need be of one who waits without a request; none where all have one under way.
    pub(super) fn take(&mut self, peer: IpAddr, now: Instant) -> Option<Arc<Seat>> {
        let address = of_whom(peer);
        let of_one = self.of_one.get(&address).copied().unwrap_or(0);
        let is_crowded = of_one >= self.most_of_one && !address.is_loopback();
        if is_crowded && !self.end_who_waits_longest(|seat| seat.address == address) {
            return None;
        }
        if self.taken.len() >= self.most && !self.make_room() {
            return None;
        }
        self.next += 1;
        let pulse = Arc::new(Pulse::new(now));
        let seat = Arc::new(Seat { number: self.next, address, pulse, leave: Notify::new() });
        self.taken.insert(seat.number, seat.clone());
        *self.of_one.entry(address).or_default() += 1;
        Some(seat)
    }

    /// Gives a place back; nothing where it was taken away before.
    pub(super) fn leave(&mut self, seat: &Seat) {
        if self.taken.remove(&seat.number).is_some()
            && let Some(count) = self.of_one.get_mut(&seat.address)
        {
            *count -= 1;
            if *count == 0 {
                self.of_one.remove(&seat.address);
            }
        }
    }

    /// Ends the connection that has waited longest without a request. False where none does.
    pub(super) fn make_room(&mut self) -> bool {
        self.end_who_waits_longest(|_| true)
    }

    /// Ends connections whose time is over.
    pub(super) fn end_overdue(&self, now: Instant) {
        self.taken
            .values()
            .filter(|seat| seat.pulse.over_at(&self.times) <= now)
            .for_each(|seat| seat.leave.notify_one());
    }

    fn end_who_waits_longest(&mut self, is_meant: impl Fn(&Seat) -> bool) -> bool {
        let waiting = self.taken.values().filter(|seat| is_meant(seat));
        let longest =
            waiting.filter_map(|seat| Some((seat.pulse.waits_since()?, seat))).min_by_key(|(at, _)| *at);
        let Some((_, seat)) = longest else { return false };
        let seat = seat.clone();
        seat.leave.notify_one();
        self.leave(&seat);
        true
    }
}

/// Whose an address is, for counting: a household or an office has a whole network of IPv6 addresses.
fn of_whom(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        address => address,
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

    fn was_told_to_leave(seat: &Seat) -> bool {
        seat.has_to_leave().now_or_never().is_some()
    }

    #[test]
    fn when_all_places_are_taken_the_longest_silent_makes_room_and_nobody_with_a_request() {
        let mut seats = Seats::new(3, TIMES);
        let began = Instant::now();
        let take = |seats: &mut Seats, ms| seats.take(HERE, began + Duration::from_millis(ms));
        let first = take(&mut seats, 0).unwrap();
        let first_request = first.pulse.begin();
        let second = take(&mut seats, 5).unwrap();
        let third = take(&mut seats, 10).unwrap();
        let fourth = take(&mut seats, 15).unwrap();
        assert!(was_told_to_leave(&second) && !was_told_to_leave(&first) && !was_told_to_leave(&third));
        seats.leave(&second);
        assert_eq!(seats.len(), 3, "its place was given away already");
        let _requests = (third.pulse.begin(), fourth.pulse.begin());
        assert!(take(&mut seats, 20).is_none(), "all have a request under way");
        drop(first_request);
        assert!(take(&mut seats, 25).is_some());
        assert!(was_told_to_leave(&first));
    }

    #[test]
    fn one_address_has_half_of_the_places_and_this_machine_all() {
        let now = Instant::now();
        let mut seats = Seats::new(8, TIMES);
        let held: Vec<_> = (0..4).map(|_| seats.take(ONE, now).unwrap()).collect();
        let _requests: Vec<_> = held.iter().map(|seat| seat.pulse.begin()).collect();
        assert!(seats.take(ONE, now).is_none());
        let other = seats.take(TWO, now).unwrap();
        seats.leave(&held[0]);
        assert!(seats.take(ONE, now).is_some());
        assert!(!was_told_to_leave(&other), "one address makes room for itself alone");
        let mut seats = Seats::new(8, TIMES);
        let held: Vec<_> = (0..8).map(|_| seats.take(HERE, now).unwrap()).collect();
        let _requests: Vec<_> = held.iter().map(|seat| seat.pulse.begin()).collect();
        assert!(seats.take(TWO, now).is_none(), "all places are taken");
        assert!(seats.take(HERE, now).is_none());
    }

    #[test]
    fn a_connection_is_ended_when_its_time_is_over_and_not_before() {
        let now = Instant::now();
        let mut seats = Seats::new(8, TIMES);
        let silent = seats.take(ONE, now).unwrap();
        let used = seats.take(ONE, now).unwrap();
        drop(used.pulse.begin());
        seats.end_overdue(now + TIMES.first - Duration::from_millis(1));
        assert!(!was_told_to_leave(&silent));
        seats.end_overdue(now + TIMES.first);
        assert!(was_told_to_leave(&silent) && !was_told_to_leave(&used));
        seats.end_overdue(used.pulse.over_at(&TIMES));
        assert!(was_told_to_leave(&used));
    }

    #[test]
    fn a_network_of_addresses_counts_as_one() {
        let whom = |text: &str| of_whom(text.parse().unwrap()).to_string();
        assert_eq!(whom("2001:db8:1:2:aaaa::1"), whom("2001:db8:1:2:bbbb::2"));
        assert_ne!(whom("2001:db8:1:2::1"), whom("2001:db8:1:3::1"));
        assert_eq!(whom("::ffff:192.0.2.7"), "192.0.2.7");
        assert!(of_whom("::1".parse().unwrap()).is_loopback());
    }
}
