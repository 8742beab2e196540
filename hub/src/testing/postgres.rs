//! A database of its own for each test, on real Postgres, with nothing to install or start beforehand.
//! Tests must never see each other's rows, and nothing may stay behind: not when a test fails, nor when it is
//! killed.
//!
//! One throwaway cluster below the target folder serves all tests of one user, whatever process they run in
//! and whoever came first. A migrated template is made once for each state of the migrations; a test's
//! database is a copy of it, which takes about 0.05 s. A small watchdog stops the server some seconds after
//! the last test, and the next test that comes sweeps what killed ones left.
//!
//! ```ignore
//! let key = TemplateKey::of_migrator("hub", &MIGRATOR);
//! let database = TestPostgres::new(&key, |url| async move { migrate(&url).await }).await?;
//! let pool = PgPool::connect(database.url()).await?;
//! ```

use crate::postgres::{Durability, LocalPostgres, PostgresError};
use sqlx::migrate::Migrator;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::error::Error;
use std::fs::File;
use std::future::Future;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// Seconds without a test before the server is stopped: longer than one test program takes to follow another.
const IDLE_LIMIT_S: u32 = 10;
const WATCHDOG: &str = include_str!("watchdog.sh");
/// The database in which others are made and dropped.
const ADMIN: &str = "postgres";

/// Why a test got no database.
#[derive(Debug, thiserror::Error)]
pub enum TestPostgresError {
    /// The cluster could not be made or started.
    #[error(transparent)]
    Postgres(#[from] PostgresError),
    /// A statement of the helper failed.
    #[error("the tests' Postgres refused: {0}")]
    Sql(#[from] sqlx::Error),
    /// A file or a program failed.
    #[error("the tests' Postgres needs {what}: {source}")]
    File {
        /// What was attempted.
        what: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The caller's function that fills the template failed.
    #[error("the template database could not be filled: {0}")]
    Template(Box<dyn Error + Send + Sync>),
}

/// Names one state of a template: a label, and a hash of everything that goes into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateKey {
    label: String,
    hash: u64,
}

impl TemplateKey {
    /// A key for what the parts say, in their order. The label, of up to 20 lower-case letters, tells apart
    /// the kinds of templates that one run of tests uses; of each kind only the newest is kept.
    pub fn of_parts<P: AsRef<[u8]>>(label: &str, parts: impl IntoIterator<Item = P>) -> Self {
        let label: String = label.chars().filter(char::is_ascii_lowercase).take(20).collect();
        let mut hash = 0xcbf2_9ce4_8422_2325;
        for part in parts {
            // The length goes in too, so that bytes cannot move from one part to the next unseen.
            let part = part.as_ref();
            for byte in (part.len() as u64).to_le_bytes().iter().chain(part) {
                hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
            }
        }
        Self { label, hash }
    }

    /// A key for migrations that are part of the program.
    pub fn of_migrator(label: &str, migrator: &Migrator) -> Self {
        let parts = migrator.iter().flat_map(|step| {
            [
                step.version.to_le_bytes().to_vec(),
                step.description.as_bytes().to_vec(),
                step.checksum.to_vec(),
            ]
        });
        Self::of_parts(label, parts)
    }

    /// A key for the files of a folder, without those in folders inside it.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn of_folder(label: &str, folder: &Path) -> Result<Self, TestPostgresError> {
        let read = || -> std::io::Result<Vec<Vec<u8>>> {
            let mut files = Vec::new();
            for entry in std::fs::read_dir(folder)? {
                let path = entry?.path();
                if path.is_file() {
                    files.push(path);
                }
            }
            files.sort();
            let name = |path: &PathBuf| path.file_name().unwrap_or_default().as_encoded_bytes().to_vec();
            let mut parts = Vec::new();
            for path in files {
                parts.extend([name(&path), std::fs::read(&path)?]);
            }
            Ok(parts)
        };
        let parts = read().map_err(needs(format!("to read {}", folder.display())))?;
        Ok(Self::of_parts(label, parts))
    }

    fn prefix(&self) -> String {
        format!("template_{}_", self.label)
    }

    fn database(&self) -> String {
        format!("{}{:016x}", self.prefix(), self.hash)
    }
}

/// A database of its own for one test. Dropping it drops the database, also when the test fails.
#[derive(Debug)]
pub struct TestPostgres {
    cluster: LocalPostgres,
    name: String,
    url: String,
    /// Held, shared, while the database is in use: who can hold it alone may sweep.
    _in_use: File,
}

impl TestPostgres {
    /// A copy of the template that `key` names. If there is none yet, `fill` makes it: it gets the address of
    /// an empty database, and closes its connections before it returns.
    ///
    /// # Errors
    /// No server programs, or `fill` failed: see [`TestPostgresError`].
    pub async fn new<F, Fut, E>(key: &TemplateKey, fill: F) -> Result<Self, TestPostgresError>
    where
        F: FnOnce(String) -> Fut,
        Fut: Future<Output = Result<(), E>>,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        Self::new_in(&shared_folder()?, IDLE_LIMIT_S, key, fill).await
    }

