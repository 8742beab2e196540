//! Links: each response hands out the next; the next request presents it. A disk that was restored or cloned presents an old one.
//!
//! An old link alone proves nothing: a request may reach the hub long after its edge gave it up, when newer ones have overtaken
//! it. So whatever does not present the newest link is first asked for a proof that it was made now.

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

/// What makes and checks the links of one incarnation of one edge.
#[derive(Clone, Copy)]
pub struct Issuer<'a> {
    /// The hub's key for links.
    pub key: &'a [u8; 32],
    /// The edge.
    pub edge: u32,
    /// Its incarnation.
    pub incarnation: u32,
}

/// What a keyed hash is for, so that one is never taken for another.
#[derive(Clone, Copy)]
enum Purpose {
    Link = 0,
    Proof = 1,
}

impl Issuer<'_> {
    /// Issues a link.
    pub fn issue(&self, number: u64, random: [u8; 16]) -> Link {
        Link { number, random, mac: self.mac(Purpose::Link, number, &random) }
    }

    /// Whether this hub issued the link to this edge.
    pub fn is_genuine(&self, link: &Link) -> bool {
        is_same(&self.mac(Purpose::Link, link.number, &link.random), &link.mac)
    }

    /// What a request has to say to show that it was made since the last link was issued.
    pub fn proof(&self, last: &Link) -> [u8; 16] {
        self.mac(Purpose::Proof, last.number, &last.random)
    }

    /// Admits a request by its link, its proof (empty for none) and its highest own sequence number.
    ///
    /// The last link is let in at once: no other request can have presented it. Everything else may be a request of long ago,
    /// so before anything follows from it, it has to prove that it is not.
    pub fn admit(&self, state: &LinkState, presented: &Link, proof: &[u8], highest_seq: u64) -> Admission {
        if presented.number > state.last.number && self.is_genuine(presented) {
            return Admission::HubRestored;
        }
        // Of other keys than this hub's it says nothing about the disk that it came from.
        if !self.is_genuine(presented) {
            return Admission::NotOurs;
        }
        let has_all = highest_seq >= state.applied_seq;
        if has_all && *presented == state.last {
            return Admission::Follows;
        }
        let expected = self.proof(&state.last);
        if !is_same(&expected, proof) {
            return Admission::Prove(expected);
        }
        let is_known = *presented == state.last || state.previous.as_ref() == Some(presented);
        if is_known && has_all { Admission::Follows } else { Admission::Rewound }
    }

    fn mac(&self, purpose: Purpose, number: u64, random: &[u8; 16]) -> [u8; 16] {
        let mut hasher = blake3::Hasher::new_keyed(self.key);
        hasher
            .update(&[purpose as u8])
            .update(&self.edge.to_le_bytes())
            .update(&self.incarnation.to_le_bytes())
            .update(&number.to_le_bytes())
            .update(random);
        let mut mac = [0; 16];
        mac.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        mac
    }
}

/// Compares without telling by the time it takes where the two differ.
fn is_same(expected: &[u8; 16], given: &[u8]) -> bool {
    given.len() == expected.len()
        && expected.iter().zip(given).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

/// What the hub remembers of a stream's links.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkState {
    /// The last link issued.
    pub last: Link,
    /// The one that was presented for it: the response that carried the last may have been lost.
    pub previous: Option<Link>,
    /// The highest sequence number taken from the stream.
    pub applied_seq: u64,
}

/// Whether an edge is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It follows on what the hub knows.
    Follows,
    /// It may be a request of long ago. It changes nothing; whoever made it now asks again with this proof.
    Prove([u8; 16]),
    /// Its disk is older than what it has shown before, or another copy of it goes on elsewhere.
    Rewound,
    /// The link was never issued by a hub with these keys. It is refused, and nothing else follows from it.
    NotOurs,
    /// The hub itself is older than what it has issued.
    HubRestored,
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: Issuer<'_> = Issuer { key: &[7; 32], edge: 1, incarnation: 1 };

    fn link(number: u64) -> Link {
        ISSUER.issue(number, [number as u8; 16])
    }

    fn state(last: u64, previous: Option<u64>) -> LinkState {
        LinkState { last: link(last), previous: previous.map(link), applied_seq: 10 }
    }

    /// What becomes of a request whose sender answers when asked for a proof.
    fn now(state: &LinkState, presented: &Link, highest_seq: u64) -> Admission {
        match ISSUER.admit(state, presented, &[], highest_seq) {
            Admission::Prove(proof) => ISSUER.admit(state, presented, &proof, highest_seq),
            other => other,
        }
    }

    #[test]
    fn the_last_link_and_its_predecessor_are_let_in_and_no_other() {
        let state = state(5, Some(4));
        assert_eq!(ISSUER.admit(&state, &link(5), &[], 10), Admission::Follows, "without being asked");
        assert_eq!(now(&state, &link(4), 12), Admission::Follows);
        assert_eq!(now(&state, &link(3), 12), Admission::Rewound);
        assert_eq!(now(&state, &link(5), 9), Admission::Rewound, "fewer commands than it has sent");
        assert_eq!(now(&state, &Link { random: [9; 16], ..link(5) }, 10), Admission::NotOurs, "forged");
        assert_eq!(now(&self::state(5, None), &link(4), 12), Admission::Rewound);
    }

    #[test]
    fn a_request_that_comes_late_changes_nothing() {
        // Two requests with link 5; the second overtook the first, which arrives now, when the edge holds 6.
        let taken = state(6, Some(5));
        let Admission::Prove(proof) = ISSUER.admit(&taken, &link(5), &[], 12) else {
            panic!("it was let in")
        };
        // Nor does one that carries the proof of a time before.
        let later = state(7, Some(6));
        assert!(
            matches!(ISSUER.admit(&later, &link(5), &proof, 12), Admission::Prove(other) if other != proof)
        );
        assert!(matches!(ISSUER.admit(&later, &link(1), &[0; 16], 12), Admission::Prove(_)));
    }

    #[test]
    fn a_genuine_link_of_the_future_proves_a_restored_hub() {
        let (state, future) = (state(5, None), link(9));
        assert!(ISSUER.is_genuine(&future));
        assert!(!Issuer { incarnation: 2, ..ISSUER }.is_genuine(&future));
        assert!(!Issuer { key: &[0; 32], ..ISSUER }.is_genuine(&future));
        assert_eq!(ISSUER.admit(&state, &future, &[], 30), Admission::HubRestored);
        let forged = Link { mac: [1; 16], ..future };
        assert_eq!(now(&state, &forged, 30), Admission::NotOurs);
    }

    #[test]
    fn a_link_of_other_keys_is_not_taken_for_an_old_one() {
        let other = Issuer { key: &[8; 32], ..ISSUER };
        for number in [0, 4, 5, 6] {
            let theirs = other.issue(number, [number as u8; 16]);
            assert_eq!(now(&state(5, Some(4)), &theirs, 12), Admission::NotOurs, "{number}");
        }
        assert_eq!(other.admit(&state(5, None), &link(5), &[], 12), Admission::NotOurs);
    }
}
