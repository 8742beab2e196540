//! Single values of this box by name: who it is, how far its counters are.

use super::DbError;
use rusqlite::types::{FromSql, ToSql};
use rusqlite::{Connection, OptionalExtension, Transaction};

/// The value with a name; `None` where it is not there.
pub(crate) fn get<T: FromSql>(conn: &Connection, key: &str) -> Result<Option<T>, DbError> {
    let mut statement = conn.prepare_cached("SELECT value FROM node WHERE key = ?1")?;
    Ok(statement.query_row([key], |row| row.get(0)).optional()?)
}

/// Keeps a value, in place of an earlier one.
pub(crate) fn put(tx: &Transaction<'_>, key: &str, value: &dyn ToSql) -> Result<(), DbError> {
    let mut statement = tx.prepare_cached("INSERT OR REPLACE INTO node (key, value) VALUES (?1, ?2)")?;
    statement.execute(rusqlite::params![key, value])?;
    Ok(())
}

/// Forgets a value.
pub(crate) fn remove(tx: &Transaction<'_>, key: &str) -> Result<(), DbError> {
    tx.prepare_cached("DELETE FROM node WHERE key = ?1")?.execute([key])?;
    Ok(())
}
