//! The regular check: projects the hub's tables again, compares them with the feed, and with the feed's own digests. What
//! differs is counted and mended; a difference means that some writer went past [`super::publish`], or that a row was damaged.
//!
//! Each page is read in one snapshot, in which tables and feed must agree because every transaction commits both. Only what
//! differs is read again under the bucket's lock. Catalogues follow by a job: what is merely late there is mended, not counted.

mod keys;

use super::digests::Digests;
use super::project::{View, project};
use super::publish::{Compare, hash_of, standing, stored, write};
use super::read::entity_of;
use super::{FeedError, Touched};
use crate::db::{Db, q, retrying};
use crate::jobs::catalogue;
use crate::news::Moved;
use crate::rows::Cells;
use futures_util::TryStreamExt;
use mizili_node::deps::Deps;
use sqlx::PgConnection;
use std::collections::{BTreeMap, BTreeSet};
use sync_protocol::bucket::Bucket;
use sync_protocol::entity;
use sync_protocol::row::{Key, RowHash};

/// Rows of one page, and of one mending transaction.
const PAGE_ROWS: usize = 2_000;

/// What a check found, and mended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Rows compared, each bucket's counted.
    pub rows: u64,
    /// Rows of the tables that were not in the feed.
    pub missing: u64,
    /// Rows whose content or hash was another.
    pub stale: u64,
    /// Rows in the feed that should not stand there.
    pub stray: u64,
    /// Buckets whose digests or head did not fit their rows.
    pub digests: u64,
    /// Rows of catalogues that a job had not got to yet. No difference.
    pub late: u64,
}

impl Report {
    /// How many things were wrong.
    pub fn differences(&self) -> u64 {
        self.missing + self.stale + self.stray + self.digests
    }
}

/// Compares everything and mends what differs.
///
/// # Errors
/// Those of the database. What was mended before stands.
pub async fn compare_all(db: &Db, deps: &Deps) -> Result<Report, FeedError> {
    let mut report = Report::default();
    for (number, _) in entity::ALL {
        tables_to_feed(db, deps, View::Home, *number, &mut report).await?;
        if keys::stands_in_catalogues(*number) {
            tables_to_feed(db, deps, View::Catalogue, *number, &mut report).await?;
        }
    }
    for bucket in all_buckets(db).await? {
        feed_to_tables(db, deps, bucket, &mut report).await?;
        digests(db, deps, bucket, &mut report).await?;
    }
    if report.differences() > 0 {
        tracing::error!(
            ?report,
            "the feed differed from the tables and was mended: a writer went past the feed"
        );
    }
    Ok(report)
}

/// Finds rows that the feed lacks or has otherwise.
async fn tables_to_feed(
    db: &Db,
    deps: &Deps,
    view: View,
    entity: u16,
    report: &mut Report,
) -> Result<(), FeedError> {
    let mut after = None;
    loop {
        let page = || table_page(db, view, entity, after);
        let Some(page) = retrying(deps, page).await? else { return Ok(()) };
        after = Some(page.last);
        report.rows += page.rows;
        report.add(page.found, page.late);
        mend(db, deps, &page.wrong).await?;
    }
}

/// What a page of a table's rows, compared with the feed, came to.
struct TablePage {
    last: Key,
    rows: u64,
    wrong: Touched,
    found: Found,
    late: bool,
}

async fn table_page(
    db: &Db,
    view: View,
    entity: u16,
    after: Option<Key>,
) -> Result<Option<TablePage>, FeedError> {
    let mut tx = db.begin_snapshot().await?;
    let keys = keys::after(&mut tx, entity, after, PAGE_ROWS).await?;
    let Some(last) = keys.last().copied() else { return Ok(None) };
    let mut named = Touched::new();
    for row in project(&mut tx, view, entity, &keys).await? {
        named.add(row.bucket, entity, row.key);
    }
    let (wrong, found) = differing(&mut tx, &named).await?;
    let late = view == View::Catalogue && catalogue::is_behind(&mut tx).await?;
    tx.commit().await?;
    Ok(Some(TablePage { last, rows: named.len() as u64, wrong, found, late }))
}

