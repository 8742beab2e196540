//! Writes that stay, writes that leave nothing, and reading that goes on whatever happens to the disk: on real files.

use super::{Db, DbError};
use crate::testing_disk::SmallDisk;
use futures_util::FutureExt as _;
use mizili_node::testing::wait::until;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::pin::Pin;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use tempfile::TempDir;

/// Set for a copy of this test binary that plays one test's other process.
const CHILD_DIR: &str = "MIZILI_TEST_CHILD_DIR";

fn open() -> (TempDir, Db) {
    let dir = tempfile::tempdir().unwrap();
    let db = Db::open(dir.path()).unwrap();
    db.write_blocking(|tx| -> Result<(), DbError> { Ok(tx.execute_batch("CREATE TABLE t (n INTEGER)")?) })
        .unwrap();
    (dir, db)
}

fn add(n: i64) -> impl FnOnce(&rusqlite::Transaction<'_>) -> Result<(), DbError> + Send + 'static {
    move |tx| Ok(tx.execute("INSERT INTO t VALUES (?1)", [n]).map(|_| ())?)
}

fn numbers(db: &Db) -> Vec<i64> {
    db.read_blocking(|conn| -> Result<Vec<i64>, DbError> {
        let mut statement = conn.prepare("SELECT n FROM t ORDER BY n")?;
        Ok(statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
    })
    .unwrap()
}

/// Runs the named test of this binary as another process, with a folder to work on.
fn other_process(test: &str, dir: &Path, user: Option<u32>) -> Child {
    // A copy: another user may not be let through the folders above this one, such as root's own.
    let open_to_all = tempfile::tempdir().unwrap();
    std::fs::set_permissions(open_to_all.path(), Permissions::from_mode(0o755)).unwrap();
    let program = open_to_all.path().join("tests");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let mut command = Command::new(&program);
    command.args([test, "--exact", "--nocapture"]).env(CHILD_DIR, dir).stdout(Stdio::piped());
    if let Some(user) = user {
        std::os::unix::process::CommandExt::uid(&mut command, user);
    }
    command.spawn().unwrap()
}

fn child_dir() -> Option<std::path::PathBuf> {
    std::env::var_os(CHILD_DIR).map(Into::into)
}

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

#[test]
fn a_full_disk_is_named_takes_nothing_and_reading_goes_on() {
    let (_dir, db) = open();
    db.write_blocking(add(1)).unwrap();
    let limit = |pages: i64| {
        move |tx: &rusqlite::Transaction<'_>| -> Result<i64, DbError> {
            let now: i64 = tx.query_row("PRAGMA page_count", [], |row| row.get(0))?;
            Ok(tx.query_row(&format!("PRAGMA max_page_count = {}", now + pages), [], |row| row.get(0))?)
        }
    };
    db.write_blocking(limit(2)).unwrap();
    let big = |tx: &rusqlite::Transaction<'_>| -> Result<(), DbError> {
        Ok(tx.execute("INSERT INTO t SELECT zeroblob(100000) FROM t", []).map(|_| ())?)
    };
    assert_eq!(db.write_blocking(big), Err(DbError::Full));
    assert_eq!(numbers(&db), [1]);
    assert_eq!(db.trouble(), None, "what is small can still be stored");
    // Neither does it take along what shares its transaction: either it is stored, or its sender is told.
    let both = futures_util::future::join(db.write_grouped(add(2)), db.write_grouped(big));
    let (small, large) = tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(both);
    assert_eq!(large, Err(DbError::Full));
    assert_eq!(numbers(&db).contains(&2), small.is_ok());
    db.write_blocking(limit(10_000)).unwrap();
    db.write_blocking(big).unwrap();
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
fn a_folder_that_cannot_be_written_to_is_read_and_taken_up_again_once_it_can() {
    if let Some(dir) = child_dir() {
        return as_another_user(&dir);
    }
    // An administrator may write anywhere, so that somebody else has to try.
    let user = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap());
    let dir = tempfile::tempdir().unwrap();
    set_mode(dir.path(), 0o777);
    let name = "db::tests::a_folder_that_cannot_be_written_to_is_read_and_taken_up_again_once_it_can";
    let child = other_process(name, dir.path(), (user == 0).then_some(65_534));
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(dir.path().join("done").exists(), "the other process came to its end");
}

