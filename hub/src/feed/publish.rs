//! The one function that writes the feed.
//!
//! The order within it is what makes it right: lock the buckets, then read the rows in fresh statements, then write. A row read
//! before the lock may lack what another transaction committed meanwhile, and nothing would ever correct it. Rows that the
//! transaction itself has made are the exception: their content comes with their names.

use super::digests::Digests;
use super::names::Names;
use super::{FeedError, Touched, project};
use crate::db::Cells;
use crate::db::{any_of, listed, q};
use crate::tables::View;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{PgConnection, Postgres};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use sync_protocol::bucket::Bucket;
use sync_protocol::row::{Key, RowHash};

/// Rows of one INSERT, so that a large import does not send one endless message.
const INSERT_ROWS_MAX: usize = 10_000;

/// So many new rows are put apart from others of the same transaction: for fewer it is a round trip more for nothing.
const APART_MIN: usize = 64;

/// How a row that stands is compared with what should stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compare {
    /// By its hash.
    Hashes,
    /// By its content too: for the check, which trusts no hash.
    Payloads,
}

/// What publishing did.
pub(super) struct Published {
    /// Each named bucket with its head.
    pub(super) heads: Vec<(Bucket, u64)>,
    /// Rows written, by bucket.
    pub(super) written: BTreeMap<Bucket, u64>,
}

pub(super) type Place = (Bucket, u16, Key);
type Statement = Query<'static, Postgres, PgArguments>;

/// A locked bucket.
struct Locked {
    version: u64,
    digests: Digests,
}

/// What stands in the feed.
pub(super) struct Stored {
    pub(super) version: u64,
    /// `None` for a tombstone.
    pub(super) hash: Option<u128>,
    /// Only when payloads are compared.
    pub(super) payload: Option<Vec<u8>>,
}

/// The rows to write, column by column.
#[derive(Default)]
struct Writes {
    buckets: Vec<String>,
    entities: Vec<i16>,
    ids: Vec<Vec<u8>>,
    versions: Vec<i64>,
    deleted: Vec<bool>,
    hashes: Vec<Vec<u8>>,
    payloads: Vec<Vec<u8>>,
}

macro_rules! insert_rows {
    () => {
        "INSERT INTO sync_rows AS s (bucket, entity, id, version, deleted, hash, payload)
            SELECT * FROM unnest($1::text[], $2::smallint[], $3::bytea[], $4::bigint[], $5::bool[], $6::bytea[], $7::bytea[])"
    };
}

macro_rules! write_rows {
    () => {
        concat!(
            insert_rows!(),
            " ON CONFLICT (bucket, entity, id) DO UPDATE
            SET version = excluded.version, deleted = excluded.deleted, hash = excluded.hash, payload = excluded.payload"
        )
    };
}

/// With the rows: the heads and digests of their buckets, which are there and locked. By their key, however many: an UPDATE joined with a
/// list may read the whole table.
macro_rules! with_heads {
    ($($rows:tt)*) => {
        concat!(
            "WITH written AS (",
            $($rows)*,
            ") INSERT INTO buckets (name, version, digests) SELECT * FROM unnest($8::text[], $9::bigint[], $10::bytea[])
            ON CONFLICT (name) DO UPDATE SET version = excluded.version, digests = excluded.digests"
        )
    };
}

/// How rows are put into the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Put {
    /// They never stood in it: without asking for each whether it does, which costs a third more.
    New,
    /// In place of what stands.
    InPlace,
}

impl Put {
    const ALL: [Self; 2] = [Self::New, Self::InPlace];

    fn alone(self) -> &'static str {
        match self {
            Self::New => insert_rows!(),
            Self::InPlace => write_rows!(),
        }
    }

    fn with_heads(self) -> &'static str {
        match self {
            Self::New => with_heads!(insert_rows!()),
            Self::InPlace => with_heads!(write_rows!()),
        }
    }
}

/// See [`super::publish`].
pub(super) async fn write(
    conn: &mut PgConnection,
    touched: &Touched,
    compare: Compare,
) -> Result<Published, FeedError> {
    let mut locked = lock(conn, touched.buckets().map(|(bucket, _)| bucket)).await?;
    let mut standing = standing(conn, touched).await?;
    let are_new = touched.new_rows();
    let puts_apart = are_new == touched.len() || are_new >= APART_MIN;
    // What goes in place of whatever stands is looked at also where it is said to be new: its hash must leave the digest.
    let looked_at =
        places(touched).filter(|(_, entity, key)| !puts_apart || touched.content(*entity, *key).is_none());
    let stored = stored(conn, looked_at.collect(), compare).await?;
    let mut published = Published { heads: Vec::with_capacity(locked.len()), written: BTreeMap::new() };
    let (mut new, mut in_place) = (Writes::default(), Writes::default());
    for (bucket, rows) in touched.buckets() {
        let Some(at) = locked.get_mut(&bucket) else { continue };
        let head_before = at.version;
        for (entity, key) in rows {
            let place = (bucket, *entity, *key);
            match touched.content(*entity, *key) {
                Some(made) => {
                    let writes = if puts_apart { &mut new } else { &mut in_place };
                    writes.row(at, place, Some(made.to_vec()), stored.get(&place));
                }
                None => in_place.row(at, place, standing.remove(&place), stored.get(&place)),
            }
        }
        published.heads.push((bucket, at.version));
        if at.version > head_before {
            published.written.insert(bucket, at.version - head_before);
        }
    }
    if !published.written.is_empty() {
        let heads = Heads::of(published.written.keys().map(|bucket| (*bucket, &locked[bucket])));
        // The heads go with the last statement; mostly there is one.
        if in_place.ids.is_empty() {
            new.write(conn, Put::New, heads).await?;
        } else {
            if !new.ids.is_empty() {
                new.insert(conn, Put::New, 0..new.ids.len()).await?;
            }
            in_place.write(conn, Put::InPlace, heads).await?;
        }
    }
    Ok(published)
}

