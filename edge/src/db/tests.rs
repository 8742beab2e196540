//! Writes that stay, writes that leave nothing, and reading that goes on whatever happens to the disk: on real files.

use super::{Db, DbError};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

mod disk;
mod log;
mod processes;
mod writing;

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
