//! `mizili-hub salvage`.

use super::Common;
use super::commands::try_what_waited;
use crate::sync::salvage;
use crate::sync::salvaged::{self, Brought, Salvaged};
use anyhow::Result;
use clap::{Args, Subcommand};
use serde::Serialize;
use sync_protocol::ids::EdgeId;

#[derive(Subcommand)]
pub(super) enum Command {
    /// After a restore from a backup: list what each office brought back, by kind.
    #[command(after_help = "Example:
  mizili-hub salvage list")]
    List(Common),
    /// Show the rows that one office brought back.
    #[command(after_help = "Examples:
  mizili-hub salvage show 3
  mizili-hub salvage show 3 --left         those that do not stand here again
  mizili-hub salvage show 3 --epoch 2 --json")]
    Show(Show),
    /// Try rows that do not stand once more: what they waited for may be here now, such as a commodity that was made again.
    #[command(after_help = "Example:
  mizili-hub salvage retry")]
    Retry(Common),
}

#[derive(Args)]
pub(super) struct Show {
    #[command(flatten)]
    common: Common,
    /// Number of the edge.
    edge: u32,
    /// Of this restore alone, see `mizili-hub salvage list`.
    #[arg(long, value_name = "NUMBER")]
    epoch: Option<u32>,
    /// Those alone that do not stand here again.
    #[arg(long)]
    left: bool,
}

/// What `retry` did.
#[derive(Serialize)]
struct Retried {
    stand: u64,
}

pub(super) async fn run(command: Command) -> Result<()> {
    match command {
        Command::List(common) => {
            let opened = common.open().await?;
            let brought = salvaged::counts(&opened.db).await;
            opened.close().await?;
            let brought = brought?;
            if brought.is_empty() {
                return common
                    .output()
                    .words("No office has brought anything back: nothing was forgotten here that one knew.");
            }
            for one in &brought {
                common.output().result(one, || counted(one))?;
            }
            Ok(())
        }
        Command::Retry(common) => {
            let opened = common.open().await?;
            let stand = salvage::retry(&opened.db, &opened.deps()).await;
            if stand.as_ref().is_ok_and(|stand| *stand > 0) {
                try_what_waited(&opened).await;
            }
            opened.close().await?;
            let stand = stand?;
            common.output().result(&Retried { stand }, || match stand {
                0 => "None of them can stand yet: `mizili-hub salvage list` shows what is left.".to_owned(),
                n => format!("{n} rows stand again that did not."),
            })?;
            Ok(())
        }
        Command::Show(args) => {
            let opened = args.common.open().await?;
            let rows = salvaged::of_edge(&opened.db, EdgeId(args.edge), args.epoch, args.left).await;
            opened.close().await?;
            let rows = rows?;
            if rows.is_empty() {
                return args
                    .common
                    .output()
                    .words(&format!("Edge {} brought nothing of that back.", args.edge));
            }
            for row in &rows {
                args.common.output().result(row, || line(row))?;
            }
            Ok(())
        }
    }
}

fn counted(one: &Brought) -> String {
    let Brought { epoch, edge, cooperative, kind, rows, stand, last_at } = one;
    let left = match rows - stand {
        0 => "all stand again".to_owned(),
        left => format!(
            "{left} do not stand: `mizili-hub salvage show {edge} --left`, `mizili-hub salvage retry`"
        ),
    };
    format!("restore {epoch}  edge {edge} {cooperative}: {rows} of {kind}, {left}; the last came {last_at}")
}

fn line(row: &Salvaged) -> String {
    let stands = if row.stands { "stands" } else { "does not stand" };
    format!(
        "restore {}  {} {} at version {}: {stands}\n      {}",
        row.epoch, row.kind, row.key, row.version, row.says
    )
}
