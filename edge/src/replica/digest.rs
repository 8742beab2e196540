//! Proofs that this replica holds what the hub holds: sums per bucket and entity, kept with the rows and, on demand, added up anew
//! from the rows on disk. They are compared only where both sides stand at the same version.

use super::{ReplicaError, bucket};
use crate::db::DbError;
use rusqlite::{Connection, OptionalExtension, Transaction};
use std::collections::{BTreeMap, BTreeSet};
use sync_protocol::bucket::Bucket;
use sync_protocol::row::{Digest, Key, RowHash, slot};
use sync_protocol::wire::message::{Audit, BucketPoint};

/// The sums of one bucket while a frame is written: read once, written once.
pub(super) struct Sums {
    stored: BTreeMap<u16, Digest>,
    now: BTreeMap<u16, Digest>,
    /// The entity used last: rows of one entity come together.
    last: (u16, Digest),
}

impl Sums {
    pub(super) fn load(conn: &Connection, bucket: i64) -> Result<Self, DbError> {
        let mut statement = conn.prepare_cached("SELECT entity, sum FROM digest WHERE bucket = ?1")?;
        let mut rows = statement.query([bucket])?;
        let mut stored = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let entity: u16 = row.get(0)?;
            let sum = Digest::from_bytes(row.get_ref(1)?.as_blob().unwrap_or_default());
            stored.insert(entity, sum.ok_or_else(|| DbError::bad_value("digest", "sum", entity))?);
        }
        let last = (0, stored.get(&0).copied().unwrap_or_default());
        Ok(Self { now: stored.clone(), stored, last })
    }

    pub(super) fn of(&mut self, entity: u16) -> &mut Digest {
        if self.last.0 != entity {
            self.now.insert(self.last.0, self.last.1);
            self.last = (entity, self.now.get(&entity).copied().unwrap_or_default());
        }
        &mut self.last.1
    }

    pub(super) fn store(mut self, tx: &Transaction<'_>, bucket: i64) -> Result<(), DbError> {
        self.now.insert(self.last.0, self.last.1);
        for (entity, digest) in self.now {
            if self.stored.get(&entity).copied().unwrap_or_default() == digest {
                continue;
            }
            if digest == Digest::default() {
                tx.prepare_cached("DELETE FROM digest WHERE bucket = ?1 AND entity = ?2")?
                    .execute((bucket, entity))?;
            } else {
                tx.prepare_cached("INSERT OR REPLACE INTO digest (bucket, entity, sum) VALUES (?1, ?2, ?3)")?
                    .execute((bucket, entity, digest.to_bytes()))?;
            }
        }
        Ok(())
    }

    fn all(mut self) -> BTreeMap<u16, Digest> {
        self.now.insert(self.last.0, self.last.1);
        self.now
    }
}

/// The sum that is kept for an entity of a bucket; zero for a bucket that is not here.
///
/// # Errors
/// Those of the database.
pub fn digest(conn: &Connection, of: Bucket, entity: u16) -> Result<Digest, DbError> {
    let Some(at) = bucket::find(conn, of)? else { return Ok(Digest::default()) };
    let mut statement = conn.prepare_cached("SELECT sum FROM digest WHERE bucket = ?1 AND entity = ?2")?;
    let bytes: Option<Vec<u8>> = statement.query_row((at.number, entity), |row| row.get(0)).optional()?;
    let Some(bytes) = bytes else { return Ok(Digest::default()) };
    Digest::from_bytes(&bytes).ok_or_else(|| DbError::bad_value("digest", "sum", entity))
}

/// Compares the kept sums with the hub's at a complete point and gives what differs. Only buckets that are whole and stand
/// at the stated head are compared; for those that agree the head is noted as verified.
///
/// # Errors
/// Those of the database.
pub fn compare(tx: &Transaction<'_>, points: &[BucketPoint]) -> Result<Vec<(Bucket, u16)>, ReplicaError> {
    let mut differing = Vec::new();
    for point in points {
        let Some(at) = bucket::find(tx, point.bucket)? else { continue };
        if at.cursor.upto != point.head || !at.cursor.is_whole() {
            continue;
        }
        let here: BTreeMap<u16, u64> =
            Sums::load(tx, at.number)?.all().into_iter().map(|(e, d)| (e, low(d))).collect();
        let there: BTreeMap<u16, u64> = point.sums.iter().copied().collect();
        let entities: BTreeSet<u16> = here.keys().chain(there.keys()).copied().collect();
        let before = differing.len();
        differing.extend(
            entities
                .into_iter()
                .filter(|entity| here.get(entity).unwrap_or(&0) != there.get(entity).unwrap_or(&0))
                .map(|e| (point.bucket, e)),
        );
        // Where it differs it is asked for until somebody has said that it is equal.
        let verified = if differing.len() == before { point.head } else { 0 };
        if bucket::verified(tx, at.number)? != verified {
            bucket::set_verified(tx, at.number, verified)?;
        }
    }
    Ok(differing)
}

/// Adds up an entity of a bucket from the rows on disk; zero for a bucket that is not here.
///
/// # Errors
/// Those of the database; a key that cannot be read.
pub fn recount(conn: &Connection, of: Bucket, entity: u16) -> Result<Digest, DbError> {
    bucket::find(conn, of)?.map_or(Ok(Digest::default()), |at| recount_rows(conn, at.number, entity))
}

pub(super) fn recount_rows(conn: &Connection, bucket: i64, entity: u16) -> Result<Digest, DbError> {
    let mut digest = Digest::default();
    each_hash(conn, bucket, entity, |_, hash| digest.add(hash))?;
    Ok(digest)
}

/// The low 64 bits of the sums of 256 slots, added up from the rows on disk: of the first slots when the audit names none, of
/// those within one when it names that. All zero for a bucket that is not here; empty when the audit asks for rows.
///
/// # Errors
/// Those of the database; a key that cannot be read.
pub fn slot_sums(conn: &Connection, audit: &Audit) -> Result<Vec<u64>, DbError> {
    if audit.slot.len() > 1 {
        return Ok(Vec::new());
    }
    let mut sums = vec![0u64; 256];
    let Some(at) = bucket::find(conn, audit.bucket)? else { return Ok(sums) };
    each_hash(conn, at.number, audit.entity, |key, hash| {
        let [first, second] = slot(audit.entity, key);
        let into = match audit.slot.first() {
            None => first,
            Some(named) if *named == first => second,
            Some(_) => return,
        };
        let sum = &mut sums[usize::from(into)];
        *sum = sum.wrapping_add(hash.0 as u64);
    })?;
    Ok(sums)
}

fn each_hash(
    conn: &Connection,
    bucket: i64,
    entity: u16,
    mut take: impl FnMut(Key, RowHash),
) -> Result<(), DbError> {
    let mut statement = conn.prepare_cached(
        "SELECT id, version, payload FROM replica WHERE entity = ?1 AND bucket = ?2 AND payload IS NOT NULL",
    )?;
    let mut rows = statement.query((entity, bucket))?;
    while let Some(row) = rows.next()? {
        let bad = || DbError::bad_value("replica", "id", entity);
        let key = Key::from_bytes(row.get_ref(0)?.as_blob().map_err(|_| bad())?).map_err(|_| bad())?;
        let payload =
            row.get_ref(2)?.as_blob().map_err(|_| DbError::bad_value("replica", "payload", entity))?;
        take(key, RowHash::of(entity, key, row.get(1)?, payload));
    }
    Ok(())
}

fn low(digest: Digest) -> u64 {
    digest.sum as u64
}
