//! One cluster's server: makes the cluster, starts it, tells whether it runs, stops it.
//! Callers hold the start lock. It must never listen on a network, nor leave half a cluster under its name.

use super::account::{Account, DATA};
use super::error::{PostgresError, at};
use super::folder::{Folder, PORT};
use super::programs::{Places, Programs};
use super::settings::{SETTINGS, settings};
use super::{Durability, USER};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{Connection, Row};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// How long a server that is there may take to answer: it may be recovering what a power cut broke off.
const ANSWER_TIMEOUT_S: u64 = 120;
/// How long `pg_ctl` waits for a start, which includes that recovery.
const START_TIMEOUT_S: &str = "600";
/// How long an orderly stop may take before an immediate one.
const STOP_TIMEOUT_S: &str = "60";
/// One attempt to connect over a local socket.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(50);
/// How long the processes of a server that was killed may take to notice and end.
const ORPHANS_TIMEOUT: Duration = Duration::from_secs(20);
/// How much of a log goes into an error.
const LOG_TAIL_BYTES: u64 = 1_500;

/// A cluster whose folder is there and whose programs are installed.
#[derive(Debug, Clone)]
pub(super) struct Server {
    pub(super) folder: Folder,
    account: Account,
    programs: Programs,
    durability: Durability,
}

/// Whose process the cluster's process id names.
enum Holder {
    /// Nobody's any more, or another program's that got the number since.
    Nobody,
    /// The cluster's server.
    Server(u32),
}

impl Server {
    pub(super) fn open(dir: &Path, durability: Durability) -> Result<Self, PostgresError> {
        let folder = Folder::open(dir)?;
        let account = Account::choose(&folder.dir, &folder.data())?;
        let programs = match folder.made_by().and_then(|made_by| find(&folder, made_by)) {
            // A throwaway cluster that no program can run is made afresh by the start.
            Err(_) if durability == Durability::Throwaway => find(&folder, None)?,
            found => found?,
        };
        Ok(Self { folder, account, programs, durability })
    }

    /// Makes sure that the server runs. True if it had to be started.
    pub(super) async fn ensure_running(&self) -> Result<bool, PostgresError> {
        if self.answers_in_time().await? {
            self.check_durable().await?;
            return Ok(false);
        }
        if self.durability == Durability::Throwaway {
            self.discard_if_older_than_boot()?;
        }
        match self.make_and_start().await {
            Err(error) if self.durability == Durability::Throwaway => {
                tracing::warn!(%error, "making the throwaway database afresh");
                self.discard()?;
                self.make_and_start().await?;
            }
            started => started?,
        }
        Ok(true)
    }

    /// Stops the server: sessions are ended, what they had committed is on disk.
    pub(super) async fn stop(&self) -> Result<(), PostgresError> {
        let mut detail = String::new();
        for mode in ["fast", "immediate"] {
            if matches!(self.holder()?, Holder::Nobody) {
                return Ok(());
            }
            let mut command = self.command("pg_ctl", &stop_arguments(mode))?;
            let output = command.output().await.map_err(at("pg_ctl"))?;
            if output.status.success() {
                return Ok(());
            }
            detail = text_of(&output.stderr);
        }
        Err(PostgresError::Program { attempted: "stopping Postgres", detail })
    }

    /// The command line of an orderly stop, for a program that outlives this one. It wants the data folder,
    /// opened, as its standard input.
    #[cfg(feature = "testing")]
    pub(super) fn stop_command_line(&self) -> Vec<std::ffi::OsString> {
        self.account.command_line(&self.programs.program("pg_ctl"), &stop_arguments("fast"))
    }

