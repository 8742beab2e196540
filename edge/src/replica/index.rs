//! Entries for the fields that an entity declares as indexed. When a new version declares others, the entries are made anew from
//! the rows, so that nobody has to fetch anything again.

use crate::db::DbError;
use rusqlite::{Connection, OptionalExtension, Transaction};
use std::fmt::Write;
use sync_protocol::market::{self, indexed_fields};
use sync_protocol::value::{Fields, Value};

/// A value as index bytes: a type byte, then the value; equal values have equal bytes.
pub(crate) fn index_key(value: Value<'_>) -> Vec<u8> {
    let mut key = Vec::new();
    write_index_key(value, &mut key);
    key
}

/// Appends [`index_key`].
pub(super) fn write_index_key(value: Value<'_>, bytes: &mut Vec<u8>) {
    bytes.push(value.type_code());
    match value {
        Value::Int(number) => bytes.extend_from_slice(&number.to_be_bytes()),
        Value::Text(text) => bytes.extend_from_slice(text.as_bytes()),
        Value::Bytes(opaque) => bytes.extend_from_slice(opaque),
        Value::Uuid(id) => bytes.extend_from_slice(id.as_bytes()),
    }
}

/// The entries of one row: field and value. A field that is absent has none.
pub(crate) fn entries(entity: u16, fields: &Fields) -> impl Iterator<Item = (u16, Value<'_>)> {
    indexed_fields(entity).iter().filter_map(|number| Some((*number, fields.get(*number)?)))
}

/// Makes all entries anew where this version declares others than the one that made them. True when anything was written.
pub(crate) fn refresh_index(tx: &Transaction<'_>) -> Result<bool, DbError> {
    let declared = declared();
    let made: Option<String> =
        tx.query_row("SELECT value FROM node WHERE key = 'indexed'", [], |row| row.get(0)).optional()?;
    if made.as_ref() == Some(&declared) {
        return Ok(false);
    }
    tx.execute_batch("DELETE FROM replica_index; DELETE FROM local_index; DELETE FROM stock_sum;")?;
    let mut add = tx.prepare(
        "INSERT INTO replica_index (entity, field, value, bucket, id) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    each(
        tx,
        "SELECT entity, payload, bucket, id FROM replica WHERE payload IS NOT NULL",
        |entity, field, value, at, id| add.execute((entity, field, value, at, id)).map(|_| ()),
    )?;
    let mut add =
        tx.prepare("INSERT INTO local_index (entity, field, value, seq, id) VALUES (?1, ?2, ?3, ?4, ?5)")?;
    each(tx, "SELECT entity, payload, seq, id FROM local_row", |entity, field, value, at, id| {
        add.execute((entity, field, value, at, id)).map(|_| ())
    })?;
    tx.execute("INSERT OR REPLACE INTO node (key, value) VALUES ('indexed', ?1)", [declared])?;
    Ok(true)
}

fn declared() -> String {
    let mut text = String::new();
    for (number, _) in market::ENTITIES {
        let _ = write!(text, "{number}:{:?};", indexed_fields(*number));
    }
    text
}

fn each(
    conn: &Connection,
    sql: &str,
    mut add: impl FnMut(u16, u16, Vec<u8>, i64, Vec<u8>) -> rusqlite::Result<()>,
) -> Result<(), DbError> {
    let mut statement = conn.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let entity: u16 = row.get(0)?;
        if indexed_fields(entity).is_empty() {
            continue;
        }
        let fields = Fields::from_canonical(row.get_ref(1)?.as_blob().unwrap_or_default());
        let fields = fields.map_err(|_| DbError::bad_value("replica", "payload", entity))?;
        for (field, value) in entries(entity, &fields) {
            add(entity, field, index_key(value), row.get(2)?, row.get(3)?)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestEdge;
    use sync_protocol::ids::MarketId;
    use sync_protocol::market::PriceSeries;

    #[test]
    fn entries_are_made_anew_when_another_version_had_declared_others() {
        let edge = TestEdge::with_market();
        edge.post_listing(50);
        let found = |edge: &TestEdge| {
            edge.read(|conn| super::super::find(conn, PriceSeries::MARKET, &MarketId(1))).len()
        };
        let before = found(&edge);
        assert!(before > 0);
        let entries = |edge: &TestEdge| -> (i64, i64) {
            edge.read(|conn| -> Result<_, DbError> {
                let sql = "SELECT (SELECT count(*) FROM replica_index), (SELECT count(*) FROM local_index)";
                Ok(conn.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?)
            })
        };
        let all = entries(&edge);
        edge.write(|tx| -> Result<(), DbError> {
            tx.execute("DELETE FROM replica_index", [])?;
            tx.execute("DELETE FROM local_index", [])?;
            tx.execute("UPDATE node SET value = 'of an older version' WHERE key = 'indexed'", [])?;
            Ok(())
        });
        assert_eq!(found(&edge), 0);
        let edge = edge.reopen();
        assert_eq!((found(&edge), entries(&edge)), (before, all));
    }
}
