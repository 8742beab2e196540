//! `mizili-hub backup`.

use super::Common;
use crate::sync::marks::{self, Mark};
use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};
use jiff::Timestamp;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Record a copy of the database that was tried and is whole. From the first one on, offices keep what they brought until two such
    /// copies hold it, for a year at most; before, for 30 days.
    #[command(after_help = "Examples:
  mizili-hub backup mark --taken 2026-03-01T02:00:00Z
  mizili-hub backup mark --taken 2026-03-01T02:00:00Z --note 'tape 7, restored on the spare machine'

Say when the copy was begun, not when it was tried: what was done after that is not in it.")]
    Mark(MarkArgs),
    /// Take a record back: its time was a slip, or the copy is no more.
    #[command(after_help = "Example:
  mizili-hub backup unmark --taken 2026-03-01T02:00:00Z")]
    Unmark(UnmarkArgs),
    /// List the copies that were recorded, the newest first.
    #[command(after_help = "Example:
  mizili-hub backup list")]
    List(Common),
}

#[derive(Args)]
pub(super) struct MarkArgs {
    #[command(flatten)]
    common: Common,
    /// When the copy was begun, such as 2026-03-01T02:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    taken: Timestamp,
    /// Where it is, or what else you want to remember of it.
    #[arg(long, default_value = "")]
    note: String,
}

#[derive(Args)]
pub(super) struct UnmarkArgs {
    #[command(flatten)]
    common: Common,
    /// The time that it was recorded with, as `mizili-hub backup list` shows it.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    taken: Timestamp,
}

fn moment(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "write date, time and zone, such as 2026-03-01T02:00:00Z".to_owned())
}

pub(super) async fn run(command: Command) -> Result<()> {
    match command {
        Command::Mark(args) => {
            let opened = args.common.open().await?;
            let marked = marks::mark(&opened.db, &opened.deps(), args.taken, args.note.trim()).await;
            opened.close().await?;
            show(&args.common, &marked?)
        }
        Command::Unmark(args) => {
            let opened = args.common.open().await?;
            let left = marks::unmark(&opened.db, &opened.deps(), args.taken).await;
            opened.close().await?;
            let unknown = "no copy of that time was recorded: `mizili-hub backup list` shows all";
            show(&args.common, &left?.context(unknown)?)
        }
        Command::List(common) => {
            let opened = common.open().await?;
            let all = marks::list(&opened.db).await;
            opened.close().await?;
            show(&common, &all?)
        }
    }
}

fn show(common: &Common, all: &[Mark]) -> Result<()> {
    if all.is_empty() {
        return common.output().words(
            "No copy is recorded: offices keep what they brought for 30 days. `mizili-hub backup mark` records one.",
        );
    }
    let is_alone = all.len() == 1;
    for (at, mark) in all.iter().enumerate() {
        let kept = match at {
            0 if is_alone => "; until a second copy is recorded, offices keep everything, for a year at most",
            1 => "; what was done before it, offices need not keep",
            _ => "",
        };
        common.output().result(mark, || {
            let note = if mark.note.is_empty() { String::new() } else { format!("  {}", mark.note) };
            format!("{}  recorded {}{note}{kept}", mark.taken_at, mark.marked_at)
        })?;
    }
    Ok(())
}