    /// [`Self::new`] on a cluster in another folder.
    async fn new_in<F, Fut, E>(
        folder: &Path,
        idle_limit_s: u32,
        key: &TemplateKey,
        fill: F,
    ) -> Result<Self, TestPostgresError>
    where
        F: FnOnce(String) -> Fut,
        Fut: Future<Output = Result<(), E>>,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let cluster = LocalPostgres::start(folder, Durability::Throwaway).await?;
        ensure_watchdog(&cluster, idle_limit_s)?;
        let mut admin = PgConnection::connect(&cluster.url(ADMIN)).await?;
        let setup = lock(cluster.dir().join("setup.lock"), File::lock).await?;
        let in_use = cluster.dir().join("databases.lock");
        if open(&in_use)?.try_lock().is_ok() {
            sweep(&mut admin, key).await?;
        }
        let in_use = lock(in_use, File::lock_shared).await?;
        let template = key.database();
        if !exists(&mut admin, &template).await? {
            fill_template(&cluster, &mut admin, &template, fill).await?;
        }
        drop(setup);

        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        // A killed process of the same number may have left one.
        drop_database(&mut admin, &name).await?;
        // Copying the files beats copying through the log, most of all where nothing is synced.
        run(&mut admin, format!("create database {name} template {template} strategy file_copy")).await?;
        admin.close().await?;
        let url = cluster.url(&name);
        Ok(Self { cluster, name, url, _in_use: in_use })
    }

    /// Where to connect, as a `postgres:` address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The database's name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for TestPostgres {
    fn drop(&mut self) {
        let (address, name) = (self.cluster.url(ADMIN), self.name.clone());
        // In a runtime of its own: the test's may be about to end, and cannot be waited in.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let mut admin = PgConnection::connect(&address).await?;
                drop_database(&mut admin, &name).await?;
                admin.close().await
            })
        });
        if let Ok(Err(error)) = dropping.join() {
            tracing::warn!(%error, database = self.name, "a test's database stays for the next sweep");
        }
    }
}

/// Below the target folder of the running test program, so that cleaning the build cleans this too.
fn shared_folder() -> Result<PathBuf, TestPostgresError> {
    let program = std::env::current_exe().map_err(needs("this program's path"))?;
    let user = std::fs::metadata("/proc/self").map_err(needs("/proc/self"))?.uid();
    let target = program.ancestors().find(|folder| folder.join("CACHEDIR.TAG").is_file());
    let parent = target.map_or_else(std::env::temp_dir, |target| target.join("tmp"));
    Ok(parent.join(format!("mizili-postgres-{user}")))
}

/// Starts the watchdog unless one is there. It belongs to no terminal and keeps nothing of this process open.
fn ensure_watchdog(cluster: &LocalPostgres, idle_limit_s: u32) -> Result<(), TestPostgresError> {
    if open(&cluster.dir().join("watchdog.lock"))?.try_lock().is_err() {
        return Ok(());
    }
    let status = Command::new("setsid")
        .args(["--fork", "sh", "-c", WATCHDOG, "mizili-test-postgres-watchdog"])
        .arg(cluster.dir())
        .arg(idle_limit_s.to_string())
        .args(cluster.stop_command_line())
        .current_dir("/")
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .map_err(needs("setsid, of the package util-linux"))?;
    if status.success() {
        return Ok(());
    }
    Err(needs("a watchdog (setsid)")(std::io::Error::other(status.to_string())))
}

/// Drops what killed tests left, and this kind's templates of other states of the migrations.
async fn sweep(admin: &mut PgConnection, key: &TemplateKey) -> Result<(), sqlx::Error> {
    let names: Vec<String> = sqlx::query_scalar("select datname::text from pg_database")
        .persistent(false)
        .fetch_all(&mut *admin)
        .await?;
    for name in names {
        let old = name.starts_with(&key.prefix()) && name != key.database();
        if name.starts_with("test_") || old {
            drop_database(admin, &name).await?;
        }
    }
    Ok(())
}

