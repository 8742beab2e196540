//! Reading the feed: heads, pages of rows up or down the versions, sums and rows of slots.
//!
//! Read the heads first and the pages after, or both in one snapshot: a page may hold rows above a head read before it, never
//! lack rows at or below it.

use super::digests::Digests;
use super::names::Names;
use super::publish::hash_of;
use crate::db::Cells;
use crate::db::{any_of, int, misfit, q};
use futures_util::TryStreamExt;
use sqlx::PgConnection;
use sqlx::postgres::PgRow;
use std::collections::HashMap;
use sync_protocol::bucket::Bucket;
use sync_protocol::bytes::{Reader, WireError};
use sync_protocol::row::{Key, Row, slot};
use sync_protocol::value::Fields;

/// Bytes of a row of a page, at first guess.
const ROW_BYTES: usize = 32;

/// Where a bucket stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Its newest version.
    pub version: u64,
    /// Its digests at that version.
    pub digests: Digests,
}

impl Head {
    /// For each entity with live rows, the low 64 bits of its digest's sum.
    pub fn sums(&self) -> Vec<(u16, u64)> {
        self.digests.iter().map(|(entity, digest)| (entity, digest.sum as u64)).collect()
    }
}

/// The heads of buckets. A bucket in which nothing has ever stood is missing: its head is 0.
///
/// # Errors
/// Those of the database.
pub async fn heads(
    conn: &mut PgConnection,
    buckets: &[Bucket],
) -> Result<HashMap<Bucket, Head>, sqlx::Error> {
    let names = Names::of(buckets.iter().copied());
    let rows = q(concat!("SELECT name, version, digests FROM buckets WHERE name = ", any_of!(1, "text")))
        .bind(names.list())
        .fetch_all(conn)
        .await?;
    let head = |row| {
        let Some(bucket) = names.of_row(row)? else { return Ok(None) };
        let cells = Cells::of("buckets", row);
        let digests = Digests::from_bytes(cells.get(2)?)?;
        Ok(Some((bucket, Head { version: cells.count(1)?, digests })))
    };
    rows.iter().filter_map(|row| head(row).transpose()).collect()
}

/// The newest versions of buckets, without their digests. A bucket in which nothing has ever stood is missing.
///
/// # Errors
/// Those of the database.
pub async fn versions(
    conn: &mut PgConnection,
    buckets: &[Bucket],
) -> Result<HashMap<Bucket, u64>, sqlx::Error> {
    let each = versions_each(conn, buckets).await?;
    each.into_iter().map(|(bucket, version)| Ok((bucket, version?))).collect()
}

/// The same; one that cannot be read says nothing about the others.
///
/// # Errors
/// Those of the database.
pub async fn versions_each(
    conn: &mut PgConnection,
    buckets: &[Bucket],
) -> Result<HashMap<Bucket, Result<u64, sqlx::Error>>, sqlx::Error> {
    let names = Names::of(buckets.iter().copied());
    let rows = q(concat!("SELECT name, version FROM buckets WHERE name = ", any_of!(1, "text")))
        .bind(names.list())
        .fetch_all(conn)
        .await?;
    let version = |row| Ok(names.of_row(row)?.map(|bucket| (bucket, Cells::of("buckets", row).count(1))));
    rows.iter().filter_map(|row| version(row).transpose()).collect()
}

/// The newest versions of buckets when an epoch ended, or where they stand in the one that goes on. A bucket in which nothing has ever
/// stood is missing.
///
/// # Errors
/// Those of the database.
pub async fn versions_known_at(
    conn: &mut PgConnection,
    epoch: u32,
    buckets: &[Bucket],
) -> Result<HashMap<Bucket, u64>, sqlx::Error> {
    let names = Names::of(buckets.iter().copied());
    let rows = q("SELECT b.name, coalesce((SELECT h.version FROM restored_heads h WHERE h.bucket = b.name AND h.epoch > $2
            ORDER BY h.epoch LIMIT 1), b.version)
        FROM buckets b WHERE b.name = ANY($1)")
    .bind(names.list())
    .bind(int(epoch)?)
    .fetch_all(conn)
    .await?;
    let version = |row| Ok(names.of_row(row)?.zip(Some(Cells::of("buckets", row).count(1)?)));
    rows.iter().filter_map(|row| version(row).transpose()).collect()
}

