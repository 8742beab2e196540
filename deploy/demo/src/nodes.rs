//! The two programs: starting, killing and ending them, and running their commands.

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::ffi::OsString;
use std::fs::File;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

/// How long a node may take to be ready. The hub makes a database cluster first.
const READY_WITHIN: Duration = Duration::from_secs(90);
/// How long a node may take to end.
const END_WITHIN: Duration = Duration::from_secs(30);
/// A line for each process that was started: its id.
pub const STARTED_FILE: &str = "started";
/// Ports that may be chosen lie below those that the system gives to clients: a node that was killed gets its port again.
const PORTS: std::ops::Range<u16> = 18_000..32_000;
/// How many of them are tried.
const PORT_TRIES: u64 = 500;

/// The programs and what was started of them.
pub struct Nodes {
    programs: PathBuf,
    home: PathBuf,
    hub: Option<Child>,
    edge: Option<Child>,
    /// Host and port of the hub.
    pub hub_address: String,
    /// Host and port of the office's node.
    pub edge_address: String,
    /// Variables that the office's program gets beside those of this process.
    pub edge_variables: Vec<(OsString, OsString)>,
}

/// A port that was free a moment ago.
fn free_address() -> Result<String> {
    use std::hash::{BuildHasher as _, RandomState};
    let random = RandomState::new();
    for n in 0..PORT_TRIES {
        let port = PORTS.start + (random.hash_one(n) % PORTS.len() as u64) as u16;
        if let Ok(listener) = TcpListener::bind(("127.0.0.1", port)) {
            return Ok(listener.local_addr()?.to_string());
        }
    }
    bail!("no free port")
}

impl Nodes {
    /// Programs stand beside this one; data goes below `home`.
    ///
    /// # Errors
    /// When a program is not there, or no port is free.
    pub fn new(home: &Path) -> Result<Self> {
        let own = std::env::current_exe().context("where am I")?;
        Self::of(own.parent().context("where am I")?, home).context("run `make demo`")
    }

    /// Programs stand in a folder; data goes below `home`.
    ///
    /// # Errors
    /// When a program is not there, or no port is free.
    pub fn of(programs: &Path, home: &Path) -> Result<Self> {
        for name in ["mizili-hub", "mizili-edge"] {
            ensure!(programs.join(name).exists(), "{name} is not in {}", programs.display());
        }
        Ok(Self {
            programs: programs.to_path_buf(),
            home: home.to_path_buf(),
            hub: None,
            edge: None,
            hub_address: free_address()?,
            edge_address: free_address()?,
            edge_variables: Vec::new(),
        })
    }

    /// Another office of the same hub, with its data below another folder.
    ///
    /// # Errors
    /// When no port is free.
    pub fn another_office(&self, home: &Path) -> Result<Self> {
        Ok(Self { hub_address: self.hub_address.clone(), ..Self::of(&self.programs, home)? })
    }

    /// Another hub on the same data: it shares database and keys.
    ///
    /// # Errors
    /// When no port is free.
    pub fn another_hub(&self) -> Result<Self> {
        Self::of(&self.programs, &self.home)
    }

    /// Where a program keeps its data.
    pub fn data_dir(&self, name: &str) -> PathBuf {
        self.home.join(name)
    }

    fn command(&self, name: &str, args: &[&str]) -> Command {
        let mut command = Command::new(self.programs.join(name));
        command.args(args).arg("--data-dir").arg(self.data_dir(name));
        // The demo is its own world: nothing of the caller's settings may lead it elsewhere.
        for (variable, _) in std::env::vars()
            .filter(|(v, _)| v.starts_with("MIZILI_") || v == "PORT" || v.starts_with("DATABASE_"))
        {
            command.env_remove(variable);
        }
        if name == "mizili-edge" {
            command.envs(self.edge_variables.iter().map(|(name, value)| (name, value)));
        }
        command
    }

