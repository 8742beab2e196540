//! Writes many rows by one statement. A first sync is mostly that, and a statement for each row costs as much again as the row. Where
//! a row is here already none of a statement's rows is written, and the caller is told; what the rows mean is for him to know. Of index
//! entries those that are here stay, and the others are written.

use crate::db::DbError;
use rusqlite::types::ToSql;
use rusqlite::{CachedStatement, Connection, ErrorCode};
use std::sync::LazyLock;

/// Rows of one statement.
pub(super) const AT_ONCE: usize = 32;

/// Columns of either table that say something else for each row; two are the same for all.
const OWN_COLUMNS: usize = 3;

/// The text for so many rows: entity and bucket once, and each row's own.
fn text(into: &str) -> String {
    let row = |row| {
        let first = 3 + row * OWN_COLUMNS;
        format!("(?1, ?2, ?{first}, ?{}, ?{})", first + 1, first + 2)
    };
    format!("{into} VALUES {}", (0..AT_ONCE).map(row).collect::<Vec<_>>().join(", "))
}

/// A statement that is given its rows one after the other.
pub(super) struct Many<'a> {
    statement: CachedStatement<'a>,
    bound: usize,
}

impl<'a> Many<'a> {
    /// Rows of one entity and bucket: `id`, `version`, `payload` of each.
    pub(super) fn rows(conn: &'a Connection, entity: u16, bucket: i64) -> Result<Self, DbError> {
        static SQL: LazyLock<String> =
            LazyLock::new(|| text("INSERT INTO replica (entity, bucket, id, version, payload)"));
        Self::new(conn, &SQL, entity, bucket)
    }

    /// Index entries of one entity and bucket: `field`, `value`, `id` of each. Those that are here stay.
    pub(super) fn index(conn: &'a Connection, entity: u16, bucket: i64) -> Result<Self, DbError> {
        static SQL: LazyLock<String> =
            LazyLock::new(|| text("INSERT OR IGNORE INTO replica_index (entity, bucket, field, value, id)"));
        Self::new(conn, &SQL, entity, bucket)
    }

    fn new(conn: &'a Connection, sql: &str, entity: u16, bucket: i64) -> Result<Self, DbError> {
        let mut statement = conn.prepare_cached(sql)?;
        statement.raw_bind_parameter(1, entity)?;
        statement.raw_bind_parameter(2, bucket)?;
        Ok(Self { statement, bound: 0 })
    }

    /// Takes a row in, and writes when it has [`AT_ONCE`]. Fewer are never written. False where none of those was written, because one is
    /// here already.
    pub(super) fn add(&mut self, row: (impl ToSql, impl ToSql, impl ToSql)) -> Result<bool, DbError> {
        let first = 3 + self.bound * OWN_COLUMNS;
        self.statement.raw_bind_parameter(first, row.0)?;
        self.statement.raw_bind_parameter(first + 1, row.1)?;
        self.statement.raw_bind_parameter(first + 2, row.2)?;
        self.bound += 1;
        if self.bound < AT_ONCE {
            return Ok(true);
        }
        self.bound = 0;
        match self.statement.raw_execute() {
            Ok(_) => Ok(true),
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