/// Makes the template under another name, so that one which has its name is whole.
async fn fill_template<F, Fut, E>(
    cluster: &LocalPostgres,
    admin: &mut PgConnection,
    template: &str,
    fill: F,
) -> Result<(), TestPostgresError>
where
    F: FnOnce(String) -> Fut,
    Fut: Future<Output = Result<(), E>>,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    let unfinished = format!("{template}_unfinished");
    drop_database(admin, &unfinished).await?;
    run(admin, format!("create database {unfinished} template template0 strategy file_copy")).await?;
    fill(cluster.url(&unfinished)).await.map_err(|error| TestPostgresError::Template(error.into()))?;
    // Nobody may be connected to a template when it is copied; from here on nobody can be.
    run(admin, format!("alter database {unfinished} allow_connections false")).await?;
    run(
        admin,
        format!("select pg_terminate_backend(pid) from pg_stat_activity where datname = '{unfinished}'"),
    )
    .await?;
    run(admin, format!("alter database {unfinished} rename to {template}")).await?;
    Ok(())
}

async fn exists(admin: &mut PgConnection, database: &str) -> Result<bool, sqlx::Error> {
    let sql = "select exists (select from pg_database where datname = $1)";
    sqlx::query_scalar(sql).bind(database).persistent(false).fetch_one(admin).await
}

/// Also while somebody is connected to it: the test that was is over.
async fn drop_database(admin: &mut PgConnection, name: &str) -> Result<(), sqlx::Error> {
    run(admin, format!("drop database if exists {name} with (force)")).await
}

/// All names in the statements are this module's own: letters, digits and underscores.
async fn run(admin: &mut PgConnection, sql: String) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(admin).await.map(|_| ())
}

fn open(path: &Path) -> Result<File, TestPostgresError> {
    let opened = File::options().create(true).append(true).open(path);
    opened.map_err(needs(format!("the lock file {}", path.display())))
}

/// Waits for a lock without holding up the runtime, which may be one thread that other tests' work needs.
async fn lock(path: PathBuf, how: fn(&File) -> std::io::Result<()>) -> Result<File, TestPostgresError> {
    let file = open(&path)?;
    let waited = tokio::task::spawn_blocking(move || how(&file).map(|()| file)).await;
    let locked = waited.map_err(std::io::Error::other).and_then(|locked| locked);
    locked.map_err(needs(format!("the lock on {}", path.display())))
}

