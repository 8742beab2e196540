//! `mizili-hub salvage`.

use super::commands::try_what_waited;
use super::edge::called;
use super::{Common, number};
use crate::config::Opened;
use crate::sync::edges;
use crate::sync::salvage;
use crate::sync::salvaged::{self, Brought, Salvaged};
use anyhow::Result;
use clap::{Args, Subcommand};
use mizili_node::prompt;
use mizili_node::text;
use serde::Serialize;
use sync_protocol::ids::EdgeId;
use sync_protocol::market;
use sync_protocol::row::Key;

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
    /// Put rows of one office aside that do not stand, once you have seen to what they say. They are kept; nothing waits for them any more.
    #[command(after_help = "Examples:
  mizili-hub salvage dismiss 3 --key 01890a5d-ac96-774b-bcce-b302099a8057
  mizili-hub salvage dismiss 3 --kind listing
  mizili-hub salvage dismiss 3 --all")]
    Dismiss(Dismiss),
}

#[derive(Args)]
#[command(group(clap::ArgGroup::new("which").required(true).multiple(true).args(["kind", "key", "all"])))]
pub(super) struct Dismiss {
    #[command(flatten)]
    common: Common,
    /// Number of the edge, see `mizili-hub edge list`.
    #[arg(value_parser = number)]
    edge: u32,
    /// Of this kind alone, see `mizili-hub salvage show`.
    #[arg(long, value_parser = kind)]
    kind: Option<u16>,
    /// With this key alone, as `mizili-hub salvage show` says it.
    #[arg(long, value_parser = key)]
    key: Option<Key>,
    /// All that are left of it.
    #[arg(long, conflicts_with_all = ["kind", "key"])]
    all: bool,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

fn kind(text: &str) -> Result<u16, String> {
    let named = (0..=u16::MAX).find(|number| market::entity_name(*number) == Some(text));
    named.or_else(|| text.parse().ok()).ok_or_else(|| {
        "a kind is a word such as listing or order; `mizili-hub salvage list` shows which there are"
            .to_owned()
    })
}

fn key(text: &str) -> Result<Key, String> {
    salvaged::key(text).ok_or_else(|| {
        "a key is a number, an id, or two of them with a stroke between; `mizili-hub salvage show EDGE --left` shows them".to_owned()
    })
}

#[derive(Args)]
pub(super) struct Show {
    #[command(flatten)]
    common: Common,
    /// Number of the edge, see `mizili-hub edge list`.
    #[arg(value_parser = number)]
    edge: u32,
    /// Of this restore alone, see `mizili-hub salvage list`.
    #[arg(long, value_name = "NUMBER")]
    epoch: Option<u32>,
    /// Those alone that do not stand here again.
    #[arg(long)]
    left: bool,
}

impl Command {
    /// Whether it may wait for a person.
    pub(super) fn asks(&self) -> bool {
        match self {
            Self::Dismiss(args) => !args.yes,
            Self::List(_) | Self::Show(_) | Self::Retry(_) => false,
        }
    }
}

/// What `dismiss` did.
#[derive(Serialize)]
struct Dismissed {
    dismissed: u64,
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
                n => format!("{} again that did not.", text::counted(n, "row stands", "rows stand")),
            })?;
            Ok(())
        }
        Command::Dismiss(args) => dismiss(&args).await,
        Command::Show(args) => {
            let opened = args.common.open().await?;
            let rows = shown(&opened, &args).await;
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

async fn shown(opened: &Opened, args: &Show) -> Result<Vec<Salvaged>> {
    edges::whose(&opened.db, args.edge).await?;
    Ok(salvaged::of_edge(&opened.db, EdgeId(args.edge), args.epoch, args.left).await?)
}

async fn dismiss(args: &Dismiss) -> Result<()> {
    let Dismiss { common, edge, .. } = args;
    let opened = common.open().await?;
    let dismissed = put_aside(&opened, args).await;
    if dismissed.as_ref().is_ok_and(|dismissed| *dismissed > 0) {
        try_what_waited(&opened).await;
    }
    opened.close().await?;
    let dismissed = dismissed?;
    common.output().result(&Dismissed { dismissed }, || match dismissed {
        0 => format!("Nothing of that is left: `mizili-hub salvage show {edge} --left` shows what is."),
        n => format!("{} put aside.", text::counted(n, "row was", "rows were")),
    })
}

async fn put_aside(opened: &Opened, args: &Dismiss) -> Result<u64> {
    let edge = called(args.edge, &edges::whose(&opened.db, args.edge).await?);
    let question = format!(
        "Shall what {edge} brought back and is left of it never stand here? It is kept for you to read."
    );
    prompt::sure(question, args.yes).await?;
    Ok(salvage::dismiss(&opened.db, &opened.deps(), EdgeId(args.edge), args.kind, args.key).await?)
}

fn counted(one: &Brought) -> String {
    let Brought { epoch, edge, cooperative, kind, rows, stand, ended, last_at } = one;
    let left = match (rows - stand - ended, ended) {
        (0, 0) => "all stand again".to_owned(),
        (0, _) => {
            format!("{stand} stand again, {ended} gave way to what was done here since or were dismissed")
        }
        (left, _) => format!(
            "{left} do not stand: `mizili-hub salvage show {edge} --left`, then `mizili-hub salvage retry` or `dismiss`"
        ),
    };
    format!("restore {epoch}  edge {edge} {cooperative}: {rows} of {kind}, {left}; the last came {last_at}")
}

fn line(row: &Salvaged) -> String {
    let stands = match row.ended.as_deref() {
        _ if row.stands => "stands",
        None => "does not stand",
        Some("gave_way") => "gave way to what was done here since",
        Some(_) => "was dismissed",
    };
    format!(
        "restore {}  {} {} at version {}: {stands}\n      {}",
        row.epoch, row.kind, row.key, row.version, row.says
    )
}