/// What a page came to.
#[derive(Clone, Copy, Default)]
struct Found {
    missing: u64,
    stale: u64,
    stray: u64,
}

impl Report {
    fn add(&mut self, found: Found, late: bool) {
        if late {
            self.late += found.missing + found.stale + found.stray;
        } else {
            self.missing += found.missing;
            self.stale += found.stale;
            self.stray += found.stray;
        }
    }
}

/// Which of the rows named, all of which should stand, do not stand as they should.
async fn differing(conn: &mut PgConnection, named: &Touched) -> Result<(Touched, Found), FeedError> {
    let standing = standing(conn, named).await?;
    let stored = stored(conn, named, Compare::Payloads).await?;
    let (mut wrong, mut found) = (Touched::new(), Found::default());
    for (place, payload) in &standing {
        let (bucket, entity, key) = *place;
        match stored.get(place) {
            Some(stored) if stored.hash.is_some() => {
                let hash = RowHash::of(entity, key, stored.version, payload);
                if stored.hash == Some(hash.0) && stored.payload.as_ref() == Some(payload) {
                    continue;
                }
                found.stale += 1;
            }
            _ => found.missing += 1,
        }
        wrong.add(bucket, entity, key);
    }
    Ok((wrong, found))
}

/// Finds rows that stand in a bucket where they should not.
async fn feed_to_tables(db: &Db, deps: &Deps, bucket: Bucket, report: &mut Report) -> Result<(), FeedError> {
    let mut after: (u16, Vec<u8>) = (0, Vec::new());
    loop {
        let page = || feed_page(db, bucket, &after);
        let Some(page) = retrying(deps, page).await? else { return Ok(()) };
        after = (page.last.0, page.last.1.to_bytes().to_vec());
        report.add(Found { stray: page.count, ..Found::default() }, page.late);
        mend(db, deps, &page.stray).await?;
    }
}

/// What a page of a bucket's rows, compared with the tables, came to.
struct FeedPage {
    last: (u16, Key),
    stray: Touched,
    count: u64,
    late: bool,
}

async fn feed_page(db: &Db, bucket: Bucket, after: &(u16, Vec<u8>)) -> Result<Option<FeedPage>, FeedError> {
    let mut tx = db.begin_snapshot().await?;
    let page = live_page(&mut tx, bucket, after).await?;
    let Some(last) = page.last().copied() else { return Ok(None) };
    let (stray, count) = strays(&mut tx, bucket, page).await?;
    let late = View::of(bucket) == View::Catalogue && catalogue::is_behind(&mut tx).await?;
    tx.commit().await?;
    Ok(Some(FeedPage { last, stray, count, late }))
}

