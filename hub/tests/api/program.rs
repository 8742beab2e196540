//! The real program, as an operator or a script runs it: with a folder of its own and an environment that has nothing to do with it.

use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

pub(crate) fn program(dir: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mizili-hub"));
    command.args(words).arg("--data-dir").arg(dir);
    for variable in [
        "DATABASE_URL",
        "DATABASE_DIRECT_URL",
        "PORT",
        "RUST_LOG",
        "MIZILI_HUB_DATA",
        "MIZILI_JWT_SECRET",
        "MIZILI_HUB_KEYS",
    ] {
        command.env_remove(variable);
    }
    // What is meant for another database must not lead the hub's own astray.
    command
        .env("PGOPTIONS", "-c search_path=shop -c statement_timeout=1ms -c default_transaction_read_only=on");
    command.env("PGSSLROOTCERT", "/nowhere").env("PGPASSWORD", "another").env("PGPORT", "1");
    command.stdin(Stdio::null());
    command
}

pub(crate) fn run(dir: &Path, words: &[&str]) -> Output {
    program(dir, words).output().unwrap()
}

/// Every line of standard output as an object; there must be nothing else.
#[track_caller]
pub(crate) fn json(output: &Output) -> Vec<Value> {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

#[track_caller]
pub(crate) fn fails(output: &Output, words: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && stderr.contains(words), "{stderr}");
    // `serve` logs beside it.
    assert_eq!(stderr.lines().filter(|line| !line.contains(" INFO ")).count(), 1, "{stderr}");
    assert!(
        !stderr.contains("constraint") && !stderr.contains("/api/"),
        "for people, not of the inside: {stderr}"
    );
    assert!(output.stdout.is_empty());
}

/// The same for what the words of a command say already.
#[track_caller]
pub(crate) fn fails_by_clap(output: &Output, words: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && stderr.contains(words), "{stderr}");
}

pub(crate) fn with_stdin(dir: &Path, words: &[&str], stdin: &str) -> Output {
    let mut child = program(dir, words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// Starts `serve` on a free port; its address. Ended by dropping.
pub(crate) struct Served(Child, pub(crate) String);

impl Served {
    pub(crate) fn start(dir: &Path) -> Self {
        let mut child =
            program(dir, &["serve", "--listen", "127.0.0.1:0"]).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = lines
            .by_ref()
            .map(Result::unwrap)
            .find_map(|line| {
                line.split("listening on http://")
                    .nth(1)
                    .map(|rest| rest.split(';').next().unwrap().to_owned())
            })
            .unwrap();
        std::thread::spawn(move || lines.for_each(drop));
        Self(child, address)
    }

    pub(crate) fn stop(mut self) -> std::process::ExitStatus {
        Command::new("kill").arg(self.0.id().to_string()).status().unwrap();
        self.0.wait().unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // Ended already where the test went well.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
