//! The regular check: projects the hub's tables again, compares them with the feed, and with the feed's own digests. What
//! differs is counted and mended; a difference means that some writer went past [`super::publish`], or that a row was damaged.
//!
//! Each page is read in one snapshot, in which tables and feed must agree because every transaction commits both. Only what
//! differs is read again under the bucket's lock. Catalogues follow by a job: what is merely late there is mended, not counted.

use super::catalogues::is_behind;
use super::digests::Digests;
use super::project;
use super::publish::{Compare, hash_of, places, standing, stored, write};
use super::read::entity_of;
use super::{FeedError, Touched};
use crate::bad_rows::{BadRows, OfARow as _};
use crate::db::Cells;
use crate::db::{Db, misfit, q, retrying};
use crate::news::Moved;
use crate::tables::{self, View};
use futures_util::TryStreamExt;
use mizili_node::deps::Deps;
use sqlx::PgConnection;
use std::collections::{BTreeMap, BTreeSet};
use sync_protocol::bucket::Bucket;
use sync_protocol::market;
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
    /// Rows that could not be used, and were left out. A person has to look at them; the log names each.
    pub bad: u64,
}

impl Report {
    /// How many things were wrong.
    pub fn differences(&self) -> u64 {
        self.missing + self.stale + self.stray + self.digests
    }
}

/// Compares everything and mends what differs. A row that cannot be used is counted and left out; the others are compared.
///
/// # Errors
/// Those of the database. What was mended before stands.
pub async fn compare_all(db: &Db, deps: &Deps) -> Result<Report, FeedError> {
    let mut check = Check { db, deps, report: Report::default(), bad: BadRows::of("check") };
    for (number, name) in market::ENTITIES {
        let home = check.tables_to_feed(View::Home, *number).await;
        check.bad.sift(name, home)?;
        if tables::stands_in_catalogues(*number) {
            let catalogues = check.tables_to_feed(View::Catalogue, *number).await;
            check.bad.sift(name, catalogues)?;
        }
    }
    for bucket in all_buckets(db).await? {
        let rows = check.feed_to_tables(bucket).await;
        check.bad.sift(bucket, rows)?;
        let sums = check.digests(bucket).await;
        check.bad.sift(format_args!("digests of {bucket}"), sums)?;
    }
    let report = Report { bad: check.bad.count(), ..check.report };
    if report.differences() > 0 {
        tracing::error!(
            ?report,
            "the feed differed from the tables and was mended: a writer went past the feed"
        );
    }
    Ok(report)
}

/// One run of the check.
struct Check<'a> {
    db: &'a Db,
    deps: &'a Deps,
    report: Report,
    bad: BadRows,
}

impl Check<'_> {
    /// Finds rows that the feed lacks or has otherwise.
    async fn tables_to_feed(&mut self, view: View, entity: u16) -> Result<(), FeedError> {
        let mut after = None;
        loop {
            let page = || async {
                let mut tx = self.db.begin_snapshot().await?;
                let keys = tables::keys_after(&mut tx, entity, after, PAGE_ROWS).await?;
                tx.commit().await?;
                Ok::<_, FeedError>(keys)
            };
            let keys = retrying(self.deps, page).await?;
            let Some(last) = keys.last() else { return Ok(()) };
            after = Some(*last);
            let mut parts = vec![keys.as_slice()];
            while let Some(part) = parts.pop() {
                match self.rows_to_feed(view, entity, part).await {
                    Err(error) if is_by_one_of(part, &error) => halve(&mut parts, part),
                    done => {
                        self.bad.sift(format_args!("entity {entity} {:?}", part.first()), done)?;
                    }
                }
            }
        }
    }

    async fn rows_to_feed(&mut self, view: View, entity: u16, keys: &[Key]) -> Result<(), FeedError> {
        let part = retrying(self.deps, || table_part(self.db, view, entity, keys)).await?;
        self.report.rows += part.rows;
        self.report.add(part.found, part.late);
        mend(self.db, self.deps, &part.wrong).await
    }

    /// Finds rows that stand in a bucket where they should not.
    async fn feed_to_tables(&mut self, bucket: Bucket) -> Result<(), FeedError> {
        let mut after: (i16, Vec<u8>) = (0, Vec::new());
        loop {
            let page = || async {
                let mut tx = self.db.begin_snapshot().await?;
                let page = live_page(&mut tx, bucket, &after).await?;
                tx.commit().await?;
                Ok::<_, FeedError>(page)
            };
            let page = retrying(self.deps, page).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after.clone_from(last);
            let mut keys = Vec::with_capacity(page.len());
            for (entity, id) in page {
                let key = key_of(entity, &id);
                keys.extend(self.bad.sift(format_args!("{bucket} entity {entity} {id:?}"), key)?);
            }
            let mut parts = vec![keys.as_slice()];
            while let Some(part) = parts.pop() {
                match self.feed_to_rows(bucket, part).await {
                    Err(error) if is_by_one_of(part, &error) => halve(&mut parts, part),
                    done => {
                        self.bad.sift(format_args!("{bucket} {:?}", part.first()), done)?;
                    }
                }
            }
        }
    }

    async fn feed_to_rows(&mut self, bucket: Bucket, part: &[(u16, Key)]) -> Result<(), FeedError> {
        let part = retrying(self.deps, || feed_part(self.db, bucket, part)).await?;
        self.report.add(part.found, part.late);
        mend(self.db, self.deps, &part.wrong).await
    }

    /// Compares a bucket's digests with its rows.
    async fn digests(&mut self, bucket: Bucket) -> Result<(), FeedError> {
        let look = || async {
            let mut tx = self.db.begin_snapshot().await?;
            let sums = sums(&mut tx, bucket, "SELECT version, digests FROM buckets WHERE name = $1").await?;
            tx.commit().await?;
            Ok::<_, FeedError>(sums)
        };
        let sums = retrying(self.deps, look).await?;
        if sums.agree() {
            return Ok(());
        }
        self.report.digests += 1;
        mend_digests(self.db, self.deps, bucket).await
    }
}

