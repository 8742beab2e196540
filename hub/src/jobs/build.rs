//! Which program runs: another one than the last may know how to take what that one quarantined.

use crate::db::{Db, q, q_scalar};
use std::time::UNIX_EPOCH;

/// What tells this program's file from another: version, length and time. A copy of the same file may count as another; then
/// commands are tried once more than they need to be. `None` where the file cannot be looked at.
fn build() -> Option<String> {
    let file = std::env::current_exe().ok()?.metadata().ok()?;
    let changed = file.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(format!("{} {} {}", env!("CARGO_PKG_VERSION"), file.len(), changed.as_micros()))
}

/// This program, if another one was the last to note itself in the database.
///
/// # Errors
/// Those of the database.
pub async fn is_new(db: &Db) -> Result<Option<String>, sqlx::Error> {
    let Some(build) = build() else { return Ok(None) };
    let mut tx = db.begin().await?;
    let noted: String = q_scalar("SELECT build FROM hub").fetch_one(&mut *tx).await?;
    tx.commit().await?;
    Ok((noted != build).then_some(build))
}

/// Notes that a program has tried everything again.
///
/// # Errors
/// Those of the database.
pub async fn note(db: &Db, build: &str) -> Result<(), sqlx::Error> {
    let mut tx = db.begin().await?;
    q("UPDATE hub SET build = $1").bind(build).execute(&mut *tx).await?;
    tx.commit().await
}
