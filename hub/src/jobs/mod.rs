//! Work that nobody waits for: catalogues, the regular check of the feed, forgetting what is old, and commands that could not be
//! decided before. Any number of hubs may run it over one database. What comes round, or is to be done once something is committed, are
//! jobs of the [`queue`](crate::queue); what each hub does by itself is here, and says why.
//!
//! A job that fails says so in the log and is tried again; it never ends the hub.

pub mod build;
pub mod catalogue;
pub mod names;
pub mod prune;
pub mod regular;

use crate::bad_rows::BadRows;
use crate::commands::stream::{Quarantined, retry_all_held, retry_all_open, retry_all_quarantined};
use crate::db::Db;
use crate::state::AppState;
use mizili_node::deps::Deps;
use prune::ScopeOf;
use std::future::Future;
use std::time::Duration;
use tokio::sync::watch;

/// How long catalogues may be behind when another process changed something.
const LOOK: Duration = Duration::from_secs(5);
/// Between two rounds of bringing catalogues up to date: what moves within it is done, and sent to edges, in one go. The first that moves
/// after a quiet time does not wait.
const PAUSE: Duration = Duration::from_secs(2);
/// Between tries of what is done once at the start.
const START_AGAIN: Duration = Duration::from_secs(60);

/// Runs every job until `stop` is done; then those of the queue that are under way have a few seconds more. Safe to drop at any moment: work
/// that was under way is rolled back.
pub async fn run(state: AppState, scope_of: ScopeOf, stop: impl Future<Output = ()>) {
    let worker = regular::worker(state.clone(), scope_of);
    let (stopping, mut stopped) = watch::channel(false);
    let own = async {
        tokio::select! {
            // An error says that nobody is left who could stop it, which means the same.
            _ = stopped.wait_for(|stopped| *stopped) => {}
            () = async { tokio::join!(catalogues(&state), at_the_start(&state)); } => {}
        }
    };
    let stop = async {
        stop.await;
        stopping.send_replace(true);
    };
    tokio::join!(worker.run(stop), own);
}

/// Brings the catalogues up to date whenever something moved, and now and then. Never done.
///
/// Not by the queue: this follows the feed by cursors of its own, which move in the transaction of what it writes, so it loses nothing that a
/// job would keep. A job for what moved would cost every order a write more; one for each look, every few seconds, would write five times where
/// this reads once.
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

/// What is done once at the start of each hub. Never done.
///
/// Not by the queue: it is about what this program knows and the one before it did not, and a job may be done by an older hub beside this one.
async fn at_the_start(state: &AppState) {
    // Neither keeps the other from its turn.
    while !(names(state).await & retry_commands(state).await) {
        tokio::time::sleep(START_AGAIN).await;
    }
    std::future::pending().await
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

/// Tries again what is held. Gives how many commands got another verdict. An office that comes after a restore, or is revoked, has this done
/// at once, as has whoever settles a command that others may wait for; but of a hub that ended in the middle of it, of a command that came
/// at that very moment, and of a cancel whose order an office brought, nobody would speak again.
///
/// # Errors
/// Those of the database.
pub async fn retry_held(db: &Db, deps: &Deps) -> anyhow::Result<usize> {
    let changed = retry_all_held(db, deps).await?;
    if changed > 0 {
        tracing::info!(changed, "commands that had been held were decided");
    }
    Ok(changed)
}
