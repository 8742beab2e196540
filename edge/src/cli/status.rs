//! `mizili-edge status`: how things stand, in words for the office and in JSON for programs.

use super::{Out, Place};
use crate::commands;
use crate::config::Config;
use crate::db::{Db, DbError, pass_over};
use crate::node::{self, Doubt, ShutOut};
use crate::outbox::{self, Stuck};
use crate::replica;
use crate::sync::lock::{self, Serving};
use crate::sync::{SyncError, known_code, state};
use crate::time;
use jiff::Timestamp;
use mizili_node::deps::Reading;
use mizili_node::text::counted;
use rusqlite::Connection;
use serde_json::{Value, json};
use sync_protocol::market::{Commodity, Cooperative, Listing};
use sync_protocol::row::Key;

/// Arguments of `status`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    mizili-edge status\n  \
    mizili-edge status --json\n\n\
    In JSON: `pending` counts what has no final answer of the hub yet, `rejected` what the hub refused, `complete` says that \
    everything the hub has for this office was here at the last exchange, `digests_equal` that both sides were compared and hold \
    the same (null before the first time), `problem` what is wrong in a sentence, `problem_code` in one word for programs (both \
    null when all is well; the words are listed in the box's API description, /api/openapi.json). Times are UTC, by the hub's clock where it is known.")]
pub(super) struct StatusArgs {}

/// The code of [`SyncError::Storage`].
const STORAGE: &str = "storage";

/// How things stand.
struct Standing {
    edge: u32,
    /// What people call the box; none where it has no name.
    name: Option<String>,
    cooperative: u32,
    cooperative_name: Option<String>,
    hub_url: String,
    last_contact: Option<Timestamp>,
    /// Seconds since then by this box's clock.
    contact_age_s: Option<i64>,
    /// Seconds by which this box's clock is ahead of the hub's.
    clock_offset_s: i64,
    tally: commands::Tally,
    doubt: Option<Doubt>,
    /// The same in one word.
    held_back: Option<&'static str>,
    /// Names of the products that are still to be counted.
    to_count: Vec<String>,
    state: state::SyncState,
    /// SMS that no gateway of the settings can send.
    sms_stuck: Option<Stuck>,
    /// SMS that were given up.
    sms_given_up: u64,
}

pub(super) async fn run(_args: StatusArgs, place: &Place, out: &mut Out) -> anyhow::Result<()> {
    let db = place.open_enrolled().await?;
    let config = Config::load(place.path())?;
    let at = place.deps.clock.read();
    let settings = config.clone();
    let mut standing = db.read(move |conn| standing(conn, &settings, at)).await?;
    // Where nothing can be stored, what stopped the last try could not be stored either.
    if let Err(error) = try_to_store(db).await {
        let words = error.to_string();
        standing.state.failure = Some((SyncError::from(error).code().to_owned(), words));
    }
    let running = lock::running(place.path());
    out.say(&to_json(&standing, &config, running), &words(&standing, &config, running))
}

/// Whether this box can store anything.
async fn try_to_store(db: Db) -> Result<(), DbError> {
    db.write(state::try_to_store).await?;
    // What stands there already fits on a full disk too; the next entry would not.
    tokio::task::spawn_blocking(move || db.try_disk())
        .await
        .unwrap_or_else(|_| Err(DbError::Other("the disk was not tried; see the log".to_owned())))
}

fn standing(conn: &Connection, config: &Config, at: Reading) -> Result<Standing, SyncError> {
    let me = node::identity(conn)?.ok_or(SyncError::NotEnrolled)?;
    let (heard, now) = (time::last_heard(conn, at)?, time::now(conn, at)?);
    let key = Key::Int(me.cooperative.0);
    Ok(Standing {
        edge: me.edge.0,
        // A damaged row must not keep the rest from being told.
        name: node::own_name(conn, me.edge).ok().flatten(),
        cooperative: me.cooperative.0,
        cooperative_name: name_of(replica::get::<Cooperative>(conn, key)),
        hub_url: if config.hub_url.is_empty() { me.hub_url } else { config.hub_url.clone() },
        last_contact: heard.and_then(|heard| Timestamp::from_second(heard.hub_s).ok()),
        contact_age_s: heard.map(|heard| heard.age_s),
        clock_offset_s: heard.map_or(0, |heard| -heard.ahead_s),
        tally: commands::tally(conn)?,
        doubt: node::doubt(conn)?,
        held_back: node::held_back(conn)?,
        to_count: to_count(conn)?,
        state: state::load(conn)?,
        sms_stuck: outbox::stuck(conn, &config.senders(), &now)?,
        sms_given_up: outbox::given_up(conn, &now)?,
    })
}

/// The products that are still to be counted, by title or crop.
fn to_count(conn: &Connection) -> Result<Vec<String>, DbError> {
    let mut names = Vec::new();
    for listing in node::counts::to_count(conn)? {
        let Some(listing) = pass_over(replica::get::<Listing>(conn, Key::Uuid(listing.0)))?.flatten() else {
            names.push(format!("product {}, which cannot be read now", listing.0));
            continue;
        };
        let crop = || replica::get::<Commodity>(conn, Key::Int(listing.commodity.0));
        let crop = if listing.title.is_empty() { crop()?.map(|crop| crop.name) } else { None };
        names.push(crop.unwrap_or(listing.title));
    }
    Ok(names)
}

/// A damaged row must not keep the rest from being told.
fn name_of(read: Result<Option<Cooperative>, DbError>) -> Option<String> {
    read.ok().flatten().map(|cooperative| cooperative.name)
}

/// The address under which gateways reach this box.
fn gateways_reach(config: &Config, running: Option<Serving>) -> String {
    config.base_url(running.map_or(config.gateways_at(), |serving| serving.gateways))
}

fn to_json(standing: &Standing, config: &Config, running: Option<Serving>) -> Value {
    let base = gateways_reach(config, running);
    let gateways: Vec<Value> = config
        .gateways
        .iter()
        .map(|gateway| {
            json!({
                "kind": gateway.kind.as_str(),
                "name": gateway.name,
                "ussd_url": format!("{base}{}", gateway.ussd_path()),
                "sms_url": format!("{base}{}", gateway.sms_path()),
                "ended_url": format!("{base}{}", gateway.ended_path()),
                "delivery_url": format!("{base}{}", gateway.delivery_path()),
                "opt_out_url": format!("{base}{}", gateway.opt_out_path()),
            })
        })
        .collect();
    let (code, words) =
        standing.state.failure.as_ref().map(|(code, words)| (known_code(code), words)).unzip();
    json!({
        "edge": standing.edge,
        "name": standing.name,
        "cooperative": standing.cooperative,
        "cooperative_name": standing.cooperative_name,
        "hub_url": standing.hub_url,
        "last_contact": standing.last_contact.map(|at| at.to_string()),
        "pending": standing.tally.unsettled(),
        "at_operator": standing.tally.open,
        "rejected": standing.tally.refused,
        "sms_stuck": standing.sms_stuck.as_ref().map_or(0, |stuck| stuck.count),
        "sms_stuck_age_s": standing.sms_stuck.as_ref().map(|stuck| stuck.age_s),
        "sms_given_up": standing.sms_given_up,
        "complete": standing.state.is_complete,
        "digests_equal": standing.state.digests_equal,
        "mended_rows": standing.state.mended_rows,
        "held_back": standing.held_back,
        "count_needed": matches!(standing.held_back, Some("count" | "hear")),
        "to_count": standing.to_count,
        "clock_offset_s": standing.clock_offset_s,
        "problem": words,
        "problem_code": code,
        "serving": running.map(|serving| serving.page.to_string()),
        "gateways": gateways,
    })
}

fn words(standing: &Standing, config: &Config, running: Option<Serving>) -> String {
    let name =
        standing.cooperative_name.clone().unwrap_or_else(|| format!("cooperative {}", standing.cooperative));
    let called = standing.name.as_ref().map_or(String::new(), |called| format!(" \"{called}\""));
    let mut lines = vec![format!("{name}, box {}{called} of {}", standing.edge, standing.hub_url)];
    lines.push(match running {
        Some(serving) => format!("Running at {}", crate::config::local_url(serving.page)),
        None => "Not running. Start it with: mizili-edge serve".to_owned(),
    });
    lines.push(contact_words(standing));
    waiting_words(standing, &mut lines);
    sms_words(standing, &mut lines);
    if standing.tally.refused > 0 {
        lines.push(format!(
            "The hub refused {} of our entries; the office page says which and why.",
            standing.tally.refused
        ));
    }
    // Where the hub does not speak with this box, nobody knows what it has for it; where nothing is stored, none of it comes.
    let is_cut_off = matches!(standing.doubt, Some(Doubt::ShutOut(_)))
        || standing.state.failure.as_ref().is_some_and(|(code, _)| code == STORAGE);
    lines.extend((!is_cut_off).then(|| match (standing.state.is_complete, standing.state.digests_equal) {
        (false, _) => "Not everything has come from the hub yet; what is here can be used.".to_owned(),
        (true, Some(false)) => "Some rows differ from the hub's; they are being fetched anew.".to_owned(),
        (true, _) => "Everything that the hub has for this office is here.".to_owned(),
    }));
    lines.extend(standing.doubt.map(|doubt| doubt_words(standing, doubt)));
    gateway_words(config, running, &mut lines);
    lines.join("\n")
}

/// What waits for the hub, and what its operator has to look at.
fn waiting_words(standing: &Standing, lines: &mut Vec<String>) {
    let tally = &standing.tally;
    let fate = match standing.doubt {
        Some(Doubt::ShutOut(ShutOut::Replaced)) => {
            "Nothing of it gets there until its operator has let this box in again."
        }
        Some(Doubt::ShutOut(ShutOut::Revoked)) => "What becomes of it is for its operator to say.",
        _ => "Nothing is lost.",
    };
    lines.push(match tally.waiting {
        0 => "Nothing is waiting to be sent.".to_owned(),
        1 => format!("1 entry is waiting for the hub. {fate}"),
        n => format!("{n} entries are waiting for the hub. {fate}"),
    });
    if tally.open > 0 {
        lines.push(format!("The hub's operator has to look at {} of our entries.", tally.open));
    }
}

/// SMS that nobody gets.
fn sms_words(standing: &Standing, lines: &mut Vec<String>) {
    if let Some(stuck) = &standing.sms_stuck {
        let age = age_words(stuck.age_s).unwrap_or_else(|| "just now".to_owned());
        let mend = match stuck.gateways.as_slice() {
            [] => "write an account (username and api_key) into edge.toml".to_owned(),
            names => format!(
                "{} to go by {}, which has no account in edge.toml: write one (username and api_key) under that name",
                if stuck.count == 1 { "it has" } else { "they have" },
                names.join(", ")
            ),
        };
        lines.push(match stuck.count {
            1 => format!("1 SMS is waiting and cannot be sent, queued {age}: {mend}."),
            n => format!("{n} SMS are waiting and cannot be sent, the first of them queued {age}: {mend}."),
        });
    }
    match standing.sms_given_up {
        0 => {}
        1 => lines.push(
            "1 SMS of the last 30 days could not be sent for a week and was given up: nobody got it."
                .to_owned(),
        ),
        n => lines.push(format!(
            "{n} SMS of the last 30 days could not be sent for a week and were given up: nobody got them."
        )),
    }
}

/// Why this box does not sell its own stock.
fn doubt_words(standing: &Standing, doubt: Doubt) -> String {
    match doubt {
        Doubt::Rewound => format!(
            "This box may not know of everything that was sold here, so it sells nothing of its own stock that was not counted \
             since. {}",
            if standing.to_count.is_empty() {
                "What has to be counted is known when the hub was reached.".to_owned()
            } else {
                format!("Count at the office page, under Stock: {}.", standing.to_count.join(", "))
            }
        ),
        Doubt::Copied => "The data of this box may be in use elsewhere too, so it does not sell its own stock until the hub has let it in."
            .to_owned(),
        Doubt::ShutOut(ShutOut::Replaced) => "The hub does not let this box in, so it sells nothing of its own stock and takes nothing by phone. A new code of the hub's operator (mizili-hub edge code) \
             lets it in again, with all that it has; another box that is this office now is shut out by that."
            .to_owned(),
        Doubt::ShutOut(ShutOut::Revoked) => {
            "The hub's operator has shut this box out for good, so it sells nothing and takes nothing by phone.".to_owned()
        }
    }
}

/// Where a gateway reaches this box.
fn gateway_words(config: &Config, running: Option<Serving>, lines: &mut Vec<String>) {
    let base = gateways_reach(config, running);
    for gateway in &config.gateways {
        lines.push(format!("Callback addresses for {} (keep them to yourself):", gateway.name));
        lines.push(format!("  USSD              {base}{}", gateway.ussd_path()));
        lines.push(format!("  USSD, call ended  {base}{}", gateway.ended_path()));
        lines.push(format!("  SMS, incoming     {base}{}", gateway.sms_path()));
        lines.push(format!("  SMS, delivery     {base}{}", gateway.delivery_path()));
        lines.push(format!("  SMS, opt-out      {base}{}", gateway.opt_out_path()));
    }
    if !config.gateways.is_empty() && config.public_url.is_empty() {
        lines.push(
            "These work on this network alone. Set public_url in edge.toml to the address under which a gateway on the internet \
             reaches this box."
                .to_owned(),
        );
    }
}

fn contact_words(standing: &Standing) -> String {
    let mut line = match standing.last_contact {
        None => "Never in contact with the hub so far.".to_owned(),
        Some(at) => {
            let day = at.strftime("%A %-d %B %Y, %H:%M UTC");
            match standing.contact_age_s.and_then(age_words) {
                Some(age) => format!("Last contact with the hub: {day}, {age}."),
                None => format!("Last contact with the hub: {day}."),
            }
        }
    };
    match &standing.state.failure {
        Some((code, text)) if code == STORAGE => {
            line.push_str(&format!("\nStoring does not work: {text}"));
        }
        Some((_, text)) => line.push_str(&format!("\nThe last try did not work: {text}")),
        None => {}
    }
    if standing.clock_offset_s.abs() > 300 {
        line.push_str("\nThe clock of this box is wrong; no harm is done, but set it.");
    }
    line
}

/// How long ago, roughly; `None` where the clock has gone back.
fn age_words(seconds: i64) -> Option<String> {
    let seconds = u64::try_from(seconds).ok()?;
    let age = match seconds {
        0..90 => return Some("just now".into()),
        90..5_400 => counted(seconds / 60, "minute", "minutes"),
        5_400..129_600 => counted((seconds + 1_800) / 3_600, "hour", "hours"),
        _ => counted(seconds / 86_400, "day", "days"),
    };
    Some(format!("{age} ago"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestEdge;
    use crate::testing_disk::SmallDisk;
    use std::time::Duration;

    fn config() -> Config {
        let gateway = "[[gateway]]\nkind = \"africastalking\"\nsecret = \"0123456789abcdef\"\n";
        Config::parse(&format!("country = \"MWI\"\n{gateway}")).unwrap()
    }

    fn look(edge: &TestEdge) -> Standing {
        let at = edge.deps().clock.read();
        edge.db().read_blocking(|conn| standing(conn, &config(), at)).unwrap()
    }

    #[test]
    fn a_fresh_box_says_so() {
        let edge = TestEdge::enrolled();
        let standing = look(&edge);
        let json = to_json(&standing, &config(), None);
        assert_eq!(json["edge"], crate::testing::EDGE.0);
        assert_eq!((&json["last_contact"], &json["digests_equal"]), (&Value::Null, &Value::Null));
        assert_eq!(
            (&json["complete"], &json["pending"], &json["rejected"]),
            (&json!(false), &json!(0), &json!(0))
        );
        let gateway = &json["gateways"][0];
        assert_eq!(gateway["kind"], "africastalking");
        let config = config();
        let path = |path: String| format!("http://127.0.0.1:8090{path}");
        assert_eq!(gateway["ussd_url"], path(config.gateways[0].ussd_path()));
        assert_eq!(gateway["sms_url"], path(config.gateways[0].sms_path()));
        assert!(gateway["ussd_url"].as_str().is_some_and(|url| url.contains("0123456789abcdef")));
        let told = words(&standing, &config, None);
        assert!(told.contains("Never in contact") && told.contains("Not running"), "{told}");
    }

    #[test]
    fn one_minute_is_not_many() {
        let ages = [-1, 0, 89, 90, 119, 120, 5_399, 5_400, 129_599, 129_600, 172_800].map(age_words);
        let said: Vec<_> = ages.iter().map(|age| age.as_deref().unwrap_or("-")).collect();
        let right = [
            "-",
            "just now",
            "just now",
            "1 minute ago",
            "1 minute ago",
            "2 minutes ago",
            "89 minutes ago",
            "2 hours ago",
            "36 hours ago",
            "1 day ago",
            "2 days ago",
        ];
        assert_eq!(said, right);
        assert!(age_words(i64::MAX).is_some());
    }

    #[test]
    fn what_is_wrong_is_a_sentence_and_a_word() {
        let edge = TestEdge::enrolled();
        let told = |failure: Option<(&str, &str)>| {
            let mut standing = look(&edge);
            standing.state.failure = failure.map(|(code, words)| (code.to_owned(), words.to_owned()));
            let json = to_json(&standing, &config(), None);
            (json["problem"].clone(), json["problem_code"].clone())
        };
        assert_eq!(told(None), (Value::Null, Value::Null));
        assert_eq!(
            told(Some(("offline", "the line was cut: x"))),
            (json!("the line was cut: x"), json!("offline"))
        );
        assert_eq!(told(Some(("of_a_later_version", "x"))), (json!("x"), json!("other")));
    }

    #[test]
    fn a_box_that_can_store_nothing_does_not_say_that_all_is_here() {
        let edge = TestEdge::enrolled();
        let mut standing = look(&edge);
        standing.state.is_complete = true;
        assert!(words(&standing, &config(), None).contains("Everything that the hub has"));
        standing.state.failure = Some((SyncError::from(DbError::Full).code().to_owned(), "full".to_owned()));
        let told = words(&standing, &config(), None);
        assert!(told.contains("Storing does not work: full") && !told.contains("Everything"), "{told}");
    }

    #[tokio::test]
    async fn a_full_disk_is_found_also_where_a_small_write_still_fits() {
        let Some(disk) = SmallDisk::new() else { return };
        let db = Db::open(disk.path()).unwrap();
        try_to_store(db.clone()).await.unwrap();
        // The log's file is there already, and is used from its beginning.
        let sql = "PRAGMA wal_checkpoint(FULL)";
        let other = Connection::open(disk.path().join("edge.db")).unwrap();
        other.query_row(sql, [], |_| Ok(())).unwrap();
        disk.fill();
        db.write(state::try_to_store).await.unwrap();
        assert_eq!(try_to_store(db.clone()).await, Err(DbError::Full));
        disk.make_room();
        try_to_store(db).await.unwrap();
    }

    #[test]
    fn what_waits_is_counted_and_the_words_are_plain() {
        let edge = TestEdge::with_market();
        let at = edge.deps().clock.read();
        edge.write(move |tx| time::heard(tx, at, at.wall_s + 3_600));
        edge.clock().advance(Duration::from_secs(3 * 86_400));
        let listing = edge.post_listing(50);
        edge.place_order(listing, 20).unwrap();
        let standing = look(&edge);
        let at = |address: &str| address.parse().unwrap();
        let serving = Serving { page: at("127.0.0.1:9000"), gateways: at("127.0.0.1:9001") };
        let json = to_json(&standing, &config(), Some(serving));
        assert_eq!(json["pending"], 2);
        assert_eq!(json["last_contact"], "2026-03-01T09:00:00Z", "by the hub's clock");
        assert_eq!(json["serving"], "127.0.0.1:9000");
        let calls = json["gateways"][0]["ussd_url"].as_str().unwrap();
        assert!(calls.starts_with("http://127.0.0.1:9001/"), "{calls}");
        let told = words(&standing, &config(), Some(serving));
        for part in [
            "Mitundu Farmers",
            "Sunday 1 March 2026, 09:00 UTC, 3 days ago",
            "2 entries are waiting",
            "clock",
        ] {
            assert!(told.contains(part), "{part} in {told}");
        }
        assert!(!told.contains("digest") && !told.contains("quarantin"));
    }
}
