//! Writes that stay and writes that leave nothing, alone and sharing a commit; what is read beside them.

use super::*;
use futures_util::FutureExt as _;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;

#[test]
fn what_was_answered_is_there_and_what_failed_left_nothing() {
    let (_dir, db) = open();
    db.write_blocking(add(1)).unwrap();
    let failed = db.write_blocking(|tx| -> Result<(), DbError> {
        add(2)(tx)?;
        Err(DbError::Other("changed its mind".into()))
    });
    assert_eq!(failed, Err(DbError::Other("changed its mind".into())));
    let stopped: Result<(), DbError> = db.write_blocking(|tx| {
        add(3)(tx)?;
        panic!("a bug in a write");
    });
    assert!(matches!(stopped, Err(DbError::Other(_))));
    db.write_blocking(add(4)).unwrap();
    assert_eq!(numbers(&db), [1, 4]);
    let stopped: Result<(), DbError> = db.read_blocking(|conn| {
        conn.execute_batch("SELECT 1")?;
        Err(DbError::Other("no".into()))
    });
    assert!(stopped.is_err());
    assert_eq!(numbers(&db), [1, 4]);
}

#[test]
fn readers_cannot_write() {
    let (_dir, db) = open();
    let refused = db.read_blocking(|conn| -> Result<usize, DbError> {
        Ok(conn.execute("INSERT INTO t VALUES (1)", [])?)
    });
    assert_eq!(refused, Err(DbError::ReadOnly));
    assert_eq!(numbers(&db), [0i64; 0]);
}

#[test]
fn a_read_sees_one_moment_and_waits_for_no_writer() {
    let (_dir, db) = open();
    db.write_blocking(add(1)).unwrap();
    let count = |conn: &rusqlite::Connection| {
        conn.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0))
    };
    let writer = db.clone();
    let seen = db.read_blocking(move |conn| -> Result<(i64, i64), DbError> {
        let before = count(conn)?;
        writer.write_blocking(add(2))?;
        Ok((before, count(conn)?))
    });
    assert_eq!(seen, Ok((1, 1)));
    // While a write is under way, reads are answered from before it.
    let (begun, wait_begun) = mpsc::channel();
    let (go_on, wait_go_on) = mpsc::channel::<()>();
    let writer = db.clone();
    let thread = std::thread::spawn(move || {
        writer.write_blocking(move |tx| -> Result<(), DbError> {
            add(3)(tx)?;
            begun.send(()).unwrap();
            wait_go_on.recv().unwrap();
            Ok(())
        })
    });
    wait_begun.recv().unwrap();
    assert_eq!(numbers(&db), [1, 2]);
    go_on.send(()).unwrap();
    thread.join().unwrap().unwrap();
    assert_eq!(numbers(&db), [1, 2, 3]);
}

/// Counts the writer's commits from here on.
fn count_commits(db: &Db) -> Arc<AtomicU32> {
    let commits = Arc::new(AtomicU32::new(0));
    let counter = commits.clone();
    db.write_blocking(move |tx| -> Result<(), DbError> {
        tx.commit_hook(Some(move || {
            counter.fetch_add(1, Ordering::SeqCst);
            false
        }))?;
        Ok(())
    })
    .unwrap();
    commits.store(0, Ordering::SeqCst);
    commits
}

/// Holds the writer, until it is told to go on: what is written meanwhile waits for that.
fn held(db: &Db) -> (Pin<Box<impl Future<Output = Result<(), DbError>>>>, mpsc::Sender<()>) {
    let (go_on, wait) = mpsc::channel::<()>();
    let hold = move |_: &rusqlite::Transaction<'_>| wait.recv().map_err(|_| DbError::Busy);
    let mut held = Box::pin(db.write(hold));
    // The first poll puts it into the queue, before anything else.
    assert!(held.as_mut().now_or_never().is_none());
    (held, go_on)
}

