//! `mizili-hub edge`.

use super::{Common, number};
use crate::config::Opened;
use crate::error::ApiError;
use crate::sync::code::VALID_DAYS;
use crate::sync::doors::{self, WrittenOff};
use crate::sync::edges::{self, Added, EdgeState, Whose};
use anyhow::Result;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use mizili_node::deps::Clock as _;
use mizili_node::name::tidy;
use mizili_node::prompt;
use mizili_node::text::counted;
use serde::Serialize;
use sync_protocol::text::is_visible;

/// Longest name of an edge: it stands in the head of a page and in lists.
const NAME_MAX_CHARS: usize = 40;

/// Seconds by which a box's clock may be off without a word, as at the box.
const CLOCK_OFF_S: i64 = 300;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Make an edge for a cooperative's office, with a one-time code.
    #[command(after_help = "Examples:
  mizili-hub edge add --cooperative 1
  mizili-hub edge add --cooperative 1 --name 'Market store'
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
    #[command(after_help = "Examples:
  mizili-hub edge revoke 3                 asks, naming the cooperative
  mizili-hub edge revoke 3 --yes           does not ask, for scripts")]
    Revoke(Revoke),
    /// Give an edge a name, such as that of the place where it stands.
    #[command(after_help = "Example:
  mizili-hub edge name 3 'Market store'")]
    Name(Name),
}

#[derive(Args)]
pub(super) struct Add {
    #[command(flatten)]
    common: Common,
    /// Number of the cooperative, see `mizili-hub cooperative list`.
    #[arg(long, value_name = "ID", value_parser = number)]
    cooperative: u32,
    /// Subscribe to everything in the country: a node that serves a national short code.
    #[arg(long)]
    national: bool,
    /// What people call it, such as the place where it stands.
    #[arg(long, value_parser = name)]
    name: Option<String>,
}

