//! Two programs over one file, and one that is killed.

use super::*;
use mizili_node::testing::wait::until;

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
    let name =
        "db::tests::processes::a_process_killed_in_the_middle_of_a_write_loses_that_write_and_no_other";
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