fn as_another_user(parent: &Path) {
    let dir = parent.join("data");
    let db = Db::open(&dir).unwrap();
    db.write_blocking(|tx| -> Result<(), DbError> { Ok(tx.execute_batch("CREATE TABLE t (n INTEGER)")?) })
        .unwrap();
    db.write_blocking(add(1)).unwrap();
    drop(db);
    for (what, folder_mode, file_mode) in
        [("file", 0o700, 0o400), ("folder", 0o500, 0o600), ("both", 0o500, 0o400)]
    {
        set_mode(&dir.join("edge.db"), file_mode);
        set_mode(&dir, folder_mode);
        let db = Db::open(&dir).unwrap();
        assert_eq!(numbers(&db), [1], "{what}");
        let refused = db.write_blocking(add(9));
        assert!(matches!(refused, Err(DbError::ReadOnly | DbError::Disk(_))), "{what}: {refused:?}");
        assert_eq!(numbers(&db), [1], "{what}");
        assert_eq!(db.trouble().as_ref(), refused.as_ref().err(), "{what}: known until a write succeeds");
        set_mode(&dir, 0o700);
        set_mode(&dir.join("edge.db"), 0o600);
        db.write_blocking(add(2)).unwrap();
        assert_eq!(db.trouble(), None, "{what}");
        assert_eq!(numbers(&db), [1, 2], "{what}: readers see what is written from now on");
        db.write_blocking(|tx| -> Result<(), DbError> { Ok(tx.execute_batch("DELETE FROM t WHERE n = 2")?) })
            .unwrap();
        drop(db);
        assert!(!dir.join("edge.db-wal").exists(), "{what}: one file is left behind");
    }
    std::fs::write(parent.join("done"), "").unwrap();
}

#[test]
fn an_index_of_the_log_that_cannot_be_used_keeps_nobody_from_reading() {
    let (dir, db) = open();
    db.write_blocking(add(1)).unwrap();
    drop(db);
    // In its place is something that SQLite can neither use nor make: it follows no link.
    let index = dir.path().join("edge.db-shm");
    std::fs::write(dir.path().join("elsewhere"), "abc").unwrap();
    std::os::unix::fs::symlink(dir.path().join("elsewhere"), &index).unwrap();
    let db = Db::open(dir.path()).unwrap();
    assert_eq!(numbers(&db), [1]);
    assert!(matches!(db.trouble(), Some(DbError::Disk(_))), "{:?}", db.trouble());
    assert!(matches!(db.write_blocking(add(9)), Err(DbError::Disk(_))));
    std::fs::remove_file(&index).unwrap();
    db.write_blocking(add(2)).unwrap();
    assert_eq!((numbers(&db), db.trouble()), (vec![1, 2], None));
}

#[test]
fn on_a_full_disk_it_opens_for_reading_names_the_cause_and_writes_once_there_is_room() {
    let Some(disk) = SmallDisk::new() else { return };
    let (clean, killed) = (disk.path().join("clean"), disk.path().join("killed"));
    let (dir, db) = open();
    db.write_blocking(add(1)).unwrap();
    // As a power cut leaves it: what was written is in the log, whose index is gone.
    std::fs::create_dir(&killed).unwrap();
    for name in ["edge.db", "edge.db-wal"] {
        std::fs::copy(dir.path().join(name), killed.join(name)).unwrap();
    }
    assert!(killed.join("edge.db-wal").metadata().unwrap().len() > 0);
    drop(db);
    std::fs::create_dir(&clean).unwrap();
    std::fs::copy(dir.path().join("edge.db"), clean.join("edge.db")).unwrap();
    for folder in [clean, killed] {
        disk.fill();
        for again in [false, true] {
            let db = Db::open(&folder).unwrap();
            assert_eq!(numbers(&db), [1], "{folder:?} {again}");
            assert_eq!(db.trouble(), Some(DbError::Full), "{folder:?} {again}");
            assert_eq!(db.write_blocking(add(9)), Err(DbError::Full), "{folder:?} {again}");
            assert_eq!(db.try_disk(), Err(DbError::Full));
            assert_eq!(numbers(&db), [1], "{folder:?} {again}");
        }
        let db = Db::open(&folder).unwrap();
        disk.make_room();
        assert_eq!(db.try_disk(), Ok(()));
        db.write_blocking(add(2)).unwrap();
        assert_eq!((numbers(&db), db.trouble()), (vec![1, 2], None), "{folder:?}");
    }
}

#[test]
fn on_a_disk_closed_to_writing_it_opens_for_reading() {
    let Some(disk) = SmallDisk::new() else { return };
    let (dir, db) = open();
    db.write_blocking(add(1)).unwrap();
    drop(db);
    std::fs::copy(dir.path().join("edge.db"), disk.path().join("edge.db")).unwrap();
    disk.close_to_writing(true);
    let db = Db::open(disk.path()).unwrap();
    assert_eq!((numbers(&db), db.trouble()), (vec![1], Some(DbError::ReadOnly)));
    assert_eq!((db.write_blocking(add(9)), db.try_disk()), (Err(DbError::ReadOnly), Err(DbError::ReadOnly)));
    disk.close_to_writing(false);
    db.write_blocking(add(2)).unwrap();
    assert_eq!((numbers(&db), db.trouble()), (vec![1, 2], None));
}

