//! `mizili-edge enrol`: a one-time code makes this box known to a hub.

use super::{Out, Place, password, tell};
use crate::config::CONFIG_FILE;
use crate::sync::client::{HttpTransport, checked_address};
use crate::sync::enrol::Enrolment;
use crate::sync::tls::BestTime;
use serde_json::json;
use std::sync::Arc;

/// Arguments of `enrol`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    mizili-edge enrol --hub https://hub.example.org --code K7M0-2XYL-9QRT\n  \
    mizili-edge enrol --hub http://127.0.0.1:8080 --code K7M0-2XYL-9QRT --data-dir /var/lib/mizili-edge --json\n\n\
    The code comes from the hub's operator (mizili-hub edge add), works once and for a few days. Capital letters, dashes \
    and spaces do not matter.\n\
    On a terminal the office password is asked for; else, and with --json, one is made and printed.\n\
    Settings are written to edge.toml in the data folder.")]
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
}

pub(super) async fn run(args: EnrolArgs, place: &Place, out: &mut Out) -> anyhow::Result<()> {
    // What can be seen to be wrong without the hub is said before a password is asked for.
    checked_address(&args.hub, args.insecure_http)?;
    if args.insecure_http {
        tell(
            "Warning: the line to the hub is not encrypted. Everybody on the way can read and change what is sent.",
        );
    }
    let db = place.open()?;
    let time = Arc::new(BestTime::new(place.deps.clock.clone(), None, 0));
    let transport = HttpTransport::new(&args.hub, args.insecure_http, time)?;
    let enrolment = Enrolment {
        db: &db,
        deps: &place.deps,
        data_dir: place.path(),
        transport: &transport,
        insecure_http: args.insecure_http,
    };
    enrolment.check(&args.code).await?;
    let (chosen, made) = password::first(place, out.json).await?;
    let enrolled = enrolment.run(&args.code, &chosen).await?;
    let name = &enrolled.cooperative.name;
    let shown = match &made {
        Some(made) => format!("The office password is: {made}   (it is shown only this once)\n"),
        None => String::new(),
    };
    out.say(
        &json!({ "edge": enrolled.edge.0, "cooperative": enrolled.cooperative.id, "office_password": made }),
        &format!(
            "This box is now number {} of the hub, the office of {name}.\n{shown}\
             Sign in at the office page with the name '{}'.\n\
             Its settings are in {}.\nStart it with: mizili-edge serve --data-dir {}",
            enrolled.edge,
            password::FIRST_USER,
            place.path().join(CONFIG_FILE).display(),
            place.path().display()
        ),
    )
}
