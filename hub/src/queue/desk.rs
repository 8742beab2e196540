//! Jobs as an operator sees them, and what he may do about one: try it again at once, or put it aside for good.

use super::store;
use crate::db::{Cells, Db, Narrowed, q, q_scalar, retrying};
use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use mizili_node::deps::Deps;
use serde::Serialize;
use sqlx::PgConnection;
use sqlx::postgres::PgRow;
use std::time::Duration;
use uuid::Uuid;

/// Jobs that a list shows.
const LISTED_MAX: i64 = 1_000;
/// A job that is due for longer than this waits for something: its hub is gone, too much is to be done, or no hub here knows its kind.
const OVERDUE: Duration = Duration::from_secs(60);
/// Days for which dead jobs are kept.
const DEAD_DAYS: i64 = 90;

/// A job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// Its id.
    pub id: Uuid,
    /// What it does.
    pub kind: String,
    /// `ready` (it waits for its time, or is overdue), `running`, `dead` (nobody tries it again until told so).
    pub state: String,
    /// What it is about, where only one of those may be open.
    pub key: Option<String>,
    /// Attempts so far, and how many it has.
    pub attempts: u32,
    /// The same.
    pub attempts_max: u32,
    /// When it was, or is, to be done; RFC 3339, UTC.
    pub due: String,
    /// What went wrong last.
    pub last_error: Option<String>,
}

/// Jobs that are dead or overdue, or all there are, the longest due first.
///
/// # Errors
/// Those of the database.
pub async fn list(db: &Db, deps: &Deps, all: bool) -> Result<Vec<Listed>, sqlx::Error> {
    let late = deps.clock.now().checked_sub(SignedDuration::try_from(OVERDUE).unwrap_or(SignedDuration::MAX));
    let late = (!all).then(|| late.unwrap_or(Timestamp::MIN).to_sqlx());
    let text = Narrowed::of(
        "SELECT id, kind, state, open_key, attempts, attempts_max, due_at, last_error FROM jobs WHERE true",
    );
    let text = text
        .maybe(" AND (state = 'dead' OR state = 'ready' AND due_at < ? OR state = 'running' AND lease_until < ?)", late)
        .with(" ORDER BY due_at, id LIMIT ?", LISTED_MAX);
    let mut tx = db.begin().await?;
    let rows = text.fetch_all(&mut tx).await?;
    tx.commit().await?;
    rows.iter().map(listed).collect()
}

fn listed(row: &PgRow) -> Result<Listed, sqlx::Error> {
    let cells = Cells::of("jobs", row);
    Ok(Listed {
        id: cells.get(0)?,
        kind: cells.get(1)?,
        state: cells.get(2)?,
        key: cells.get(3)?,
        attempts: cells.number(4)?,
        attempts_max: cells.number(5)?,
        due: mizili_node::text::rfc3339(cells.get::<jiff_sqlx::Timestamp>(6)?.to_jiff().as_second()),
        last_error: cells.get(7)?,
    })
}

/// What came of an operator's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// It is as he said.
    Done,
    /// No such job: it is done, or never was.
    Unknown,
    /// A worker is at it.
    Runs,
    /// Another one of its kind and key is open, which does what this one would.
    Replaced,
}

/// Tries a job again at once, with all its attempts before it.
///
/// # Errors
/// Those of the database.
pub async fn retry(db: &Db, deps: &Deps, id: Uuid) -> Result<Told, sqlx::Error> {
    let now = deps.clock.now().to_sqlx();
    let told = retrying(deps, || async {
        let mut tx = db.begin().await?;
        let told = match of(&mut tx, id).await? {
            Told::Done => {
                // The other one cannot end before this transaction sees it; one that begins meanwhile is refused by the index, and seen by
                // the next try.
                let put = q("UPDATE jobs j SET state = 'ready', due_at = $2, attempts = 0, written_at = $2 WHERE j.id = $1 AND NOT EXISTS
                    (SELECT FROM jobs o WHERE o.kind = j.kind AND o.open_key = j.open_key AND o.state <> 'dead' AND o.id <> j.id)")
                .bind(id)
                .bind(now)
                .execute(&mut *tx)
                .await?;
                if put.rows_affected() == 1 { Told::Done } else { Told::Replaced }
            }
            told => told,
        };
        tx.commit().await?;
        Ok::<_, sqlx::Error>(told)
    });
    let told = told.await?;
    db.tell_jobs();
    Ok(told)
}

/// Puts a job aside for good: it is never done.
///
/// # Errors
/// Those of the database.
pub async fn dismiss(db: &Db, deps: &Deps, id: Uuid) -> Result<Told, sqlx::Error> {
    retrying(deps, || async {
        let mut tx = db.begin().await?;
        let told = of(&mut tx, id).await?;
        if told == Told::Done {
            q("DELETE FROM jobs WHERE id = $1").bind(id).execute(&mut *tx).await?;
        }
        tx.commit().await?;
        Ok(told)
    })
    .await
}

/// Locks a job that nobody is at: [`Told::Done`] where it may be done with as told.
async fn of(conn: &mut PgConnection, id: Uuid) -> Result<Told, sqlx::Error> {
    let sql = "SELECT state FROM jobs WHERE id = $1 FOR UPDATE";
    let state: Option<String> = q_scalar(sql).bind(id).fetch_optional(conn).await?;
    Ok(match state.as_deref() {
        None => Told::Unknown,
        Some("running") => Told::Runs,
        Some(_) => Told::Done,
    })
}

/// Forgets what has been dead for long. Gives how many.
///
/// # Errors
/// Those of the database.
pub async fn prune(conn: &mut PgConnection, now: Timestamp) -> Result<u64, sqlx::Error> {
    let before = now.checked_sub(SignedDuration::from_hours(DEAD_DAYS * 24)).unwrap_or(Timestamp::MIN);
    store::forget_dead(conn, before).await
}
