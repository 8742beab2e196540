//! Opens the database file: settings, steps of the schema, and what to do when it cannot be written to. Steps only go forward.

use super::steps::{STEPS, migrations};
use super::{DbError, log, room};
use crate::files::make_private_dir;
use rusqlite::{Connection, MAIN_DB, OpenFlags, Transaction, TransactionBehavior};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The file's name in the data folder.
pub(super) const FILE_NAME: &str = "edge.db";

/// How long one program waits for another's write. Longer than a frame on the slowest disk.
const BUSY_TIMEOUT_MS: u64 = 10_000;

/// Page cache of the writer: holds the inner pages of a first snapshot.
const WRITER_CACHE_KIB: i64 = 4_096;

/// Page cache of each reader, within the node's 32 MiB.
const READER_CACHE_KIB: i64 = 2_048;

/// Statements kept ready on each connection.
const STATEMENTS_KEPT: usize = 96;

/// The database's path in a data folder.
pub(super) fn path(data_dir: &Path) -> PathBuf {
    data_dir.join(FILE_NAME)
}

/// What is brought up to date in each connection that opens for writing, before anybody uses it. Given the data folder.
pub(crate) type AfterOpen = fn(&Transaction<'_>, &Path) -> Result<(), DbError>;

/// Opens for writing, makes the folder and the file where they are missing, and brings the schema up to date.
pub(super) fn writer(data_dir: &Path, after_open: AfterOpen) -> Result<Connection, DbError> {
    open_writer(data_dir, after_open).map_err(|error| room::named(error, data_dir))
}

fn open_writer(data_dir: &Path, after_open: AfterOpen) -> Result<Connection, DbError> {
    make_private_dir(data_dir)?;
    let path = path(data_dir);
    let is_new = make_private_file(&path)?;
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut conn = Connection::open_with_flags(&path, flags)?;
    if conn.is_readonly(MAIN_DB)? {
        // SQLite falls back to reading where the file's mode forbids writing.
        return Err(DbError::ReadOnly);
    }
    settings(&conn, WRITER_CACHE_KIB)?;
    // A commit is on disk before it is answered, so that what a person was told survives a power cut.
    let mode: String = conn.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        return Err(DbError::Other(format!(
            "the file system gives no write-ahead log (journal mode {mode})"
        )));
    }
    conn.execute_batch("PRAGMA synchronous = FULL")?;
    log::keep(&conn)?;
    migrate(&mut conn, data_dir, after_open)?;
    if is_new {
        // The file's name must survive a power cut as surely as what is in it.
        File::open(data_dir)?.sync_all()?;
    }
    Ok(conn)
}

/// How a reader opens the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// Beside a writer.
    Shared,
    /// With what is in the log, by an index of it in memory: where the one on disk cannot be made.
    LogInMemory,
    /// From a folder in which nothing can be written, not even the small files of the log.
    Frozen,
}

/// Opens for reading.
pub(super) fn reader(data_dir: &Path, reading: Reading) -> Result<Connection, DbError> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let conn = match reading {
        Reading::Shared => Connection::open_with_flags(path(data_dir), flags)?,
        Reading::LogInMemory => Connection::open_with_flags(uri(data_dir, "readonly_shm=1"), flags)?,
        // SQLite is told that nobody writes, so that it needs no file of its own beside the database.
        Reading::Frozen => Connection::open_with_flags(uri(data_dir, "immutable=1"), flags)?,
    };
    settings(&conn, READER_CACHE_KIB)?;
    Ok(conn)
}

/// How to read a file that cannot be opened for writing; `Err` when it cannot be read either, or has an older schema.
pub(super) fn how_to_read(data_dir: &Path) -> Result<Reading, DbError> {
    let exists = |ending| path(data_dir).with_extension(ending).metadata().is_ok_and(|meta| meta.len() > 0);
    // Files of the log say that somebody writes, or was killed: without them the file would be read as it was before. Where
    // there are none, none must be made, for they would have the file's own mode and keep a later writer out. On a full disk an
    // index may have been left unfinished: with nothing in the log, all is in the file.
    let ways: &[Reading] = match (exists("db-wal"), exists("db-shm")) {
        (true, _) => &[Reading::Shared, Reading::LogInMemory],
        (false, true) => &[Reading::Shared, Reading::Frozen],
        (false, false) => &[Reading::Frozen],
    };
    let mut failed = DbError::ReadOnly;
    for &reading in ways {
        match probe(data_dir, reading) {
            Ok(()) => return Ok(reading),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

fn probe(data_dir: &Path, reading: Reading) -> Result<(), DbError> {
    let conn = reader(data_dir, reading)?;
    let version: i64 = conn.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    match version.cmp(&(STEPS.len() as i64)) {
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => Err(DbError::TooNew),
        std::cmp::Ordering::Less => Err(DbError::ReadOnly),
    }
}

fn settings(conn: &Connection, cache_kib: i64) -> Result<(), DbError> {
    conn.busy_timeout(Duration::from_millis(BUSY_TIMEOUT_MS))?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    conn.execute_batch(&format!("PRAGMA cache_size = -{cache_kib}; PRAGMA temp_store = MEMORY"))?;
    Ok(())
}

/// Brings the schema and what is derived from the rows up to date, one program at a time.
fn migrate(conn: &mut Connection, data_dir: &Path, after_open: AfterOpen) -> Result<(), DbError> {
    let steps = migrations();
    let version: i64 = conn.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version != STEPS.len() as i64 {
        let lock = File::create(data_dir.join("schema.lock"))?;
        lock.lock()?;
        steps.to_latest(conn)?;
    }
    // Nobody else commits meanwhile, so what the high-water file says is not ahead of what is read here.
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    after_open(&tx, data_dir)?;
    Ok(tx.commit()?)
}

/// The database file, whatever the folder's mode: made for its owner alone, and closed to others where it was not. SQLite gives
/// the files of its log the same mode. True when it is new.
fn make_private_file(path: &Path) -> Result<bool, DbError> {
    use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
    const OTHERS: u32 = 0o077;
    let Ok(meta) = path.metadata() else {
        // Another program may be making it at the same moment.
        std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        return Ok(true);
    };
    if meta.mode() & OTHERS != 0 {
        let private = std::fs::Permissions::from_mode(meta.mode() & !OTHERS);
        if let Err(error) = std::fs::set_permissions(path, private) {
            tracing::warn!(%error, "others can read the database file");
        }
    }
    Ok(false)
}

fn uri(data_dir: &Path, setting: &str) -> String {
    let mut uri = String::from("file:");
    for byte in path(data_dir).as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' => {
                uri.push(char::from(*byte))
            }
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri + "?" + setting
}
