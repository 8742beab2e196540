//! A bucket of one cooperative at an edge that has nothing yet, and frames to be sent to it.

use crate::db::DbError;
use crate::testing::{COOP, TestEdge};
use rusqlite::Connection;
use std::collections::BTreeMap;
use sync_protocol::bucket::Bucket;
use sync_protocol::row::{Key, Row};
use sync_protocol::value::{Fields, Value};
use sync_protocol::wire::rows::{Reach, Rows};

pub(super) const BUCKET: Bucket = Bucket::Coop(COOP);

pub(super) type Body = Option<Fields>;

/// Rows by entity and key, with their versions.
pub(super) type RowsByKey = BTreeMap<(u16, Key), (u64, Body)>;

pub(super) fn edge() -> TestEdge {
    let edge = TestEdge::enrolled();
    edge.take_scope(&[BUCKET]);
    edge
}

pub(super) fn stored_rows(conn: &Connection) -> Result<RowsByKey, DbError> {
    let mut statement = conn.prepare("SELECT entity, id, version, payload FROM replica")?;
    let mut rows = statement.query([])?;
    let mut all = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let key = Key::from_bytes(&row.get::<_, Vec<u8>>(1)?).unwrap();
        let payload: Option<Vec<u8>> = row.get(3)?;
        let body = payload.map(|payload| Fields::from_canonical(&payload).unwrap());
        all.insert((row.get(0)?, key), (row.get(2)?, body));
    }
    Ok(all)
}

/// One key at a version.
pub(super) fn price(version: u64, key: u32, body: Option<i64>) -> Row {
    let body = body.map(|price| {
        let mut fields = Fields::new();
        fields.set(1, Value::Int(price));
        fields
    });
    Row { entity: 6, key: Key::Pair(1, key), version, body }
}

/// A step of a first snapshot that was read when everything in these tests had happened.
pub(super) const SNAPSHOT: Reach = Reach::Snapshot { head: 1_000 };

pub(super) fn frame(reach: Reach, after: u64, upto: u64, rows: Vec<Row>) -> Rows {
    Rows { bucket: BUCKET, reach, after, upto, rows }
}

/// A bucket of prices, and its true state at the hub.
pub(super) fn whole_bucket(edge: &TestEdge) -> (u64, Vec<Row>) {
    let rows: Vec<Row> = (1..=500).map(|n| price(u64::from(n), n, Some(i64::from(n) * 10))).collect();
    edge.apply(frame(SNAPSHOT, 0, 500, rows.clone()));
    (500, rows)
}
