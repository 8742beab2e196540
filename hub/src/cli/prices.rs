//! `mizili-hub prices`.

use super::Common;
use super::output::hint;
use crate::market::prices::import::{self, ImportOptions, ImportReport};
use anyhow::{Result, bail};
use clap::{Args, Subcommand, ValueEnum};
use mizili_node::text::counted;
use std::path::{Path, PathBuf};
use sync_protocol::country::{COUNTRIES, Country};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Import files of market prices. Importing a file again changes nothing.
    #[command(after_help = "Examples:
  mizili-hub prices import --source wfp wfp_food_prices_mwi.csv wfp_food_prices_ken.csv
  mizili-hub prices import --source wfp --country MWI prices-of-malawi.csv

Rows that are not taken are listed, with line and reason, in a CSV file in the folder of --rejects.
Source of the data: WFP via HDX (CC BY-IGO).")]
    Import(Import),
}

#[derive(Clone, Copy, ValueEnum)]
enum Source {
    /// World Food Programme, as published on the Humanitarian Data Exchange.
    Wfp,
}

#[derive(Args)]
pub(super) struct Import {
    #[command(flatten)]
    common: Common,
    /// Whose files they are.
    #[arg(long, value_enum)]
    source: Source,
    /// Country code of three letters, for a file whose name does not say it.
    #[arg(long)]
    country: Option<String>,
    /// Folder for the lists of rows that were not taken; by default `rejects` in the data folder.
    #[arg(long, value_name = "DIR")]
    rejects: Option<PathBuf>,
    /// Take a file's prices also where a newer publication was imported before.
    #[arg(long)]
    older_wins: bool,
    /// The files.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

pub(super) async fn run(command: Command) -> Result<()> {
    let Command::Import(args) = command;
    match args.source {
        Source::Wfp => import_wfp(&args).await,
    }
}

async fn import_wfp(args: &Import) -> Result<()> {
    let country = args.country.as_deref().map(country).transpose()?;
    let rejects = args.rejects.clone().unwrap_or_else(|| args.common.data_dir.join("rejects"));
    let opened = args.common.open_or_make().await?;
    let deps = opened.deps();
    let mut failed = Vec::new();
    let mut aside = Vec::new();
    for file in &args.files {
        let options = ImportOptions {
            country,
            rejects_dir: Some(rejects.clone()),
            progress: !args.common.json,
            older_wins: args.older_wins,
        };
        match import::run(&opened.db, &deps, file, options).await {
            Ok(report) => {
                show(args, &report)?;
                match lost(&report) {
                    Some(Lost::Refused(words)) => failed.push(words),
                    Some(Lost::Aside(words)) => aside.push(words),
                    None => {}
                }
            }
            Err(error) => failed.push(format!("{}: {error}", file.display())),
        }
    }
    opened.close().await?;
    for words in aside {
        hint(&words);
    }
    let Some(last) = failed.pop() else { return Ok(()) };
    for error in failed {
        hint(&format!("Error: {error}"));
    }
    bail!(last)
}

/// What a file did not bring in.
enum Lost {
    /// Rows that somebody has to mend: the command fails.
    Refused(String),
    /// Rows of another country, put aside on purpose.
    Aside(String),
}

fn lost(report: &ImportReport) -> Option<Lost> {
    let ImportReport { file, read, accepted, quarantined, refused, .. } = report;
    if *accepted == 0 && quarantined + refused > 0 {
        return Some(Lost::Refused(format!("{file}: no row of it could be taken")));
    }
    if *refused > 0 {
        let rows = counted(*refused, &format!("of {read} rows was"), &format!("of {read} rows were"));
        return Some(Lost::Refused(format!(
            "{file}: not taken: {rows} refused; mend that and import the file again"
        )));
    }
    let rows = || counted(*quarantined, &format!("of {read} rows is"), &format!("of {read} rows are"));
    (*quarantined > 0)
        .then(|| Lost::Aside(format!("{file}: not taken: {} in another country's currency", rows())))
}

fn country(code: &str) -> Result<&'static Country> {
    let Some(country) = Country::by_iso3(code) else {
        let known: Vec<_> = COUNTRIES.iter().map(|country| country.iso3).collect();
        bail!("there is no country {code}. There are: {}", known.join(", "))
    };
    Ok(country)
}

fn show(args: &Import, report: &ImportReport) -> Result<()> {
    for warning in &report.warnings {
        hint(&format!("{}: {warning}", report.file));
    }
    if let Some(rejects) = report.rejects_file.as_deref().map(Path::display) {
        hint(&format!("{}: rows that were not taken are listed in {rejects}", report.file));
    }
    args.common.output().result(report, || {
        format!(
            "{}: {} read, {} accepted ({} new, {} changed, {} as before), {} skipped, {} quarantined, {} refused, in {:.1} s",
            report.file, counted(report.read, "row", "rows"), report.accepted, report.new, report.changed, report.unchanged,
            counted(report.forecast_skipped, "forecast", "forecasts"), report.quarantined, report.refused, report.seconds
        )
    })
}
