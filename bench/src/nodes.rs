//! The two programs as they are built: starting and ending them, running their commands, reading what the system says of them.

use crate::web;
use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

/// How long a node may take to be ready. A hub makes or recovers a database first.
const READY_WITHIN: Duration = Duration::from_secs(180);
/// How long a node may take to end.
const END_WITHIN: Duration = Duration::from_secs(30);
/// Between looks at whether something has happened.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Where a program of ours is: beside this one.
pub(crate) fn program(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe().context("where am I")?;
    let path = own.parent().context("where am I")?.join(name);
    ensure!(path.is_file(), "{} is missing; run `make bench`, which builds it", path.display());
    Ok(path)
}

/// A port that was free a moment ago.
pub(crate) fn free_address() -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").context("no free port")?;
    Ok(listener.local_addr()?.to_string())
}

fn command(name: &str, data_dir: &Path, args: &[&str]) -> Result<Command> {
    let mut command = Command::new(program(name)?);
    command.args(args).arg("--data-dir").arg(data_dir).kill_on_drop(true).stdin(Stdio::null());
    // Nothing of the caller's settings may lead it elsewhere.
    let ours = |v: &String| v.starts_with("MIZILI_") || v == "PORT" || v.starts_with("DATABASE_");
    std::env::vars().map(|(variable, _)| variable).filter(ours).for_each(|variable| {
        command.env_remove(variable);
    });
    Ok(command)
}

/// Runs a command of a node and gives back the one object that it prints.
pub(crate) async fn ask(name: &str, data_dir: &Path, args: &[&str]) -> Result<Value> {
    let output = command(name, data_dir, args)?.arg("--json").output().await?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{name} {}: {}", args.join(" "), said.trim());
    let text = String::from_utf8(output.stdout).context("output is not UTF-8")?;
    serde_json::from_str(text.trim()).with_context(|| format!("{name} {} printed: {text}", args.join(" ")))
}

/// A number of an object that a command printed.
pub(crate) fn number(object: &Value, name: &str) -> Result<f64> {
    object[name].as_f64().with_context(|| format!("no {name} in {object}"))
}

/// A node that serves.
pub(crate) struct Node {
    name: &'static str,
    data_dir: PathBuf,
    child: Child,
    log: PathBuf,
    /// Host and port.
    pub(crate) address: String,
}

impl Node {
    /// Starts `serve` and waits until it is ready. The log is kept beside the data folder.
    pub(crate) async fn serve(name: &'static str, data_dir: &Path) -> Result<Self> {
        Self::serve_at(name, data_dir, free_address()?).await
    }

    async fn serve_at(name: &'static str, data_dir: &Path, address: String) -> Result<Self> {
        let log = data_dir.with_extension("log");
        let file = File::options().create(true).append(true).open(&log)?;
        let mut command = command(name, data_dir, &["serve", "--listen", &address])?;
        // A group of its own: Ctrl-C reaches this program, which ends its nodes in order.
        command.process_group(0).stdout(Stdio::null()).stderr(file);
        let child = command.spawn().with_context(|| format!("cannot start {name}"))?;
        let mut node = Self { name, data_dir: data_dir.to_path_buf(), child, log, address };
        node.until_ready().await.with_context(|| format!("{name}; its last words: {}", node.last_words()))?;
        Ok(node)
    }

    /// Ends it and starts it anew at its address, so that what it did before weighs nothing.
    pub(crate) async fn restart(&mut self) -> Result<()> {
        self.end().await;
        *self = Self::serve_at(self.name, &self.data_dir, self.address.clone()).await?;
        Ok(())
    }

    async fn until_ready(&mut self) -> Result<()> {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                bail!("it ended at once: {status}");
            }
            if web::get(&self.address, "/readyz").await.is_ok_and(|answer| answer.status == 200) {
                return Ok(());
            }
            ensure!(began.elapsed() < READY_WITHIN, "not ready after {} s", READY_WITHIN.as_secs());
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn last_words(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(3)..].join(" / ")
    }

    /// Waits until the log holds some words, or for a while.
    pub(crate) async fn until_log_says(&self, words: &str, patience: Duration) {
        let began = Instant::now();
        let says = || std::fs::read_to_string(&self.log).is_ok_and(|log| log.contains(words));
        while !says() && began.elapsed() < patience {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Resident memory, MiB.
    pub(crate) fn resident_mib(&self) -> Result<f64> {
        let pid = self.child.id().context("it has ended")?;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).context("no /proc")?;
        let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"));
        Ok(kib.context("no VmRSS")?.trim().parse::<f64>()? / 1024.0)
    }

    /// Ends it as an operator would.
    pub(crate) async fn stop(mut self) {
        self.end().await;
    }

    async fn end(&mut self) {
        if let Some(pid) = self.child.id() {
            let _ = Command::new("kill").args(["-TERM", &pid.to_string()]).status().await;
        }
        if tokio::time::timeout(END_WITHIN, self.child.wait()).await.is_err() {
            let _ = self.child.kill().await;
        }
    }
}

/// A file's size, MB.
pub(crate) fn size_mb(path: &Path) -> Result<f64> {
    Ok(std::fs::metadata(path).with_context(|| path.display().to_string())?.len() as f64 / 1e6)
}
