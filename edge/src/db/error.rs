//! What can go wrong with the database, in the few kinds that somebody acts on. Each says in plain words what to do, because
//! its text reaches the person whose act was not taken.

/// Why a read or a write did not happen. Nothing of a failed write stays.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DbError {
    /// The disk is full. Reading goes on.
    #[error("the disk is full: make room, then try again")]
    Full,
    /// The data folder, or its disk, cannot be written to. Reading goes on.
    #[error("the data folder cannot be written to: check its owner and its disk, then try again")]
    ReadOnly,
    /// The disk failed, or the file could not be opened.
    #[error("the data folder or its disk cannot be used ({0}): check them, then try again")]
    Disk(String),
    /// Another program held the database for too long.
    #[error("another program is using the database: try again")]
    Busy,
    /// The file is damaged.
    #[error("the database is damaged ({0}): keep a copy of the data folder and ask for help")]
    Corrupt(String),
    /// One row holds a value that no version writes, or only a newer one. A list or a job passes over it and goes on.
    #[error("the database is damaged ({0}): keep a copy of the data folder and ask for help")]
    BadRow(String),
    /// A newer version wrote the file.
    #[error("the data folder belongs to a newer version of this program: install that version")]
    TooNew,
    /// A bug.
    #[error("the database refused: {0}")]
    Other(String),
}

impl DbError {
    /// Whether the same write may succeed later without anybody changing the program.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Full | Self::ReadOnly | Self::Disk(_) | Self::Busy => true,
            Self::Corrupt(_) | Self::BadRow(_) | Self::TooNew | Self::Other(_) => false,
        }
    }

    /// A stored value that does not fit, named by table, column and row.
    pub(crate) fn bad_value(table: &str, column: &str, row: impl std::fmt::Display) -> Self {
        Self::BadRow(format!("table {table}, column {column}, row {row}"))
    }
}

impl From<rusqlite::Error> for DbError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::Error as E;
        use rusqlite::ErrorCode;
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Self::ReadOnly,
            Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) => Self::Disk(error.to_string()),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Corrupt(error.to_string()),
            _ if matches!(
                error,
                E::FromSqlConversionFailure(..) | E::IntegralValueOutOfRange(..) | E::InvalidColumnType(..)
            ) =>
            {
                Self::BadRow(error.to_string())
            }
            _ => Self::Other(error.to_string()),
        }
    }
}

impl From<rusqlite_migration::Error> for DbError {
    fn from(error: rusqlite_migration::Error) -> Self {
        use rusqlite_migration::{Error as E, MigrationDefinitionError};
        match error {
            E::RusqliteError { err, .. } => err.into(),
            E::MigrationDefinition(MigrationDefinitionError::DatabaseTooFarAhead) => Self::TooNew,
            other => Self::Other(other.to_string()),
        }
    }
}

impl From<std::io::Error> for DbError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::Full,
            std::io::ErrorKind::ReadOnlyFilesystem | std::io::ErrorKind::PermissionDenied => Self::ReadOnly,
            _ => Self::Disk(error.to_string()),
        }
    }
}
