//! A full disk, one closed to writing, a folder without rights, a damaged file: reading goes on, and writing once it can.

use super::*;
use crate::testing_disk::SmallDisk;

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

#[test]
fn a_folder_that_cannot_be_written_to_is_read_and_taken_up_again_once_it_can() {
    if let Some(dir) = child_dir() {
        return as_another_user(&dir);
    }
    // An administrator may write anywhere, so that somebody else has to try.
    let user = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap());
    let dir = tempfile::tempdir().unwrap();
    set_mode(dir.path(), 0o777);
    let name = "db::tests::disk::a_folder_that_cannot_be_written_to_is_read_and_taken_up_again_once_it_can";
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
