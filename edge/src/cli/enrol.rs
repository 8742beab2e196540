//! `mizili-edge enrol`: a one-time code makes this box known to a hub.

use super::fresh::Fresh;
use super::{Out, Place, password, tell};
use crate::commands;
use crate::config::{CONFIG_FILE, Config, ConfigError};
use crate::db::Db;
use crate::line::tls::BestTime;
use crate::sync::client::{HttpTransport, checked_address};
use crate::sync::enrol::{Before, Enrolled, Enrolment};
use crate::sync::lock;
use crate::sync::{self, Bounds, Check, SyncError};
use anyhow::{Context as _, bail};
use mizili_node::prompt;
use mizili_node::text::counted;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use sync_protocol::ids::EdgeId;

/// The exchange after a box was let in again.
const EXCHANGE: Bounds = Bounds {
    lock_patience: Duration::from_secs(60),
    work: Some(Duration::from_secs(60)),
    check: Check::Moved,
    hold_commands: false,
};

/// Arguments of `enrol`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    mizili-edge enrol --hub https://hub.example.org --code K7M0-2XYL-9QRT\n  \
    mizili-edge enrol --hub http://127.0.0.1:8080 --code K7M0-2XYL-9QRT --data-dir /var/lib/mizili-edge --json\n\n\
    The code comes from the hub's operator (mizili-hub edge add), works once and for a few days. Capital letters, dashes \
    and spaces do not matter.\n\
    On a terminal the office password is asked for; else, and with --json, one is made and printed.\n\
    Settings are written to edge.toml in the data folder.\n\
    A box that is enrolled and that the hub does not go on with is let in again the same way, with a new code (mizili-hub edge code). \
    It keeps everything it has, sends the hub what it has not heard, and sells of its own stock what was counted since. Where nothing \
    keeps the box from going on as it is, it asks first; a script says --yes.")]
pub(super) struct EnrolArgs {
    /// The hub's address
    #[arg(long, value_name = "URL")]
    hub: String,
    /// The one-time code
    #[arg(long)]
    code: String,
    /// Let the box speak with the hub over plain http although the hub is on another machine. For trials only
    #[arg(long)]
    insecure_http: bool,
    /// The hub is the one that this box belongs to, although its keys are others
    #[arg(long)]
    same_hub: bool,
    /// Do not ask before a box is enrolled again that goes on by itself
    #[arg(long)]
    yes: bool,
}

pub(super) async fn run(args: EnrolArgs, place: &Place, out: &mut Out) -> anyhow::Result<()> {
    // What can be seen to be wrong without the hub is said before a password is asked for.
    checked_address(&args.hub, args.insecure_http)?;
    if args.insecure_http {
        tell(
            "Warning: the line to the hub is not encrypted. Everybody on the way can read and change what is sent.",
        );
    }
    place.check()?;
    must_be_where_the_settings_say(&args, place)?;
    let shown = place.path().display();
    let taken = lock::patiently(|| Fresh::take(place.path())).await;
    let taken = taken.with_context(|| format!("cannot use the data folder {shown}"))?;
    let Some(mut fresh) = taken else {
        bail!("another enrol of {shown} is running; wait until it has ended")
    };
    let db = place.open()?;
    let time = Arc::new(BestTime::new(place.deps.clock.clone(), None, 0));
    let transport = HttpTransport::new(&args.hub, args.insecure_http, time)?;
    let enrolment = Enrolment {
        db: &db,
        deps: &place.deps,
        data_dir: place.path(),
        transport: &transport,
        insecure_http: args.insecure_http,
        same_hub: args.same_hub,
    };
    let (chosen, made) = match enrolment.check(&args.code).await? {
        Some(edge) => {
            may_stop_selling(&enrolment, edge, args.yes).await?;
            (None, None)
        }
        None => {
            let (chosen, made) = password::first(place, out.json).await?;
            (Some(chosen), made)
        }
    };
    // From here on the hub may know the keys, also where somebody stops this: they are needed for another try.
    fresh.keep(true);
    let enrolled = enrolment.run(&args.code, chosen.as_deref()).await;
    fresh.keep(enrolled.as_ref().map_or_else(SyncError::may_have_arrived, |_| true));
    let enrolled = enrolled.map_err(|error| at(&args.hub, error))?;
    match enrolled.before {
        Before::New | Before::Successor => say_new(&enrolled, made, place, out),
        Before::Earlier => {
            exchange(&db, place).await?;
            say_anew(&enrolled, left(&db).await?, out)
        }
        Before::Same => say_same(&enrolled, left(&db).await?, out),
    }
}

