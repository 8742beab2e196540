//! A few connections that read. Each read sees one moment of the database, whatever is written meanwhile, and never waits for
//! a writer.

use super::DbError;
use super::open::{self, Reading};
use rusqlite::Connection;
use std::path::PathBuf;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Connections that read at once: more than the cores of a small box, within its memory.
pub(super) const READERS_MAX: usize = 3;

pub(super) struct Readers {
    data_dir: PathBuf,
    state: Mutex<State>,
    free: Condvar,
}

struct State {
    idle: Vec<Connection>,
    out: usize,
    reading: Reading,
    /// Rises when all connections have to be opened anew.
    generation: u64,
}

impl Readers {
    pub(super) fn new(data_dir: PathBuf, reading: Reading) -> Self {
        let state = State { idle: Vec::new(), out: 0, reading, generation: 0 };
        Self { data_dir, state: Mutex::new(state), free: Condvar::new() }
    }

    /// From now on the file is written to: connections that took it for frozen must go.
    pub(super) fn reopen(&self, reading: Reading) {
        let mut state = self.lock();
        if state.reading != reading {
            state.reading = reading;
            state.generation += 1;
            state.idle.clear();
        }
    }

    /// Closes what is idle.
    pub(super) fn close(&self) {
        self.lock().idle.clear();
    }

    /// Runs a read in the caller's thread, in one snapshot.
    pub(super) fn with<T, E: From<DbError>>(
        &self,
        f: impl FnOnce(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        let lent = self.lend()?;
        let conn = lent.conn.as_ref().ok_or_else(|| DbError::Other("no connection".to_owned()))?;
        begin(conn)?;
        let result = f(conn);
        end(conn)?;
        result
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lend(&self) -> Result<Lent<'_>, DbError> {
        let mut state = self.lock();
        loop {
            if let Some(conn) = state.idle.pop() {
                state.out += 1;
                return Ok(Lent { readers: self, conn: Some(conn), generation: state.generation });
            }
            if state.out < READERS_MAX {
                break;
            }
            state = self.free.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.out += 1;
        let (reading, generation) = (state.reading, state.generation);
        drop(state);
        let mut lent = Lent { readers: self, conn: None, generation };
        lent.conn = Some(open::reader(&self.data_dir, reading)?);
        Ok(lent)
    }
}

fn begin(conn: &Connection) -> Result<(), DbError> {
    Ok(conn.prepare_cached("BEGIN")?.execute([]).map(|_| ())?)
}

fn end(conn: &Connection) -> Result<(), DbError> {
    Ok(conn.prepare_cached("ROLLBACK")?.execute([]).map(|_| ())?)
}

/// A connection on loan; it goes back also when the read panics.
struct Lent<'a> {
    readers: &'a Readers,
    conn: Option<Connection>,
    generation: u64,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let conn = self.conn.take().filter(|conn| conn.is_autocommit() || end(conn).is_ok());
        let mut state = self.readers.lock();
        state.out -= 1;
        if let Some(conn) = conn.filter(|_| state.generation == self.generation) {
            state.idle.push(conn);
        }
        drop(state);
        self.readers.free.notify_one();
    }
}