/// See [`super::try_to_publish`].
pub(super) async fn try_to_write(conn: &mut PgConnection, touched: &Touched) -> Result<(), FeedError> {
    write(conn, touched, Compare::Hashes).await?;
    for put in Put::ALL {
        Writes::default().insert(conn, put, 0..0).await?;
        Writes::default().write(conn, put, Heads::default()).await?;
    }
    Ok(())
}

impl Writes {
    /// Compares one row as it should stand with what is stored, and notes what has to be written.
    fn row(&mut self, at: &mut Locked, place: Place, wanted: Option<Vec<u8>>, stored: Option<&Stored>) {
        let (bucket, entity, key) = place;
        if let (Some(wanted), Some(stored)) = (&wanted, stored) {
            let hash = RowHash::of(entity, key, stored.version, wanted);
            let same_payload = stored.payload.as_ref().is_none_or(|payload| payload == wanted);
            if stored.hash == Some(hash.0) && same_payload {
                return;
            }
        }
        let old = stored.and_then(|stored| stored.hash);
        if wanted.is_none() && old.is_none() {
            return;
        }
        if let Some(old) = old {
            at.digests.of(entity).remove(RowHash(old));
        }
        at.version += 1;
        let hash = wanted.as_ref().map(|payload| RowHash::of(entity, key, at.version, payload));
        if let Some(hash) = hash {
            at.digests.of(entity).add(hash);
        }
        self.buckets.push(bucket.to_string());
        self.entities.push(entity as i16);
        self.ids.push(key.to_bytes().to_vec());
        self.versions.push(at.version as i64);
        self.deleted.push(wanted.is_none());
        self.hashes.push(hash.map(|hash| hash.0.to_le_bytes().to_vec()).unwrap_or_default());
        self.payloads.push(wanted.unwrap_or_default());
    }

    /// Writes the rows, and with the last of them the heads and digests of their buckets.
    async fn write(&self, conn: &mut PgConnection, put: Put, heads: Heads) -> Result<(), sqlx::Error> {
        let mut from = 0;
        while self.ids.len() - from > INSERT_ROWS_MAX {
            self.insert(conn, put, from..from + INSERT_ROWS_MAX).await?;
            from += INSERT_ROWS_MAX;
        }
        let query = self.bind(q(put.with_heads()), from..self.ids.len());
        query.bind(heads.names).bind(heads.versions).bind(heads.digests).execute(conn).await?;
        Ok(())
    }

    async fn insert(&self, conn: &mut PgConnection, put: Put, part: Range<usize>) -> Result<(), sqlx::Error> {
        self.bind(q(put.alone()), part).execute(conn).await?;
        Ok(())
    }

    fn bind(&self, query: Statement, part: Range<usize>) -> Statement {
        query
            .bind(&self.buckets[part.clone()])
            .bind(&self.entities[part.clone()])
            .bind(&self.ids[part.clone()])
            .bind(&self.versions[part.clone()])
            .bind(&self.deleted[part.clone()])
            .bind(&self.hashes[part.clone()])
            .bind(&self.payloads[part])
    }
}

/// Where buckets stand after it, column by column.
#[derive(Default)]
struct Heads {
    names: Vec<String>,
    versions: Vec<i64>,
    digests: Vec<Vec<u8>>,
}

impl Heads {
    fn of<'a>(buckets: impl Iterator<Item = (Bucket, &'a Locked)>) -> Self {
        let mut heads = Self::default();
        for (bucket, locked) in buckets {
            heads.names.push(bucket.to_string());
            heads.versions.push(locked.version as i64);
            heads.digests.push(locked.digests.to_bytes());
        }
        heads
    }
}