fn needs(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> TestPostgresError {
    let what = what.into();
    move |source| TestPostgresError::File { what, source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    /// Longer than any test here, so that the watchdog plays no part.
    const NEVER_S: u32 = 3_600;

    fn key(label: &str, state: &str) -> TemplateKey {
        TemplateKey::of_parts(label, [state])
    }

    async fn fill(url: String) -> Result<(), sqlx::Error> {
        let mut connection = PgConnection::connect(&url).await?;
        run(&mut connection, "create table t (x text); insert into t values ('from the template')".into())
            .await
    }

    async fn database(folder: &Path, key: &TemplateKey) -> TestPostgres {
        TestPostgres::new_in(folder, NEVER_S, key, fill).await.unwrap()
    }

    async fn rows(database: &TestPostgres) -> Vec<String> {
        let mut connection = PgConnection::connect(database.url()).await.unwrap();
        sqlx::query_scalar("select x from t order by x").fetch_all(&mut connection).await.unwrap()
    }

    async fn all_databases(any: &TestPostgres) -> Vec<String> {
        let mut admin = PgConnection::connect(&any.cluster.url(ADMIN)).await.unwrap();
        sqlx::query_scalar("select datname::text from pg_database").fetch_all(&mut admin).await.unwrap()
    }

    async fn stop(folder: &Path) {
        LocalPostgres::start(folder, Durability::Throwaway).await.unwrap().stop().await.unwrap();
    }

    #[tokio::test]
    async fn each_test_has_its_own_copy_and_leaves_none() {
        let folder = tempfile::tempdir().unwrap();
        let filled = AtomicU32::new(0);
        let key = key("hub", "one");
        let make = || {
            TestPostgres::new_in(folder.path(), NEVER_S, &key, |url| {
                filled.fetch_add(1, Ordering::Relaxed);
                fill(url)
            })
        };
        let (a, b, c) = tokio::join!(make(), make(), make());
        let (a, b, c) = (a.unwrap(), b.unwrap(), c.unwrap());
        assert_eq!(filled.load(Ordering::Relaxed), 1, "the template is made once");
        let mut connection = PgConnection::connect(a.url()).await.unwrap();
        run(&mut connection, "insert into t values ('of a')".into()).await.unwrap();
        assert_eq!(rows(&a).await, ["from the template", "of a"]);
        assert_eq!(rows(&b).await, ["from the template"]);
        let gone = a.name().to_owned();
        drop(a); // though `connection` is still open
        assert!(!all_databases(&c).await.contains(&gone));
        drop((b, c));
        stop(folder.path()).await;
    }

    #[tokio::test]
    async fn the_next_test_sweeps_what_killed_ones_left() {
        let folder = tempfile::tempdir().unwrap();
        let first = database(folder.path(), &key("hub", "old")).await;
        let other = database(folder.path(), &key("other", "kept")).await;
        let mut admin = PgConnection::connect(&first.cluster.url(ADMIN)).await.unwrap();
        run(&mut admin, "create database test_1_77".into()).await.unwrap();
        drop((first, other));
        let next = database(folder.path(), &key("hub", "new")).await;
        let mut left = all_databases(&next).await;
        left.retain(|name| name.starts_with("te") && !matches!(name.as_str(), "template0" | "template1"));
        left.sort();
        let mut wanted = [next.name.clone(), key("hub", "new").database(), key("other", "kept").database()];
        wanted.sort();
        assert_eq!(left, wanted);
        let beside = database(folder.path(), &key("hub", "new")).await;
        assert_eq!(rows(&next).await.len(), 1, "a sweep is for who comes alone");
        drop((next, beside));
        stop(folder.path()).await;
    }

    #[tokio::test]
    async fn a_template_that_failed_is_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let key = key("hub", "one");
        let fails = |_| async { Err::<(), _>("step 3 is wrong") };
        let error = TestPostgres::new_in(folder.path(), NEVER_S, &key, fails).await.unwrap_err();
        assert_eq!(error.to_string(), "the template database could not be filled: step 3 is wrong");
        assert_eq!(rows(&database(folder.path(), &key).await).await.len(), 1);
        stop(folder.path()).await;
    }

    #[tokio::test]
    async fn the_server_ends_by_itself_and_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let (key, pid_file) = (key("hub", "one"), folder.path().join("data/postmaster.pid"));
        let first = TestPostgres::new_in(folder.path(), 1, &key, fill).await.unwrap();
        assert!(pid_file.exists());
        drop(first);
        let begun = Instant::now();
        while pid_file.exists() {
            assert!(begun.elapsed() < Duration::from_secs(60), "the watchdog did not stop the server");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let not_again = |_| async { Err::<(), _>("the template is still there") };
        let again = TestPostgres::new_in(folder.path(), 1, &key, not_again).await.unwrap();
        assert_eq!(rows(&again).await.len(), 1);
        drop(again);
        stop(folder.path()).await;
    }

    #[test]
    fn a_key_changes_with_all_that_goes_into_it() {
        let folder = tempfile::tempdir().unwrap();
        let of_folder = || TemplateKey::of_folder("hub", folder.path()).unwrap();
        std::fs::write(folder.path().join("0001_a.sql"), "create table a ()").unwrap();
        let one = of_folder();
        assert_eq!(one, of_folder());
        std::fs::rename(folder.path().join("0001_a.sql"), folder.path().join("0002_a.sql")).unwrap();
        let renamed = of_folder();
        std::fs::write(folder.path().join("0002_a.sql"), "create table b ()").unwrap();
        let changed = of_folder();
        assert!(one != renamed && renamed != changed && one != changed);
        let parts = |parts: [&str; 2]| TemplateKey::of_parts("hub", parts);
        assert_ne!(parts(["ab", "c"]), parts(["a", "bc"]));
        assert!(parts(["", ""]).database().len() < 64 - "_unfinished".len());
    }

    #[test]
    fn the_cluster_lies_below_the_target_folder() {
        let folder = shared_folder().unwrap();
        assert!(folder.parent().unwrap().parent().unwrap().join("CACHEDIR.TAG").is_file(), "{folder:?}");
    }
}
