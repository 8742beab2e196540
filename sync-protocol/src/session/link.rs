//! Links: each response hands out the next; the next request presents it. A disk that was restored or cloned presents an old one.

use minicbor::{Decode, Encode};

/// The proof that an edge has seen the hub's last response.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Link {
    /// Counts from 0, which enrolment hands out.
    #[n(0)]
    pub number: u64,
    /// Random.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub random: [u8; 16],
    /// Keyed BLAKE3 over edge, incarnation, number and random, under a key that the hub's database does not hold: it proves
    /// that this hub issued the link, also to a database restored to a time before.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub mac: [u8; 16],
}

impl Link {
    /// Issues a link.
    pub fn issue(key: &[u8; 32], edge: u32, incarnation: u32, number: u64, random: [u8; 16]) -> Self {
        let mac = Self::mac(key, edge, incarnation, number, &random);
        Self { number, random, mac }
    }

    /// Whether this hub issued it to that edge.
    pub fn is_genuine(&self, key: &[u8; 32], edge: u32, incarnation: u32) -> bool {
        // Hash values compare in constant time in blake3; here both sides are 16 bytes of one.
        let expected = Self::mac(key, edge, incarnation, self.number, &self.random);
        expected.iter().zip(self.mac).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
    }

    fn mac(key: &[u8; 32], edge: u32, incarnation: u32, number: u64, random: &[u8; 16]) -> [u8; 16] {
        let mut hasher = blake3::Hasher::new_keyed(key);
        hasher
            .update(&edge.to_le_bytes())
            .update(&incarnation.to_le_bytes())
            .update(&number.to_le_bytes())
            .update(random);
        let mut mac = [0; 16];
        mac.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        mac
    }
}

/// What the hub remembers of a stream's links.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkState {
    /// The last link issued.
    pub last: Link,
    /// Its predecessor, until the last was presented: the response that carried the last may have been lost.
    pub previous: Option<Link>,
    /// The highest sequence number taken from the stream.
    pub applied_seq: u64,
    /// Nonces of the last requests, the newest last; at most [`RECENT_NONCES`].
    pub recent_nonces: Vec<[u8; 8]>,
}

/// How many requests back a late copy of one is told from a cloned box.
pub const RECENT_NONCES: usize = 16;

/// Whether an edge is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It follows on what the hub knows.
    Follows,
    /// A copy of a request that was taken already: the network delivered it twice. It changes nothing.
    Copy,
    /// Its disk is older than what it has shown before, or another copy of it goes on elsewhere.
    Rewound,
    /// The hub itself is older than what it has issued.
    HubRestored,
}

/// Admits a request by its link and its highest own sequence number.
pub fn admit(
    state: &LinkState,
    presented: &Link,
    nonce: &[u8; 8],
    genuine: bool,
    highest_seq: u64,
) -> Admission {
    if state.recent_nonces.contains(nonce) {
        return Admission::Copy;
    }
    if genuine && presented.number > state.last.number {
        return Admission::HubRestored;
    }
    let known = *presented == state.last || state.previous.as_ref() == Some(presented);
    if known && highest_seq >= state.applied_seq { Admission::Follows } else { Admission::Rewound }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [7; 32];

    fn link(number: u64) -> Link {
        Link::issue(&KEY, 1, 1, number, [number as u8; 16])
    }

    #[test]
    fn the_last_link_and_its_predecessor_are_let_in_and_no_other() {
        let state = LinkState {
            last: link(5),
            previous: Some(link(4)),
            applied_seq: 10,
            recent_nonces: vec![[3; 8]],
        };
        assert_eq!(admit(&state, &link(5), &[0; 8], true, 10), Admission::Follows);
        assert_eq!(admit(&state, &link(4), &[0; 8], true, 12), Admission::Follows);
        assert_eq!(admit(&state, &link(3), &[0; 8], true, 12), Admission::Rewound);
        assert_eq!(
            admit(&state, &link(5), &[0; 8], true, 9),
            Admission::Rewound,
            "fewer commands than it has sent"
        );
        let forged = Link { random: [9; 16], ..link(5) };
        assert_eq!(admit(&state, &forged, &[0; 8], false, 10), Admission::Rewound);
        assert_eq!(admit(&state, &link(1), &[3; 8], true, 12), Admission::Copy, "a late copy freezes nobody");
        let presented = LinkState { previous: None, ..state };
        assert_eq!(admit(&presented, &link(4), &[0; 8], true, 12), Admission::Rewound);
    }

    #[test]
    fn a_genuine_link_of_the_future_proves_a_restored_hub() {
        let state = LinkState { last: link(5), previous: None, applied_seq: 10, recent_nonces: Vec::new() };
        let future = link(9);
        assert!(
            future.is_genuine(&KEY, 1, 1)
                && !future.is_genuine(&KEY, 1, 2)
                && !future.is_genuine(&[0; 32], 1, 1)
        );
        assert_eq!(admit(&state, &future, &[0; 8], true, 30), Admission::HubRestored);
        assert_eq!(admit(&state, &future, &[0; 8], false, 30), Admission::Rewound);
    }
}
