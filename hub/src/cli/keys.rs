//! `mizili-hub keys`.

use super::Common;
use crate::keys::HubKeys;
use crate::sync::trust::{self, Found};
use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use mizili_node::deps::Deps;
use mizili_node::prompt;
use serde::Serialize;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Show this hub's keys by their fingerprint, and whether its database's edges trust them.
    #[command(after_help = "Example:
  mizili-hub keys show")]
    Show(Keys),
    /// Make this hub's keys the ones of its database: the others are lost, or were noted by mistake.
    #[command(after_help = "Examples:
  mizili-hub keys replace
  mizili-hub keys replace --data-dir /var/lib/mizili/hub --yes
  mizili-hub keys replace --new            the old keys are lost

A hub whose keys are not the database's does not serve. Run this where the right ones are. An edge that was enrolled with others
has to be enrolled again, in place: `mizili-hub edge code ID` here, then `mizili-edge enrol` at the box. It keeps what it has.")]
    Replace(Replace),
}

#[derive(Args)]
pub(super) struct Keys {
    #[command(flatten)]
    common: Common,
    /// The hub's keys towards edges; without them, those of the data folder.
    #[arg(long, env = "MIZILI_HUB_KEYS", hide = true, hide_env_values = true)]
    hub_keys: Option<String>,
}

#[derive(Args)]
pub(super) struct Replace {
    #[command(flatten)]
    keys: Keys,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    /// Make new keys, where there are none: those that the edges trust are lost, not elsewhere.
    #[arg(long)]
    new: bool,
}

#[derive(Serialize)]
struct Shown {
    /// None where there are none.
    keys: Option<String>,
    from: String,
    trusted: bool,
    database: String,
}

#[derive(Serialize)]
struct Replaced {
    keys: String,
    edges: u64,
}

impl Keys {
    /// The keys that are there. Looking makes none.
    fn read(&self) -> Result<Option<HubKeys>> {
        Ok(HubKeys::read(self.hub_keys.as_deref(), &self.common.data_dir)?)
    }

    /// The same, and new ones where there are none.
    fn read_or_make(&self) -> Result<HubKeys> {
        let ids = Deps::real().ids;
        let given = self.hub_keys.as_deref();
        Ok(HubKeys::load(given, &self.common.data_dir, |secret| ids.fill(secret))?)
    }

    fn place(&self) -> String {
        HubKeys::place(self.hub_keys.as_deref(), &self.common.data_dir)
    }
}

pub(super) async fn run(command: Command) -> Result<()> {
    match command {
        Command::Show(args) => {
            let opened = args.common.open().await?;
            let compared = async { anyhow::Ok((args.read()?, trust::look(&opened.db).await?)) }.await;
            opened.close().await?;
            let (keys, database) = compared?;
            let (keys, from) = (keys.map(|keys| keys.fingerprint()), args.place());
            let trusted = keys.is_some() && (database.is_none() || database == keys);
            let shown = Shown { trusted, from, database: database.unwrap_or_default(), keys };
            args.common.output().result(&shown, || {
                let Shown { keys, from, trusted, database } = &shown;
                let theirs = if database.is_empty() { "none yet" } else { database };
                let Some(keys) = keys else {
                    return format!("There are no keys in {from}. The database has noted {theirs}.");
                };
                match (trusted, database.is_empty()) {
                    (true, false) => {
                        format!("{keys}  from {from}: the keys that this database's edges trust.")
                    }
                    (true, true) => format!("{keys}  from {from}. The database has noted none yet."),
                    (false, _) => format!("{keys}  from {from}: NOT the database's, which are {database}."),
                }
            })
        }
        Command::Replace(args) => {
            let common = &args.keys.common;
            let opened = common.open().await?;
            let replaced = replace(&opened.db, &opened.deps(), &args).await;
            opened.close().await?;
            let replaced = replaced?;
            common.output().result(&replaced, || match replaced.edges {
                0 => format!("The database's keys are {}.", replaced.keys),
                edges => format!(
                    "The database's keys are now {}. {edges} edges were enrolled before: each that does not trust these keys says so \
                     at its next contact. Let it in again with `mizili-hub edge code ID`, and `mizili-edge enrol` at the box.",
                    replaced.keys
                ),
            })
        }
    }
}

async fn replace(db: &crate::db::Db, deps: &Deps, args: &Replace) -> Result<Replaced> {
    let place = args.keys.place();
    if args.keys.read()?.is_none() && !args.new {
        let edges = trust::enrolled(db).await?;
        let noted = trust::look(db).await?.unwrap_or_else(|| "none yet".to_owned());
        if edges > 0 || noted != "none yet" {
            bail!(
                "there are no keys in {place}, and new ones would be trusted by none of the {edges} edges that are enrolled (the \
                 database's are {noted}). Run this where those are; if they are lost, add --new, and every office has to be enrolled \
                 again, in place"
            );
        }
    }
    let keys = args.keys.read_or_make()?;
    let mut edges = 0;
    if let Found::Others { theirs } = trust::compare(db, &keys).await? {
        let question = format!(
            "Edges of this database trust the keys {theirs}. Shall they be replaced by {}, of {}?",
            keys.fingerprint(),
            place
        );
        prompt::sure(question, args.yes).await?;
        edges = trust::replace(db, deps, &keys, &theirs).await?;
    }
    Ok(Replaced { keys: keys.fingerprint(), edges })
}