/// Whether an error was caused by one of several rows, which can be found among fewer.
fn is_by_one_of<T>(part: &[T], error: &FeedError) -> bool {
    part.len() > 1 && error.is_of_a_row()
}

fn halve<'p, T>(parts: &mut Vec<&'p [T]>, part: &'p [T]) {
    let (first, second) = part.split_at(part.len() / 2);
    parts.extend([second, first]);
}

fn key_of(entity: i16, id: &[u8]) -> Result<(u16, Key), sqlx::Error> {
    Ok((entity_of(entity)?, Key::from_bytes(id).map_err(|_| misfit("sync_rows", "id"))?))
}

/// What some rows, compared in one snapshot, came to.
struct Part {
    rows: u64,
    wrong: Touched,
    found: Found,
    late: bool,
}

/// Rows of a table, compared with the feed.
async fn table_part(db: &Db, view: View, entity: u16, keys: &[Key]) -> Result<Part, FeedError> {
    let mut tx = db.begin_snapshot().await?;
    let mut named = Touched::new();
    for row in project(&mut tx, view, entity, keys).await? {
        named.add(row.bucket, entity, row.key);
    }
    let (wrong, found) = differing(&mut tx, &named).await?;
    let late = view == View::Catalogue && is_behind(&mut tx).await?;
    tx.commit().await?;
    Ok(Part { rows: named.len() as u64, wrong, found, late })
}

/// Rows of a bucket, compared with the tables.
async fn feed_part(db: &Db, bucket: Bucket, rows: &[(u16, Key)]) -> Result<Part, FeedError> {
    let mut tx = db.begin_snapshot().await?;
    let (wrong, stray) = strays(&mut tx, bucket, rows).await?;
    let late = View::of(bucket) == View::Catalogue && is_behind(&mut tx).await?;
    tx.commit().await?;
    Ok(Part { rows: 0, wrong, found: Found { stray, ..Found::default() }, late })
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
    let stored = stored(conn, places(named).collect(), Compare::Payloads).await?;
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

/// The next live rows of a bucket: entity and key, as they are stored.
async fn live_page(
    conn: &mut PgConnection,
    bucket: Bucket,
    after: &(i16, Vec<u8>),
) -> Result<Vec<(i16, Vec<u8>)>, sqlx::Error> {
    let rows =
        q("SELECT entity, id FROM sync_rows WHERE bucket = $1 AND (entity, id) > ($2, $3) AND NOT deleted
        ORDER BY entity, id LIMIT $4")
        .bind(bucket.to_string())
        .bind(after.0)
        .bind(&after.1)
        .bind(PAGE_ROWS as i64)
        .fetch_all(conn)
        .await?;
    let place = |row| {
        let cells = Cells::of("sync_rows", row);
        Ok((cells.get(0)?, cells.get(1)?))
    };
    rows.iter().map(place).collect()
}

async fn strays(
    conn: &mut PgConnection,
    bucket: Bucket,
    part: &[(u16, Key)],
) -> Result<(Touched, u64), FeedError> {
    let mut by_entity: BTreeMap<u16, Vec<Key>> = BTreeMap::new();
    for (entity, key) in part {
        by_entity.entry(*entity).or_default().push(*key);
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

async fn mend_digests(db: &Db, deps: &Deps, bucket: Bucket) -> Result<(), FeedError> {
    retrying(deps, || async {
        let mut tx = db.begin().await?;
        let sums =
            sums(&mut tx, bucket, "SELECT version, digests FROM buckets WHERE name = $1 FOR NO KEY UPDATE")
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
