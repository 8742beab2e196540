//! `make demo`: tells the story of one day at a cooperative, on real data, with the real programs. Every figure is read from the
//! running system; a step that does not go as told ends the demo with an error.

#![expect(clippy::print_stdout, reason = "the story is what this program is for")]

mod story;

use anyhow::{Context, Result};
use mizili_demo::nodes::Nodes;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> ExitCode {
    if std::env::args().len() > 1 {
        eprintln!(
            "mizili-demo takes no words: it tells its story and stays up until Ctrl-C; with ONCE=1 in the environment it ends by itself."
        );
        return ExitCode::from(2);
    }
    mizili_demo::install_crypto();
    let once = std::env::var("ONCE").is_ok_and(|v| !v.is_empty() && v != "0");
    match run(once).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nThe demo did not go as told: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(once: bool) -> Result<()> {
    let home =
        tempfile::Builder::new().prefix("mizili-demo-").tempdir().context("no room for the demo's data")?;
    let mut nodes = Nodes::new(home.path())?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    // Whatever happens, what was started is ended, and only then is its data removed.
    let told = tokio::select! {
        told = story::tell(&mut nodes, once) => told,
        _ = tokio::signal::ctrl_c() => ending(),
        _ = terminate.recv() => ending(),
    };
    if told.is_err() {
        nodes.show_logs();
    }
    nodes.stop().await;
    told
}

fn ending() -> Result<()> {
    println!("\nEnding.");
    Ok(())
}
