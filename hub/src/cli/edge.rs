//! `mizili-hub edge`.

use super::Common;
use crate::sync::code::VALID_DAYS;
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
        Command::Revoke(args) => {
            let opened = args.common.open().await?;
            let at = edges::revoke(&opened.db, &Deps::real(), args.id).await;
            opened.close().await?;
            let revoked = Revoked { id: args.id, revoked_at: at?.to_string() };
            args.common.output().result(&revoked, || format!("Edge {} is revoked.", args.id))
        }
    }
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
