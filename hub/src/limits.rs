//! How long requests may take, and how large that of an exchange may be. Part of what every handler is given, so that a test can have
//! less of it. What is bounded by number stands with what it bounds.

use crate::error::Kind;
use mizili_node::patience::{Patience, with_people};
use mizili_node::serve::LONGEST;
use std::time::Duration;

/// The patience with an exchange, which is megabytes at a time and on a slow line takes its time. Whatever came before it is over
/// stays, and the next goes on from there.
const EXCHANGE: Patience = Patience {
    silence: Duration::from_secs(60),
    body: Duration::from_secs(20 * 60),
    answer: Duration::from_secs(30 * 60),
    whole: Duration::from_secs(40 * 60),
    late: Kind::Unavailable,
};

// The connection lasts for as long as that.
const _: () = assert!(EXCHANGE.whole.as_secs() < LONGEST.as_secs());

/// Largest request body of an exchange, in bytes: what fibre carries up in one turn. Frames have their own, smaller bound.
const EXCHANGE_MAX_BYTES: usize = 64 << 20;

/// What a hub gives a request.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The time of people, of their programs, and of what else edges call.
    pub people: Patience,
    /// The time of an exchange.
    pub exchange: Patience,
    /// Bytes of an exchange's request.
    pub exchange_max_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        let people = with_people(Kind::Unavailable);
        Self { people, exchange: EXCHANGE, exchange_max_bytes: EXCHANGE_MAX_BYTES }
    }
}
