//! `mizili-hub jobs`.

use super::Common;
use crate::config::Opened;
use crate::queue::desk::{self, Listed, Told};
use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use mizili_node::prompt;
use serde::Serialize;
use uuid::Uuid;

#[derive(Subcommand)]
pub(super) enum Command {
    /// List jobs that failed for good and wait for you, and those that should have been done by now.
    #[command(after_help = "Examples:
  mizili-hub jobs list
  mizili-hub jobs list --all --json")]
    List(List),
    /// Try a job again at once, as if it had never failed: after what it failed over was mended.
    #[command(
        override_usage = "mizili-hub jobs retry [OPTIONS] <ID>
An ID is one of those that `mizili-hub jobs list` shows.",
        after_help = "Example:
  mizili-hub jobs retry 01890a5d-ac96-774b-bcce-b302099a8057"
    )]
    Retry(One),
    /// Put a job aside for good: it is never done.
    #[command(
        override_usage = "mizili-hub jobs dismiss [OPTIONS] <ID> [--yes]
An ID is one of those that `mizili-hub jobs list` shows.",
        after_help = "Example:
  mizili-hub jobs dismiss 01890a5d-ac96-774b-bcce-b302099a8057"
    )]
    Dismiss(Dismiss),
}

impl Command {
    /// Whether it asks somebody, who may take his time.
    pub(super) fn asks(&self) -> bool {
        matches!(self, Self::Dismiss(_))
    }
}

#[derive(Args)]
pub(super) struct List {
    #[command(flatten)]
    common: Common,
    /// Also those that run, and those whose time has not come.
    #[arg(long)]
    all: bool,
}

#[derive(Args)]
pub(super) struct One {
    #[command(flatten)]
    common: Common,
    /// The job's id, see `mizili-hub jobs list`.
    #[arg(value_parser = job_id)]
    id: Uuid,
}

#[derive(Args)]
pub(super) struct Dismiss {
    #[command(flatten)]
    one: One,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

fn job_id(text: &str) -> Result<Uuid, String> {
    text.parse().map_err(|_| {
        "an id looks like 01890a5d-ac96-774b-bcce-b302099a8057; `mizili-hub jobs list` shows all".to_owned()
    })
}

/// What was done about a job.
#[derive(Serialize)]
struct Done {
    id: Uuid,
    done: &'static str,
}

pub(super) async fn run(command: Command) -> Result<()> {
    match command {
        Command::List(args) => list(&args).await,
        Command::Retry(args) => {
            let opened = args.common.open().await?;
            let done = retry(&opened, args.id).await;
            opened.close().await?;
            args.common
                .output()
                .result(&done?, || "It is done again within a second or so, where a hub serves.".to_owned())
        }
        Command::Dismiss(args) => {
            let common = &args.one.common;
            let opened = common.open().await?;
            let done = put_aside(&opened, &args).await;
            opened.close().await?;
            common.output().result(&done?, || "It is put aside, and never done.".to_owned())
        }
    }
}

async fn list(args: &List) -> Result<()> {
    let opened = args.common.open().await?;
    let listed = desk::list(&opened.db, &opened.deps(), args.all).await;
    opened.close().await?;
    let listed = listed?;
    if listed.is_empty() {
        let nothing =
            if args.all { "There are no jobs." } else { "No job failed for good, and none is late." };
        return args.common.output().words(nothing);
    }
    for one in &listed {
        args.common.output().result(one, || line(one))?;
    }
    Ok(())
}

async fn retry(opened: &Opened, id: Uuid) -> Result<Done> {
    told(id, desk::retry(&opened.db, &opened.deps(), id).await?, "retry")
}

async fn put_aside(opened: &Opened, args: &Dismiss) -> Result<Done> {
    let id = args.one.id;
    prompt::sure(format!("Shall job {id} never be done?"), args.yes).await?;
    told(id, desk::dismiss(&opened.db, &opened.deps(), id).await?, "dismiss")
}

fn told(id: Uuid, told: Told, done: &'static str) -> Result<Done> {
    match told {
        Told::Done => Ok(Done { id, done }),
        Told::Unknown => bail!(
            "there is no job {id}: it was done, or never was. `mizili-hub jobs list --all` shows all there are"
        ),
        Told::Runs => {
            bail!("job {id} is being done now; if its hub has ended, it is free again within a minute")
        }
        Told::Replaced => bail!(
            "another job does what job {id} would: `mizili-hub jobs list --all` shows it. `mizili-hub jobs dismiss {id}` puts this one aside"
        ),
    }
}

fn line(one: &Listed) -> String {
    let about = one.key.as_ref().filter(|key| **key != one.kind).map(|key| format!(" ({key})"));
    let mut line = format!(
        "{}  {}{}: {}, {} of {} attempts, due {}",
        one.id,
        one.kind,
        about.unwrap_or_default(),
        one.state,
        one.attempts,
        one.attempts_max,
        one.due
    );
    if let Some(error) = &one.last_error {
        line.push_str(&format!("\n      {}", error.replace('\n', " ")));
    }
    line
}
