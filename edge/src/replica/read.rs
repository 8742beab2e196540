//! Typed reads: the replica joined with what waits beside it. Where one id stands in several buckets the one of the lowest rank is
//! read, and what a waiting command has set stands before both. All reads of one screen belong into one snapshot ([`crate::db::Db::read`]).

use super::index::index_key;
use crate::db::{DbError, pass_over};
use rusqlite::{Connection, OptionalExtension};
use std::collections::{BTreeMap, HashMap};
use sync_protocol::bucket::Bucket;
use sync_protocol::field::Field;
use sync_protocol::market::{Entity, Index, Search, indexed_fields};
use sync_protocol::row::{Key, Row};
use sync_protocol::value::Fields;
use uuid::Uuid;

/// One thing by its key, as this node sees it now.
///
/// # Errors
/// Those of the database; `Corrupt` for a row that does not fit its entity.
pub fn get<E: Entity>(conn: &Connection, key: Key) -> Result<Option<E>, DbError> {
    match local_fields(conn, E::NUMBER, key)? {
        Some(fields) => typed(key, &fields).map(Some),
        None => get_sent(conn, key),
    }
}

/// One thing by its key, as the hub last sent it: without what waits beside the replica.
///
/// # Errors
/// As [`get`].
pub fn get_sent<E: Entity>(conn: &Connection, key: Key) -> Result<Option<E>, DbError> {
    sent_fields(conn, E::NUMBER, key)?.map(|fields| typed(key, &fields)).transpose()
}

/// The things whose indexed field has a value, in the order of their keys. A default value (0, an empty text) is not indexed and finds
/// nothing.
///
/// # Errors
/// As [`get`].
pub fn find<E: Entity, V: Field>(
    conn: &Connection,
    index: Index<E, V>,
    value: &V,
) -> Result<Vec<E>, DbError> {
    found(conn, index, value)?.into_iter().collect()
}

/// As [`find`], without those that cannot be read: for lists, where one keeps nobody from the others. Never for sums.
///
/// # Errors
/// As [`get`], but for rows that cannot be read.
pub fn find_readable<E: Entity, V: Field>(
    conn: &Connection,
    index: Index<E, V>,
    value: &V,
) -> Result<Vec<E>, DbError> {
    readable(found(conn, index, value)?)
}

/// The keys of rows that a search finds, in order. By an index where one of its fields has one.
///
/// # Errors
/// As [`get`].
pub(crate) fn found_by(conn: &Connection, search: &Search) -> Result<Vec<Key>, DbError> {
    let entity = search.entity();
    let indexed = indexed_fields(entity);
    let column = search.columns().iter().find(|column| indexed.contains(column));
    // A default value is not indexed and finds nothing.
    let Some((field, value)) = column.and_then(|field| Some((*field, search.raw(*field)?))) else {
        return Ok(Vec::new());
    };
    let mut keys = find_keys(conn, entity, field, &index_key(value))?;
    let mut failed = None;
    keys.retain(|key| match fields(conn, entity, *key) {
        Ok(fields) => fields.is_some_and(|fields| search.finds(&fields)),
        Err(error) => {
            failed.get_or_insert(error);
            false
        }
    });
    failed.map_or(Ok(keys), Err)
}

/// All entries of an aggregate that this node sees, in the order of their steps: as the hub sent them, and those that it has not sent.
///
/// # Errors
/// As [`get`].
pub(crate) fn steps(conn: &Connection, entity: u16, of: Uuid) -> Result<Vec<(Key, Fields)>, DbError> {
    let steps = [0, u32::MAX].map(|step| Key::Step(of, step).to_bytes());
    let mut found: BTreeMap<Key, Fields> = BTreeMap::new();
    for sql in [
        "SELECT id, payload FROM replica WHERE entity = ?1 AND id BETWEEN ?2 AND ?3 AND payload IS NOT NULL",
        "SELECT id, payload FROM local_row WHERE entity = ?1 AND id BETWEEN ?2 AND ?3",
    ] {
        let mut statement = conn.prepare_cached(sql)?;
        let mut rows = statement.query((entity, &*steps[0], &*steps[1]))?;
        while let Some(row) = rows.next()? {
            let fields = fields_of(row, 1, "an entry")?;
            found.entry(key_of(row, 0, "an entry")?).or_insert(fields);
        }
    }
    Ok(found.into_iter().collect())
}

