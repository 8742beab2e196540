//! All figures, in an order in which none spoils the next: first syncs of a hub as it was filled come first, orders, which move
//! ten thousand products, last of what goes over the line, and then the REST API, whose peer writes past the feed. One file for each.

mod change;
mod import;
mod orders;
mod quiet;
mod rest;
mod signins;
mod size;
mod sync;
mod ussd;
mod waiting;

use crate::data::Dataset;
use crate::report::Figure;
use crate::stage::Stage;
use crate::tell;
use anyhow::{Context as _, Result};
use clap::ValueEnum;
use std::path::{Path, PathBuf};

/// What to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Wanted {
    /// The first sync into an empty edge
    Sync,
    /// A thousand changed prices
    Change,
    /// An exchange without news
    Quiet,
    /// The price walk through the phone menu
    Ussd,
    /// Memory and size of the edge
    Size,
    /// Memory after wrong sign-ins
    Signins,
    /// An order while two thousand offices wait
    Waiting,
    /// Ten thousand orders
    Orders,
    /// The hub's REST API
    Rest,
    /// The import of a price file
    Import,
}

/// How to measure.
pub(crate) struct Options {
    pub(crate) data_dir: PathBuf,
    pub(crate) runs: usize,
    /// Empty for all.
    pub(crate) only: Vec<Wanted>,
    pub(crate) load_seconds: u32,
    pub(crate) keep: bool,
}

impl Options {
    fn wants(&self, what: Wanted) -> bool {
        self.only.is_empty() || self.only.contains(&what)
    }
}

/// Measures what is wanted.
pub(crate) async fn measure(options: Options) -> Result<Vec<Figure>> {
    let home = tempfile::Builder::new()
        .prefix("mizili-bench-run-")
        .tempdir()
        .context("no room for the databases")?;
    let measured = tokio::select! {
        measured = measure_in(home.path(), &options) => measured,
        _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("stopped")),
    };
    if options.keep {
        tell(&format!("Kept: {}", home.keep().display()));
    }
    measured
}

async fn measure_in(home: &Path, options: &Options) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    let needs_stage = options.only.is_empty() || options.only.iter().any(|what| *what != Wanted::Import);
    if needs_stage {
        let mut stage = Stage::set(home, Dataset::ready(&options.data_dir)?).await?;
        let measured = on_stage(&mut stage, home, options, &mut figures).await;
        stage.clear().await?;
        measured?;
    }
    if options.wants(Wanted::Import) {
        tell("Importing the Kenya file …");
        figures.extend(import::measure(home, options.runs).await.context("import")?);
    }
    Ok(figures)
}

async fn on_stage(
    stage: &mut Stage,
    home: &Path,
    options: &Options,
    figures: &mut Vec<Figure>,
) -> Result<()> {
    let runs = options.runs;
    if options.wants(Wanted::Sync) {
        tell("First syncs …");
        figures.extend(sync::measure(stage, home, runs).await.context("sync")?);
    }
    if options.wants(Wanted::Change) {
        tell("Changed prices …");
        figures.extend(change::measure(stage, runs).await.context("change")?);
    }
    if options.wants(Wanted::Quiet) {
        tell("Exchanges without news …");
        figures.extend(quiet::measure(stage, runs).await.context("quiet")?);
    }
    if options.wants(Wanted::Ussd) {
        tell("The price walk …");
        figures.extend(ussd::measure(stage, home, runs, options.load_seconds).await.context("ussd")?);
    }
    if options.wants(Wanted::Size) {
        tell("Memory and size …");
        figures.extend(size::measure(stage, runs).await.context("size")?);
    }
    if options.wants(Wanted::Signins) {
        tell("Wrong sign-ins …");
        figures.extend(signins::measure(stage, runs).await.context("signins")?);
    }
    if options.wants(Wanted::Waiting) {
        tell("Offices that wait …");
        figures.extend(waiting::measure(stage).await.context("waiting")?);
    }
    if options.wants(Wanted::Orders) {
        tell("Orders …");
        figures.extend(orders::measure(stage, runs).await.context("orders")?);
    }
    if options.wants(Wanted::Rest) {
        tell("The REST API …");
        let (data_dir, seconds) = (&options.data_dir, options.load_seconds);
        figures.extend(rest::measure(stage, home, data_dir, runs, seconds).await.context("rest")?);
    }
    Ok(())
}
