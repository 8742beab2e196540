//! Writes many rows by one statement. A first sync is mostly that, and a statement for each row costs as much again as the row. Where
//! a row is here already the statement stops, and the caller is told; what the rows mean is for him to know. Of index entries those that
//! are here stay, and the others are written.

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

/// A statement for so many rows of one bucket. Looking it up by its text takes as long as a few of its rows: it is kept for a whole frame.
pub(super) struct Many<'a> {
    conn: &'a Connection,
    statement: CachedStatement<'a>,
}

impl<'a> Many<'a> {
    /// Rows: `id`, `version`, `payload` of each. It stops before one that is here.
    pub(super) fn rows(conn: &'a Connection, bucket: i64) -> Result<Self, DbError> {
        // What was written before one that is here stays, so SQLite keeps no copies of pages to take it back with.
        static SQL: LazyLock<String> =
            LazyLock::new(|| text("INSERT OR FAIL INTO replica (entity, bucket, id, version, payload)"));
        Self::new(conn, &SQL, bucket)
    }

    /// Index entries: `field`, `value`, `id` of each. Those that are here stay.
    pub(super) fn index(conn: &'a Connection, bucket: i64) -> Result<Self, DbError> {
        static SQL: LazyLock<String> =
            LazyLock::new(|| text("INSERT OR IGNORE INTO replica_index (entity, bucket, field, value, id)"));
        Self::new(conn, &SQL, bucket)
    }

    fn new(conn: &'a Connection, sql: &str, bucket: i64) -> Result<Self, DbError> {
        let mut statement = conn.prepare_cached(sql)?;
        statement.raw_bind_parameter(2, bucket)?;
        Ok(Self { conn, statement })
    }

    /// Writes [`AT_ONCE`] rows of an entity. Gives how many of them were written, from the first on: fewer where the next is here already.
    pub(super) fn write(
        &mut self,
        entity: u16,
        rows: impl IntoIterator<Item = (impl ToSql, impl ToSql, impl ToSql)>,
    ) -> Result<usize, DbError> {
        self.statement.raw_bind_parameter(1, entity)?;
        for (row, first) in rows.into_iter().zip((3..).step_by(OWN_COLUMNS)) {
            self.statement.raw_bind_parameter(first, row.0)?;
            self.statement.raw_bind_parameter(first + 1, row.1)?;
            self.statement.raw_bind_parameter(first + 2, row.2)?;
        }
        match self.statement.raw_execute() {
            Ok(_) => Ok(AT_ONCE),
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
                Ok(self.conn.changes() as usize)
            }
            Err(error) => Err(error.into()),
        }
    }
}
