//! The write-ahead log: when what it holds is copied into the file. Copying a long log takes a while, and a commit that does it keeps
//! whoever waits for it waiting: it is left for when nobody has written for a moment. Never lets the log grow without end.

use super::DbError;
use rusqlite::Connection;
use rusqlite::hooks::Wal;
use std::cell::Cell;
use std::ffi::c_int;

/// Bytes of a page of the database.
const PAGE_BYTES: i64 = 4_096;

/// Bytes to which the log is cut after it was copied.
const KEPT_BYTES: i64 = 8 << 20;

/// Pages from which on it is copied in a quiet moment: as many as it keeps room for anyway.
const LONG_PAGES: c_int = (KEPT_BYTES / PAGE_BYTES) as c_int;

/// Pages with which a commit copies it after all: a first sync writes most pages several times, and ends below.
const MOST_PAGES: c_int = 4 * LONG_PAGES;

thread_local! {
    /// Pages in the log after the last commit of this thread: the writer's, which is the only one that commits again and again.
    static PAGES: Cell<c_int> = const { Cell::new(0) };
}

/// Takes over what a connection does about its log.
pub(super) fn keep(conn: &Connection) -> Result<(), DbError> {
    conn.execute_batch(&format!("PRAGMA journal_size_limit = {KEPT_BYTES}"))?;
    conn.wal_hook(Some(committed));
    Ok(())
}

fn committed(log: &Wal, pages: c_int) -> rusqlite::Result<()> {
    PAGES.set(pages);
    // What was committed is on disk in any case. Where somebody is reading, the next commit tries again.
    if pages >= MOST_PAGES && log.checkpoint().is_ok() {
        PAGES.set(0);
    }
    Ok(())
}

/// Whether it should be copied in a quiet moment.
pub(super) fn is_long() -> bool {
    PAGES.get() >= LONG_PAGES
}

/// Copies it, as far as nobody is reading what is older. Not tried again before the next commit.
pub(super) fn copy(conn: &Connection) {
    PAGES.set(0);
    if let Err(error) = conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())) {
        tracing::warn!(%error, "the log was not copied into the database");
    }
}
