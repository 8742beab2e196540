//! Work that nobody waits for: catalogues, the regular check of the feed, forgetting what is old, and commands that could not be
//! decided before. Any number of hubs may run it over one database: each piece of work takes its turn under a row of
//! `job_cursors`.
//!
//! A job that fails says so in the log and is tried again at its next turn; it never ends the hub.

pub mod bad_rows;
pub mod build;
pub mod catalogue;
pub mod names;
pub mod prune;
pub mod turns;

use crate::auth;
use crate::commands::stream::{
    Quarantined, prune_failures, retry_all_held, retry_all_open, retry_all_quarantined,
};
use crate::db::Db;
use crate::feed::check::compare_all;
use crate::http::idempotency;
use crate::state::AppState;
use bad_rows::BadRows;
use jiff::Timestamp;
use mizili_node::deps::Deps;
use prune::ScopeOf;
use std::future::Future;
use std::time::Duration;

/// How long catalogues may be behind when another process changed something.
const LOOK: Duration = Duration::from_secs(5);
/// Between two rounds of bringing catalogues up to date: what moves within it is done, and sent to edges, in one go. The first that moves
/// after a quiet time does not wait.
const PAUSE: Duration = Duration::from_secs(2);
/// Between looks at whether it is some job's turn.
const TURN_LOOK: Duration = Duration::from_secs(60);
/// Seconds between two checks of the feed: it reads every replicated row.
const CHECK_EVERY_S: i64 = 6 * 3600;
/// Seconds between two rounds of forgetting.
const PRUNE_EVERY_S: i64 = 3600;
/// Seconds between two tries of commands that were set aside through no fault of theirs.
const OURS_EVERY_S: i64 = 3600;
/// Seconds between two tries of commands that are held: what they wait for may have been settled unseen.
const HELD_EVERY_S: i64 = 600;

/// Runs every job until `stop` is done. Safe to drop at any moment: work that was under way is rolled back.
pub async fn run(state: AppState, scope_of: ScopeOf, stop: impl Future<Output = ()>) {
    tokio::select! {
        () = stop => {}
        () = async { tokio::join!(catalogues(&state), regular(&state, scope_of)); } => {}
    }
}

/// Brings the catalogues up to date whenever something moved, and now and then. Never done.
async fn catalogues(state: &AppState) {
    let mut moved = state.db.news().cooperatives();
    // Kept from round to round: what is bad for long is said once.
    let mut bad = BadRows::of(catalogue::JOB);
    loop {
        moved.mark_unchanged();
        match catalogue::run_once(&state.db, &state.deps, &mut bad).await {
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, "catalogues could not be brought up to date now; it is tried again");
            }
        }
        // An error says that the sender is gone, and then so is the hub; the pause also bounds how fast this goes round.
        let _ = tokio::time::timeout(LOOK, moved.changed()).await;
        tokio::time::sleep(PAUSE).await;
    }
}

/// What is done once at the start, and then what has its regular turn. Never done.
async fn regular(state: &AppState, scope_of: ScopeOf) {
    let mut started = false;
    loop {
        if !started {
            // Neither keeps the other from its turn.
            let (named, retried) = (names(state).await, retry_commands(state).await);
            started = named && retried;
        }
        // One that fails keeps no other from its turn.
        let ended = [
            ("prune", forget(state, scope_of).await),
            ("retry", retry_ours(state).await),
            ("decide", retry_held(&state.db, &state.deps).await.map(|_| ())),
            ("check", check(state).await),
        ];
        for (job, ended) in ended {
            if let Err(error) = ended {
                tracing::warn!(job, %error, "a regular job failed; it is tried again at its next turn");
            }
        }
        tokio::time::sleep(TURN_LOOK).await;
    }
}

/// Names that an earlier version kept are put into the form of today. Says whether all were seen to.
async fn names(state: &AppState) -> bool {
    match names::put_into_form(&state.db, &state.deps).await {
        Ok(0) => true,
        Ok(changed) => {
            tracing::info!(changed, "names of an earlier version were put into one form");
            true
        }
        Err(error) => {
            tracing::warn!(%error, "names of an earlier version could not be put into one form now");
            false
        }
    }
}

