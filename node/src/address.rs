//! Where a request comes from: addresses and ranges as settings name them, and the address behind the proxies that a node trusts.
//!
//! A peer that is no trusted proxy is never believed, and of a trusted one's header only the last word, which is the proxy's own if
//! it writes one. Whether it does is for its operator to see to: what a proxy passes on as it came cannot be told from what it says
//! itself, and one that says nothing at all is complained of once.

use axum::extract::{ConnectInfo, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Version};
use serde::Deserialize;
use std::convert::Infallible;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Bits of an IPv6 address that tell one line from another: a subscriber is given up to this many to itself, and can call from
/// anywhere within.
const IPV6_LINE_BITS: u32 = 48;

/// The header in which proxies say for whom they ask.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// Other headers that only proxies write.
const OF_PROXIES: [&str; 5] = ["via", "forwarded", "x-real-ip", "x-forwarded-proto", "x-forwarded-host"];

/// Where a program listens, as a person writes it.
///
/// # Errors
/// How to write it.
pub fn listen_address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "write an address and a port, such as 127.0.0.1:8080".to_owned())
}

/// One address, or a range such as `196.201.214.0/24`.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct AddressRange {
    first: IpAddr,
    prefix_bits: u8,
}

impl AddressRange {
    /// Whether the address lies in the range. An IPv4 address written as IPv6 counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.first.to_canonical(), address.to_canonical()) {
            (IpAddr::V4(first), IpAddr::V4(address)) => {
                let shift = 32 - u32::from(self.prefix_bits);
                let head = |ip: u32| ip.checked_shr(shift).unwrap_or(0);
                head(first.to_bits()) == head(address.to_bits())
            }
            (IpAddr::V6(first), IpAddr::V6(address)) => {
                let shift = 128 - u32::from(self.prefix_bits);
                let head = |ip: u128| ip.checked_shr(shift).unwrap_or(0);
                head(first.to_bits()) == head(address.to_bits())
            }
            _ => false,
        }
    }
}

impl FromStr for AddressRange {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("'{text}' is no address: write one such as 196.201.214.200 or 196.201.214.0/24");
        let (first, prefix) = match text.split_once('/') {
            Some((first, prefix)) => (first, Some(prefix)),
            None => (text, None),
        };
        let first = first.parse::<IpAddr>().map_err(|_| bad())?.to_canonical();
        let most = if first.is_ipv4() { 32 } else { 128 };
        let prefix_bits = match prefix {
            Some(prefix) => prefix.parse::<u8>().map_err(|_| bad())?,
            None => most,
        };
        if prefix_bits > most { Err(bad()) } else { Ok(Self { first, prefix_bits }) }
    }
}

impl TryFrom<String> for AddressRange {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl fmt::Debug for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.prefix_bits)
    }
}

/// Whose word about an address is taken: proxies on this machine, and those that the settings name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies(Vec<AddressRange>);

impl Proxies {
    /// Those on this machine and these.
    pub fn new(ranges: Vec<AddressRange>) -> Self {
        Self(ranges)
    }

    /// Whether it is one.
    pub fn trusts(&self, address: IpAddr) -> bool {
        address.to_canonical().is_loopback() || self.0.iter().any(|range| range.contains(address))
    }

    /// The address for which a peer asks: its own, unless it is a trusted proxy. Of what proxies wrote, the last that is no trusted
    /// proxy itself counts; what stands before that anybody could have written.
    fn behind(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let lines = headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok());
        let said: Vec<&str> = lines.flat_map(|line| line.split(',')).collect();
        let mut address = peer.to_canonical();
        for text in said.into_iter().rev() {
            if !self.trusts(address) {
                break;
            }
            let Some(before) = read(text.trim()) else { break };
            address = before;
        }
        address
    }

    /// Whether a proxy does not say for whom it asks. Many programs of this machine are none, so there the request has to look as if
    /// one had passed it on.
    fn says_nothing(&self, peer: IpAddr, headers: &HeaderMap, version: Version) -> bool {
        let looks_passed_on =
            || version == Version::HTTP_10 || OF_PROXIES.iter().any(|name| headers.contains_key(*name));
        self.trusts(peer)
            && !headers.contains_key(FORWARDED_FOR)
            && (!peer.to_canonical().is_loopback() || looks_passed_on())
    }
}

/// An address as proxies write it: with or without a port, IPv6 with or without brackets.
fn read(text: &str) -> Option<IpAddr> {
    let bare = || text.trim_start_matches('[').trim_end_matches(']').parse().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    bare().or_else(with_port).map(|address: IpAddr| address.to_canonical())
}

/// Where somebody calls from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place(IpAddr);

impl Place {
    /// Of an address.
    pub fn of(address: IpAddr) -> Self {
        Self(address.to_canonical())
    }

    /// The line that it is on, as wrong passwords are counted: an IPv4 address, or the part of an IPv6 address that a subscriber
    /// cannot choose.
    pub fn line(self) -> String {
        match self.line_address() {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(head) => format!("{head}/{IPV6_LINE_BITS}"),
        }
    }