/// What was read of each thing.
type Each<E> = Vec<Result<E, DbError>>;

fn readable<E>(each: Each<E>) -> Result<Vec<E>, DbError> {
    each.into_iter().filter_map(|read| pass_over(read).transpose()).collect()
}

fn found<E: Entity, V: Field>(conn: &Connection, index: Index<E, V>, value: &V) -> Result<Each<E>, DbError> {
    let field = index.number();
    let value = value.to_value();
    let mut list = Vec::new();
    for key in find_keys(conn, E::NUMBER, field, &index_key(value))? {
        let read = fields(conn, E::NUMBER, key).and_then(|fields| {
            // A row of a lower rank, or a waiting command, may have another value than the one that was found.
            let meant = fields.filter(|fields| fields.get(field) == Some(value));
            meant.map(|fields| typed(key, &fields)).transpose()
        });
        list.extend(read.transpose());
    }
    Ok(list)
}

/// Everything of a kind, in the order of keys. For what is few; else see [`page`].
///
/// # Errors
/// As [`get`].
pub fn all<E: Entity>(conn: &Connection) -> Result<Vec<E>, DbError> {
    each(conn)?.into_iter().collect()
}

/// As [`all`], without those that cannot be read: for lists, where one keeps nobody from the others. Never for sums.
///
/// # Errors
/// As [`get`], but for rows that cannot be read.
pub fn all_readable<E: Entity>(conn: &Connection) -> Result<Vec<E>, DbError> {
    readable(each(conn)?)
}

/// What was read of one row.
type Read = Result<Fields, DbError>;

/// As [`all`], by key: `None` where nothing but the key can be read.
///
/// # Errors
/// As [`all_readable`].
pub fn all_by_key<E: Entity>(conn: &Connection) -> Result<Vec<(Key, Option<E>)>, DbError> {
    let (with_key, _) = each_by_key::<E>(conn)?;
    with_key.into_iter().map(|(key, read)| Ok((key, pass_over(read)?))).collect()
}

fn each<E: Entity>(conn: &Connection) -> Result<Each<E>, DbError> {
    let (with_key, without_key) = each_by_key(conn)?;
    Ok(with_key.into_iter().map(|(_, read)| read).chain(without_key).collect())
}

/// What was read of each thing, and of what has no key that can be read.
type EachByKey<E> = (Vec<(Key, Result<E, DbError>)>, Each<E>);

fn each_by_key<E: Entity>(conn: &Connection) -> Result<EachByKey<E>, DbError> {
    let ranks = ranks(conn)?;
    let mut seen = BTreeMap::<Key, ((u8, i64), Read)>::new();
    // Whose they are cannot be told.
    let mut without_key = Each::new();
    let mut statement = conn.prepare_cached(
        "SELECT id, bucket, payload FROM replica WHERE entity = ?1 AND payload IS NOT NULL",
    )?;
    let mut rows = statement.query([E::NUMBER])?;
    while let Some(row) = rows.next()? {
        let bucket: i64 = row.get(1)?;
        let rank = ranks.get(&bucket).copied().unwrap_or((u8::MAX, bucket));
        match key_of(row, 0, E::NAME) {
            Ok(key) if seen.get(&key).is_some_and(|(other, _)| rank >= *other) => {}
            Ok(key) => drop(seen.insert(key, (rank, fields_of(row, 2, E::NAME)))),
            Err(bad) => without_key.push(Err(bad)),
        }
    }
    let mut statement =
        conn.prepare_cached("SELECT id, payload FROM local_row WHERE entity = ?1 ORDER BY seq")?;
    let mut rows = statement.query([E::NUMBER])?;
    while let Some(row) = rows.next()? {
        match key_of(row, 0, E::NAME) {
            Ok(key) => drop(seen.insert(key, ((0, 0), fields_of(row, 1, E::NAME)))),
            Err(bad) => without_key.push(Err(bad)),
        }
    }
    let typed = |(key, (_, read)): (Key, (_, Read))| (key, read.and_then(|fields| typed(key, &fields)));
    Ok((seen.into_iter().map(typed).collect(), without_key))
}