/// A page as one text of bytes: a cell costs Postgres, the way and the hub several times what its bytes do. Of each row, in the order of
/// the rows that it is made of: version (8 bytes), entity (2), length of the id (2, no index takes a longer one), length of the payload
/// (4; -1 for a row that is gone), all big-endian; then id and payload.
macro_rules! page {
    () => {
        "SELECT string_agg(int8send(version) || int4send(entity::int << 16 | octet_length(id))
            || int4send(CASE WHEN deleted THEN -1 ELSE octet_length(payload) END) || id
            || CASE WHEN deleted THEN ''::bytea ELSE payload END, '') "
    };
}

/// A row, and its version even where it is damaged.
type Versioned = (u64, Result<Row, sqlx::Error>);

/// Reads what [`page`] asks for; NULL where there are no rows.
fn rows_of(page: &PgRow) -> Result<Vec<Versioned>, sqlx::Error> {
    let bytes = Cells::of("sync_rows", page).get::<Option<&[u8]>>(0)?.unwrap_or_default();
    let mut input = Reader::new(bytes);
    let mut rows = Vec::with_capacity(bytes.len() / ROW_BYTES);
    while !input.is_at_end() {
        rows.push(next_row(&mut input).map_err(|_| misfit("sync_rows", "a page"))?);
    }
    Ok(rows)
}

fn next_row(input: &mut Reader<'_>) -> Result<Versioned, WireError> {
    let version = u64::try_from(i64::from_be_bytes(input.array()?));
    let version = version.map_err(|_| WireError::Malformed("version"))?;
    let entity = i16::from_be_bytes(input.array()?);
    let id_bytes = u16::from_be_bytes(input.array()?);
    let payload_bytes = usize::try_from(i32::from_be_bytes(input.array()?));
    let (id, payload) = (input.take(id_bytes.into())?, input.take(payload_bytes.unwrap_or(0))?);
    Ok((version, row_from(entity, id, version, payload_bytes.is_err(), payload)))
}

/// Live and deleted rows with `after < version <= upto`, lowest version first, at most `limit`.
///
/// # Errors
/// Those of the database; a stored row that is damaged.
pub async fn page_up(
    conn: &mut PgConnection,
    bucket: Bucket,
    after: u64,
    upto: u64,
    limit: usize,
) -> Result<Vec<Row>, sqlx::Error> {
    page_up_each(conn, bucket, after, upto, limit).await?.into_iter().map(|(_, row)| row).collect()
}

/// The same, each row by itself with its version: one that is damaged says nothing about the others.
///
/// # Errors
/// Those of the database.
pub async fn page_up_each(
    conn: &mut PgConnection,
    bucket: Bucket,
    after: u64,
    upto: u64,
    limit: usize,
) -> Result<Vec<Versioned>, sqlx::Error> {
    let page = q(concat!(
        page!(),
        "FROM (SELECT * FROM sync_rows WHERE bucket = $1 AND version > $2 AND version <= $3 ORDER BY version LIMIT $4) p"
    ));
    let page = page.bind(bucket.to_string()).bind(bound(after)).bind(bound(upto)).bind(bound(limit as u64));
    rows_of(&page.fetch_one(conn).await?)
}

/// The same of several buckets, each after a version of its own and up to another, at most `limit` rows of each. By place in `ranges`.
///
/// # Errors
/// Those of the database.
pub async fn pages_up_each(
    conn: &mut PgConnection,
    ranges: &[(Bucket, u64, u64)],
    limit: usize,
) -> Result<Vec<Vec<Versioned>>, sqlx::Error> {
    let pages = q(concat!(
        "SELECT (",
        page!(),
        "FROM (SELECT * FROM sync_rows WHERE bucket = t.bucket AND version > t.after AND version <= t.upto
                ORDER BY version LIMIT $4) p)
            FROM unnest($1::text[], $2::bigint[], $3::bigint[]) WITH ORDINALITY AS t (bucket, after, upto, at) ORDER BY at"
    ));
    let pages = pages
        .bind(ranges.iter().map(|(bucket, ..)| bucket.to_string()).collect::<Vec<_>>())
        .bind(ranges.iter().map(|(_, after, _)| bound(*after)).collect::<Vec<_>>())
        .bind(ranges.iter().map(|(.., upto)| bound(*upto)).collect::<Vec<_>>())
        .bind(bound(limit as u64));
    pages.fetch_all(conn).await?.iter().map(rows_of).collect()
}

