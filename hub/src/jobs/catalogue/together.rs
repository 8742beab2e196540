//! Many cooperatives' buckets in one transaction: most have moved by a few orders, and a transaction for each costs more than what it
//! does. What is not that simple is left to a transaction of its own.

use super::{JOB, ROWS_MAX, Step, is_cooperative, listing_of};
use crate::db::Cells;
use crate::db::{int, q};
use crate::feed::{FeedError, Touched, publish, read};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row as _};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::{CooperativeId, RegionId};
use sync_protocol::market::{Entity, Listing};
use sync_protocol::row::{Key, Row};
use uuid::Uuid;

/// Cooperatives of one transaction: as many as move while a person would wait for one of their catalogues.
pub(super) const TOGETHER: usize = 64;
/// Rows of one of them, so that all are no more than a transaction of a job may read. One that has moved further is left.
const ROWS_OF_ONE: usize = ROWS_MAX / TOGETHER;

/// What became of them.
pub(super) struct Together {
    pub(super) step: Step,
    /// Those that are left: they have moved far, or themselves.
    pub(super) left: Vec<CooperativeId>,
}

/// One transaction. Those that another runner has are passed over.
pub(super) async fn step(
    conn: &mut PgConnection,
    cooperatives: &[CooperativeId],
) -> Result<Together, FeedError> {
    let cursors = lock_cursors(conn, cooperatives).await?;
    let buckets: Vec<Bucket> = cursors.keys().map(|cooperative| Bucket::Coop(*cooperative)).collect();
    // The heads first, then the pages: what commits in between is above them, and comes next time.
    let heads = read::versions(conn, &buckets).await?;
    let head = |cooperative| heads.get(&Bucket::Coop(cooperative)).copied().unwrap_or(0);
    let pages: Vec<_> =
        cursors.iter().map(|(cooperative, cursor)| (*cooperative, *cursor, head(*cooperative))).collect();
    let ranges: Vec<_> = pages.iter().map(|(of, after, upto)| (Bucket::Coop(*of), *after, *upto)).collect();
    let read = read::pages_up_each(conn, &ranges, ROWS_OF_ONE).await?;
    let regions = regions(conn, &cursors).await?;
    let mut touched = Touched::new();
    let mut done = Step { read: 0, moved: touched.moved(), bad: Vec::new() };
    let (mut left, mut moved) = (Vec::new(), Vec::new());
    for ((cooperative, _, head), rows) in pages.into_iter().zip(read) {
        let is_it = |(_, row): &(u64, Result<Row, sqlx::Error>)| row.as_ref().is_ok_and(is_cooperative);
        if rows.len() == ROWS_OF_ONE || rows.iter().any(is_it) {
            left.push(cooperative);
            continue;
        }
        if let Some(region) = regions.get(&cooperative) {
            let listings: BTreeSet<Uuid> =
                rows.iter().filter_map(|(_, row)| listing_of(row.as_ref().ok()?)).collect();
            for id in listings {
                touched.add(Bucket::Catalogue(*region), Listing::NUMBER, Key::Uuid(id));
            }
        }
        done.read += rows.len();
        moved.push((Bucket::Coop(cooperative).to_string(), head as i64));
        let bad = rows.into_iter().filter_map(|(version, row)| Some((version, row.err()?)));
        done.bad
            .extend(bad.map(|(version, error)| (format!("{}@{version}", Bucket::Coop(cooperative)), error)));
    }
    if !touched.is_empty() {
        publish(conn, &touched).await?;
    }
    let (names, versions): (Vec<String>, Vec<i64>) = moved.into_iter().unzip();
    q("UPDATE job_cursors j SET version = t.version FROM unnest($2::text[], $3::bigint[]) AS t (bucket, version)
        WHERE j.job = $1 AND j.bucket = t.bucket AND j.bucket = ANY($2)")
    .bind(JOB)
    .bind(names)
    .bind(versions)
    .execute(conn)
    .await?;
    done.moved = touched.moved();
    Ok(Together { step: done, left })
}

/// The job's cursors of those that no other runner has, locked.
pub(super) async fn lock_cursors(
    conn: &mut PgConnection,
    cooperatives: &[CooperativeId],
) -> Result<BTreeMap<CooperativeId, u64>, sqlx::Error> {
    let names: BTreeMap<String, CooperativeId> = cooperatives
        .iter()
        .map(|cooperative| (Bucket::Coop(*cooperative).to_string(), *cooperative))
        .collect();
    let list: Vec<&str> = names.keys().map(String::as_str).collect();
    q("INSERT INTO job_cursors (job, bucket) SELECT $1, b FROM unnest($2::text[]) b ORDER BY b ON CONFLICT DO NOTHING")
        .bind(JOB)
        .bind(&list)
        .execute(&mut *conn)
        .await?;
    let rows = q("SELECT bucket, version FROM job_cursors WHERE job = $1 AND bucket = ANY($2)
        ORDER BY bucket FOR UPDATE SKIP LOCKED")
    .bind(JOB)
    .bind(&list)
    .fetch_all(conn)
    .await?;
    let cursor = |row| {
        let cells = Cells::of("job_cursors", row);
        Ok(names.get(cells.get::<&str>(0)?).copied().zip(Some(cells.count(1)?)))
    };
    rows.iter().filter_map(|row| cursor(row).transpose()).collect()
}

/// The cooperatives' regions, which then stay as they are until the transaction ends. Without those that have none.
pub(super) async fn regions(
    conn: &mut PgConnection,
    cooperatives: &BTreeMap<CooperativeId, u64>,
) -> Result<HashMap<CooperativeId, RegionId>, sqlx::Error> {
    let ids = cooperatives.keys().map(|cooperative| int(cooperative.0)).collect::<Result<Vec<i32>, _>>()?;
    let rows = q("SELECT id, region_id FROM cooperatives WHERE id = ANY($1) ORDER BY id FOR SHARE")
        .bind(ids)
        .fetch_all(conn)
        .await?;
    let region = |row: &PgRow| {
        let region = row.try_get::<Option<i32>, _>("region_id")?;
        let cooperative = CooperativeId(row.try_get::<i32, _>("id")?.cast_unsigned());
        Ok(region.map(|region| (cooperative, RegionId(region.cast_unsigned()))))
    };
    rows.iter().filter_map(|row| region(row).transpose()).collect()
}