/// So many things of a kind after a key, in the order of keys; ids made later come later.
///
/// # Errors
/// As [`get`].
pub fn page<E: Entity>(conn: &Connection, after: Option<Key>, limit: usize) -> Result<Vec<E>, DbError> {
    let mut statement = conn.prepare_cached(
        "SELECT id FROM replica WHERE entity = ?1 AND id > ?2 AND payload IS NOT NULL
         UNION SELECT id FROM local_row WHERE entity = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
    )?;
    let after = after.map(|key| key.to_bytes().to_vec()).unwrap_or_default();
    let mut rows = statement.query((E::NUMBER, after, i64::try_from(limit).unwrap_or(i64::MAX)))?;
    let mut list = Vec::new();
    while let Some(row) = rows.next()? {
        list.extend(get(conn, key_of(row, 0, E::NAME)?)?);
    }
    Ok(list)
}

/// Rows of a bucket as the hub sent them, above a version, in the order of versions, with the version up to which was looked: 0 where
/// there is nothing above. A row that cannot be read counts as not here.
///
/// # Errors
/// Those of the database.
pub fn above(
    conn: &Connection,
    bucket: Bucket,
    after: u64,
    limit: usize,
) -> Result<(Vec<Row>, u64), DbError> {
    let mut statement = conn.prepare_cached(
        "SELECT entity, id, version, payload FROM replica WHERE bucket = (SELECT number FROM bucket WHERE name = ?1)
         AND version > ?2 AND payload IS NOT NULL ORDER BY version LIMIT ?3",
    )?;
    let mut rows = statement.query((bucket.to_string(), after, i64::try_from(limit).unwrap_or(i64::MAX)))?;
    let (mut list, mut upto) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        upto = row.get(2)?;
        list.extend(pass_over(whole_row(row, upto))?);
    }
    Ok((list, upto))
}

fn whole_row(row: &rusqlite::Row<'_>, version: u64) -> Result<Row, DbError> {
    let (key, body) = (key_of(row, 1, "a row")?, Some(fields_of(row, 3, "a row")?));
    Ok(Row { entity: row.get(0)?, key, version, body })
}

/// The rows of an entity whose key is a pair that begins so, as the hub sent them: the highest second number first, at most so many.
///
/// # Errors
/// As [`get`].
pub fn newest<E: Entity>(conn: &Connection, first: u32, limit: usize) -> Result<Vec<E>, DbError> {
    let mut statement = conn.prepare_cached(
        "SELECT r.id, r.payload FROM replica r JOIN bucket b ON b.number = r.bucket
         WHERE r.entity = ?1 AND r.id BETWEEN ?2 AND ?3 AND r.payload IS NOT NULL
         ORDER BY r.id DESC, b.rank, b.position",
    )?;
    let (from, to) = (Key::Pair(first, 0).to_bytes(), Key::Pair(first, u32::MAX).to_bytes());
    let mut rows = statement.query((E::NUMBER, &*from, &*to))?;
    let mut list: Vec<E> = Vec::new();
    while let Some(row) = rows.next()? {
        let key = key_of(row, 0, E::NAME)?;
        if list.last().is_some_and(|last| last.key() == key) {
            continue;
        }
        if list.len() == limit {
            break;
        }
        list.push(typed(key, &fields_of(row, 1, E::NAME)?)?);
    }
    Ok(list)
}

