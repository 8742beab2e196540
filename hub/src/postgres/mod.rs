//! The hub's own Postgres, for when no `DATABASE_URL` names another: a cluster in the data folder, made by
//! the installed server programs, on a local socket that only its account can reach.
//! It must never listen on a network, run as root, be started twice, or be stopped under somebody who uses it.
//!
//! Any number of the hub's commands may use one cluster at once. Each calls [`LocalPostgres::start`], which
//! starts the server or joins the one that runs, also one that a killed hub left behind; each ends with
//! [`LocalPostgres::stop`], and the last one stops the server. Who uses it is told by a lock on a file, which
//! the system gives back when a process ends, however it ends.
//!
//! ```text
//! <folder>/data/             the cluster, of the account that runs it
//! <folder>/socket/           its socket (elsewhere where the path would be too long for one)
//! <folder>/postgres.log      the server's log
//! <folder>/start.lock        held during a start or a stop
//! <folder>/users.lock        held, shared, by everyone who uses the server
//! ```

mod account;
pub mod environment;
mod error;
mod folder;
mod programs;
mod server;
mod settings;

pub use error::PostgresError;

use folder::{lock_alone, lock_file, try_lock_alone};
use server::Server;
use std::fs::File;
use std::path::Path;

/// The cluster's only role, and the name of the hub's database.
pub const USER: &str = "mizili";

/// What may be lost when the machine goes down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Nothing that was committed. For real use.
    Durable,
    /// Everything: faster, for tests. A cluster that does not start, or is older than the machine's last
    /// start, is made afresh.
    Throwaway,
}

/// What became of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// It was stopped; all that was committed is on disk.
    Server,
    /// Another process uses it, and will stop it.
    LeftRunning,
}

/// A running private Postgres. Dropped without [`Self::stop`], it leaves the server running, for the next
/// one who starts it to find.
#[derive(Debug)]
#[must_use = "end it with `stop`, or its server goes on running"]
pub struct LocalPostgres {
    server: Server,
    users: File,
    started: bool,
}

impl LocalPostgres {
    /// Starts the server of the cluster in `dir`, or joins the one that runs; makes folder and cluster where
    /// there are none. Returns when it answers, which takes about two seconds for a new cluster and may
    /// take minutes after a power cut.
    ///
    /// # Errors
    /// Every [`PostgresError`]: each says what to do.
    pub async fn start(dir: &Path, durability: Durability) -> Result<Self, PostgresError> {
        let server = Server::open(dir, durability)?;
        let guard = lock_alone(server.folder.start_lock()).await?;
        let started = server.ensure_running().await?;
        let users = lock_file(&server.folder.users_lock())?;
        users.lock_shared().map_err(error::at(server.folder.users_lock()))?;
        drop(guard);
        Ok(Self { server, users, started })
    }

    /// Whether this call of [`Self::start`] started the server, rather than joining one that ran.
    pub fn started_here(&self) -> bool {
        self.started
    }

    /// The folder, absolute and without links.
    pub fn dir(&self) -> &Path {
        &self.server.folder.dir
    }

    /// Where to connect for one of the databases, as a `postgres:` address that sqlx and psql take.
    pub fn url(&self, database: &str) -> String {
        let socket = percent_encode(self.server.folder.socket.as_os_str().as_encoded_bytes());
        let database = percent_encode(database.as_bytes());
        format!("postgres:///{database}?host={socket}&port={}&user={USER}&sslmode=disable", folder::PORT)
    }

    /// Makes the database if it is missing; true if it was. Two processes may ask at once.
    ///
    /// # Errors
    /// A name other than lower-case letters, digits and underscores, or the server's refusal.
    pub async fn create_database_if_missing(&self, database: &str) -> Result<bool, PostgresError> {
        check_name(database)?;
        let failed = |source| PostgresError::Database { attempted: "making a database", source };
        let mut connection = self.server.connect("postgres").await.map_err(failed)?;
        // The name was checked above: it needs no quoting.
        let statement = sqlx::AssertSqlSafe(format!("create database \"{database}\""));
        match sqlx::raw_sql(statement).execute(&mut connection).await {
            Ok(_) => Ok(true),
            Err(sqlx::Error::Database(refusal)) if is_taken(refusal.code().as_deref()) => Ok(false),
            Err(source) => Err(failed(source)),
        }
    }

    /// Starts the server again if it has gone (killed for want of memory, say); true if it had. For the hub to
    /// call while it serves, when connections fail.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn ensure_running(&self) -> Result<bool, PostgresError> {
        let _guard = lock_alone(self.server.folder.start_lock()).await?;
        self.server.ensure_running().await
    }

    /// Gives up this process's use, and stops the server if nobody else uses it. Sessions that are still open
    /// are ended.
    ///
    /// # Errors
    /// The server could not be stopped.
    pub async fn stop(self) -> Result<Stopped, PostgresError> {
        let _guard = lock_alone(self.server.folder.start_lock()).await?;
        // Not by closing it, as `Alone` says.
        self.users.unlock().map_err(error::at(self.server.folder.users_lock()))?;
        let Some(_alone) = try_lock_alone(&self.server.folder.users_lock())? else {
            tracing::info!("another process still uses the private Postgres: it stays up");
            return Ok(Stopped::LeftRunning);
        };
        self.server.stop().await?;
        tracing::info!("stopped the private Postgres");
        Ok(Stopped::Server)
    }

    /// The command line that stops the server for a program that outlives this process, which runs it holding
    /// the start lock, with the folder `data` as its standard input.
    #[cfg(feature = "testing")]
    pub(crate) fn stop_command_line(&self) -> Vec<std::ffi::OsString> {
        self.server.stop_command_line()
    }
}

/// `duplicate_database`, or the unique violation that the slower of two simultaneous creations gets.
fn is_taken(code: Option<&str>) -> bool {
    matches!(code, Some("42P04" | "23505"))
}

fn check_name(database: &str) -> Result<(), PostgresError> {
    let usable = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if (1..=63).contains(&database.len()) && database.chars().all(usable) {
        return Ok(());
    }
    Err(PostgresError::DatabaseName(database.to_owned()))
}

fn percent_encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"/-._".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a process that is about to be started holds, until it becomes another program.
    #[tokio::test]
    async fn a_copy_of_the_lock_that_somebody_holds_for_a_moment_is_no_other_user() {
        let folder = tempfile::tempdir().unwrap();
        let postgres = LocalPostgres::start(folder.path(), Durability::Throwaway).await.unwrap();
        let copy = postgres.users.try_clone().unwrap();
        assert_eq!(postgres.stop().await.unwrap(), Stopped::Server);
        drop(copy);
    }

    #[test]
    fn a_socket_path_survives_the_address() {
        let path = "/tmp/a b&c=d?e#f%g+é";
        let url = format!("postgres:///x?host={}&user=u", percent_encode(path.as_bytes()));
        let options: sqlx::postgres::PgConnectOptions = url.parse().unwrap();
        assert_eq!(options.get_socket().map(|p| p.to_str().unwrap()), Some(path));
    }

    #[test]
    fn only_plain_database_names_are_taken() {
        for good in ["mizili", "test_1_2", &"x".repeat(63)] {
            check_name(good).unwrap();
        }
        for bad in ["", "a\"b", "Mizili", "a b", "naïve", &"x".repeat(64)] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }
}