#[derive(Args)]
pub(super) struct Revoke {
    #[command(flatten)]
    one: One,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

#[derive(Args)]
pub(super) struct Name {
    #[command(flatten)]
    one: One,
    /// The name.
    #[arg(value_parser = name)]
    name: String,
}

#[derive(Args)]
pub(super) struct One {
    #[command(flatten)]
    common: Common,
    /// Number of the edge, see `mizili-hub edge list`.
    #[arg(value_name = "EDGE", value_parser = number)]
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
    cooperative: String,
    name: String,
    revoked_at: String,
}

impl Command {
    /// Whether it may wait for a person.
    pub(super) fn asks(&self) -> bool {
        match self {
            Self::Revoke(args) => !args.yes,
            Self::WriteOff(args) => !args.yes,
            Self::Add(_) | Self::List(_) | Self::Code(_) | Self::Resume(_) | Self::Name(_) => false,
        }
    }
}

pub(super) async fn run(command: Command) -> Result<()> {
    match command {
        Command::Add(args) => {
            let opened = args.common.open().await?;
            let added = add(&opened, &args).await;
            opened.close().await?;
            show_code(&args.common, &added?)
        }
        Command::Code(args) => {
            let opened = args.common.open().await?;
            let added = edges::new_code(&opened.db, &opened.deps(), args.id).await;
            opened.close().await?;
            show_code(&args.common, &added?)
        }
        Command::List(common) => list(&common).await,
        Command::Resume(args) => {
            let opened = args.common.open().await?;
            let was = doors::resume(&opened.db, &opened.deps(), args.id).await;
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
            let opened = args.one.common.open().await?;
            let revoked = revoke(&opened, args.one.id, args.yes).await;
            opened.close().await?;
            let (whose, at) = revoked?;
            let words = format!("{} is revoked.", called(args.one.id, &whose));
            let Whose { cooperative, name, .. } = whose;
            let revoked = Revoked { id: args.one.id, cooperative, name, revoked_at: at.to_string() };
            args.one.common.output().result(&revoked, || words)
        }
        Command::Name(args) => {
            let opened = args.one.common.open().await?;
            let named = edges::rename(&opened.db, &opened.deps(), args.one.id, &args.name).await;
            opened.close().await?;
            let whose = named?;
            let words = format!("{}.", called(args.one.id, &whose));
            let Whose { cooperative, name, .. } = whose;
            args.one.common.output().result(&Named { id: args.one.id, cooperative, name }, || words)
        }
    }
}

async fn write_off(args: WriteOff) -> Result<()> {
    let (common, id) = (&args.one.common, args.one.id);
    let opened = common.open().await?;
    let written = written_off(&opened, id, args.yes).await;
    opened.close().await?;
    let (edge, lines) = written?;
    if !lines.iter().any(|line| line.written_off) {
        common.output().words(&format!("{edge} holds nothing that could be written off."))?;
    }
    for line in &lines {
        common.output().result(line, || {
            let what = if line.written_off {
                "written off"
            } else {
                "left as it is, for it had sold more than it held: count what is in its store, and take that in again"
            };
            format!("{}  {}: {} {what}", line.listing, line.title, line.quantity)
        })?;
    }
    Ok(())
}

/// Writes off what an edge holds, when somebody has confirmed whose it is and of how many products; where there is nothing, nobody is
/// asked. With the edge, as people speak of it.
async fn written_off(opened: &Opened, id: u32, is_confirmed: bool) -> Result<(String, Vec<WrittenOff>)> {
    let edge = called(id, &edges::whose(&opened.db, id).await?);
    let products = doors::to_write_off(&opened.db, id).await?.iter().filter(|line| line.written_off).count();
    if products > 0 {
        let products = counted(products as u64, "product", "products");
        let question = format!("Shall what {edge} holds of {products} count nowhere any more?");
        prompt::sure(question, is_confirmed).await?;
    }
    Ok((edge, doors::write_off(&opened.db, &opened.deps(), id).await?))
}

async fn add(opened: &Opened, args: &Add) -> Result<Added, ApiError> {
    let name = args.name.as_deref().unwrap_or_default();
    edges::add_named(&opened.db, &opened.deps(), args.cooperative, args.national, name).await
}

#[derive(Serialize)]
struct Named {
    id: u32,
    cooperative: String,
    name: String,
}

/// An edge as people speak of it.
pub(super) fn called(id: u32, whose: &Whose) -> String {
    let Whose { cooperative, name, .. } = whose;
    let name = if name.is_empty() { String::new() } else { format!(" \"{name}\"") };
    format!("Edge {id}{name} of {cooperative}")
}

/// A name that fits a line and can be seen.
fn name(text: &str) -> Result<String, String> {
    let text = tidy(text);
    match text.chars().count() {
        _ if !is_visible(&text) => Err("a name needs at least one letter that can be seen".to_owned()),
        1..=NAME_MAX_CHARS if !text.chars().any(char::is_control) => Ok(text),
        _ => Err(format!("a name has at most {NAME_MAX_CHARS} characters, on one line")),
    }
}

/// Ends an edge, when somebody has confirmed whose it is: a number alone is easily mistyped, and there is no way back.
async fn revoke(opened: &Opened, id: u32, is_confirmed: bool) -> Result<(Whose, Timestamp)> {
    let whose = edges::whose(&opened.db, id).await?;
    if !whose.is_revoked {
        let edge = called(id, &whose);
        let question = format!(
            "Shall {edge} get nothing and change nothing from now on? There is no way back: a new box needs a new edge."
        );
        prompt::sure(question, is_confirmed).await?;
    }
    let at = edges::revoke(&opened.db, &opened.deps(), id).await?;
    Ok((whose, at))
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
    let edges = edges::list(&opened.db, opened.clock.now()).await;
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

/// A length of time as people say it, in the largest unit that it has one of.
fn span(seconds: u64) -> String {
    let units = [(31_557_600, "years"), (86_400, "days"), (3_600, "hours"), (60, "minutes")];
    let fits = units.into_iter().find(|(length, _)| seconds >= 2 * length);
    let (length, name) = fits.unwrap_or((1, "seconds"));
    format!("{} {name}", seconds / length)
}

fn line(edge: &EdgeState) -> String {
    let contact = edge.last_contact.as_deref().unwrap_or("never");
    let lag = edge.lag.map_or_else(|| "unknown".to_owned(), |lag| counted(lag, "row", "rows"));
    let name = if edge.name.is_empty() { String::new() } else { format!(", {}", edge.name) };
    let mut line = format!(
        "{:>4}  {}  {}{name}: last heard {contact}, behind by {lag}, {} waiting, {} refused",
        edge.id, edge.state, edge.cooperative, edge.pending, edge.refused
    );
    if let Some(reason) = &edge.reason {
        line.push_str(&format!("\n      {reason}"));
    }
    if let Some(offset_s) = edge.clock_offset_s.filter(|offset| offset.abs() > CLOCK_OFF_S) {
        let way = if offset_s > 0 { "ahead" } else { "behind" };
        line.push_str(&format!(
            "\n      Its clock is {} {way}; no harm is done, but it should be set.",
            span(offset_s.unsigned_abs())
        ));
    }
    if let Some(since) = &edge.stuck_sms_since {
        line.push_str(&format!(
            "\n      {} there since {since} and cannot be sent: its edge.toml needs an account (username and api_key).",
            counted(edge.stuck_sms, "SMS waits", "SMS wait")
        ));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_off_is_said_and_one_that_is_nearly_right_is_not() {
        let with = |clock_offset_s| EdgeState {
            id: 3,
            cooperative_id: 1,
            cooperative: "Mitundu Farmers".into(),
            name: String::new(),
            national: false,
            state: "enrolled",
            last_contact: None,
            lag: None,
            pending: 0,
            refused: 0,
            clock_offset_s,
            software: String::new(),
            stuck_sms: 0,
            stuck_sms_since: None,
            reason: None,
        };
        assert!(
            line(&with(Some(-3_456_000))).contains("\n      Its clock is 40 days behind; no harm is done")
        );
        assert!(line(&with(Some(441_806_400))).contains("14 years ahead"));
        for right in [None, Some(0), Some(-300)] {
            assert_eq!(line(&with(right)).lines().count(), 1);
        }
    }

    #[test]
    fn a_length_of_time_is_said_in_the_largest_unit_that_fits_twice() {
        let said = [301, 86_400, 3_456_000, 630_720_000].map(span);
        assert_eq!(said, ["5 minutes", "24 hours", "40 days", "19 years"]);
    }
}
