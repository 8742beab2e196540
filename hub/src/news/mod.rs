//! News: tells those who wait, here and at the other hubs, which buckets moved. It is told after a commit, never within a
//! transaction, and is only a hint: whoever waits is also looked at every few minutes.
//!
//! Work is done for those alone whose buckets moved: a commit costs the same however many edges wait for other things.

mod carry;
mod moved;
#[cfg(test)]
mod tests;
mod waiting;

pub use moved::Moved;
pub use waiting::{Asker, Found, Looked, Seated, Waiter, Waiting, Watch, Word};

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use sync_protocol::bucket::Bucket;
use tokio::sync::{Notify, watch};

/// Tells and lets wait. Cheap to clone; all clones are one.
#[derive(Clone, Debug, Default)]
pub struct News(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    waiting: Waiting,
    /// Rises when a cooperative's bucket moved: what the catalogues follow.
    cooperatives: watch::Sender<u64>,
    /// What the other hubs were not told yet.
    untold: Mutex<Moved>,
    has_untold: Notify,
    /// Rung when jobs were put in here.
    jobs: Notify,
    ending: watch::Sender<bool>,
}

impl News {
    /// To be called after the commit of a transaction that moved buckets.
    pub fn tell(&self, moved: &Moved) {
        if moved.is_none() {
            return;
        }
        self.heard(moved);
        self.untold().extend(moved);
        self.0.has_untold.notify_one();
    }

    /// Tells those who wait here.
    fn heard(&self, moved: &Moved) {
        self.0.waiting.tell(moved);
        if moved.has_any(|bucket| matches!(bucket, Bucket::Coop(_))) {
            self.0.cooperatives.send_modify(|n| *n = n.wrapping_add(1));
        }
    }

    /// The edges that wait here.
    pub fn waiting(&self) -> &Waiting {
        &self.0.waiting
    }

    /// Changes whenever a cooperative's bucket moved, here or at another hub.
    pub fn cooperatives(&self) -> watch::Receiver<u64> {
        self.0.cooperatives.subscribe()
    }

    /// To be called after the commit of a transaction that put jobs in: the worker of this process need not find them by itself.
    pub fn tell_jobs(&self) {
        self.0.jobs.notify_one();
    }

    /// Done when jobs were put in here since the last time that this was asked.
    pub async fn jobs(&self) {
        self.0.jobs.notified().await;
    }

    /// Sends everybody home who waits: the hub stops, and must not be kept from it by polls.
    pub fn end(&self) {
        self.0.ending.send_replace(true);
    }

    /// Done when nobody should wait any longer.
    pub async fn ended(&self) {
        // An error says that nobody is left who could end it, which means the same.
        let _ = self.0.ending.subscribe().wait_for(|ending| *ending).await;
    }

    fn untold(&self) -> MutexGuard<'_, Moved> {
        self.0.untold.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
