//! `make bench`: how fast and how small the real programs are, on the data and with the load scripts that the peers get. It
//! prints figures beside their aims and says whether each is met; it never fails because of one, and never makes one up.
//!
//! Its other commands are what `bench/peers/mizili` is made of: the same work, step by step, for the peers' harness.

mod aims;
mod change;
mod data;
mod figures;
mod fill;
mod frames;
mod limits;
mod nodes;
mod orders;
mod proxy;
mod report;
mod rest;
mod stage;
mod ussd;
mod waiters;
mod web;

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};
use figures::Wanted;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Measure the hub and the edge that stand beside this program.
#[derive(Parser)]
#[command(
    name = "mizili-bench",
    version,
    about,
    after_help = "Examples:
  mizili-bench                         every figure, three runs each
  mizili-bench --only sync,orders      some of them
  mizili-bench --runs 1 --json         quickly, one JSON object a line"
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,

    /// Folder of the data set; made by bench/data/generate.py where it is missing
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,

    /// Runs of each figure; the median counts
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=100))]
    runs: u16,

    /// What to measure
    #[arg(long, value_enum, value_delimiter = ',', value_name = "WORDS")]
    only: Vec<Wanted>,

    /// Print one JSON object a line instead of the table
    #[arg(long)]
    json: bool,

    /// Seconds of each run of wrk
    #[arg(long, default_value_t = 5, value_name = "S")]
    load_seconds: u32,

    /// Keep the databases and logs of the run, and say where they are
    #[arg(long)]
    keep: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Put the data set into the database of a hub that has none yet
    Fill {
        /// The hub's data folder
        #[arg(long, value_name = "DIR")]
        hub_dir: PathBuf,
    },
    /// Change so many prices at a hub
    ChangePrices {
        /// The hub's data folder
        #[arg(long, value_name = "DIR")]
        hub_dir: PathBuf,
        /// How many
        count: u32,
    },
    /// Wait until a hub's jobs have nothing left to do
    Settle {
        /// The hub's data folder
        #[arg(long, value_name = "DIR")]
        hub_dir: PathBuf,
    },
    /// Write so many orders at an edge that is enrolled and synced
    WriteOrders {
        /// The edge's data folder
        #[arg(long, value_name = "DIR")]
        edge_dir: PathBuf,
        /// How many
        count: u32,
    },
    /// Make accounts at a hub and print a token of each, for bench/load/orders.lua
    RestTokens {
        /// The hub's data folder
        #[arg(long, value_name = "DIR")]
        hub_dir: PathBuf,
    },
    /// Print the settings with which bench/load/ussd.lua walks an edge's price menu
    UssdKeys {
        /// The edge's data folder
        #[arg(long, value_name = "DIR")]
        edge_dir: PathBuf,
        /// Where its serve listens
        #[arg(long, value_name = "ADDR")]
        address: String,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    mizili_edge::line::tls::install_provider();
    match run(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&format!("mizili-bench: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> Result<()> {
    let data_dir = cli.data.unwrap_or_else(default_data_dir);
    match cli.command {
        None => {
            let options = figures::Options {
                data_dir,
                runs: usize::from(cli.runs),
                only: cli.only,
                load_seconds: cli.load_seconds,
                keep: cli.keep,
            };
            let figures = figures::measure(options).await?;
            print(&if cli.json { report::json_lines(&figures)? } else { report::table(&figures) })
        }
        Some(Command::Fill { hub_dir }) => fill::fill(&hub_dir, &data::Dataset::ready(&data_dir)?).await,
        Some(Command::ChangePrices { hub_dir, count }) => {
            let opened = fill::open(&hub_dir).await?;
            let changed = change::prices(&opened.db, count).await;
            opened.close().await?;
            changed
        }
        Some(Command::Settle { hub_dir }) => {
            let opened = fill::open(&hub_dir).await?;
            let settled = stage::until_settled(&opened.db).await;
            opened.close().await?;
            settled
        }
        Some(Command::RestTokens { hub_dir }) => {
            let opened = fill::open(&hub_dir).await?;
            let tokens = rest::tokens(&opened.db, &hub_dir).await;
            opened.close().await?;
            print(&tokens?)
        }
        Some(Command::WriteOrders { edge_dir, count }) => orders::write(&edge_dir, count),
        Some(Command::UssdKeys { edge_dir, address }) => {
            let walk = ussd::Walk::learn(&address, &ussd::path(&edge_dir)?).await?;
            print(&walk.shell())
        }
    }
}

/// Where the peers' scripts keep it too, see bench/env.sh.
fn default_data_dir() -> PathBuf {
    std::env::temp_dir().join("mizili-bench/data")
}

/// The folder of the peers' scripts, in the checkout that this program was built from.
pub(crate) fn bench_dir() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Standard output is for results alone.
fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", text.trim_end()).and_then(|()| out.flush()).context("cannot write to standard output")
}

/// What goes on, on standard error.
pub(crate) fn tell(words: &str) {
    // Where standard error is closed there is nobody to tell.
    let _ = writeln!(std::io::stderr().lock(), "{words}");
}
