//! How long the write-ahead log grows, and who copies it.

use super::*;
use mizili_node::testing::wait::until;

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
