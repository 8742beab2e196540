//! `mizili-hub commands`.

use super::output::hint;
use super::{Common, number};
use crate::commands::stream::desk::{self, Shown, Waiting};
use crate::commands::stream::{
    Quarantined, dismiss, retry_all_held, retry_all_open, retry_all_quarantined, retry_open,
    retry_quarantined, retry_under_new_id,
};
use crate::config::Opened;
use crate::sync::edges;
use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use mizili_node::prompt;
use mizili_node::text::counted;
use serde::Serialize;
use sync_protocol::ids::EdgeId;
use uuid::Uuid;

#[derive(Subcommand)]
pub(super) enum Command {
    /// List what offices sent and the hub has not decided, and why.
    #[command(after_help = "Examples:
  mizili-hub commands list
  mizili-hub commands list --edge 3 --json")]
    List(List),
    /// Show one of them, with what it says.
    #[command(
        override_usage = "mizili-hub commands show [OPTIONS] <ID>
An ID is one of those that `mizili-hub commands list` shows.",
        after_help = "Example:
  mizili-hub commands show 01890a5d-ac96-774b-bcce-b302099a8057"
    )]
    Show(One),
    /// Try one of them again, or all: after what it broke over was mended. What waited for it follows.
    #[command(
        override_usage = "mizili-hub commands retry [OPTIONS] <ID> [--new-id]
       mizili-hub commands retry [OPTIONS] --edge <EDGE>
       mizili-hub commands retry [OPTIONS] --all
An ID is one of those that `mizili-hub commands list` shows; an EDGE, of `mizili-hub edge list`.",
        after_help = "Examples:
  mizili-hub commands retry 01890a5d-ac96-774b-bcce-b302099a8057
  mizili-hub commands retry 01890a5d-ac96-774b-bcce-b302099a8057 --new-id
  mizili-hub commands retry --edge 3
  mizili-hub commands retry --all"
    )]
    Retry(Retry),
    /// Put one of them aside for good: it never takes effect, and whoever made it is told so. What waited for it follows.
    #[command(
        override_usage = "mizili-hub commands dismiss [OPTIONS] <ID> [--yes]
An ID is one of those that `mizili-hub commands list` shows.",
        after_help = "Example:
  mizili-hub commands dismiss 01890a5d-ac96-774b-bcce-b302099a8057"
    )]
    Dismiss(Dismiss),
}

#[derive(Args)]
pub(super) struct List {
    #[command(flatten)]
    common: Common,
    /// Of this edge alone.
    #[arg(long, value_name = "EDGE", value_parser = number)]
    edge: Option<u32>,
}

#[derive(Args)]
pub(super) struct One {
    #[command(flatten)]
    common: Common,
    /// The command's id, see `mizili-hub commands list`.
    #[arg(value_parser = command_id)]
    id: Uuid,
}

#[derive(Args)]
pub(super) struct Retry {
    #[command(flatten)]
    common: Common,
    /// The command's id, see `mizili-hub commands list`.
    #[arg(required_unless_present_any = ["all", "edge"], value_parser = command_id)]
    id: Option<Uuid>,
    /// Its id is another command's: take it under one of its own.
    #[arg(long, requires = "id")]
    new_id: bool,
    /// All that wait, of this edge, also of one that was revoked.
    #[arg(long, value_name = "EDGE", value_parser = number, conflicts_with = "id")]
    edge: Option<u32>,
    /// All that wait, of all edges but revoked ones.
    #[arg(long, conflicts_with_all = ["id", "edge"])]
    all: bool,
}

