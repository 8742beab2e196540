//! `mizili-hub backup`.

use super::Common;
use crate::sync::marks::{self, Mark};
use anyhow::Result;
use clap::{Args, Subcommand};
use jiff::Timestamp;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Record a copy of the database that was tried and is whole. Offices keep what they brought until two such copies hold it.
    #[command(after_help = "Examples:
  mizili-hub backup mark --taken 2026-03-01T02:00:00Z
  mizili-hub backup mark --taken 2026-03-01T02:00:00Z --note 'tape 7, restored on the spare machine'

Say when the copy was begun, not when it was tried: what was done after that is not in it.")]
    Mark(MarkArgs),
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
    #[arg(long, value_name = "TIME")]
    taken: Timestamp,
    /// Where it is, or what else you want to remember of it.
    #[arg(long, default_value = "")]
    note: String,
}

pub(super) async fn run(command: Command) -> Result<()> {
    match command {
        Command::Mark(args) => {
            let opened = args.common.open().await?;
            let marked = marks::mark(&opened.db, &opened.deps(), args.taken, args.note.trim()).await;
            opened.close().await?;
            show(&args.common, &marked?)
        }
        Command::List(common) => {
            let opened = common.open().await?;
            let all = marks::list(&opened.db).await;
            opened.close().await?;
            let all = all?;
            if all.is_empty() {
                return common.output().words(
                    "No copy was recorded: offices keep what they brought for 30 days. `mizili-hub backup mark` records one.",
                );
            }
            show(&common, &all)
        }
    }
}

fn show(common: &Common, all: &[Mark]) -> Result<()> {
    for (at, mark) in all.iter().enumerate() {
        let kept = if at == 1 { "; what was done before it, offices need not keep" } else { "" };
        common.output().result(mark, || {
            format!("{}  recorded {}  {}{kept}", mark.taken_at, mark.marked_at, mark.note)
        })?;
    }
    Ok(())
}
