//! The programs: a pooler before a database, and the hub with its addresses of both.

use mizili_hub::testing::postgres::TestPostgres;
use serde_json::Value;
use sqlx::postgres::PgConnectOptions;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{MetadataExt, chown};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

/// Connections of the pooler to Postgres.
pub(crate) const POOL: usize = 2;

/// A program that ends with the test.
pub(crate) struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // An error says that it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// PgBouncer before a database, on a socket in a folder of its own.
pub(crate) struct Pooler {
    pub(crate) url: String,
    _running: Running,
    _dir: TempDir,
}

impl Pooler {
    /// As the user of the server, since it does not run as root. It ends with this thread, also when that is killed.
    pub(crate) fn before(database: &TestPostgres) -> Self {
        let options: PgConnectOptions = database.url().parse().unwrap();
        let server = options.get_socket().unwrap();
        let owner = std::fs::metadata(server).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("pgbouncer.ini");
        let text = format!(
            "[databases]\n* = host=/proc/self/cwd port={} user=mizili\n\
             [pgbouncer]\npool_mode = transaction\ndefault_pool_size = {POOL}\nauth_type = any\n\
             unix_socket_dir = {}\nlisten_port = 6432\n",
            options.get_port(),
            dir.path().display(),
        );
        std::fs::write(&config, text).unwrap();
        chown(dir.path(), Some(owner.uid()), Some(owner.gid())).unwrap();
        // It works in the folder of the server's socket, since that user may not be let through the folders above it.
        let mut command = Command::new("setpriv");
        command.current_dir(server);
        command.args(["--pdeathsig", "KILL"]);
        if std::fs::metadata("/proc/self").unwrap().uid() == 0 {
            command.arg(format!("--reuid={}", owner.uid())).arg(format!("--regid={}", owner.gid()));
            command.arg("--clear-groups");
        }
        command.args(["--", "pgbouncer"]).arg(&config).env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let running = Running(child);
        let mut said = String::new();
        while !said.contains("process up") {
            let read = log.read_line(&mut said).unwrap();
            assert!(read > 0, "PgBouncer does not start; deploy/setup installs it: {said}");
        }
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        let dir_in_url = dir.path().to_str().unwrap().replace('/', "%2F");
        let url = format!(
            "postgres:///{}?host={dir_in_url}&port=6432&user=mizili&sslmode=disable",
            database.name()
        );
        Self { url, _running: running, _dir: dir }
    }
}

/// The hub's program with its folder and its addresses of one database.
pub(crate) struct Hub<'a> {
    pub(crate) dir: TempDir,
    pub(crate) pooler: &'a str,
    pub(crate) direct: &'a str,
}

impl Hub<'_> {
    pub(crate) fn program(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mizili-hub"));
        command.args(words).args(["--data-dir".as_ref(), self.dir.path().as_os_str()]);
        command.env("DATABASE_URL", self.pooler).env("DATABASE_DIRECT_URL", self.direct);
        for variable in ["PORT", "MIZILI_STATEMENTS", "MIZILI_JWT_SECRET", "MIZILI_HUB_KEYS", "RUST_LOG"] {
            command.env_remove(variable);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// What the program prints, which must succeed.
    #[track_caller]
    pub(crate) fn run(&self, words: &[&str], stdin: &str) -> Vec<Value> {
        let mut child = self.program(words).arg("--json").spawn().unwrap();
        child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
        let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
        assert!(status.success(), "{words:?}: {}", String::from_utf8_lossy(&stderr));
        String::from_utf8(stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Starts to serve.
    pub(crate) fn serve(&self) -> Serving {
        let mut child = self.program(&["serve", "--listen", "127.0.0.1:0"]).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let running = Running(child);
        let mut said = String::new();
        let address = loop {
            let before = said.len();
            assert!(log.read_line(&mut said).unwrap() > 0, "the hub does not start: {said}");
            if let Some((_, rest)) = said[before..].split_once("listening on ") {
                break rest.split(';').next().unwrap().to_owned();
            }
        };
        let said = Arc::new(Mutex::new(said));
        let told = said.clone();
        let lines = log.lines().map_while(Result::ok);
        std::thread::spawn(move || lines.for_each(|line| told.lock().unwrap().extend([&line, "\n"])));
        Serving { address, said, _running: running }
    }
}

/// A hub that serves.
pub(crate) struct Serving {
    pub(crate) address: String,
    said: Arc<Mutex<String>>,
    _running: Running,
}

impl Serving {
    /// What it has logged.
    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }
}
