//! The one thread that writes. Every write is one transaction, on disk before it is answered; small ones may share one. A write
//! that fails leaves nothing behind, and a write that panics ends neither the thread nor the node.

use super::DbError;
use super::high_water::{self, HighWaterKeeper};
use super::log;
use super::open::AfterOpen;
use super::open::{self, Reading};
use super::readers::Readers;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;
use tokio::sync::watch;

/// Writes that share one transaction at most: the last of them waits for the others.
const GROUP_MAX: usize = 256;

/// How long after a write what may wait is done, when nothing else comes: the high-water file follows, a long log is copied.
const QUIET: Duration = Duration::from_secs(1);

/// A write on its way: run inside a transaction, answered when that has ended.
pub(super) trait Job: Send {
    /// Whether it may share a transaction.
    fn is_grouped(&self) -> bool;
    /// Does the work; false when nothing of it may stay.
    fn run(&mut self, tx: &Transaction<'_>) -> bool;
    /// Answers: with the work's own result, or with why the transaction failed.
    fn finish(self: Box<Self>, ended: Result<(), DbError>);
}

/// One closure and where its answer goes.
pub(super) struct Task<T, E, F, R> {
    pub(super) grouped: bool,
    pub(super) work: Option<F>,
    pub(super) outcome: Option<Result<T, E>>,
    pub(super) reply: R,
}

impl<T, E, F, R> Job for Task<T, E, F, R>
where
    T: Send,
    E: From<DbError> + Send,
    F: FnOnce(&Transaction<'_>) -> Result<T, E> + Send,
    R: FnOnce(Result<T, E>) + Send,
{
    fn is_grouped(&self) -> bool {
        self.grouped
    }

    fn run(&mut self, tx: &Transaction<'_>) -> bool {
        let Some(work) = self.work.take() else { return false };
        let result = catch_unwind(AssertUnwindSafe(|| work(tx)));
        let outcome = result.unwrap_or_else(|_| {
            Err(DbError::Other("a write stopped half way; see the log".to_owned()).into())
        });
        let ok = outcome.is_ok();
        self.outcome = Some(outcome);
        ok
    }

    fn finish(self: Box<Self>, ended: Result<(), DbError>) {
        let result = match (ended, self.outcome) {
            (_, Some(Err(error))) => Err(error),
            (Ok(()), Some(Ok(value))) => Ok(value),
            (Err(error), _) => Err(error.into()),
            (Ok(()), None) => Err(DbError::Other("a write was not run".to_owned()).into()),
        };
        (self.reply)(result);
    }
}

/// What the thread holds.
pub(super) struct Writer {
    pub(super) data_dir: PathBuf,
    pub(super) after_open: AfterOpen,
    /// `None` while the file cannot be written to; tried again at each write.
    pub(super) conn: Option<Connection>,
    pub(super) readers: Arc<Readers>,
    pub(super) highest_seq: watch::Sender<u64>,
    /// Why the last write could not be stored; `None` since one was.
    pub(super) trouble: watch::Sender<Option<DbError>>,
    /// Transactions that were committed.
    pub(super) commits: Arc<AtomicU64>,
    pub(super) high_water: HighWaterKeeper,
}

impl Writer {
    /// Takes writes until nobody is left who could send one.
    pub(super) fn run(mut self, queue: &Receiver<Box<dyn Job>>) {
        let mut next: Option<Box<dyn Job>> = None;
        loop {
            let job = match next.take() {
                Some(job) => job,
                None if self.high_water.is_due() || log::is_long() => match queue.recv_timeout(QUIET) {
                    Ok(job) => job,
                    Err(RecvTimeoutError::Timeout) => {
                        self.in_quiet();
                        continue;
                    }
                    Err(RecvTimeoutError::Disconnected) => break,
                },
                None => match queue.recv() {
                    Ok(job) => job,
                    Err(_) => break,
                },
            };
            next = self.write(job, queue);
        }
        self.high_water.write(self.conn.as_ref());
    }

    /// What may wait until nobody writes.
    fn in_quiet(&mut self) {
        self.high_water.write(self.conn.as_ref());
        if let Some(conn) = self.conn.as_ref().filter(|_| log::is_long()) {
            log::copy(conn);
        }
    }

    /// One transaction. Gives back a job that was taken from the queue but may not share it.
    fn write(&mut self, job: Box<dyn Job>, queue: &Receiver<Box<dyn Job>>) -> Option<Box<dyn Job>> {
        let conn = match self.connection() {
            Ok(conn) => conn,
            Err(error) => {
                self.note(&Err(error.clone()));
                job.finish(Err(error));
                return None;
            }
        };
        let Ran { ended, jobs, next } =
            if job.is_grouped() { group(conn, job, queue) } else { alone(conn, job) };
        // Whoever is answered may ask at once how things stand, and read what was written.
        self.note(&ended);
        self.commits.fetch_add(1, Ordering::Release);
        let answer = ended.map(|_| ());
        for job in jobs {
            job.finish(answer.clone());
        }
        self.after_commit();
        next
    }

    /// Keeps in mind whether this box can store anything: where it cannot, that cannot be stored either.
    fn note(&self, ended: &Result<Ended, DbError>) {
        let now = match ended {
            Ok(Ended::Committed) => None,
            Ok(Ended::RolledBack) => return,
            Err(error @ (DbError::Full | DbError::ReadOnly | DbError::Disk(_))) => Some(error.clone()),
            Err(_) => return,
        };
        self.trouble.send_if_modified(|trouble| {
            let is_new = *trouble != now;
            *trouble = now;
            is_new
        });
    }

    fn connection(&mut self) -> Result<&mut Connection, DbError> {
        if self.conn.is_none() {
            // Connections that found the log's files closed to writing would keep them so for this process.
            self.readers.close();
            self.conn = Some(open::writer(&self.data_dir, self.after_open)?);
            self.readers.reopen(Reading::Shared);
            tracing::info!("the database can be written to again");
        }
        self.conn.as_mut().ok_or(DbError::ReadOnly)
    }

    /// Tells who waits for commands, and lets the high-water file follow.
    fn after_commit(&mut self) {
        let Some(conn) = &self.conn else { return };
        let Ok(Some(mark)) = high_water::mark(conn) else { return };
        self.highest_seq.send_if_modified(|seq| std::mem::replace(seq, mark.highest_seq) != mark.highest_seq);
        self.high_water.follow(conn, mark);
    }
}

/// How a transaction ended.
enum Ended {
    Committed,
    RolledBack,
}

/// What was run, to be answered.
struct Ran {
    ended: Result<Ended, DbError>,
    jobs: Vec<Box<dyn Job>>,
    /// Taken from the queue, and not part of it.
    next: Option<Box<dyn Job>>,
}

fn alone(conn: &mut Connection, mut job: Box<dyn Job>) -> Ran {
    let ended = conn.transaction_with_behavior(TransactionBehavior::Immediate).and_then(|tx| {
        if job.run(&tx) {
            tx.commit().map(|()| Ended::Committed)
        } else {
            tx.rollback().map(|()| Ended::RolledBack)
        }
    });
    Ran { ended: ended.map_err(DbError::from), jobs: vec![job], next: None }
}

/// Runs what is waiting in one transaction, each in its own savepoint; all are answered when it is on disk. Where nothing else waits
/// the transaction is savepoint enough, and no page has to be noted twice.
fn group(conn: &mut Connection, first: Box<dyn Job>, queue: &Receiver<Box<dyn Job>>) -> Ran {
    let second = queue.try_recv().ok();
    if second.as_ref().is_none_or(|job| !job.is_grouped()) {
        return Ran { next: second, ..alone(conn, first) };
    }
    let tx = match conn.transaction_with_behavior(TransactionBehavior::Immediate) {
        Ok(tx) => tx,
        Err(error) => return Ran { ended: Err(error.into()), jobs: vec![first], next: second },
    };
    let (mut jobs, mut next, mut second, mut lost) = (Vec::new(), Some(first), second, None);
    while let Some(mut job) = next.take() {
        let kept = in_savepoint(&tx, &mut *job);
        jobs.push(job);
        if let Err(error) = kept {
            lost = Some(error);
            break;
        }
        if jobs.len() == GROUP_MAX {
            break;
        }
        next = second.take().or_else(|| queue.try_recv().ok());
        if next.as_ref().is_some_and(|job| !job.is_grouped()) {
            break;
        }
    }
    let committed = lost.map_or(Ok(()), Err).and_then(|()| Ok(tx.commit()?));
    // Where the first lost the transaction, the second still has to be run.
    Ran { ended: committed.map(|()| Ended::Committed), jobs, next: next.or(second) }
}

/// `Err` when the whole transaction is lost, as when the disk filled up under it.
fn in_savepoint(tx: &Transaction<'_>, job: &mut dyn Job) -> Result<(), DbError> {
    let run =
        |sql: &str| tx.prepare_cached(sql).and_then(|mut s| s.execute([])).map(|_| ()).map_err(DbError::from);
    run("SAVEPOINT job")?;
    let kept = job.run(tx);
    if tx.is_autocommit() {
        return Err(DbError::Other("another write took this one with it: try again".to_owned()));
    }
    if !kept {
        run("ROLLBACK TO job")?;
    }
    run("RELEASE job")
}
