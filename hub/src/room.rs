//! How many edges one hub serves at once. Whoever finds it full is told when to come back, each something else, so that they do
//! not come back together.

use crate::error::{ApiError, Kind};
use mizili_node::deps::Deps;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Polls that wait at once: each is a connection and a few kilobytes.
const POLLS_MAX: usize = 7_500;
/// Exchanges under way at once: each holds a few frames of up to a megabyte.
const EXCHANGES_MAX: usize = 500;
/// Of eight connections, those that polls may have, and those that exchanges may have. The rest is for people, and for whoever has to
/// be told that there is no room.
const POLLS_EIGHTHS: usize = 6;
const EXCHANGES_EIGHTHS: usize = 1;

const _: () = assert!(POLLS_EIGHTHS + EXCHANGES_EIGHTHS < 8);
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
pub(crate) type Place = OwnedSemaphorePermit;

impl Default for Room {
    fn default() -> Self {
        Self::of(POLLS_MAX, EXCHANGES_MAX)
    }
}

impl Room {
    /// Room within so many connections, which are not all for edges.
    pub fn within(connections: usize) -> Self {
        let part = |eighths: usize, most: usize| (connections * eighths / 8).clamp(1, most);
        Self::of(part(POLLS_EIGHTHS, POLLS_MAX), part(EXCHANGES_EIGHTHS, EXCHANGES_MAX))
    }

    /// Room for so many.
    pub fn of(polls: usize, exchanges: usize) -> Self {
        Self { polls: Arc::new(Semaphore::new(polls)), exchanges: Arc::new(Semaphore::new(exchanges)) }
    }

    /// A place for a poll.
    pub(crate) fn poll(&self, deps: &Deps) -> Result<Place, ApiError> {
        place(&self.polls, deps, POLL_AGAIN_S)
    }

    /// A place for an exchange.
    pub(crate) fn exchange(&self, deps: &Deps) -> Result<Place, ApiError> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_edges_leave_connections_for_people_and_exchanges() {
        let deps = Deps::fixed(1);
        for connections in [16, 896, 10_000] {
            let room = Room::within(connections);
            let polls: Vec<_> = std::iter::from_fn(|| room.poll(&deps).ok()).collect();
            assert!(room.poll(&deps).is_err());
            let exchanges: Vec<_> = std::iter::from_fn(|| room.exchange(&deps).ok()).collect();
            assert!(polls.len() >= connections / 2 && !exchanges.is_empty());
            assert!(polls.len() + exchanges.len() <= connections / 8 * 7, "{connections}");
        }
    }
}