    /// The first address of its [`line`](Self::line), as connections are counted.
    pub fn line_address(self) -> IpAddr {
        match self.0 {
            IpAddr::V6(address) => {
                let head = address.to_bits() >> (128 - IPV6_LINE_BITS) << (128 - IPV6_LINE_BITS);
                IpAddr::V6(Ipv6Addr::from_bits(head))
            }
            address => address,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// As [`noted`] found it; nowhere in particular where no connection brought the request.
impl<S: Send + Sync> FromRequestParts<S> for Place {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let nowhere = Self(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        Ok(parts.extensions.get::<Self>().copied().unwrap_or(nowhere))
    }
}

/// Notes on each request where it comes from, for handlers that ask for a [`Place`]: to be mapped over all of them.
pub fn noted(proxies: Arc<Proxies>) -> impl Fn(Request) -> Request + Clone {
    move |mut request: Request| {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        if let Some(peer) = peer {
            if proxies.says_nothing(peer, request.headers(), request.version()) {
                complain(peer);
            }
            let place = Place::of(proxies.behind(peer, request.headers()));
            request.extensions_mut().insert(place);
        }
        request
    }
}

/// Tells the operator, once: until this is put right, everybody behind the proxy is one caller.
fn complain(peer: IpAddr) {
    static DONE: AtomicBool = AtomicBool::new(false);
    if !DONE.swap(true, Ordering::Relaxed) {
        tracing::warn!(
            %peer,
            "a proxy does not say for whom it asks, so all who come through it count as one: let it set X-Forwarded-For"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_what_they_say() {
        let holds =
            |range: &str, ip: &str| range.parse::<AddressRange>().unwrap().contains(ip.parse().unwrap());
        assert!(holds("196.201.214.0/24", "196.201.214.200"));
        assert!(!holds("196.201.214.0/24", "196.201.215.1"));
        assert!(holds("196.201.214.200", "196.201.214.200") && !holds("196.201.214.200", "196.201.214.201"));
        assert!(holds("0.0.0.0/0", "8.8.8.8") && !holds("0.0.0.0/0", "::1"));
        assert!(holds("10.0.0.0/8", "::ffff:10.1.2.3"), "IPv4 written as IPv6");
        assert!(holds("2001:db8::/32", "2001:db8::1") && holds("::/0", "2001:db8::1"));
        assert!("10.0.0".parse::<AddressRange>().is_err());
    }

    fn behind(proxies: &[&str], peer: &str, said: &[&'static str]) -> String {
        let proxies = Proxies::new(proxies.iter().map(|range| range.parse().unwrap()).collect());
        let headers = said.iter().map(|line| (FORWARDED_FOR.parse().unwrap(), line.parse().unwrap()));
        proxies
            .behind(peer.parse().unwrap(), &headers.collect::<Vec<(_, _)>>().into_iter().collect())
            .to_string()
    }

    #[test]
    fn only_a_trusted_proxy_is_believed_and_only_its_own_word() {
        assert_eq!(behind(&[], "203.0.113.9", &["198.51.100.1"]), "203.0.113.9", "a stranger's word");
        assert_eq!(behind(&[], "127.0.0.1", &[]), "127.0.0.1");
        assert_eq!(behind(&[], "127.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(
            behind(&[], "::1", &["1.1.1.1, 198.51.100.1"]),
            "198.51.100.1",
            "what a client wrote before"
        );
        assert_eq!(behind(&["10.0.0.0/8"], "127.0.0.1", &["198.51.100.1", "10.1.2.3"]), "198.51.100.1");
        assert_eq!(behind(&["10.0.0.0/8"], "10.9.9.9", &["198.51.100.1:4711"]), "198.51.100.1");
        assert_eq!(behind(&["10.0.0.0/8"], "::ffff:10.9.9.9", &["[2001:db8::7]:443"]), "2001:db8::7");
        assert_eq!(behind(&[], "127.0.0.1", &["198.51.100.1, unknown"]), "127.0.0.1");
        assert_eq!(behind(&["10.0.0.0/8"], "10.0.0.1", &["10.0.0.2, 10.0.0.3"]), "10.0.0.2");
    }

    #[test]
    fn a_proxy_that_does_not_say_for_whom_it_asks_is_noticed() {
        let proxies = Proxies::new(vec!["10.0.0.0/8".parse().unwrap()]);
        let is_noticed = |peer: &str, version, names: &[&'static str]| {
            let headers = names.iter().map(|name| (name.parse().unwrap(), "x".parse().unwrap()));
            let headers = headers.collect::<Vec<(_, _)>>().into_iter().collect();
            proxies.says_nothing(peer.parse().unwrap(), &headers, version)
        };
        assert!(is_noticed("10.1.2.3", Version::HTTP_11, &[]));
        assert!(!is_noticed("10.1.2.3", Version::HTTP_11, &[FORWARDED_FOR]));
        assert!(is_noticed("127.0.0.1", Version::HTTP_10, &[]), "as nginx asks when it is told nothing");
        assert!(is_noticed("127.0.0.1", Version::HTTP_11, &["via"]));
        assert!(
            !is_noticed("127.0.0.1", Version::HTTP_11, &["accept"]),
            "a browser or an edge of this machine"
        );
        assert!(!is_noticed("203.0.113.9", Version::HTTP_10, &["via"]), "nobody asked it");
    }

    #[test]
    fn a_subscriber_of_ipv6_is_one_line_and_an_ipv4_address_is_one() {
        let line = |address: &str| Place::of(address.parse().unwrap()).line();
        assert_eq!(line("2001:db8:1:2:3:4:5:6"), line("2001:db8:1:ffff::1"));
        assert_ne!(line("2001:db8:1::1"), line("2001:db8:2::1"));
        assert_eq!(
            (line("::ffff:192.0.2.7"), line("192.0.2.8")),
            ("192.0.2.7".to_owned(), "192.0.2.8".to_owned())
        );
    }
}