/// Settings that name another address would send this box, and its new sign-in, there.
fn must_be_where_the_settings_say(args: &EnrolArgs, place: &Place) -> anyhow::Result<()> {
    let hub_url = match Config::load(place.path()) {
        Ok(config) => config.hub_url,
        Err(ConfigError::Missing(_)) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let is_another = !hub_url.is_empty()
        && checked_address(&hub_url, true).ok() != checked_address(&args.hub, args.insecure_http).ok();
    if is_another {
        bail!(
            "the settings say that the hub is at {hub_url} (hub_url in {}): take that line out, or give --hub {hub_url}",
            place.path().join(CONFIG_FILE).display()
        )
    }
    Ok(())
}

/// What people were told of should not wait for the next contact.
async fn exchange(db: &Db, place: &Place) -> anyhow::Result<()> {
    let config = Config::load(place.path())?;
    let exchanged = match sync::open(db.clone(), place.deps.clone(), &config).await {
        Ok(syncer) => syncer.run_once(EXCHANGE).await,
        Err(error) => Err(error),
    };
    if let Err(error) = exchanged {
        tell(&format!(
            "The hub has let this box in again; the first exchange did not come to its end: {error}"
        ));
    }
    Ok(())
}

/// What has no final answer of the hub yet.
async fn left(db: &Db) -> anyhow::Result<u64> {
    Ok(db.read(commands::tally).await?.unsettled())
}

fn say_new(enrolled: &Enrolled, made: Option<String>, place: &Place, out: &mut Out) -> anyhow::Result<()> {
    let shown = match &made {
        Some(made) => format!("The office password is: {made}   (it is shown only this once)\n"),
        None => String::new(),
    };
    let count = match enrolled.before {
        Before::Successor => {
            "\nThe office has had another box before. Count the stock at the office page: until a product is counted, the hub is asked \
             for every new order of it."
        }
        _ => "",
    };
    out.say(
        &json!({ "edge": enrolled.edge.0, "cooperative": enrolled.cooperative.id, "office_password": made, "must_count": enrolled.before == Before::Successor }),
        &format!(
            "This box is now number {} of the hub, the office of {}.\n{shown}\
             Sign in at the office page with the name '{}'.\n\
             Its settings are in {}.\nStart it with: mizili-edge serve --data-dir {}{count}",
            enrolled.edge,
            enrolled.cooperative.name,
            crate::staff::password::FIRST_USER,
            place.path().join(CONFIG_FILE).display(),
            place.path().display()
        ),
    )
}

fn say_anew(enrolled: &Enrolled, left: u64, out: &mut Out) -> anyhow::Result<()> {
    out.say(
        &json!({ "edge": enrolled.edge.0, "cooperative": enrolled.cooperative.id, "again": true, "pending": left }),
        &format!(
            "This box goes on as number {} of the hub, the office of {}, with all that it has. {} for the hub's answer.\n\
             Count the stock at the office page: until a product is counted, the hub is asked for every new order of it.",
            enrolled.edge,
            enrolled.cooperative.name,
            counted(left, "entry waits", "entries wait")
        ),
    )
}

fn say_same(enrolled: &Enrolled, left: u64, out: &mut Out) -> anyhow::Result<()> {
    out.say(
        &json!({ "edge": enrolled.edge.0, "cooperative": enrolled.cooperative.id, "again": true, "pending": left }),
        &format!(
            "This box is number {} of the hub, the office of {}, by this code already. It goes on as it was, with all that it has.",
            enrolled.edge, enrolled.cooperative.name
        ),
    )
}

/// A box that is well sells nothing of its own stock after this until somebody has counted it: no slip may do that.
async fn may_stop_selling(enrolment: &Enrolment<'_>, edge: EdgeId, is_said: bool) -> anyhow::Result<()> {
    if enrolment.goes_on_by_itself().await? {
        let question = format!(
            "This box is number {edge} of its hub, and as far as it knows it can go on as it is. Enrolled again it keeps what it has, but \
             sells nothing of its own stock until each product was counted at the office page. Shall it be enrolled again?"
        );
        prompt::sure(question, is_said).await?;
    }
    Ok(())
}

/// Where the line fails before a box is anybody's, the address is the first thing to look at.
fn at(hub: &str, error: SyncError) -> anyhow::Error {
    let is_of_the_line = matches!(error, SyncError::Line(_));
    let error = anyhow::Error::new(error);
    if is_of_the_line {
        return error.context(format!(
            "no hub answers at {hub}; check the address and port, and that the hub runs there"
        ));
    }
    error
}
