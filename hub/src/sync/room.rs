//! How many edges one hub serves at once. Whoever finds it full is told when to come back, each something else, so that they do
//! not come back together.

use crate::error::{ApiError, Kind};
use mizili_node::deps::Deps;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Polls that wait at once: each is a connection and a few kilobytes.
const POLLS_MAX: usize = 10_000;
/// Exchanges under way at once: each holds a few frames of up to a megabyte.
const EXCHANGES_MAX: usize = 500;
/// Seconds after which a poll that found no room comes back, and as many more at random. Nothing waits for it.
const POLL_AGAIN_S: u32 = 60;
/// The same of an exchange.
const EXCHANGE_AGAIN_S: u32 = 10;

/// Room for polls and exchanges. Cheap to clone; all clones share it.
#[derive(Clone, Debug)]
pub struct Room {
    polls: Arc<Semaphore>,
    exchanges: Arc<Semaphore>,
}

/// A place that is taken until this is dropped.
pub(super) type Place = OwnedSemaphorePermit;

impl Default for Room {
    fn default() -> Self {
        Self::of(POLLS_MAX, EXCHANGES_MAX)
    }
}

impl Room {
    /// Room for so many.
    pub fn of(polls: usize, exchanges: usize) -> Self {
        Self { polls: Arc::new(Semaphore::new(polls)), exchanges: Arc::new(Semaphore::new(exchanges)) }
    }

    /// A place for a poll.
    pub(super) fn poll(&self, deps: &Deps) -> Result<Place, ApiError> {
        place(&self.polls, deps, POLL_AGAIN_S)
    }

    /// A place for an exchange.
    pub(super) fn exchange(&self, deps: &Deps) -> Result<Place, ApiError> {
        place(&self.exchanges, deps, EXCHANGE_AGAIN_S)
    }
}

fn place(of: &Arc<Semaphore>, deps: &Deps, again_s: u32) -> Result<Place, ApiError> {
    of.clone().try_acquire_owned().map_err(|_| {
        let spread = u32::from_le_bytes(deps.ids.random()) % (again_s + 1);
        let full = Kind::Busy
            .because("This hub serves as many offices as it can at once. Come back when `Retry-After` says.");
        full.retry_after_s(u64::from(again_s + spread)).into()
    })
}
