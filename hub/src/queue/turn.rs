//! One attempt at a job, as its handler sees it: which job, whether it is still this worker's, and how it may end.

use super::store;
use mizili_node::problem::one_line;
use sqlx::PgConnection;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use uuid::Uuid;

/// How a job ends that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// All of it is done.
    Done,
    /// It is not time yet: again after this. It was no attempt.
    Snooze(Duration),
}

/// Why an attempt failed, and what follows. Any error is one, after which it is tried again later.
#[derive(Debug)]
pub struct Failure {
    pub(super) error: String,
    pub(super) then: Then,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    BackOff,
    After(Duration),
    Dead,
}

impl Failure {
    /// To be tried again after this time, as whoever refused it has asked (`Retry-After`).
    pub fn after(error: impl Into<String>, wait: Duration) -> Self {
        Self { error: error.into(), then: Then::After(wait) }
    }

    /// No other attempt would end otherwise: it is an operator's business at once.
    pub fn dead(error: impl Into<String>) -> Self {
        Self { error: error.into(), then: Then::Dead }
    }

    pub(super) fn tried(error: impl Into<String>) -> Self {
        Self { error: error.into(), then: Then::BackOff }
    }
}

// It is no `std` error itself, so that every other one becomes it by `?`.
impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::tried(one_line(error.into().as_ref()))
    }
}

/// The job is not this worker's any more: its lease ran out, and another one has it, or nobody. Nothing of this attempt may stand.
#[derive(Debug, thiserror::Error)]
pub enum LeaseLost {
    /// It is another's.
    #[error("the job is not this worker's any more")]
    Lost,
    /// It cannot be told.
    #[error(transparent)]
    Db(#[from] sqlx::Error),
}

/// One attempt at a job. Clones are the same attempt.
#[derive(Clone, Debug)]
pub struct Turn {
    pub(super) id: Uuid,
    pub(super) fencing: i64,
    pub(super) attempt: u32,
    pub(super) is_finished: Arc<AtomicBool>,
}

impl Turn {
    /// The job's id. Whoever outside is asked to do something is asked under it, so that they do it once.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// The number of the claim: a later claim of the same job has a higher one.
    pub fn fencing(&self) -> i64 {
        self.fencing
    }

    /// Which attempt it is, from 1 on.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Locks the job's row in the handler's own transaction, and checks that it is still this worker's: until that transaction ends, nobody
    /// else can claim it.
    ///
    /// # Errors
    /// It is not, or that cannot be told: then that transaction must not be committed.
    pub async fn still_mine(&self, conn: &mut PgConnection) -> Result<(), LeaseLost> {
        if store::lock(conn, self.id, self.fencing).await? { Ok(()) } else { Err(LeaseLost::Lost) }
    }

    /// Ends the job as done within the handler's own transaction: its effects and its end stand together, once, or not at all. To be the
    /// last that the transaction does; the handler returns [`End::Done`] after the commit.
    ///
    /// # Errors
    /// It is another's, or that cannot be told: then that transaction must not be committed.
    pub async fn finish_in(&self, conn: &mut PgConnection) -> Result<(), LeaseLost> {
        if !store::done(conn, self.id, self.fencing).await? {
            return Err(LeaseLost::Lost);
        }
        self.is_finished.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Whether the handler has ended it by itself, as far as it knows.
    pub(super) fn is_finished(&self) -> bool {
        self.is_finished.load(Ordering::Relaxed)
    }
}