    /// How to connect to one of the server's databases.
    pub(super) fn options(&self, database: &str) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .socket(&self.folder.socket)
            .port(PORT)
            .username(USER)
            .database(database)
            .ssl_mode(PgSslMode::Disable)
    }

    pub(super) async fn connect(&self, database: &str) -> Result<PgConnection, sqlx::Error> {
        let options = self.options(database);
        match tokio::time::timeout(CONNECT_TIMEOUT, PgConnection::connect_with(&options)).await {
            Ok(connected) => connected,
            Err(_) => Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())),
        }
    }

    /// Waits for a server that is there. False where there is none.
    async fn answers_in_time(&self) -> Result<bool, PostgresError> {
        let begun = Instant::now();
        loop {
            if self.answers().await? {
                return Ok(true);
            }
            match self.holder()? {
                Holder::Nobody => {
                    // Postgres would take any process with that number, even one that has ended and was not
                    // yet waited for, for its server, and refuse to start.
                    for stale in [self.folder.pid_file(), self.folder.socket_lock()] {
                        remove_file(&stale)?;
                    }
                    return Ok(false);
                }
                Holder::Server(pid) if begun.elapsed().as_secs() >= ANSWER_TIMEOUT_S => {
                    return Err(PostgresError::NotAnswering {
                        pid,
                        waited_s: ANSWER_TIMEOUT_S,
                        log: self.folder.log(),
                    });
                }
                Holder::Server(_) => tokio::time::sleep(POLL).await,
            }
        }
    }

    /// Whether the server takes connections now.
    async fn answers(&self) -> Result<bool, PostgresError> {
        match self.connect("postgres").await {
            Ok(connection) => {
                connection.close().await.ok();
                Ok(true)
            }
            Err(sqlx::Error::Database(refusal)) => match refusal.code().as_deref() {
                Some("57P03") => Ok(false), // cannot_connect_now: it starts or stops
                Some("53300") => Ok(true),  // too_many_connections: others are served
                _ => Err(PostgresError::Database {
                    attempted: "connecting to the private database",
                    source: sqlx::Error::Database(refusal),
                }),
            },
            Err(_) => Ok(false),
        }
    }

    /// Looks at the process that the cluster's process id names.
    fn holder(&self) -> Result<Holder, PostgresError> {
        let Some(pid) = self.folder.pid().filter(|pid| !has_ended(*pid)) else { return Ok(Holder::Nobody) };
        // The server's processes work inside the data folder.
        let data = self.folder.data();
        let ours = std::fs::metadata(&data).map_err(at(data))?;
        let is_server = match std::fs::metadata(format!("/proc/{pid}/cwd")) {
            Ok(theirs) => (theirs.dev(), theirs.ino()) == (ours.dev(), ours.ino()),
            // A root without all of root's rights may not look there, but everyone may read the name.
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                let name = std::fs::read_to_string(format!("/proc/{pid}/comm"));
                name.is_ok_and(|name| name.trim() == "postgres")
            }
            Err(_) => false,
        };
        Ok(if is_server { Holder::Server(pid) } else { Holder::Nobody })
    }

    async fn check_durable(&self) -> Result<(), PostgresError> {
        if self.durability == Durability::Throwaway {
            return Ok(());
        }
        let failed = |source| PostgresError::Database { attempted: "reading a setting", source };
        let mut connection = self.connect("postgres").await.map_err(failed)?;
        let row = sqlx::raw_sql("show fsync").fetch_one(&mut connection).await.map_err(failed)?;
        let fsync: String = row.try_get(0).map_err(failed)?;
        connection.close().await.ok();
        if fsync == "on" { Ok(()) } else { Err(PostgresError::NotDurable { dir: self.folder.dir.clone() }) }
    }

    async fn make_and_start(&self) -> Result<(), PostgresError> {
        if self.folder.made_by()?.is_none() {
            self.make().await?;
        }
        self.write_settings().await?;
        self.folder.prepare_socket(&self.account)?;
        let begun = Instant::now();
        loop {
            match self.start().await {
                // The server was killed a moment ago; its last processes end as they notice.
                Err(PostgresError::Program { detail, .. })
                    if detail.contains("is still in use") && begun.elapsed() < ORPHANS_TIMEOUT =>
                {
                    tokio::time::sleep(POLL).await;
                }
                started => return started,
            }
        }
    }

    /// Makes an empty cluster. It gets its name when it is whole, so a start that was killed leaves none.
    async fn make(&self) -> Result<(), PostgresError> {
        let unfinished = self.folder.unfinished();
        remove_folder(&unfinished)?;
        self.account.private_folder(&unfinished)?;
        let mut arguments = vec!["-D", DATA, "--username", USER, "--encoding", "UTF8", "--locale", "C.UTF-8"];
        arguments.extend(["--auth-local", "trust", "--auth-host", "reject"]);
        arguments.push(match self.durability {
            Durability::Durable => "--data-checksums",
            Durability::Throwaway => "--no-sync",
        });
        let attempted = "making the database (initdb)";
        let program = self.programs.program("initdb");
        run(self.account.command(&unfinished, &program, &arguments)?, attempted).await?;
        // The account itself writes into its folder: a root that wrote there could be led elsewhere by a link.
        let include = format!("printf '\\ninclude = %s\\n' \"'{SETTINGS}'\" >>{DATA}/postgresql.conf");
        run(self.account.command(&unfinished, Path::new("/bin/sh"), &["-c", &include])?, attempted).await?;
        let data = self.folder.data();
        std::fs::rename(&unfinished, &data).map_err(at(&data))?;
        if self.durability == Durability::Throwaway {
            let mark = self.boot_mark();
            std::fs::write(&mark, boot_id()?).map_err(at(mark))?;
        }
        File::open(&self.folder.dir).and_then(|dir| dir.sync_all()).map_err(at(&self.folder.dir))?;
        tracing::info!(folder = %data.display(), version = self.programs.major, "made a private Postgres");
        Ok(())
    }

    async fn write_settings(&self) -> Result<(), PostgresError> {
        let settings = settings(self.durability, &self.folder.socket_setting());
        let script = format!(
            "printf %s \"$1\" >{DATA}/{SETTINGS}.new && mv -f {DATA}/{SETTINGS}.new {DATA}/{SETTINGS}"
        );
        let arguments = ["-c", &script, "sh", &settings];
        let command = self.account.command(&self.folder.data(), Path::new("/bin/sh"), &arguments)?;
        run(command, "writing the settings of Postgres").await
    }

    /// Starts the server, in a session of its own: `pg_ctl` sees to that.
    async fn start(&self) -> Result<(), PostgresError> {
        let log = self.folder.open_log()?;
        let before = log.metadata().map_err(at(self.folder.log()))?.len();
        let to_log = || log.try_clone().map(Stdio::from).map_err(at(self.folder.log()));
        let mut command = self.command("pg_ctl", &["-D", DATA, "-w", "-t", START_TIMEOUT_S, "start"])?;
        // Not a pipe: the server keeps it for its log.
        let status = command.stdout(to_log()?).stderr(to_log()?).status().await.map_err(at("pg_ctl"))?;
        if status.success() {
            tracing::info!(folder = %self.folder.dir.display(), "started the private Postgres");
            return Ok(());
        }
        let detail = self.log_since(before);
        Err(PostgresError::Program { attempted: "starting Postgres (pg_ctl start)", detail })
    }

    /// The end of what the log says since a start.
    fn log_since(&self, before: u64) -> String {
        let read = || -> std::io::Result<String> {
            let mut log = File::open(self.folder.log())?;
            let from = before.max(log.metadata()?.len().saturating_sub(LOG_TAIL_BYTES));
            log.seek(SeekFrom::Start(from))?;
            let mut tail = Vec::new();
            log.read_to_end(&mut tail)?;
            Ok(text_of(&tail))
        };
        read().unwrap_or_else(|_| format!("see {}", self.folder.log().display()))
    }

    fn command<A: AsRef<OsStr>>(
        &self,
        name: &str,
        args: &[A],
    ) -> Result<tokio::process::Command, PostgresError> {
        self.account.command(&self.folder.data(), &self.programs.program(name), args)
    }

    /// Deletes a throwaway cluster.
    fn discard(&self) -> Result<(), PostgresError> {
        remove_folder(&self.folder.data())
    }

    /// Without fsync, a machine that went down may have torn any file.
    fn discard_if_older_than_boot(&self) -> Result<(), PostgresError> {
        let made_in = std::fs::read_to_string(self.boot_mark()).unwrap_or_default();
        if made_in == boot_id()? { Ok(()) } else { self.discard() }
    }

    fn boot_mark(&self) -> std::path::PathBuf {
        self.folder.dir.join("made-in-boot")
    }
}

