//! How things stand, for the people at the office: what waits, when the hub was last heard, whether anything is lost.

use super::cooperatives;
use super::lang::lang;
use super::me::Me;
use super::names::Names;
use crate::commands;
use crate::db::DbError;
use crate::http::problem::ApiError;
use crate::local_api::Caller;
use crate::node::{self, Doubt, ShutOut};
use crate::outbox::{self, Stuck};
use crate::state::AppState;
use crate::sync::state::{self, SyncState};
use crate::sync::{CODES, SyncError, known_code};
use crate::text::Lang;
use crate::text::office::say;
use crate::time;
use axum::Json;
use axum::extract::State;
use mizili_node::market::cooperatives::Cooperative;
use mizili_node::query::Params;
use mizili_node::text::rfc3339;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};
use utoipa::{IntoParams, ToSchema};

/// In which language the summary is.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct StatusQuery {
    /// `en` (the default) or `sw`.
    lang: Option<String>,
}

/// How things stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OfficeStatus {
    /// All of it in plain sentences.
    #[schema(example = "14 things are waiting to be sent.")]
    pub summary: Vec<String>,
    /// The cooperative; missing until it has come from the hub.
    pub cooperative: Option<Cooperative>,
    /// The box's number.
    pub edge: u32,
    /// What people call the box; missing where it has no name.
    pub name: Option<String>,
    /// The program's version.
    #[schema(example = "0.1.0")]
    pub version: String,
    /// The hub's address.
    pub hub_url: String,
    /// Things done here that the hub has not answered.
    pub waiting: u64,
    /// Things that the hub's operator has to look at.
    pub at_operator: u64,
    /// Things of the last 30 days that the hub refused, or took only in part, and nobody has ticked off: see `/api/v1/office/refusals`.
    pub refused: u64,
    /// SMS that wait although nothing can send them: the settings name no account, or none for the gateway that they have to go by, as for
    /// answers to a gateway that was renamed.
    pub sms_stuck: u64,
    /// Seconds for which the oldest of them has waited; missing where none does.
    pub sms_stuck_age_s: Option<u64>,
    /// SMS of the last 30 days that were given up because they could not be sent for a week: nobody got them.
    pub sms_given_up: u64,
    /// Whether the line to the hub works, as far as is known: the last try came to its end, and the box listens for news.
    pub in_touch: bool,
    /// When the hub last sent something, RFC 3339, UTC, by the hub's clock; missing for never.
    pub last_contact: Option<String>,
    /// Seconds since then.
    pub last_contact_age_s: Option<u64>,
    /// When the hub was last tried, RFC 3339, UTC, by this box's clock.
    pub last_try: Option<String>,
    /// Why this box can store nothing at the moment, or what stopped the last try; missing when all is well.
    pub problem: Option<String>,
    /// The same in one word, for programs.
    #[schema(schema_with = problem_code_schema)]
    pub problem_code: Option<String>,
    /// Whether everything that the hub has for this office is here.
    pub complete: bool,
    /// Why this office must not sell its own stock for now: `count` (count the stock first), `hear` (as `count`, and the hub has to be
    /// reached before anything can be counted), `copied` (until the hub has let this box in), `shut_out` (the hub does not let it in until
    /// its operator has seen to that) or `revoked` (the operator has ended this box for good).
    pub held_back: Option<String>,
    /// How many products are still to be counted: `GET /api/v1/office/stock?to_count=true` lists them.
    pub to_count: u64,
    /// The country of the box, ISO 3166-1 alpha-3.
    pub country: String,
    /// The gateways of the settings. Where they reach this box is a secret, which `mizili-edge status` prints.
    pub gateways: Vec<OfficeGateway>,
}

/// A gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OfficeGateway {
    /// Which adapter speaks with it.
    #[schema(example = "africastalking")]
    pub kind: String,
    /// Its name.
    pub name: String,
    /// What people dial; empty where the settings do not say.
    #[schema(example = "*384*55#")]
    pub service_code: String,
}

