//! The two programs: starting, killing and ending them, and running their commands.

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::fs::File;
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

/// The programs and what was started of them.
pub(crate) struct Nodes {
    programs: PathBuf,
    home: PathBuf,
    hub: Option<Child>,
    edge: Option<Child>,
    /// Host and port of the hub.
    pub(crate) hub_address: String,
    /// Host and port of the office's node.
    pub(crate) edge_address: String,
}

/// A port that was free a moment ago.
fn free_address() -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").context("no free port")?;
    Ok(listener.local_addr()?.to_string())
}

impl Nodes {
    /// Programs stand beside this one; data goes below `home`.
    pub(crate) fn new(home: &Path) -> Result<Self> {
        let own = std::env::current_exe().context("where am I")?;
        let programs = own.parent().context("where am I")?.to_path_buf();
        for name in ["mizili-hub", "mizili-edge"] {
            ensure!(programs.join(name).exists(), "{name} is not beside the demo; run `make demo`");
        }
        let (hub_address, edge_address) = (free_address()?, free_address()?);
        Ok(Self { programs, home: home.to_path_buf(), hub: None, edge: None, hub_address, edge_address })
    }

    fn data_dir(&self, name: &str) -> PathBuf {
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
        command
    }

    fn serve(&self, name: &str, address: &str) -> Result<Child> {
        let log = File::options().create(true).append(true).open(self.home.join(format!("{name}.log")))?;
        let mut command = self.command(name, &["serve", "--listen", address]);
        // A group of its own: Ctrl-C reaches only the demo, which ends its nodes in order.
        command.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).kill_on_drop(true);
        command.spawn().with_context(|| format!("cannot start {name}"))
    }

    /// Starts the hub and waits until it is ready.
    pub(crate) async fn start_hub(&mut self) -> Result<Duration> {
        self.hub = Some(self.serve("mizili-hub", &self.hub_address)?);
        until_ready(&self.hub_address, self.hub.as_mut()).await.context("the hub")
    }

    /// Starts the office's node and waits until it is ready.
    pub(crate) async fn start_edge(&mut self) -> Result<Duration> {
        self.edge = Some(self.serve("mizili-edge", &self.edge_address)?);
        until_ready(&self.edge_address, self.edge.as_mut()).await.context("the office's node")
    }

    /// Pulls the plug: SIGKILL.
    pub(crate) async fn kill_edge(&mut self) -> Result<()> {
        let mut edge = self.edge.take().context("the office's node was not running")?;
        edge.start_kill()?;
        edge.wait().await?;
        Ok(())
    }

    /// Runs a command of a node with `--json` and gives back the objects it prints.
    pub(crate) async fn run(&self, name: &str, args: &[&str], input: &str) -> Result<Vec<Value>> {
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
    pub(crate) async fn ask(&self, name: &str, args: &[&str], input: &str) -> Result<Value> {
        let mut printed = self.run(name, args, input).await?;
        ensure!(printed.len() == 1, "{name} {} printed {} objects", args.join(" "), printed.len());
        printed.pop().context("nothing printed")
    }

    /// The ends of the nodes' logs, for when something went wrong.
    pub(crate) fn show_logs(&self) {
        for name in ["mizili-hub", "mizili-edge"] {
            let log = std::fs::read_to_string(self.home.join(format!("{name}.log"))).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            eprintln!("\nLast words of {name}:");
            lines[lines.len().saturating_sub(15)..].iter().for_each(|line| eprintln!("  {line}"));
        }
    }

    /// Ends what was started: the office first, then the hub with its database.
    pub(crate) async fn stop(&mut self) {
        for node in [self.edge.take(), self.hub.take()].into_iter().flatten() {
            end(node).await;
        }
    }
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
