//! The edge's database: one SQLite file in the data folder, one thread that writes, a few connections that read.
//!
//! What [`Db::write`] answered is on disk. Readers are never blocked. Where the file cannot be written to, reading goes on and
//! each write says why it was not taken. Other programs may have the same file open. No SQL about the market is here.

mod bad_row;
mod error;
pub(crate) mod high_water;
mod log;
mod open;
mod readers;
mod room;
mod steps;
#[cfg(test)]
mod tests;
pub(crate) mod values;
mod writer;

pub(crate) use bad_row::pass_over;
pub use error::DbError;

use high_water::HighWaterKeeper;
pub(crate) use open::AfterOpen;
use open::Reading;
use readers::{READERS_MAX, Readers};
use rusqlite::{Connection, Transaction};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::{Semaphore, oneshot, watch};
use writer::{Job, Task, Writer};

/// The open database; cheap to clone. When the last clone goes, the writer ends what it was given and closes the file.
#[derive(Clone)]
pub struct Db {
    shared: Arc<Shared>,
}

struct Shared {
    data_dir: PathBuf,
    jobs: Mutex<Option<Sender<Box<dyn Job>>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    readers: Arc<Readers>,
    permits: Semaphore,
    highest_seq: watch::Receiver<u64>,
    trouble: watch::Receiver<Option<DbError>>,
    commits: Arc<AtomicU64>,
}

impl Db {
    /// Whether a box's database is in a folder.
    pub fn is_in(data_dir: &Path) -> bool {
        open::path(data_dir).exists()
    }

    /// Opens the database in a data folder, makes both where they are missing, and brings the schema up to date.
    ///
    /// A file that can be read but not written opens too: then every write fails by name, and succeeds again once it can.
    ///
    /// # Errors
    /// When the file can be neither written nor read, is damaged, or was written by a newer version.
    pub(crate) fn open_with(data_dir: &Path, after_open: AfterOpen) -> Result<Self, DbError> {
        let (opened, reading) = match open::writer(data_dir, after_open) {
            Ok(conn) => (Ok(conn), Reading::Shared),
            Err(error @ (DbError::Full | DbError::ReadOnly | DbError::Disk(_))) => {
                let reading = open::how_to_read(data_dir).map_err(|_| error.clone())?;
                tracing::warn!(%error, "the database can only be read");
                (Err(error), reading)
            }
            Err(error) => return Err(error),
        };
        Self::start(data_dir, after_open, opened, reading)
    }

