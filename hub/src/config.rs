//! Where the hub keeps its things and finds its database, and how it opens it: an address that was given, or a private Postgres
//! in the data folder.

use crate::clock::DatabaseClock;
use crate::db::{Db, migrate};
use crate::postgres::{Durability, LocalPostgres};
use crate::secret_file;
use anyhow::{Context as _, Result, bail};
use mizili_node::deps::{Deps, Ids};
use mizili_node::folder::{self, Other};
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The database's name in the private Postgres.
const DATABASE: &str = "mizili";

/// Whose data folder the hub's must not be.
const EDGE: Other = Other { program: "mizili-edge", signs: &["edge.db"] };

/// What an operator sets, by flags or the environment.
#[derive(Clone, Debug)]
pub struct Config {
    /// Folder of everything the hub keeps on this machine.
    pub data_dir: PathBuf,
    /// The database's address; none for a private Postgres in the data folder.
    pub database_url: Option<String>,
    /// An address of the same database that keeps its session; the same where there is no transaction-mode pooler.
    pub direct_url: Option<String>,
}

/// An open database, the private Postgres that it may be in, and the time, which is its own.
pub struct Opened {
    /// The database.
    pub db: Db,
    /// The private Postgres, unless an address was given.
    pub local: Option<LocalPostgres>,
    /// The database's time.
    pub clock: Arc<DatabaseClock>,
    ids: Arc<dyn Ids>,
}

impl Config {
    /// Opens the database. A private one is brought up to date; for one of another's keeping that is left to
    /// `mizili-hub migrate` and `serve`.
    ///
    /// # Errors
    /// What could not be made or reached, and what to do.
    pub async fn open(&self) -> Result<Opened> {
        self.open_on(Deps::real()).await
    }

    /// The same on a machine with this clock.
    ///
    /// # Errors
    /// As [`Config::open`].
    pub async fn open_on(&self, machine: Deps) -> Result<Opened> {
        let (db, local) = self.connected().await?;
        let told = DatabaseClock::over(machine.clock, &db).await;
        match told.context("the database does not tell the time") {
            Ok(clock) => Ok(Opened { db, local, clock, ids: machine.ids }),
            Err(error) => {
                if let Some(local) = local {
                    // The cause counts, as below.
                    let _ = local.stop().await;
                }
                Err(error)
            }
        }
    }

    async fn connected(&self) -> Result<(Db, Option<LocalPostgres>)> {
        self.make_data_dir()?;
        if let Some(url) = &self.database_url {
            let direct_url = self.direct_url.as_ref().unwrap_or(url);
            let db =
                Db::connect(url, direct_url).await.context("cannot reach the database of DATABASE_URL")?;
            return Ok((db, None));
        }
        let local = LocalPostgres::start(&self.data_dir.join("postgres"), Durability::Durable).await?;
        match open_local(&local).await {
            Ok(db) => Ok((db, Some(local))),
            Err(error) => {
                // The cause counts; that its server also did not stop would hide it.
                let _ = local.stop().await;
                Err(error)
            }
        }
    }

    /// Refuses what cannot be the hub's data folder, before anything is made there.
    pub(crate) fn check_data_dir(&self) -> Result<()> {
        match folder::check(&self.data_dir, EDGE) {
            Ok(()) => Ok(()),
            Err(why) => bail!(why),
        }
    }

    /// Makes the data folder, open to its owner alone: it holds the hub's keys.
    pub(crate) fn make_data_dir(&self) -> Result<()> {
        self.check_data_dir()?;
        let dir = &self.data_dir;
        let made = match dir
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
            .map_or(Ok(()), fs::create_dir_all)
        {
            Ok(()) => DirBuilder::new().mode(0o700).create(dir),
            Err(error) => Err(error),
        };
        match made {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && dir.is_dir() => Ok(()),
            made => made
                .and_then(|()| secret_file::sync_folder_of(dir))
                .with_context(|| format!("cannot make the data folder {}", dir.display())),
        }
    }

    /// Whether there is no hub yet: the private Postgres would have to be made.
    pub fn is_new(&self) -> bool {
        self.database_url.is_none() && !self.data_dir.join("postgres").exists()
    }

    /// The data folder.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }
}

async fn open_local(local: &LocalPostgres) -> Result<Db> {
    local.create_database_if_missing(DATABASE).await?;
    let url = local.url(DATABASE);
    migrate(&url).await.context("the private database could not be brought up to date")?;
    Db::connect(&url, &url).await.context("cannot reach the private Postgres that was just started")
}

impl Opened {
    /// What everything is handed that works with this database: its time, and ids of this machine.
    pub fn deps(&self) -> Deps {
        Deps { clock: self.clock.clone(), ids: self.ids.clone() }
    }

    /// Closes connections, and stops the private Postgres unless another process uses it.
    ///
    /// # Errors
    /// The private Postgres did not stop.
    pub async fn close(self) -> Result<()> {
        self.db.close().await;
        if let Some(local) = self.local {
            local.stop().await?;
        }
        Ok(())
    }
}