/// This hub may know commands that the one before it did not, and break over fewer. Says whether all edges were seen to.
async fn retry_commands(state: &AppState) -> bool {
    let (db, deps) = (&state.db, &state.deps);
    let tried = async {
        let mut changed = retry_all_open(db, deps).await?;
        if let Some(build) = build::is_new(db).await? {
            changed += retry_quarantined(db, deps, Quarantined::All).await?;
            build::note(db, &build).await?;
        }
        anyhow::Ok(changed)
    };
    match tried.await {
        Ok(0) => true,
        Ok(changed) => {
            tracing::info!(changed, "commands that had waited were decided");
            true
        }
        Err(error) => {
            tracing::warn!(%error, "commands that wait could not be tried now");
            false
        }
    }
}

/// Tries quarantined commands again, and then what waited for them at any edge. Gives how many commands got another verdict.
///
/// # Errors
/// The first that an edge met; the others had their turn.
pub async fn retry_quarantined(db: &Db, deps: &Deps, which: Quarantined) -> anyhow::Result<usize> {
    let changed = retry_all_quarantined(db, deps, which).await?;
    if changed.is_empty() {
        return Ok(0);
    }
    tracing::info!(?changed, "quarantined commands were decided");
    let held = retry_all_held(db, deps).await?;
    Ok(changed.iter().map(|(_, commands)| commands).sum::<usize>() + held)
}

/// Forgets what is old, if it is time. What concerns people and what concerns edges do not wait for each other.
async fn forget(state: &AppState, scope_of: ScopeOf) -> anyhow::Result<()> {
    let (db, deps) = (&state.db, &state.deps);
    if !turns::take(db, deps, "prune", PRUNE_EVERY_S).await? {
        return Ok(());
    }
    let people = forget_of_people(state, deps.clock.now()).await;
    let pruned = prune::prune_once(db, deps, scope_of).await?;
    let forgotten = people?;
    tracing::info!(forgotten, ?pruned, "old things were forgotten");
    Ok(())
}

async fn forget_of_people(state: &AppState, now: Timestamp) -> Result<u64, sqlx::Error> {
    let mut tx = state.db.begin().await?;
    let mut forgotten = idempotency::prune(&mut tx, now).await?;
    forgotten += auth::db::prune(&mut tx, now).await?;
    forgotten += auth::throttle::prune(&mut tx, now).await?;
    forgotten += prune_failures(&mut tx).await?;
    tx.commit().await?;
    Ok(forgotten)
}

/// Tries again what was set aside though it was not to blame, if it is time.
async fn retry_ours(state: &AppState) -> anyhow::Result<()> {
    if turns::take(&state.db, &state.deps, "retry_ours", OURS_EVERY_S).await? {
        retry_quarantined(&state.db, &state.deps, Quarantined::Ours).await?;
    }
    Ok(())
}

/// Tries again what is held, if it is time. Gives how many commands got another verdict. An office that comes after a restore, or is
/// revoked, has this done at once, as has whoever settles a command that others may wait for; but of a hub that ended in the middle of it,
/// of a command that came at that very moment, and of a cancel whose order an office brought, nobody would speak again.
///
/// # Errors
/// Those of the database.
pub async fn retry_held(db: &Db, deps: &Deps) -> anyhow::Result<usize> {
    if !turns::take(db, deps, "retry_held", HELD_EVERY_S).await? {
        return Ok(0);
    }
    let changed = retry_all_held(db, deps).await?;
    if changed > 0 {
        tracing::info!(changed, "commands that had been held were decided");
    }
    Ok(changed)
}

/// Compares the feed with the tables, if it is time.
async fn check(state: &AppState) -> anyhow::Result<()> {
    if turns::take(&state.db, &state.deps, "check", CHECK_EVERY_S).await? {
        let report = compare_all(&state.db, &state.deps).await?;
        tracing::info!(?report, "the feed was compared with the tables");
    }
    Ok(())
}
