//! Copies of the database that an operator has tried. Edges keep what took effect until the copy before the last holds it: so a hub that is
//! restored from either of the two is brought everything again.

use crate::db::Cells;
use crate::db::{Db, q, retrying};
use crate::error::{ApiError, Kind};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use mizili_node::deps::Deps;
use mizili_node::text::rfc3339;
use serde::Serialize;
use sqlx::PgConnection;
use std::sync::atomic::{AtomicBool, Ordering};

/// A copy of the database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mark {
    /// When it was taken, RFC 3339, UTC.
    pub taken_at: String,
    /// When it was recorded here, RFC 3339, UTC.
    pub marked_at: String,
    /// What the operator says of it; may be empty.
    pub note: String,
}

/// Records a copy that was taken then and found whole. The same one again changes its note alone. Returns all, the newest first.
///
/// # Errors
/// A time that has not come yet; those of the database.
pub async fn mark(db: &Db, deps: &Deps, taken_at: Timestamp, note: &str) -> Result<Vec<Mark>, ApiError> {
    if taken_at > deps.clock.now() {
        let detail = "That time has not come yet: say when the copy was taken, in UTC.";
        return Err(Kind::Malformed.because(detail).into());
    }
    retrying(deps, || async {
        let mut tx = db.begin().await?;
        q("INSERT INTO backup_marks (taken_at, marked_at, note) VALUES ($1, $2, $3)
            ON CONFLICT (taken_at) DO UPDATE SET note = excluded.note")
        .bind(taken_at.to_sqlx())
        .bind(deps.clock.now().to_sqlx())
        .bind(note)
        .execute(&mut *tx)
        .await?;
        let all = all(&mut tx).await?;
        tx.commit().await?;
        Ok::<_, ApiError>(all)
    })
    .await
}

/// Takes a record back: a slip, or a copy that is no more. Returns what is left, the newest first; `None` where no copy of that second was
/// recorded. What offices have dropped since is not brought back by it.
///
/// # Errors
/// Those of the database.
pub async fn unmark(db: &Db, deps: &Deps, taken_at: Timestamp) -> Result<Option<Vec<Mark>>, ApiError> {
    // By any try: one may have taken effect unseen.
    let is_gone = AtomicBool::new(false);
    let left = retrying(deps, || async {
        let mut tx = db.begin().await?;
        // Lists show whole seconds.
        let gone =
            q("DELETE FROM backup_marks WHERE date_trunc('second', taken_at) = date_trunc('second', $1)")
                .bind(taken_at.to_sqlx())
                .execute(&mut *tx)
                .await?;
        is_gone.fetch_or(gone.rows_affected() > 0, Ordering::Relaxed);
        let all = all(&mut tx).await?;
        tx.commit().await?;
        Ok::<_, ApiError>(all)
    });
    let left = left.await?;
    Ok(is_gone.into_inner().then_some(left))
}

/// All copies that were recorded, the newest first.
///
/// # Errors
/// Those of the database.
pub async fn list(db: &Db) -> Result<Vec<Mark>, ApiError> {
    let mut tx = db.begin().await?;
    let all = all(&mut tx).await?;
    tx.commit().await?;
    Ok(all)
}

async fn all(conn: &mut PgConnection) -> Result<Vec<Mark>, sqlx::Error> {
    let rows = q("SELECT extract(epoch FROM taken_at)::bigint, extract(epoch FROM marked_at)::bigint, note FROM backup_marks
        ORDER BY taken_at DESC")
    .fetch_all(conn)
    .await?;
    let mark = |row| {
        let cells = Cells::of("backup_marks", row);
        Ok(Mark { taken_at: rfc3339(cells.get(0)?), marked_at: rfc3339(cells.get(1)?), note: cells.get(2)? })
    };
    rows.iter().map(mark).collect()
}
