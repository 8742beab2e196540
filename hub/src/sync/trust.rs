//! Which keys belong to a database: the fingerprint of those that its edges trust stands in it, so that a hub that has others notices
//! it before an edge does. It must never let a hub with other keys speak to an edge, and never hold a key itself.

use crate::db::{Db, q, q_scalar, retrying};
use crate::error::{ApiError, Kind, Problem};
use crate::keys::HubKeys;
use crate::news::Moved;
use anyhow::{Result, bail};
use mizili_node::deps::Deps;
use std::sync::atomic::{AtomicBool, Ordering};

/// What helps a hub that has not the database's keys.
const WAY_OUT: &str = "Give it the same keys: MIZILI_HUB_KEYS, or the file `hub-keys` of the hub that has them. Where they are lost, run \
    `mizili-hub keys replace --new` here; every office then has to be enrolled again, in place";

/// What was found when a hub came with its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// They are the database's.
    Same,
    /// The database had none noted; now these are. `edges` were enrolled before.
    Noted {
        /// How many edges have been enrolled, with whichever keys.
        edges: u64,
    },
    /// The database belongs to others.
    Others {
        /// The fingerprint of those.
        theirs: String,
    },
}

/// How many edges have been enrolled, with whichever keys.
///
/// # Errors
/// Those of the database.
pub async fn enrolled(db: &Db) -> Result<u64, sqlx::Error> {
    let mut tx = db.begin().await?;
    let edges: i64 = q_scalar("SELECT count(*) FROM edges WHERE incarnation > 0 AND revoked_at IS NULL")
        .fetch_one(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(edges.unsigned_abs())
}

/// Compares a hub's keys with what the database has noted, and notes them where it has nothing.
///
/// # Errors
/// Those of the database.
pub async fn compare(db: &Db, keys: &HubKeys) -> Result<Found, sqlx::Error> {
    let mut tx = db.begin().await?;
    let noted = q("UPDATE hub SET keys_fingerprint = $1 WHERE keys_fingerprint IS NULL")
        .bind(keys.fingerprint())
        .execute(&mut *tx)
        .await?;
    let theirs: String = q_scalar("SELECT keys_fingerprint FROM hub").fetch_one(&mut *tx).await?;
    let edges: i64 = q_scalar("SELECT count(*) FROM edges WHERE incarnation > 0").fetch_one(&mut *tx).await?;
    tx.commit().await?;
    Ok(match noted.rows_affected() {
        1 => Found::Noted { edges: edges.unsigned_abs() },
        _ if theirs == keys.fingerprint() => Found::Same,
        _ => Found::Others { theirs },
    })
}

/// The fingerprint that the database has noted, if any.
///
/// # Errors
/// Those of the database.
pub async fn look(db: &Db) -> Result<Option<String>, sqlx::Error> {
    let mut tx = db.begin().await?;
    let noted = q_scalar("SELECT keys_fingerprint FROM hub").fetch_one(&mut *tx).await?;
    tx.commit().await?;
    Ok(noted)
}

/// [`compare`] for a hub that is about to serve: it does not with other keys.
///
/// # Errors
/// With other keys, in words that say what to do; those of the database.
pub async fn check(db: &Db, keys: &HubKeys, from: &str) -> Result<()> {
    let ours = keys.fingerprint();
    match compare(db, keys).await? {
        Found::Same => {}
        Found::Noted { edges: 0 } => {
            tracing::info!(keys = ours, "this database's edges will trust the keys of {from}")
        }
        Found::Noted { edges } => tracing::warn!(
            keys = ours,
            edges,
            "from now on the keys of {from} are this database's, and no hub with others serves it. If its edges were enrolled with \
             the keys of another hub, end this one and run `mizili-hub keys replace` where that one's are"
        ),
        Found::Others { theirs } => bail!(
            "this hub's keys ({ours}, from {from}) are not the ones that this database's edges trust ({theirs}), so it does not \
             serve. {WAY_OUT}"
        ),
    }
    Ok(())
}

/// Whether a hub that has none may make keys: only where the database knows of none.
///
/// # Errors
/// Where its edges trust some, in words that say what to do; those of the database.
pub async fn may_be_made(db: &Db, from: &str) -> Result<()> {
    match look(db).await? {
        None => Ok(()),
        Some(theirs) => bail!(
            "there are no keys in {from}, and this database's edges trust {theirs}, so this hub does not serve. {WAY_OUT}"
        ),
    }
}

/// Makes these keys the database's, instead of those that somebody has agreed to replace. Sessions of edges end, so that each learns at
/// once whether it trusts them. Returns how many edges have been enrolled; 0 where these were its keys already.
///
/// # Errors
/// The database has others by now, about which nobody was asked; those of the database.
pub async fn replace(db: &Db, deps: &Deps, keys: &HubKeys, instead_of: &str) -> Result<u64, ApiError> {
    // By any try: one may have taken effect unseen.
    let is_new = AtomicBool::new(false);
    retrying(deps, || replace_once(db, keys, instead_of, &is_new)).await?;
    if is_new.into_inner() { Ok(enrolled(db).await?) } else { Ok(0) }
}

async fn replace_once(
    db: &Db,
    keys: &HubKeys,
    instead_of: &str,
    is_new: &AtomicBool,
) -> Result<(), ApiError> {
    let ours = keys.fingerprint();
    let mut tx = db.begin().await?;
    let replaced =
        q("UPDATE hub SET keys_fingerprint = $1 WHERE keys_fingerprint = $2 AND keys_fingerprint <> $1")
            .bind(&ours)
            .bind(instead_of)
            .execute(&mut *tx)
            .await?;
    if replaced.rows_affected() == 0 {
        let noted: Option<String> = q_scalar("SELECT keys_fingerprint FROM hub").fetch_one(&mut *tx).await?;
        tx.commit().await?;
        return if noted.as_ref() == Some(&ours) { Ok(()) } else { Err(others_since(noted).into()) };
    }
    is_new.store(true, Ordering::Relaxed);
    q("DELETE FROM edge_sessions").execute(&mut *tx).await?;
    Ok(db.commit_and_tell(tx, &Moved::All).await?)
}

fn others_since(noted: Option<String>) -> Problem {
    let noted = noted.unwrap_or_else(|| "none".to_owned());
    Kind::Conflict.because(format!(
        "The keys of this database became {noted} since you were asked, and were left so; look again with `mizili-hub keys show`."
    ))
}