/// How things stand
#[utoipa::path(get, path = "/api/v1/office/status", operation_id = "get_status", tag = "Office", security(("office" = []), ("cookie" = [])), params(StatusQuery),
    responses((status = 200, body = OfficeStatus)))]
pub async fn status(
    State(state): State<AppState>,
    _: Caller,
    query: Params<StatusQuery>,
) -> Result<Json<OfficeStatus>, ApiError> {
    let lang = lang(query.given.lang.as_deref())?;
    let (at, config) = (state.deps.clock.read(), state.config.clone());
    let trouble = state.db.trouble();
    // Where the loop that speaks with the hub is not running, nobody would tell that the line is gone.
    let is_listening = state.sync.changed().has_changed().is_ok();
    let found = state.db.read(move |conn| {
        let me = Me::load(conn)?;
        let heard = time::last_heard(conn, at)?;
        let tally = commands::tally(conn)?;
        let sync = state::load(conn)?;
        let now = time::now(conn, at)?;
        let sms = Sms {
            stuck: outbox::stuck(conn, &config.senders(), &now)?,
            given_up: outbox::given_up(conn, &now)?,
        };
        let last_contact = heard.map(|heard| rfc3339(heard.hub_s));
        let in_touch = is_listening && last_contact.is_some() && sync.failure.is_none() && trouble.is_none();
        let own = me.cooperative.map(|coop| cooperatives::show(&mut Names::new(conn), coop)).transpose()?;
        let hub =
            Hub { in_touch, last_contact: last_contact.as_deref(), doubt: node::doubt(conn)?, sync: &sync };
        let summary = summary(lang, &tally, trouble.is_some(), &hub, &sms);
        let (problem_code, problem) = problem(trouble, sync.failure).unzip();
        let gateways = config.gateways.iter().map(|gateway| OfficeGateway {
            kind: gateway.kind.as_str().to_owned(),
            name: gateway.name.clone(),
            service_code: gateway.service_code.clone(),
        });
        Ok::<_, ApiError>(OfficeStatus {
            summary,
            cooperative: own,
            name: node::own_name(conn, me.identity.edge)?,
            edge: me.identity.edge.0,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            hub_url: me.identity.hub_url,
            waiting: tally.waiting,
            sms_stuck: sms.stuck.as_ref().map_or(0, |stuck| stuck.count),
            sms_given_up: sms.given_up,
            sms_stuck_age_s: sms.stuck.map(|stuck| stuck.age_s.unsigned_abs()),
            at_operator: tally.open,
            refused: tally.refused,
            in_touch,
            last_contact,
            last_contact_age_s: heard.map(|heard| u64::try_from(heard.age_s).unwrap_or(0)),
            last_try: sync.attempt_at_s.map(rfc3339),
            problem,
            problem_code,
            complete: sync.is_complete,
            to_count: node::counts::to_count(conn)?.len() as u64,
            held_back: node::held_back(conn)?.map(str::to_owned),
            country: config.country.clone(),
            gateways: gateways.collect(),
        })
    });
    found.await.map(Json)
}

/// Code and words of what is wrong. Where nothing can be stored, what stopped the last try could not be stored either.
fn problem(trouble: Option<DbError>, failure: Option<(String, String)>) -> Option<(String, String)> {
    let (code, words) = match trouble {
        Some(trouble) => {
            let words = trouble.to_string();
            (SyncError::from(trouble).code(), words)
        }
        None => failure.map(|(code, words)| (known_code(&code), words))?,
    };
    Some((code.to_owned(), words))
}

/// The closed list of words, each with its meaning.
fn problem_code_schema() -> Object {
    let meanings = CODES.map(|(code, meaning)| format!("`{code}` ({meaning})")).join(", ");
    let words = CODES.iter().map(|(code, _)| Value::from(*code)).chain([Value::Null]);
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .description(Some(format!("`problem` in one word, for programs; null when all is well: {meanings}.")))
        .enum_values(Some(words))
        .build()
}

