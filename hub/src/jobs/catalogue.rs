//! Feeds `catalogue:R`, what other cooperatives of a region see, from the buckets of its cooperatives.
//!
//! A consumer of the feed: it reads each cooperative's bucket after its own cursor, which it moves in the transaction of what it
//! writes, so that nothing is skipped and nothing is marked by hand. A person's transaction never waits for a shared bucket.

mod together;

pub use crate::feed::catalogues::{JOB, is_behind};

use crate::bad_rows::{BadRows, OfARow as _};
use crate::db::Cells;
use crate::db::{Db, int, q, retrying};
use crate::feed::{FeedError, Touched, publish, read};
use crate::news::Moved;
use crate::tables;
use mizili_node::deps::Deps;
use sqlx::{PgConnection, Row as _};
use std::collections::BTreeSet;
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::{CooperativeId, RegionId};
use sync_protocol::market::{Cooperative, Entity, Listing};
use sync_protocol::row::{Key, Row};
use together::{TOGETHER, Together, lock_cursors, regions};
use uuid::Uuid;

/// Rows that one transaction reads, and listings that it moves.
const ROWS_MAX: usize = 1_000;

/// Brings every catalogue up to date with what has been committed. Returns how many rows were read; 0 when there was nothing.
/// Safe to run at several hubs at once: each bucket has one runner at a time. A row that cannot be used is left out; a cooperative
/// of which that is not enough is, and the others go on.
///
/// # Errors
/// Those of the database, and of the feed. What was written before stands.
pub async fn run_once(db: &Db, deps: &Deps, bad: &mut BadRows) -> Result<usize, FeedError> {
    let mut total = 0;
    let mut cooperatives = Vec::new();
    for bucket in behind(db).await? {
        match bucket.parse() {
            Ok(Bucket::Coop(cooperative)) => cooperatives.push(cooperative),
            _ => bad.add(&bucket, &"names no cooperative's bucket"),
        }
    }
    for some in cooperatives.chunks(TOGETHER) {
        let together = retrying(deps, || async {
            let mut tx = db.begin().await?;
            let together = together::step(&mut tx, some).await?;
            tx.commit().await?;
            Ok::<_, FeedError>(together)
        })
        .await;
        match together {
            Ok(Together { step, left }) => {
                total += took(db, step, bad);
                for cooperative in left {
                    total += alone(db, deps, cooperative, bad).await?;
                }
            }
            // Whose it is shows when each is taken by itself.
            Err(error) if error.is_of_a_row() => {
                for cooperative in some {
                    total += alone(db, deps, *cooperative, bad).await?;
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(total)
}

/// Brings one cooperative's goods up to date, in as many transactions as it takes. Returns how many rows were read.
async fn alone(
    db: &Db,
    deps: &Deps,
    cooperative: CooperativeId,
    bad: &mut BadRows,
) -> Result<usize, FeedError> {
    let mut total = 0;
    loop {
        let step = retrying(deps, || async {
            let mut tx = db.begin().await?;
            let step = step(&mut tx, cooperative).await?;
            tx.commit().await?;
            Ok::<_, FeedError>(step)
        })
        .await;
        let Some(Some(step)) = bad.sift(Bucket::Coop(cooperative), step)? else { return Ok(total) };
        total += took(db, step, bad);
    }
}

/// Tells of what a transaction did. Returns how many rows it read.
fn took(db: &Db, step: Step, bad: &mut BadRows) -> usize {
    db.tell(&step.moved);
    step.bad.iter().for_each(|(row, error)| bad.add(row, error));
    step.read
}

/// What one transaction did.
struct Step {
    /// Rows that it read.
    read: usize,
    moved: Moved,
    /// Rows that could not be used, by name, and why.
    bad: Vec<(String, sqlx::Error)>,
}

/// The names of cooperatives' buckets that have moved on.
async fn behind(db: &Db) -> Result<Vec<String>, sqlx::Error> {
    let mut tx = db.begin().await?;
    let rows = q("SELECT b.name FROM buckets b LEFT JOIN job_cursors j ON j.job = $1 AND j.bucket = b.name
        WHERE b.name LIKE 'coop:%' AND b.version > coalesce(j.version, 0) ORDER BY b.name")
    .bind(JOB)
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    rows.iter().map(|row| Cells::of("buckets", row).get(0)).collect()
}

/// One transaction. `None` when there is nothing to do, or another runner has the bucket.
async fn step(conn: &mut PgConnection, cooperative: CooperativeId) -> Result<Option<Step>, FeedError> {
    let bucket = Bucket::Coop(cooperative);
    let cursors = lock_cursors(conn, &[cooperative]).await?;
    let Some(cursor) = cursors.get(&cooperative).copied() else { return Ok(None) };
    // The head first, then the page: what commits in between is above the head, and comes next time.
    let head = read::heads(conn, &[bucket]).await?.get(&bucket).map_or(0, |head| head.version);
    let rows = read::page_up_each(conn, bucket, cursor, head, ROWS_MAX).await?;
    if rows.is_empty() {
        return Ok(None);
    }
    let moved = rows.iter().position(|(_, row)| row.as_ref().is_ok_and(is_cooperative));
    let region = regions(conn, &cursors).await?.get(&cooperative).copied();
    let mut touched = Touched::new();
    let (read, upto) = match moved {
        // The cooperative itself changed, its region maybe: what stands before it comes first, then it alone.
        Some(0) => {
            let whole = move_cooperative(conn, cooperative, region, &mut touched).await?;
            (1, if whole { rows[0].0 } else { cursor })
        }
        Some(at) => (at, rows[at - 1].0),
        None if rows.len() < ROWS_MAX => (rows.len(), head),
        None => (rows.len(), rows.last().map_or(head, |(version, _)| *version)),
    };
    if moved != Some(0) {
        let usable = rows[..read].iter().filter_map(|(_, row)| row.as_ref().ok());
        let listings: BTreeSet<Uuid> = usable.filter_map(listing_of).collect();
        if let Some(region) = region {
            listings
                .iter()
                .for_each(|id| touched.add(Bucket::Catalogue(region), Listing::NUMBER, Key::Uuid(*id)));
        }
    }
    if !touched.is_empty() {
        publish(conn, &touched).await?;
    }
    q("UPDATE job_cursors SET version = $3 WHERE job = $1 AND bucket = $2")
        .bind(JOB)
        .bind(bucket.to_string())
        .bind(upto as i64)
        .execute(conn)
        .await?;
    let bad = rows.into_iter().take(read).filter_map(|(version, row)| Some((version, row.err()?)));
    let bad = bad.map(|(version, error)| (format!("{bucket}@{version}"), error)).collect();
    Ok(Some(Step { read, moved: touched.moved(), bad }))
}

/// Whether a row is a cooperative's own.
fn is_cooperative(row: &Row) -> bool {
    row.entity == Cooperative::NUMBER
}

/// The listing that others see otherwise because of a row.
fn listing_of(row: &Row) -> Option<Uuid> {
    match tables::changed_in_catalogue(row)? {
        (Listing::NUMBER, Key::Uuid(id)) => Some(id),
        _ => None,
    }
}

/// Names the cooperative where it stands and stood, and those of its listings that stand in another catalogue than its region's,
/// or in none. At most [`ROWS_MAX`] of them; says whether these were all.
async fn move_cooperative(
    conn: &mut PgConnection,
    cooperative: CooperativeId,
    region: Option<RegionId>,
    touched: &mut Touched,
) -> Result<bool, sqlx::Error> {
    let key = Key::Int(cooperative.0);
    let here = region.map(Bucket::Catalogue);
    let mut buckets = elsewhere(conn, key, here).await?;
    let elsewhere: Vec<String> = buckets.iter().map(Bucket::to_string).collect();
    buckets.extend(here);
    // A listing's key is the byte 3 and its id.
    let rows = q("SELECT l.id FROM listings l WHERE l.cooperative_id = $1 AND (
            EXISTS (SELECT FROM sync_rows s WHERE s.bucket = ANY($2) AND s.entity = $4
                AND s.id = '\\x03'::bytea || uuid_send(l.id) AND NOT s.deleted)
            OR $3::text IS NOT NULL AND l.status = 0 AND NOT EXISTS (SELECT FROM sync_rows s WHERE s.bucket = $3 AND s.entity = $4
                AND s.id = '\\x03'::bytea || uuid_send(l.id) AND NOT s.deleted))
        ORDER BY l.id LIMIT $5")
    .bind(int(cooperative.0)?)
    .bind(elsewhere)
    .bind(here.map(|bucket| bucket.to_string()))
    .bind(Listing::NUMBER as i16)
    .bind(ROWS_MAX as i64)
    .fetch_all(conn)
    .await?;
    let whole = rows.len() < ROWS_MAX;
    for row in &rows {
        let id = row.try_get("id")?;
        buckets.iter().for_each(|bucket| touched.add(*bucket, Listing::NUMBER, Key::Uuid(id)));
    }
    if whole {
        buckets.iter().for_each(|bucket| touched.add(*bucket, Cooperative::NUMBER, key));
    }
    Ok(whole)
}

/// Other catalogues in which the cooperative stands.
async fn elsewhere(
    conn: &mut PgConnection,
    key: Key,
    here: Option<Bucket>,
) -> Result<Vec<Bucket>, sqlx::Error> {
    let rows = q("SELECT b.name FROM buckets b JOIN sync_rows s ON s.bucket = b.name AND s.entity = $1 AND s.id = $2 AND NOT s.deleted
        WHERE b.name LIKE 'catalogue:%' AND b.name IS DISTINCT FROM $3")
    .bind(Cooperative::NUMBER as i16)
    .bind(&*key.to_bytes())
    .bind(here.map(|bucket| bucket.to_string()))
    .fetch_all(conn)
    .await?;
    rows.iter()
        .map(|row| {
            let cells = Cells::of("buckets", row);
            cells.get::<&str>(0)?.parse().map_err(|_| cells.misfit(0))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_catalogues_is_what_this_job_moves() {
        let seen: Vec<u16> = sync_protocol::market::ENTITIES
            .iter()
            .map(|(number, _)| *number)
            .filter(|number| tables::stands_in_catalogues(*number))
            .collect();
        assert_eq!(seen, [Cooperative::NUMBER, Listing::NUMBER], "give the new one a place in `step`");
    }
}