#[test]
fn nobody_else_can_read_the_file_whatever_the_folder_s_mode() {
    let dir = tempfile::tempdir().unwrap();
    set_mode(dir.path(), 0o755);
    let db = Db::open(dir.path()).unwrap();
    let mode = |name: &str| {
        let meta = std::fs::metadata(dir.path().join(name)).unwrap();
        std::os::unix::fs::MetadataExt::mode(&meta) & 0o777
    };
    assert_eq!((mode("edge.db"), mode("edge.db-wal"), mode("edge.db-shm")), (0o600, 0o600, 0o600));
    drop(db);
    // As an older version left it.
    set_mode(&dir.path().join("edge.db"), 0o644);
    drop(Db::open(dir.path()).unwrap());
    assert_eq!(mode("edge.db"), 0o600);
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn a_process_killed_in_the_middle_of_a_write_loses_that_write_and_no_other() {
    if let Some(dir) = child_dir() {
        let db = Db::open(&dir).unwrap();
        db.write_blocking(add(1)).unwrap();
        db.write_blocking(|tx| -> Result<(), DbError> {
            // More than the page cache holds, so that a part of it is in the log already.
            let sql = "WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 10000)
                       INSERT INTO t SELECT randomblob(1000) FROM c";
            tx.execute(sql, [])?;
            std::fs::write(dir_of(tx).join("in-the-middle"), "")?;
            loop {
                std::thread::park();
            }
        })
        .unwrap();
        return;
    }
    let (dir, db) = open();
    drop(db);
    let name = "db::tests::a_process_killed_in_the_middle_of_a_write_loses_that_write_and_no_other";
    let mut child = other_process(name, dir.path(), None);
    until(async || {
        assert!(child.try_wait().unwrap().is_none(), "the other process ended early");
        dir.path().join("in-the-middle").exists()
    })
    .await;
    child.kill().unwrap();
    child.wait().unwrap();
    let log_bytes = dir.path().join("edge.db-wal").metadata().unwrap().len();
    assert!(log_bytes > 1_000_000, "the write had reached the log: {log_bytes} bytes");
    let db = Db::open(dir.path()).unwrap();
    assert_eq!(numbers(&db), [1]);
    db.write_blocking(add(2)).unwrap();
    assert_eq!(numbers(&db), [1, 2]);
}

fn dir_of(conn: &rusqlite::Connection) -> std::path::PathBuf {
    Path::new(conn.path().unwrap()).parent().unwrap().to_owned()
}

#[test]
fn two_programs_write_the_same_file() {
    let (dir, db) = open();
    let other = Db::open(dir.path()).unwrap();
    let threads: Vec<_> = [(db.clone(), 0), (other.clone(), 100)]
        .into_iter()
        .map(|(db, from)| {
            std::thread::spawn(move || (from..from + 50).try_for_each(|n| db.write_blocking(add(n))))
        })
        .collect();
    for thread in threads {
        thread.join().unwrap().unwrap();
    }
    assert_eq!(numbers(&db).len(), 100);
    assert_eq!(numbers(&db), numbers(&other));
}

#[test]
fn a_file_of_a_newer_version_and_a_damaged_one_are_refused_by_name() {
    let (dir, db) = open();
    db.write_blocking(|tx| -> Result<(), DbError> { Ok(tx.execute_batch("PRAGMA user_version = 999")?) })
        .unwrap();
    drop(db);
    assert_eq!(Db::open(dir.path()).err(), Some(DbError::TooNew));
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("edge.db"), vec![b'x'; 8_192]).unwrap();
    assert!(matches!(Db::open(dir.path()), Err(DbError::Corrupt(_))));
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

/// Bytes of the file, without what its log holds beside it.
fn file_bytes(dir: &TempDir) -> u64 {
    std::fs::metadata(dir.path().join("edge.db")).unwrap().len()
}

fn write_bytes(db: &Db, bytes: u64) {
    db.write_blocking(move |tx| -> Result<(), DbError> {
        Ok(tx.execute("INSERT INTO t VALUES (zeroblob(?1))", [bytes as i64]).map(|_| ())?)
    })
    .unwrap();
}

#[tokio::test]
async fn a_long_log_is_copied_once_nobody_writes() {
    const BYTES: u64 = 12_000_000;
    let (dir, db) = open();
    write_bytes(&db, BYTES);
    assert!(file_bytes(&dir) < BYTES, "whoever wrote waited for it");
    until(async || file_bytes(&dir) >= BYTES).await;
}

#[test]
fn a_log_does_not_grow_without_end_while_there_is_no_quiet_moment() {
    const BYTES: u64 = 40_000_000;
    let (dir, db) = open();
    write_bytes(&db, BYTES);
    assert!(file_bytes(&dir) >= BYTES);
    for _ in 0..100 {
        write_bytes(&db, 1_000_000);
    }
    let log = std::fs::metadata(dir.path().join("edge.db-wal")).unwrap().len();
    assert!(log < 2 * BYTES, "{log}");
}