/// SMS that do not reach anybody.
#[derive(Debug)]
struct Sms {
    /// Wait without an account to send them.
    stuck: Option<Stuck>,
    /// Were given up.
    given_up: u64,
}

/// How it stands with the hub.
struct Hub<'a> {
    in_touch: bool,
    /// RFC 3339; `None` for never.
    last_contact: Option<&'a str>,
    doubt: Option<Doubt>,
    sync: &'a SyncState,
}

/// What becomes of what was taken here. Where data may be missing nobody can say that nothing is.
fn fate(doubt: Option<Doubt>) -> Option<&'static str> {
    match doubt {
        None => Some("status-nothing-lost"),
        Some(Doubt::ShutOut(ShutOut::Replaced)) => Some("status-shut-out"),
        Some(Doubt::ShutOut(ShutOut::Revoked)) => Some("status-revoked"),
        Some(Doubt::Rewound | Doubt::Copied) => None,
    }
}

fn summary(
    lang: Lang,
    tally: &commands::Tally,
    stores_nothing: bool,
    hub: &Hub<'_>,
    sms: &Sms,
) -> Vec<String> {
    let count = tally.unsettled().to_string();
    let waiting = match tally.unsettled() {
        0 => "status-waiting-none",
        1 => "status-waiting-one",
        _ => "status-waiting",
    };
    let mut sentences = Vec::new();
    if stores_nothing {
        sentences.push(say(lang, "status-stores-nothing", &[]));
    }
    sentences.push(say(lang, waiting, &[("count", &count)]));
    sentences.push(match hub.last_contact {
        _ if hub.in_touch => say(lang, "status-in-touch", &[]),
        Some(when) => say(lang, "status-contact", &[("when", when)]),
        None => say(lang, "status-contact-never", &[]),
    });
    // What was taken is on this disk until the hub has given its final answer.
    sentences.extend(fate(hub.doubt).map(|id| say(lang, id, &[])));
    if tally.open > 0 {
        let open = if tally.open == 1 { "status-operator-one" } else { "status-operator" };
        sentences.push(say(lang, open, &[("count", &tally.open.to_string())]));
    }
    if let Some(stuck) = &sms.stuck {
        let id = match (stuck.count, stuck.gateways.is_empty()) {
            (1, true) => "status-sms-stuck-one",
            (_, true) => "status-sms-stuck",
            (1, false) => "status-sms-stuck-at-one",
            (_, false) => "status-sms-stuck-at",
        };
        let (count, gateways) = (stuck.count.to_string(), stuck.gateways.join(", "));
        sentences.push(say(lang, id, &[("count", &count), ("gateways", &gateways)]));
    }
    if sms.given_up > 0 {
        let given_up = if sms.given_up == 1 { "status-sms-given-up-one" } else { "status-sms-given-up" };
        sentences.push(say(lang, given_up, &[("count", &sms.given_up.to_string())]));
    }
    // Where the hub does not let this box in, nobody knows what it has for it.
    let compared = hub.sync.digests_equal;
    match hub.doubt {
        Some(Doubt::ShutOut(_)) => {}
        _ if !hub.sync.is_complete => sentences.push(say(lang, "status-fetching", &[])),
        _ if compared == Some(false) => sentences.push(say(lang, "status-not-equal", &[])),
        _ => {}
    }
    sentences
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_nothing_can_be_stored_that_is_the_problem() {
        let offline = || Some(("offline".to_owned(), "the line was cut".to_owned()));
        assert_eq!(problem(None, None), None);
        assert_eq!(problem(None, offline()), offline());
        let full = Some(("storage".to_owned(), DbError::Full.to_string()));
        assert_eq!(problem(Some(DbError::Full), None), full);
        assert_eq!(problem(Some(DbError::Full), offline()), full);
    }
}