/// Locks the buckets in order of name and makes those that are missing.
async fn lock(
    conn: &mut PgConnection,
    buckets: impl ExactSizeIterator<Item = Bucket>,
) -> Result<HashMap<Bucket, Locked>, sqlx::Error> {
    let names = Names::of(buckets);
    let list = names.list();
    let mut locked = lock_existing(conn, &names).await?;
    if locked.len() < list.len() {
        // A bucket's first row. Two who make it at once wait for each other here; the later one reads the former's. It may have been
        // here before, and a restore have forgotten it: it begins above whatever was given out then, as the others jump.
        q("INSERT INTO buckets (name, version) SELECT name, (SELECT greatest(epoch - 1, 0)::bigint << 20 FROM hub)
            FROM unnest($1::text[]) AS n (name) ORDER BY name COLLATE \"C\" ON CONFLICT DO NOTHING")
        .bind(&list)
        .execute(&mut *conn)
        .await?;
        locked = lock_existing(conn, &names).await?;
    }
    Ok(locked)
}

async fn lock_existing(
    conn: &mut PgConnection,
    names: &Names,
) -> Result<HashMap<Bucket, Locked>, sqlx::Error> {
    let rows = q(concat!(
        "SELECT name, version, digests FROM buckets WHERE name = ",
        any_of!(1, "text"),
        " ORDER BY name FOR NO KEY UPDATE"
    ))
    .bind(names.list())
    .fetch_all(conn)
    .await?;
    let mut locked = HashMap::with_capacity(rows.len());
    for row in &rows {
        let cells = Cells::of("buckets", row);
        if let Some(bucket) = names.of_row(row)? {
            let digests = Digests::from_bytes(cells.get(2)?)?;
            locked.insert(bucket, Locked { version: cells.count(1)?, digests });
        }
    }
    Ok(locked)
}

/// The rows as they should stand now: canonical payloads by place. Without those whose content came with their names.
pub(super) async fn standing(
    conn: &mut PgConnection,
    touched: &Touched,
) -> Result<HashMap<Place, Vec<u8>>, FeedError> {
    let mut wanted: BTreeMap<(View, u16), BTreeSet<Key>> = BTreeMap::new();
    for (bucket, rows) in touched.buckets() {
        for (entity, key) in rows.iter().filter(|(entity, key)| touched.content(*entity, *key).is_none()) {
            wanted.entry((View::of(bucket), *entity)).or_default().insert(*key);
        }
    }
    let mut standing = HashMap::with_capacity(touched.len());
    for ((view, entity), keys) in wanted {
        let keys: Vec<Key> = keys.into_iter().collect();
        for row in project(conn, view, entity, &keys).await? {
            if !touched.has(row.bucket, entity, row.key) {
                return Err(FeedError::UnnamedBucket { bucket: row.bucket, entity, key: row.key });
            }
            standing.insert((row.bucket, entity, row.key), row.fields.canonical().to_vec());
        }
    }
    Ok(standing)
}

/// Where each row that was named stands.
pub(super) fn places(touched: &Touched) -> impl Iterator<Item = Place> {
    touched.buckets().flat_map(|(bucket, rows)| rows.iter().map(move |(entity, key)| (bucket, *entity, *key)))
}

/// The rows as they are stored, tombstones too. Row by row along the key, however many: a plan that is kept may have been made
/// when the table was empty.
pub(super) async fn stored(
    conn: &mut PgConnection,
    places: Vec<Place>,
    compare: Compare,
) -> Result<HashMap<Place, Stored>, sqlx::Error> {
    if places.is_empty() {
        return Ok(HashMap::new());
    }
    let names: Vec<String> = places.iter().map(|place| place.0.to_string()).collect();
    let entities: Vec<i16> = places.iter().map(|place| place.1 as i16).collect();
    let ids: Vec<Vec<u8>> = places.iter().map(|place| place.2.to_bytes().to_vec()).collect();
    let rows = q(concat!("SELECT t.at, s.version, s.deleted, s.hash, CASE WHEN $4 THEN s.payload END FROM unnest(",
        listed!(1, "text"), ", ", listed!(2, "smallint"), ", ", listed!(3, "bytea"), ") WITH ORDINALITY AS t (bucket, entity, id, at)
        JOIN LATERAL (SELECT * FROM sync_rows WHERE bucket = t.bucket AND entity = t.entity AND id = t.id LIMIT 1) s ON true"))
    .bind(names)
    .bind(entities)
    .bind(ids)
    .bind(compare == Compare::Payloads)
    .fetch_all(conn)
    .await?;
    let mut stored = HashMap::with_capacity(rows.len());
    for row in &rows {
        let cells = Cells::of("sync_rows", row);
        let at = usize::try_from(cells.count(0)?).map_err(|_| cells.misfit(0))?;
        let hash =
            if cells.get(2)? { None } else { Some(hash_of(cells.get(3)?).ok_or_else(|| cells.misfit(3))?) };
        if let Some(place) = at.checked_sub(1).and_then(|at| places.get(at)) {
            stored.insert(*place, Stored { version: cells.count(1)?, hash, payload: cells.get(4)? });
        }
    }
    Ok(stored)
}

/// A row's hash as it is stored.
pub(super) fn hash_of(bytes: &[u8]) -> Option<u128> {
    Some(u128::from_le_bytes(bytes.try_into().ok()?))
}
