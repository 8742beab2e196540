//! The hub's own list of jobs, and which of them come round when. A new kind of job has its line in [`KINDS`], or cannot be put in; one that
//! comes round, another in [`SCHEDULES`].

use super::prune::{self, ScopeOf};
use super::{retry_held, retry_quarantined};
use crate::auth;
use crate::commands::stream::{Quarantined, prune_failures};
use crate::feed::check::compare_all;
use crate::http::idempotency;
use crate::job_kinds;
use crate::queue::{self, End, Failure, Job, Schedule, Turn, Worker};
use crate::state::AppState;
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// Attempts of what comes round again anyway.
const ATTEMPTS_MAX: u16 = 3;
const HOUR: Duration = Duration::from_secs(3600);

job_kinds! {
    /// What the hub's worker does.
    pub const KINDS: Given = [Prune, RetryOurs, RetryHeld, Check];
}

/// What comes round at the hub.
pub const SCHEDULES: &[Schedule] = &[
    Schedule::every::<Prune>(HOUR),
    // What was set aside through no fault of its own.
    Schedule::every::<RetryOurs>(HOUR),
    // What is held: what it waits for may have been settled unseen.
    Schedule::every::<RetryHeld>(Duration::from_secs(600)),
    // It reads every replicated row.
    Schedule::every::<Check>(HOUR.saturating_mul(6)),
];

/// What the hub's jobs are handed.
pub struct Given {
    /// Everything that handlers have.
    pub state: AppState,
    /// Tells an edge's buckets.
    pub scope_of: ScopeOf,
}

/// The hub's worker.
pub fn worker(state: AppState, scope_of: ScopeOf) -> Worker<Given> {
    let (db, deps) = (state.db.clone(), state.deps.clone());
    Worker::new(db, deps, Arc::new(Given { state, scope_of }), KINDS, SCHEDULES)
}

/// Forgets what is old.
pub struct Prune;

impl Job for Prune {
    const KIND: &'static str = "prune";
    const ATTEMPTS_MAX: u16 = ATTEMPTS_MAX;
    const TIME_LIMIT: Duration = HOUR;
    type Payload = ();
    type With = Given;

    async fn run(with: &Given, _: &Turn, (): ()) -> Result<End, Failure> {
        let Given { state, scope_of } = with;
        // What concerns people and what concerns edges do not wait for each other.
        let people = forget_of_people(state, state.deps.clock.now()).await;
        let pruned = prune::prune_once(&state.db, &state.deps, *scope_of).await?;
        let forgotten = people?;
        tracing::info!(forgotten, ?pruned, "old things were forgotten");
        Ok(End::Done)
    }
}

async fn forget_of_people(state: &AppState, now: Timestamp) -> Result<u64, sqlx::Error> {
    let mut tx = state.db.begin().await?;
    let mut forgotten = idempotency::prune(&mut tx, now).await?;
    forgotten += auth::db::prune(&mut tx, now).await?;
    forgotten += auth::throttle::prune(&mut tx, now).await?;
    forgotten += prune_failures(&mut tx).await?;
    forgotten += queue::desk::prune(&mut tx, now).await?;
    tx.commit().await?;
    Ok(forgotten)
}

/// Tries again what was set aside though it was not to blame.
pub struct RetryOurs;

impl Job for RetryOurs {
    const KIND: &'static str = "retry_ours";
    const ATTEMPTS_MAX: u16 = ATTEMPTS_MAX;
    const TIME_LIMIT: Duration = HOUR;
    type Payload = ();
    type With = Given;

    async fn run(with: &Given, _: &Turn, (): ()) -> Result<End, Failure> {
        retry_quarantined(&with.state.db, &with.state.deps, Quarantined::Ours).await?;
        Ok(End::Done)
    }
}

/// Tries again what is held.
pub struct RetryHeld;

impl Job for RetryHeld {
    const KIND: &'static str = "retry_held";
    const ATTEMPTS_MAX: u16 = ATTEMPTS_MAX;
    const TIME_LIMIT: Duration = HOUR;
    type Payload = ();
    type With = Given;

    async fn run(with: &Given, _: &Turn, (): ()) -> Result<End, Failure> {
        retry_held(&with.state.db, &with.state.deps).await?;
        Ok(End::Done)
    }
}

/// Compares the feed with the tables.
pub struct Check;

impl Job for Check {
    const KIND: &'static str = "check";
    const ATTEMPTS_MAX: u16 = ATTEMPTS_MAX;
    const TIME_LIMIT: Duration = HOUR.saturating_mul(4);
    type Payload = ();
    type With = Given;

    async fn run(with: &Given, _: &Turn, (): ()) -> Result<End, Failure> {
        let report = compare_all(&with.state.db, &with.state.deps).await?;
        tracing::info!(?report, "the feed was compared with the tables");
        Ok(End::Done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn kinds_and_schedules_have_names_of_their_own() {
        let kinds: BTreeSet<_> = KINDS.iter().map(|kind| kind.name()).collect();
        let schedules: BTreeSet<_> = SCHEDULES.iter().map(Schedule::name).collect();
        assert_eq!((kinds.len(), schedules.len()), (KINDS.len(), SCHEDULES.len()));
        assert_eq!(schedules, kinds, "each of these comes round; name those that do not here");
    }
}