#[tokio::test]
async fn small_writes_share_a_commit_and_one_that_fails_takes_nothing_from_the_others() {
    let (_dir, db) = open();
    let commits = count_commits(&db);
    let (held, go_on) = held(&db);
    let mut waiting = Vec::new();
    for n in 0..40 {
        let db = db.clone();
        let mut write = Box::pin(async move {
            db.write_grouped(move |tx| -> Result<i64, DbError> {
                add(n)(tx)?;
                match n {
                    7 => Err(DbError::Other("seven".into())),
                    8 => panic!("eight"),
                    _ => Ok(n),
                }
            })
            .await
        });
        // The first poll puts it into the queue.
        assert!(write.as_mut().now_or_never().is_none());
        waiting.push(write);
    }
    go_on.send(()).unwrap();
    held.await.unwrap();
    for (n, write) in (0..).zip(waiting) {
        let answer = write.await;
        assert_eq!(answer.is_ok(), n != 7 && n != 8, "{n}: {answer:?}");
    }
    assert_eq!(numbers(&db), (0..40).filter(|n| *n != 7 && *n != 8).collect::<Vec<_>>());
    let commits = commits.load(Ordering::SeqCst);
    assert_eq!(commits, 2, "the one that held the writer, and one of 40 small writes");
}

#[tokio::test]
async fn async_reads_and_writes_work_side_by_side() {
    let (_dir, db) = open();
    let writes = (0..20).map(|n| db.write(add(n)));
    futures_util::future::try_join_all(writes).await.unwrap();
    let reads = (0..20).map(|_| {
        db.read(|conn| -> Result<i64, DbError> {
            Ok(conn.query_row("SELECT count(*) FROM t", [], |row| row.get(0))?)
        })
    });
    assert_eq!(futures_util::future::try_join_all(reads).await.unwrap(), vec![20; 20]);
    let stopped: Result<(), DbError> = db.read(|_| panic!("a bug in a read")).await;
    assert!(matches!(stopped, Err(DbError::Other(_))));
    assert_eq!(numbers(&db).len(), 20);
}

#[tokio::test]
async fn what_waits_behind_a_write_that_lost_its_transaction_is_written_all_the_same() {
    let (_dir, db) = open();
    db.write_blocking(|tx| -> Result<(), DbError> {
        let now: i64 = tx.query_row("PRAGMA page_count", [], |row| row.get(0))?;
        Ok(tx.query_row(&format!("PRAGMA max_page_count = {}", now + 2), [], |_| Ok(()))?)
    })
    .unwrap();
    let (held, go_on) = held(&db);
    // Of one row: where there is no room for it, SQLite takes back the whole transaction.
    let mut large = Box::pin(db.write_grouped(|tx| -> Result<(), DbError> {
        let full = tx.execute("INSERT INTO t VALUES (zeroblob(100000))", []).map(|_| ());
        assert!(tx.is_autocommit(), "the transaction is lost");
        Ok(full?)
    }));
    let mut small = Box::pin(db.write_grouped(add(2)));
    // The first poll puts each into the queue.
    assert!(large.as_mut().now_or_never().is_none());
    assert!(small.as_mut().now_or_never().is_none());
    go_on.send(()).unwrap();
    held.await.unwrap();
    assert_eq!((large.await, small.await), (Err(DbError::Full), Ok(())));
    assert_eq!(numbers(&db), [2]);
}

#[test]
fn the_last_clone_may_go_inside_a_write() {
    let (dir, db) = open();
    let clone = db.clone();
    let (dropped, wait) = mpsc::channel();
    db.write_blocking(move |tx| {
        add(1)(tx)?;
        std::thread::spawn(move || dropped.send(()));
        drop(clone);
        Ok::<_, DbError>(())
    })
    .unwrap();
    drop(db);
    wait.recv().unwrap();
    assert_eq!(numbers(&Db::open(dir.path()).unwrap()), [1]);
}

#[test]
fn whoever_sends_commands_hears_of_new_ones() {
    let edge = crate::testing::TestEdge::with_market();
    let mut highest = edge.db().watch_highest_seq();
    assert_eq!(*highest.borrow_and_update(), 0);
    edge.post_listing(10);
    // The answer to a second write says that the first one's news are out.
    edge.write(|_| -> Result<(), DbError> { Ok(()) });
    assert!(highest.has_changed().unwrap());
    assert_eq!(*highest.borrow_and_update(), 1);
}