#[derive(Args)]
pub(super) struct Dismiss {
    #[command(flatten)]
    one: One,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

fn command_id(text: &str) -> Result<Uuid, String> {
    text.parse().map_err(|_| {
        "an id looks like 01890a5d-ac96-774b-bcce-b302099a8057; `mizili-hub commands list` shows all"
            .to_owned()
    })
}

/// What came of it.
#[derive(Serialize)]
struct Done {
    decided: usize,
    /// Of all edges: what was held elsewhere may have waited for what was settled.
    waiting: u64,
}

pub(super) async fn run(command: Command) -> Result<()> {
    match command {
        Command::List(args) => list(&args).await,
        Command::Show(args) => {
            let opened = args.common.open().await?;
            let shown = found(&opened, args.id).await;
            opened.close().await?;
            let shown = shown?;
            args.common.output().result(&shown, || paragraph(&shown))
        }
        Command::Retry(args) => {
            let opened = args.common.open().await?;
            let done = retry(&opened, &args).await;
            opened.close().await?;
            show(&args.common, &done?)
        }
        Command::Dismiss(args) => {
            let common = &args.one.common;
            let opened = common.open().await?;
            let done = put_aside(&opened, &args).await;
            opened.close().await?;
            show(common, &done?)
        }
    }
}

async fn list(args: &List) -> Result<()> {
    let opened = args.common.open().await?;
    let waiting = listed(&opened, args.edge).await;
    opened.close().await?;
    let waiting = waiting?;
    if waiting.is_empty() {
        return args.common.output().words("Nothing waits: every command that came has its verdict.");
    }
    for one in &waiting {
        args.common.output().result(one, || line(one))?;
    }
    Ok(())
}

async fn listed(opened: &Opened, edge: Option<u32>) -> Result<Vec<Waiting>> {
    if let Some(edge) = edge {
        edges::whose(&opened.db, edge).await?;
    }
    Ok(desk::list(&opened.db, edge.map(EdgeId)).await?)
}

async fn found(opened: &Opened, id: Uuid) -> Result<Shown> {
    match desk::show(&opened.db, id).await? {
        Some(shown) => Ok(shown),
        None => bail!(
            "no command {id} waits: it was decided, or never came. `mizili-hub commands list` shows all that wait"
        ),
    }
}

async fn retry(opened: &Opened, args: &Retry) -> Result<Done> {
    let (db, deps) = (&opened.db, &opened.deps());
    let new_id = args.new_id;
    let Some(id) = args.id else {
        if let Some(edge) = args.edge {
            edges::whose(db, edge).await?;
        }
        let edge = args.edge.map(EdgeId);
        let which = edge.map_or(Quarantined::All, Quarantined::Of);
        let quarantined = retry_all_quarantined(db, deps, which).await?;
        let rest = match edge {
            Some(edge) => retry_open(db, deps, edge).await?,
            None => retry_all_open(db, deps).await?,
        };
        return done(opened, quarantined.iter().map(|(_, n)| n).sum::<usize>() + rest).await;
    };
    let Shown { waiting, has_anothers_id, .. } = found(opened, id).await?;
    let (stream, seq) = desk::place(&waiting);
    let decided = match waiting.state.as_str() {
        "unreadable" => bail!(
            "what the database holds of it cannot be read by this program; a newer one may. `mizili-hub commands dismiss {id}` puts it aside"
        ),
        "quarantined" if has_anothers_id && !new_id => bail!(
            "its id is another command's. `mizili-hub commands retry {id} --new-id` takes it under an id of its own, `mizili-hub \
             commands dismiss {id}` puts it aside"
        ),
        "quarantined" if new_id && !has_anothers_id => bail!("its id is its own: leave --new-id out"),
        "failing" => bail!("the edge still has this one, and brings it again by itself at its next contact"),
        "quarantined" if new_id => retry_under_new_id(db, deps, stream, seq).await?,
        "quarantined" => retry_quarantined(db, deps, stream, seq).await?,
        _ => retry_open(db, deps, stream.edge).await?,
    };
    done(opened, decided).await
}

async fn put_aside(opened: &Opened, args: &Dismiss) -> Result<Done> {
    let Shown { waiting, .. } = found(opened, args.one.id).await?;
    if waiting.state == "failing" {
        bail!(
            "the edge still has this one, and brings it again by itself; it can be dismissed once the hub has it"
        );
    }
    let what = if waiting.kind.is_empty() { "command" } else { &waiting.kind };
    let question = format!(
        "Shall {} {} of edge {} ({}) never take effect? Whoever made it is told so.",
        what, waiting.id, waiting.edge, waiting.cooperative
    );
    prompt::sure(question, args.yes).await?;
    let (stream, seq) = desk::place(&waiting);
    let decided = dismiss(&opened.db, &opened.deps(), stream, seq).await?;
    done(opened, decided).await
}

async fn done(opened: &Opened, decided: usize) -> Result<Done> {
    let others = if decided > 0 { try_what_waited(opened).await } else { 0 };
    Ok(Done { decided: decided + others, waiting: desk::count(&opened.db).await? })
}

/// What was settled may be what offices' commands waited for: these have their turn at once. Returns how many got another verdict. What
/// fails here is no failure of what was asked for, which stands.
pub(super) async fn try_what_waited(opened: &Opened) -> usize {
    match retry_all_held(&opened.db, &opened.deps()).await {
        Ok(decided) => decided,
        Err(error) => {
            hint(&format!(
                "What waited for it could not be tried now ({error}); the hub does so by itself, within ten minutes."
            ));
            0
        }
    }
}

fn show(common: &Common, done: &Done) -> Result<()> {
    common.output().result(done, || match (done.decided, done.waiting) {
        (0, 0) => "Nothing waited.".to_owned(),
        (0, waiting) => format!(
            "No command got another verdict; {}. `mizili-hub commands list` says why.",
            counted(waiting, "waits", "wait")
        ),
        (decided, 0) => format!("{}; none waits any more.", with_a_verdict(decided)),
        (decided, waiting) => {
            format!("{}; {}.", with_a_verdict(decided), counted(waiting, "waits on", "wait on"))
        }
    })
}

fn with_a_verdict(decided: usize) -> String {
    counted(decided as u64, "command got a verdict", "commands got a verdict")
}

fn line(one: &Waiting) -> String {
    let blame = if one.ours { " (not its fault)" } else { "" };
    let mut line = format!(
        "{}  edge {} {}: {}{blame} since {}, {}",
        one.id, one.edge, one.cooperative, one.state, one.since, one.kind
    );
    if let Some(error) = &one.error {
        line.push_str(&format!("\n      {error}"));
    }
    line
}

fn paragraph(shown: &Shown) -> String {
    let mut text = line(&shown.waiting);
    match &shown.says {
        Some(says) => text.push_str(&format!("\n      {says}\n      by {}", shown.actor)),
        None if !shown.body.is_empty() => {
            text.push_str(&format!("\n      this program cannot read what it says: {}", shown.body));
        }
        None => {}
    }
    for clash in &shown.clashes_with {
        text.push_str(&format!("\n      clashes with {clash}"));
    }
    text
}