async fn live_page(
    conn: &mut PgConnection,
    bucket: Bucket,
    after: &(u16, Vec<u8>),
) -> Result<Vec<(u16, Key)>, sqlx::Error> {
    let rows =
        q("SELECT entity, id FROM sync_rows WHERE bucket = $1 AND (entity, id) > ($2, $3) AND NOT deleted
        ORDER BY entity, id LIMIT $4")
        .bind(bucket.to_string())
        .bind(after.0 as i16)
        .bind(&after.1)
        .bind(PAGE_ROWS as i64)
        .fetch_all(conn)
        .await?;
    let place = |row| {
        let cells = Cells::of("sync_rows", row);
        Ok((entity_of(cells.get(0)?)?, Key::from_bytes(cells.get(1)?).map_err(|_| cells.misfit(1))?))
    };
    rows.iter().map(place).collect()
}

async fn strays(
    conn: &mut PgConnection,
    bucket: Bucket,
    page: Vec<(u16, Key)>,
) -> Result<(Touched, u64), FeedError> {
    let mut by_entity: BTreeMap<u16, Vec<Key>> = BTreeMap::new();
    for (entity, key) in page {
        by_entity.entry(entity).or_default().push(key);
    }
    let (mut wrong, mut count) = (Touched::new(), 0);
    for (entity, keys) in by_entity {
        let rows = match project(conn, View::of(bucket), entity, &keys).await {
            // A newer hub that shares this database wrote it: not ours to judge.
            Err(FeedError::UnknownEntity(_)) => continue,
            rows => rows?,
        };
        let here: BTreeSet<Key> = rows.iter().filter(|row| row.bucket == bucket).map(|row| row.key).collect();
        let stray: BTreeSet<Key> = keys.into_iter().filter(|key| !here.contains(key)).collect();
        count += stray.len() as u64;
        stray.iter().for_each(|key| wrong.add(bucket, entity, *key));
        // Where such a row does stand has to be named too.
        rows.iter()
            .filter(|row| stray.contains(&row.key))
            .for_each(|row| wrong.add(row.bucket, entity, row.key));
    }
    Ok((wrong, count))
}

async fn mend(db: &Db, deps: &Deps, wrong: &Touched) -> Result<(), FeedError> {
    if wrong.is_empty() {
        return Ok(());
    }
    retrying(deps, || async {
        let mut tx = db.begin().await?;
        let written = write(&mut tx, wrong, Compare::Payloads).await?.written;
        tx.commit().await?;
        db.tell(&written.into_keys().collect());
        Ok(())
    })
    .await
}

async fn all_buckets(db: &Db) -> Result<Vec<Bucket>, sqlx::Error> {
    let mut tx = db.begin().await?;
    let rows = q("SELECT name FROM buckets ORDER BY name").fetch_all(&mut *tx).await?;
    tx.commit().await?;
    // A kind of bucket that this hub does not know is a newer hub's.
    let bucket = |row| Ok(Cells::of("buckets", row).get::<&str>(0)?.parse().ok());
    rows.iter().filter_map(|row| bucket(row).transpose()).collect()
}

/// A bucket's head and digests, as stored and as its rows say.
struct Sums {
    stored: (u64, Vec<u8>),
    counted: (u64, Vec<u8>),
}

impl Sums {
    fn agree(&self) -> bool {
        self.stored.0 >= self.counted.0 && self.stored.1 == self.counted.1
    }
}

async fn digests(db: &Db, deps: &Deps, bucket: Bucket, report: &mut Report) -> Result<(), FeedError> {
    let look = || async {
        let mut tx = db.begin_snapshot().await?;
        let sums = sums(&mut tx, bucket, "SELECT version, digests FROM buckets WHERE name = $1").await?;
        tx.commit().await?;
        Ok::<_, FeedError>(sums)
    };
    let sums = retrying(deps, look).await?;
    if sums.agree() {
        return Ok(());
    }
    report.digests += 1;
    retrying(deps, || async {
        let mut tx = db.begin().await?;
        let sums = self::sums(
            &mut tx,
            bucket,
            "SELECT version, digests FROM buckets WHERE name = $1 FOR NO KEY UPDATE",
        )
        .await?;
        q("UPDATE buckets SET version = greatest(version, $2), digests = $3 WHERE name = $1")
            .bind(bucket.to_string())
            .bind(sums.counted.0 as i64)
            .bind(&sums.counted.1)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        db.tell(&Moved::from_iter([bucket]));
        Ok(())
    })
    .await
}

async fn sums(conn: &mut PgConnection, bucket: Bucket, head: &'static str) -> Result<Sums, FeedError> {
    let row = q(head).bind(bucket.to_string()).fetch_one(&mut *conn).await?;
    let cells = Cells::of("buckets", &row);
    let digests: Vec<u8> = match Digests::from_bytes(cells.get(1)?) {
        Ok(digests) => digests.to_bytes(),
        // Not even readable: what the rows say takes its place.
        Err(_) => vec![0],
    };
    let stored = (cells.count(0)?, digests);
    let mut rows = q("SELECT entity, version, hash FROM sync_rows WHERE bucket = $1 AND NOT deleted")
        .bind(bucket.to_string())
        .fetch(conn);
    let (mut highest, mut counted) = (0, Digests::default());
    while let Some(row) = rows.try_next().await? {
        let cells = Cells::of("sync_rows", &row);
        let hash = hash_of(cells.get(2)?).ok_or_else(|| cells.misfit(2))?;
        counted.of(entity_of(cells.get(0)?)?).add(RowHash(hash));
        highest = highest.max(cells.count(1)?);
    }
    Ok(Sums { stored, counted: (highest, counted.to_bytes()) })
}