fn find(folder: &Folder, made_by: Option<u32>) -> Result<Programs, PostgresError> {
    Programs::find(&Places::of_this_machine(), &folder.dir, made_by)
}

fn stop_arguments(mode: &str) -> [&str; 8] {
    ["-D", DATA, "-m", mode, "-w", "-t", STOP_TIMEOUT_S, "stop"]
}

async fn run(mut command: tokio::process::Command, attempted: &'static str) -> Result<(), PostgresError> {
    let output = command.output().await.map_err(at("/bin/sh"))?;
    if output.status.success() {
        return Ok(());
    }
    let detail = text_of(if output.stderr.is_empty() { &output.stdout } else { &output.stderr });
    Err(PostgresError::Program { attempted, detail })
}

/// What a program said, without the name by which only it knows the folder.
fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace(DATA, "its data folder").trim().to_owned()
}

/// Whether no such process runs. The letter after the name in brackets is its state.
fn has_ended(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.map_or(true, |stat| {
        let state = stat.rsplit(')').next().and_then(|rest| rest.trim_start().chars().next());
        matches!(state, None | Some('Z' | 'X'))
    })
}

fn remove_file(path: &Path) -> Result<(), PostgresError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(at(path)),
    }
}

fn remove_folder(path: &Path) -> Result<(), PostgresError> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(at(path)),
    }
}

fn boot_id() -> Result<String, PostgresError> {
    const BOOT: &str = "/proc/sys/kernel/random/boot_id";
    std::fs::read_to_string(BOOT).map_err(at(BOOT))
}