/// The fields that this node sees.
pub(crate) fn fields(conn: &Connection, entity: u16, key: Key) -> Result<Option<Fields>, DbError> {
    match local_fields(conn, entity, key)? {
        Some(fields) => Ok(Some(fields)),
        None => sent_fields(conn, entity, key),
    }
}

/// What the last waiting command that touched it has set.
fn local_fields(conn: &Connection, entity: u16, key: Key) -> Result<Option<Fields>, DbError> {
    let mut statement = conn.prepare_cached(
        "SELECT payload FROM local_row WHERE entity = ?1 AND id = ?2 ORDER BY seq DESC LIMIT 1",
    )?;
    let mut rows = statement.query((entity, &*key.to_bytes()))?;
    rows.next()?.map(|row| fields_of(row, 0, "local_row")).transpose()
}

/// What the hub has sent. Rarely in two buckets: then the lower rank is looked for here, for sorting would cost every look-up a table of
/// its own.
pub(super) fn sent_fields(conn: &Connection, entity: u16, key: Key) -> Result<Option<Fields>, DbError> {
    let mut statement = conn.prepare_cached(
        "SELECT r.payload, b.rank, b.position FROM replica r JOIN bucket b ON b.number = r.bucket
         WHERE r.entity = ?1 AND r.id = ?2 AND r.payload IS NOT NULL",
    )?;
    let mut rows = statement.query((entity, &*key.to_bytes()))?;
    let mut read: Option<(Read, (i64, i64))> = None;
    while let Some(row) = rows.next()? {
        let place = (row.get(1)?, row.get(2)?);
        if read.as_ref().is_none_or(|(_, other)| place < *other) {
            read = Some((fields_of(row, 0, "replica"), place));
        }
    }
    read.map(|(fields, _)| fields).transpose()
}

/// Keys found under an index value on either side, in order. Two look-ups, put together here: a union would be a table made for each.
fn find_keys(conn: &Connection, entity: u16, field: u16, value: &[u8]) -> Result<Vec<Key>, DbError> {
    let mut keys = Vec::new();
    for sql in [
        "SELECT id FROM replica_index WHERE entity = ?1 AND field = ?2 AND value = ?3",
        "SELECT id FROM local_index WHERE entity = ?1 AND field = ?2 AND value = ?3",
    ] {
        let mut statement = conn.prepare_cached(sql)?;
        let mut rows = statement.query((entity, field, value))?;
        while let Some(row) = rows.next()? {
            keys.push(key_of(row, 0, "replica_index")?);
        }
    }
    keys.sort_unstable();
    keys.dedup();
    Ok(keys)
}

fn ranks(conn: &Connection) -> Result<HashMap<i64, (u8, i64)>, DbError> {
    let mut statement = conn.prepare_cached("SELECT number, rank, position FROM bucket")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Whether the hub has sent a row, in any bucket.
pub(crate) fn is_sent(conn: &Connection, entity: u16, key: Key) -> Result<bool, DbError> {
    let mut statement = conn.prepare_cached(
        "SELECT 1 FROM replica WHERE entity = ?1 AND id = ?2 AND payload IS NOT NULL LIMIT 1",
    )?;
    Ok(statement.query_row((entity, &*key.to_bytes()), |_| Ok(())).optional()?.is_some())
}

pub(crate) fn typed<E: Entity>(key: Key, fields: &Fields) -> Result<E, DbError> {
    E::from_fields(key, fields).map_err(|error| DbError::BadRow(error.to_string()))
}

fn key_of(row: &rusqlite::Row<'_>, column: usize, table: &str) -> Result<Key, DbError> {
    let bytes = row.get_ref(column)?.as_blob().unwrap_or_default();
    Key::from_bytes(bytes).map_err(|_| DbError::bad_value(table, "id", "?"))
}

pub(crate) fn fields_of(row: &rusqlite::Row<'_>, column: usize, table: &str) -> Result<Fields, DbError> {
    let bytes = row.get_ref(column)?.as_blob().unwrap_or_default();
    Fields::from_canonical(bytes).map_err(|_| DbError::bad_value(table, "payload", "?"))
}