/// Live rows at or below a version, highest version first, at most `limit`. For a first snapshot, which walks down.
///
/// # Errors
/// As [`page_up`].
pub async fn page_down(
    conn: &mut PgConnection,
    bucket: Bucket,
    upto: u64,
    limit: usize,
) -> Result<Vec<Row>, sqlx::Error> {
    let page = q(concat!(
        page!(),
        "FROM (SELECT * FROM sync_rows WHERE bucket = $1 AND version <= $2 AND NOT deleted ORDER BY version DESC LIMIT $3) p"
    ));
    let page = page.bind(bucket.to_string()).bind(bound(upto)).bind(bound(limit as u64));
    rows_of(&page.fetch_one(conn).await?)?.into_iter().map(|(_, row)| row).collect()
}

/// The low 64 bits of the sums of an entity's 256 slots: the first ones for an empty prefix, those within a slot for its byte.
///
/// # Errors
/// As [`page_up`].
pub async fn slot_sums(
    conn: &mut PgConnection,
    bucket: Bucket,
    entity: u16,
    prefix: &[u8],
) -> Result<Vec<u64>, sqlx::Error> {
    let mut rows = q("SELECT id, hash FROM sync_rows WHERE bucket = $1 AND entity = $2 AND NOT deleted")
        .bind(bucket.to_string())
        .bind(entity as i16)
        .fetch(conn);
    let mut sums = vec![0u64; 256];
    while let Some(row) = rows.try_next().await? {
        let cells = Cells::of("sync_rows", &row);
        let at = slot(entity, Key::from_bytes(cells.get(0)?).map_err(|_| cells.misfit(0))?);
        let hash = hash_of(cells.get(1)?).ok_or_else(|| cells.misfit(1))?;
        let index = match prefix {
            [] => at[0],
            [first, ..] if *first == at[0] => at[1],
            _ => continue,
        };
        let sum = &mut sums[usize::from(index)];
        *sum = sum.wrapping_add(hash as u64);
    }
    Ok(sums)
}

/// The live rows of one slot, in order of version.
///
/// # Errors
/// As [`page_up`].
pub async fn slot_rows(
    conn: &mut PgConnection,
    bucket: Bucket,
    entity: u16,
    of: [u8; 2],
) -> Result<Vec<Row>, sqlx::Error> {
    let mut rows = q("SELECT entity, id, version, deleted, payload FROM sync_rows
        WHERE bucket = $1 AND entity = $2 AND NOT deleted")
    .bind(bucket.to_string())
    .bind(entity as i16)
    .fetch(conn);
    let mut found = Vec::new();
    while let Some(row) = rows.try_next().await? {
        let cells = Cells::of("sync_rows", &row);
        let key = Key::from_bytes(cells.get(1)?).map_err(|_| cells.misfit(1))?;
        if slot(entity, key) == of {
            found.push(row_of(&row)?);
        }
    }
    found.sort_by_key(|row| row.version);
    Ok(found)
}

fn bound(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}

/// `entity, id, version, deleted, payload`.
fn row_of(row: &PgRow) -> Result<Row, sqlx::Error> {
    let cells = Cells::of("sync_rows", row);
    row_from(cells.get(0)?, cells.get(1)?, cells.count(2)?, cells.get(3)?, cells.get(4)?)
}

fn row_from(entity: i16, id: &[u8], version: u64, deleted: bool, payload: &[u8]) -> Result<Row, sqlx::Error> {
    let key = Key::from_bytes(id).map_err(|_| misfit("sync_rows", "id"))?;
    let fields = || Fields::from_canonical(payload).map_err(|_| misfit("sync_rows", "payload"));
    let body = if deleted { None } else { Some(fields()?) };
    Ok(Row { entity: entity_of(entity)?, key, version, body })
}

/// An entity's number as it is stored.
pub(super) fn entity_of(stored: i16) -> Result<u16, sqlx::Error> {
    u16::try_from(stored).map_err(|_| misfit("sync_rows", "entity"))
}
