//! `mizili-hub edge`.

use super::{Common, ask};
use crate::sync::code::VALID_DAYS;
use crate::sync::doors;
use crate::sync::edges::{self, Added, EdgeState};
use anyhow::Result;
use clap::{Args, Subcommand};
use mizili_node::deps::Deps;
use serde::Serialize;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Make an edge for a cooperative's office, with a one-time code.
    #[command(after_help = "Examples:
  mizili-hub edge add --cooperative 1
  mizili-hub edge add --cooperative 1 --national

At the office: mizili-edge enrol --hub https://hub.example --code CODE")]
    Add(Add),
    /// List all edges, those that need somebody first.
    #[command(after_help = "Example:
  mizili-hub edge list")]
    List(Common),
    /// Give an edge a new one-time code: the old one was lost, has expired, or the box has to be enrolled again.
    #[command(after_help = "Example:
  mizili-hub edge code 3")]
    Code(One),
    /// Take commands again from an edge whose stream was stopped until somebody looked.
    #[command(after_help = "Example:
  mizili-hub edge resume 3

`mizili-hub edge list` says why it was stopped, `mizili-hub commands list --edge 3` what waits.")]
    Resume(One),
    /// Write off what a revoked edge held, so that it counts nowhere. What is in its store is taken in again where it is counted.
    #[command(after_help = "Example:
  mizili-hub edge write-off 3

Only after `mizili-hub edge revoke`: a box that may still sell must keep what it holds.")]
    WriteOff(WriteOff),
    /// End an edge for good, such as a stolen box: it gets nothing and changes nothing from now on.
    #[command(after_help = "Example:
  mizili-hub edge revoke 3")]
    Revoke(One),
}

#[derive(Args)]
pub(super) struct Add {
    #[command(flatten)]
    common: Common,
    /// Number of the cooperative, see `mizili-hub cooperative list`.
    #[arg(long, value_name = "ID")]
    cooperative: u32,
    /// Subscribe to everything in the country: a node that serves a national short code.
    #[arg(long)]
    national: bool,
}

#[derive(Args)]
pub(super) struct One {
    #[command(flatten)]
    common: Common,
    /// Number of the edge.
    id: u32,
}

#[derive(Args)]
pub(super) struct WriteOff {
    #[command(flatten)]
    one: One,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

#[derive(Serialize)]
struct Resumed {
    id: u32,
    was: Option<String>,
}

#[derive(Serialize)]
struct Revoked {
    id: u32,
    revoked_at: String,
}

pub(super) async fn run(command: Command) -> Result<()> {
    match command {
        Command::Add(args) => {
            let opened = args.common.open().await?;
            let added = edges::add(&opened.db, &Deps::real(), args.cooperative, args.national).await;
            opened.close().await?;
            show_code(&args.common, &added?)
        }
        Command::Code(args) => {
            let opened = args.common.open().await?;
            let added = edges::new_code(&opened.db, &Deps::real(), args.id).await;
            opened.close().await?;
            show_code(&args.common, &added?)
        }
        Command::List(common) => list(&common).await,
        Command::Resume(args) => {
            let opened = args.common.open().await?;
            let was = doors::resume(&opened.db, args.id).await;
            opened.close().await?;
            let resumed = Resumed { id: args.id, was: was? };
            args.common.output().result(&resumed, || match &resumed.was {
                Some(why) => {
                    format!("Edge {}'s commands are taken again. It was stopped because {why}.", args.id)
                }
                None => format!("Edge {} was not stopped: its commands are taken.", args.id),
            })
        }
        Command::WriteOff(args) => write_off(args).await,
        Command::Revoke(args) => {
            let opened = args.common.open().await?;
            let at = edges::revoke(&opened.db, &Deps::real(), args.id).await;
            opened.close().await?;
            let revoked = Revoked { id: args.id, revoked_at: at?.to_string() };
            args.common.output().result(&revoked, || format!("Edge {} is revoked.", args.id))
        }
    }
}

async fn write_off(args: WriteOff) -> Result<()> {
    let (common, id) = (&args.one.common, args.one.id);
    let opened = common.open().await?;
    let written = async {
        doors::can_be_written_off(&opened.db, id).await?;
        ask::sure(format!("Shall all that edge {id} held count nowhere any more?"), args.yes).await?;
        anyhow::Ok(doors::write_off(&opened.db, &Deps::real(), id).await?)
    }
    .await;
    opened.close().await?;
    let lines = written?;
    if lines.is_empty() {
        return common.output().words(&format!("Edge {id} holds nothing any more."));
    }
    for line in &lines {
        common
            .output()
            .result(line, || format!("{}  {}: {} written off", line.listing, line.title, line.quantity))?;
    }
    Ok(())
}

fn show_code(common: &Common, added: &Added) -> Result<()> {
    let words = || {
        format!(
            "Edge {}. Its code, good for one use within {VALID_DAYS} days:\n\n    {}\n",
            added.id, added.code
        )
    };
    common.output().result(added, words)
}

async fn list(common: &Common) -> Result<()> {
    let opened = common.open().await?;
    let edges = edges::list(&opened.db, Deps::real().clock.now()).await;
    opened.close().await?;
    let edges = edges?;
    if edges.is_empty() {
        return common.output().words("There is no edge yet. Make one with `mizili-hub edge add`.");
    }
    for edge in &edges {
        common.output().result(edge, || line(edge))?;
    }
    Ok(())
}

fn line(edge: &EdgeState) -> String {
    let contact = edge.last_contact.as_deref().unwrap_or("never");
    let lag = edge.lag.map_or_else(|| "unknown".to_owned(), |lag| format!("{lag} rows"));
    let mut line = format!(
        "{:>4}  {}  {}: last heard {contact}, behind by {lag}, {} waiting, {} refused",
        edge.id, edge.state, edge.cooperative, edge.pending, edge.refused
    );
    if let Some(reason) = &edge.reason {
        line.push_str(&format!("\n      {reason}"));
    }
    line
}