    fn start(
        data_dir: &Path,
        after_open: AfterOpen,
        opened: Result<Connection, DbError>,
        reading: Reading,
    ) -> Result<Self, DbError> {
        let (conn, closed_for) = match opened {
            Ok(conn) => (Some(conn), None),
            Err(error) => (None, Some(error)),
        };
        let readers = Arc::new(Readers::new(data_dir.to_owned(), reading));
        let mark = readers.with(high_water::mark)?;
        let (seq_sender, highest_seq) = watch::channel(mark.map_or(0, |mark| mark.highest_seq));
        let (trouble_sender, trouble) = watch::channel(closed_for);
        let (jobs, queue) = mpsc::channel();
        let commits: Arc<AtomicU64> = Arc::default();
        let writer = Writer {
            data_dir: data_dir.to_owned(),
            after_open,
            conn,
            readers: readers.clone(),
            highest_seq: seq_sender,
            trouble: trouble_sender,
            commits: commits.clone(),
            high_water: HighWaterKeeper::new(data_dir, mark),
        };
        let thread =
            std::thread::Builder::new().name("db-writer".to_owned()).spawn(move || writer.run(&queue))?;
        let shared = Shared {
            data_dir: data_dir.to_owned(),
            jobs: Mutex::new(Some(jobs)),
            thread: Mutex::new(Some(thread)),
            readers,
            // One connection is always left for reads in the caller's own thread: a screen waits for no long read.
            permits: Semaphore::new(READERS_MAX - 1),
            highest_seq,
            trouble,
            commits,
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// The data folder.
    pub fn data_dir(&self) -> &Path {
        &self.shared.data_dir
    }

    /// Changes when a command was stored: its sequence number, after the commit. For whoever sends them.
    pub fn watch_highest_seq(&self) -> watch::Receiver<u64> {
        self.shared.highest_seq.clone()
    }

    /// Why the last write could not be stored, by disk or folder; `None` when it could. Known to this process alone.
    pub fn trouble(&self) -> Option<DbError> {
        self.shared.trouble.borrow().clone()
    }

    /// Finds out whether the data folder's disk takes anything, by writing a little beside the database. For a program that
    /// has written nothing yet; waits for the disk.
    ///
    /// # Errors
    /// What a write would meet.
    pub fn try_disk(&self) -> Result<(), DbError> {
        room::try_disk(&self.shared.data_dir)
    }

    /// Counts this process's transactions: as long as it stays the same, this process has written nothing since. Those of other
    /// processes are not in it.
    pub fn commits(&self) -> u64 {
        self.shared.commits.load(Ordering::Acquire)
    }

    /// Writes in a transaction of its own. `Ok` says that it is on disk; after an error nothing of it is there.
    ///
    /// # Errors
    /// The closure's own, or a [`DbError`] when the transaction could not begin or end.
    pub async fn write<T, E, F>(&self, f: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
    {
        self.send_and_wait(false, f).await
    }

    /// Writes in a transaction that it may share with others of its kind; answered when that is on disk. For what happens often
    /// and changes little, such as a step through a menu. One that fails takes nothing from the others.
    ///
    /// # Errors
    /// As [`Db::write`].
    pub async fn write_grouped<T, E, F>(&self, f: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
    {
        self.send_and_wait(true, f).await
    }

    /// As [`Db::write`], waiting in the caller's thread. Not for async code.
    ///
    /// # Errors
    /// As [`Db::write`].
    pub fn write_blocking<T, E, F>(&self, f: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
    {
        let (answer, wait) = mpsc::sync_channel(1);
        self.send(false, f, move |result| drop(answer.send(result)))?;
        wait.recv().unwrap_or_else(|_| Err(closed().into()))
    }

    /// Reads one moment of the database, on a thread that may wait for the disk.
    ///
    /// # Errors
    /// The closure's own, or a [`DbError`] when no connection could be opened.
    pub async fn read<T, E, F>(&self, f: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    {
        // A permit for each connection, so that no thread stands about waiting for one.
        let _permit = self.shared.permits.acquire().await.map_err(|_| closed())?;
        let readers = self.shared.readers.clone();
        let run = tokio::task::spawn_blocking(move || readers.with(f)).await;
        run.unwrap_or_else(|_| Err(DbError::Other("a read stopped half way; see the log".to_owned()).into()))
    }

    /// As [`Db::read`], in the caller's thread.
    ///
    /// # Errors
    /// As [`Db::read`].
    pub fn read_blocking<T, E, F>(&self, f: F) -> Result<T, E>
    where
        E: From<DbError>,
        F: FnOnce(&Connection) -> Result<T, E>,
    {
        self.shared.readers.with(f)
    }

    async fn send_and_wait<T, E, F>(&self, grouped: bool, f: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
    {
        let (answer, wait) = oneshot::channel();
        self.send(grouped, f, move |result| drop(answer.send(result)))?;
        wait.await.unwrap_or_else(|_| Err(closed().into()))
    }

    fn send<T, E, F, R>(&self, grouped: bool, f: F, reply: R) -> Result<(), DbError>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
        R: FnOnce(Result<T, E>) + Send + 'static,
    {
        let task = Task { grouped, work: Some(f), outcome: None, reply };
        let jobs = self.shared.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.as_ref().and_then(|jobs| jobs.send(Box::new(task)).ok()).ok_or_else(closed)
    }
}

fn closed() -> DbError {
    DbError::Other("the database is closed".to_owned())
}

impl Drop for Shared {
    fn drop(&mut self) {
        // The writer closes last, so that it can take the log into the file and leave one file behind.
        self.readers.close();
        drop(self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take());
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // The last clone may go inside a write: the writer cannot wait for itself.
        if let Some(thread) = thread.filter(|thread| thread.thread().id() != std::thread::current().id()) {
            drop(thread.join());
        }
    }
}
