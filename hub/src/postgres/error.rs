//! What can go wrong with the hub's own Postgres, in words that tell the reader what to do.
//! It must never carry a password or a row.

use std::path::PathBuf;

/// A failure to find, make, start, reach or stop the private Postgres. None is worth an automatic retry:
/// each needs a person, and its text says what that person can do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PostgresError {
    /// No server programs, or none new enough, on this machine.
    #[error(
        "PostgreSQL {least} or newer is not installed (looked in {looked_in}). Install the Debian package \
         `postgresql` (sudo apt-get install postgresql), or set DATABASE_URL to a database that runs elsewhere."
    )]
    NotInstalled {
        /// The oldest major version that will do.
        least: u32,
        /// The places that were searched, for reading.
        looked_in: String,
    },

    /// The folder holds a cluster of a major version that is not installed.
    #[error(
        "The database in {} was made by PostgreSQL {made_by}, which is not installed. Install the Debian \
         package `postgresql-{made_by}`, or move the data over with pg_upgrade.", dir.display()
    )]
    WrongVersion {
        /// Folder of the cluster.
        dir: PathBuf,
        /// Major version that made it.
        made_by: u32,
    },

    /// The folder belongs to an account that this process may not act for.
    #[error("The database folder {} belongs to {owner}. {advice}", dir.display())]
    NotOwner {
        /// The folder.
        dir: PathBuf,
        /// Its owner, for reading.
        owner: String,
        /// What to do about it.
        advice: &'static str,
    },

    /// Run as root on a machine with no account to run Postgres as.
    #[error(
        "Postgres does not run as root, and this machine has neither an account `postgres` nor `nobody`. \
         Start the hub as an ordinary user."
    )]
    NoAccount,

    /// A file, folder or program cannot be used at all.
    #[error("Could not use {} for the database: {source}", path.display())]
    Folder {
        /// What was read, written or made.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },

    /// There are files where the cluster should be, but they are not a cluster.
    #[error(
        "{} is not a Postgres data folder: its PG_VERSION is missing or unreadable. Move it away to start \
         with an empty database, or put back the one that belongs there.", dir.display()
    )]
    NotACluster {
        /// The folder.
        dir: PathBuf,
    },

    /// `initdb` or `pg_ctl` failed.
    #[error("{attempted} failed: {detail}")]
    Program {
        /// What was attempted.
        attempted: &'static str,
        /// The last lines that the program or the server's log said.
        detail: String,
    },

    /// A server process is there, but takes no connection.
    #[error(
        "Postgres (process {pid}) has not answered for {waited_s} seconds. It may still be recovering after a \
         power cut: look into {}, wait, and try again.", log.display()
    )]
    NotAnswering {
        /// Process id of the server.
        pid: u32,
        /// How long was waited, in seconds.
        waited_s: u64,
        /// The server's log.
        log: PathBuf,
    },

    /// A server that may lose acknowledged writes was found running where durable ones are needed.
    #[error(
        "The Postgres that runs in {} does not keep its writes safe (fsync is off). Stop what uses it, then \
         start again.", dir.display()
    )]
    NotDurable {
        /// Folder of the cluster.
        dir: PathBuf,
    },

    /// A database name other than lower-case letters, digits and underscores, at most 63.
    #[error(
        "`{0}` is not a usable database name: use lower-case letters, digits and underscores, at most 63"
    )]
    DatabaseName(String),

    /// The server refused or broke off a statement of this module.
    #[error("Postgres refused while {attempted}: {source}")]
    Database {
        /// What was attempted.
        attempted: &'static str,
        /// The driver's error.
        source: sqlx::Error,
    },
}

/// Turns an input or output error into one that names the path.
pub(super) fn at(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> PostgresError {
    let path = path.into();
    move |source| PostgresError::Folder { path, source }
}