    fn serve(&self, name: &str, address: &str) -> Result<Child> {
        let append = |file: String| File::options().create(true).append(true).open(self.home.join(file));
        let log = append(format!("{name}.log"))?;
        let mut command = self.command(name, &["serve", "--listen", address]);
        // A group of its own: Ctrl-C reaches only the demo, which ends its nodes in order.
        command.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).kill_on_drop(true);
        let child = command.spawn().with_context(|| format!("cannot start {name}"))?;
        if let Some(id) = child.id() {
            writeln!(append(STARTED_FILE.to_owned())?, "{id}")?;
        }
        Ok(child)
    }

    /// Starts the hub and waits until it is ready.
    ///
    /// # Errors
    /// When it ends, or is not ready in time.
    pub async fn start_hub(&mut self) -> Result<Duration> {
        self.hub = Some(self.serve("mizili-hub", &self.hub_address)?);
        until_ready(&self.hub_address, self.hub.as_mut()).await.context("the hub")
    }

    /// Starts the office's node and waits until it is ready.
    ///
    /// # Errors
    /// When it ends, or is not ready in time.
    pub async fn start_edge(&mut self) -> Result<Duration> {
        self.launch_edge()?;
        until_ready(&self.edge_address, self.edge.as_mut()).await.context("the office's node")
    }

    /// Starts the office's node without waiting for it.
    ///
    /// # Errors
    /// When the program cannot be run.
    pub fn launch_edge(&mut self) -> Result<()> {
        self.edge = Some(self.serve("mizili-edge", &self.edge_address)?);
        Ok(())
    }

    /// Pulls the plug of the office's node: SIGKILL.
    ///
    /// # Errors
    /// When it was not running.
    pub async fn kill_edge(&mut self) -> Result<()> {
        kill(self.edge.take()).await.context("the office's node")
    }

    /// Pulls the plug of the hub's program: SIGKILL. Its database goes on by itself, until the hub comes again.
    ///
    /// # Errors
    /// When it was not running.
    pub async fn kill_hub(&mut self) -> Result<()> {
        kill(self.hub.take()).await.context("the hub")
    }

    /// Runs a command of a node with `--json` and gives back the objects it prints.
    ///
    /// # Errors
    /// What the command said, when it failed or printed something else.
    pub async fn run(&self, name: &str, args: &[&str], input: &str) -> Result<Vec<Value>> {
        let mut command = self.command(name, args);
        command
            .arg("--json")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn().with_context(|| format!("cannot start {name}"))?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input.as_bytes()).await?;
        }
        let output = child.wait_with_output().await?;
        if !output.status.success() {
            bail!("{name} {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr).trim());
        }
        let text = String::from_utf8(output.stdout).context("output is not UTF-8")?;
        text.lines()
            .map(|line| serde_json::from_str(line).with_context(|| format!("{name} printed: {line}")))
            .collect()
    }

    /// Runs a command that prints one object.
    ///
    /// # Errors
    /// As [`Nodes::run`].
    pub async fn ask(&self, name: &str, args: &[&str], input: &str) -> Result<Value> {
        let mut printed = self.run(name, args, input).await?;
        ensure!(printed.len() == 1, "{name} {} printed {} objects", args.join(" "), printed.len());
        printed.pop().context("nothing printed")
    }

    /// The ends of the nodes' logs, for when something went wrong.
    pub fn show_logs(&self) {
        for name in ["mizili-hub", "mizili-edge"] {
            let log = std::fs::read_to_string(self.home.join(format!("{name}.log"))).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            eprintln!("\nLast words of {name}:");
            lines[lines.len().saturating_sub(15)..].iter().for_each(|line| eprintln!("  {line}"));
        }
    }

    /// Ends what was started: the office first, then the hub with its database.
    pub async fn stop(&mut self) {
        for node in [self.edge.take(), self.hub.take()].into_iter().flatten() {
            end(node).await;
        }
    }
}

async fn kill(node: Option<Child>) -> Result<()> {
    let mut node = node.context("was not running")?;
    node.start_kill()?;
    node.wait().await?;
    Ok(())
}

async fn end(mut node: Child) {
    if let Some(pid) = node.id() {
        let _ = Command::new("kill").args(["-TERM", &pid.to_string()]).status().await;
    }
    if tokio::time::timeout(END_WITHIN, node.wait()).await.is_err() {
        let _ = node.kill().await;
    }
}

async fn until_ready(address: &str, node: Option<&mut Child>) -> Result<Duration> {
    let started = Instant::now();
    let node = node.context("not started")?;
    let client = reqwest::Client::new();
    loop {
        if let Some(status) = node.try_wait()? {
            bail!("ended at once: {status}");
        }
        let answer =
            client.get(format!("http://{address}/readyz")).timeout(Duration::from_secs(2)).send().await;
        if answer.is_ok_and(|a| a.status().is_success()) {
            return Ok(started.elapsed());
        }
        ensure!(started.elapsed() < READY_WITHIN, "not ready after {} s", READY_WITHIN.as_secs());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
