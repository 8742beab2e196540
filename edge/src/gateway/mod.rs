//! The doors for gateways: HTTP callbacks for calls, incoming SMS and delivery reports.
//!
//! Only who knows the secret in the path, comes from an allowed address and shows the shared header, where there is one, is heard:
//! a phone number in any other request is worth nothing. Bodies are bounded. The secret is in no log and no answer. What is typed
//! and what is said is decided in `ussd` and `sms`; here it is carried, kept and acted on.

mod acts;
mod calls;
mod drafts;
mod store;
#[cfg(test)]
mod tests;
mod texts;
mod turns;

use crate::config::{Config, Gateway, GatewayKind};
use crate::db::{Db, DbError};
use crate::market_view::MarketCache;
use crate::outbox::{self, Sender};
use crate::sms::africastalking as sms_form;
use crate::text::Lang;
use crate::text::form::{self, Fields, FormError};
use crate::ussd::africastalking as ussd_form;
use crate::ussd::{DRAFT_WINDOW_S, Reply, Turn, TurnText};
use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, FromRequest, FromRequestParts as _, RawPathParams, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use calls::Calls;
use mizili_node::body::whole;
use mizili_node::deps::Deps;
use mizili_node::patience::is_too_slow;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use sync_protocol::country::Country;
use sync_protocol::market::Actor;
use sync_protocol::phone::Phone;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

/// The channels of one box: what its gateways call, and what it sends. Cheap to clone.
#[derive(Clone)]
pub struct Channels {
    desk: Arc<Desk>,
}

/// What the calls of the page's phone are kept under. No gateway can have a name with a slash in the settings.
const AT_OFFICE: &str = "office/page";

/// What all callbacks share.
struct Desk {
    db: Db,
    deps: Deps,
    config: Arc<Config>,
    lines: Vec<Arc<Line>>,
    calls: Arc<Calls>,
    market: MarketCache,
    outbox_wake: Arc<Notify>,
}

/// One gateway of the settings, or the page's phone, which speaks as the first of them.
#[derive(Clone)]
struct Line {
    name: Arc<str>,
    secret: blake3::Hash,
    /// Name and hash of the shared header.
    shared_header: Option<(String, blake3::Hash)>,
    gateway: Gateway,
    country: &'static Country,
    lang: Lang,
    service_code: String,
    sms_number: String,
    /// Who walks at the office, where it is no gateway.
    walker: Option<Actor>,
}

impl Channels {
    /// The channels of the settings.
    pub fn new(db: Db, deps: Deps, config: Arc<Config>) -> Self {
        let lines =
            config.gateways.iter().filter_map(|gateway| Line::new(&config, gateway).map(Arc::new)).collect();
        let calls = Arc::new(Calls::new(db.clone(), deps.clone()));
        let market = MarketCache::default();
        Self { desk: Arc::new(Desk { db, deps, config, lines, calls, market, outbox_wake: Arc::default() }) }
    }

    /// Starts what goes on beside the callbacks: writing calls behind, sending messages. Both end soon after `stop` becomes true.
    pub async fn start(&self, stop: watch::Receiver<bool>) -> Vec<JoinHandle<()>> {
        let lang = self.desk.config.language;
        if let Err(error) =
            self.desk.db.write_grouped(move |tx| outbox::note_default_language(tx, lang)).await
        {
            tracing::warn!(%error, "the language of the settings is not kept");
        }
        let calls = self.desk.calls.clone();
        let mut tasks = vec![tokio::spawn(calls.write_behind(DRAFT_WINDOW_S, stop.clone()))];
        let Desk { db, deps, config, outbox_wake, .. } = &*self.desk;
        tasks.push(tokio::spawn(outbox::upkeep::run(db.clone(), deps.clone(), stop.clone())));
        match Sender::new(db.clone(), deps.clone(), config.clone()).await {
            Ok(sender) => tasks.push(tokio::spawn(sender.run(outbox_wake.clone(), stop))),
            Err(error) => {
                tracing::error!(error, "no SMS can be sent from this machine; they wait in the outbox")
            }
        }
        tasks
    }

    /// Says that something may be in the outbox.
    pub fn wake_outbox(&self) {
        self.desk.outbox_wake.notify_one();
    }

    /// One step through the menus at the office, by whoever is signed in there; `None` where the settings have no gateway. `text` is
    /// all that was typed since the call began, with stars between.
    pub async fn walk(&self, walker: Actor, phone: Phone, session_id: String, text: String) -> Option<Reply> {
        let first = self.desk.lines.first()?;
        let line = Arc::new(Line { name: AT_OFFICE.into(), walker: Some(walker), ..(**first).clone() });
        let turn = Turn {
            session_id,
            phone,
            service_code: line.service_code.clone(),
            network: String::new(),
            text: TurnText::Cumulative(text),
        };
        Some(self.desk.turn(&line, turn).await)
    }

    /// Writes the calls under way, as happens by itself a moment after each step.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn flush(&self) -> Result<(), DbError> {
        self.desk.calls.write().await
    }
}

impl Line {
    fn new(config: &Config, gateway: &Gateway) -> Option<Self> {
        let hash = |text: &str| blake3::hash(text.as_bytes());
        let shared = Some(&gateway.header_name).filter(|name| !name.is_empty());
        Some(Self {
            name: gateway.name.as_str().into(),
            secret: hash(&gateway.secret),
            shared_header: shared.map(|name| (name.clone(), hash(&gateway.header_value))),
            country: config.country_of(gateway)?,
            lang: config.language,
            service_code: gateway.service_code.clone(),
            sms_number: gateway.sms_number.clone(),
            walker: None,
            gateway: gateway.clone(),
        })
    }

    /// Whether a call for this code is for this menu.
    fn answers(&self, code: &str) -> bool {
        let bare = |code: &str| code.trim().trim_matches(['*', '#']).to_owned();
        let (own, called) = (bare(&self.service_code), bare(code));
        // Some networks append what was dialled behind the code.
        own.is_empty()
            || called.is_empty()
            || called == own
            || called.strip_prefix(&own).is_some_and(|rest| rest.starts_with('*'))
    }
}

/// The callbacks of all gateways, for a router with any state.
pub fn routes<S>(channels: Channels) -> Router<S> {
    Router::new()
        .route("/gateway/africastalking/{secret}/ussd", post(ussd))
        .route("/gateway/africastalking/{secret}/ussd/end", post(ussd_end))
        .route("/gateway/africastalking/{secret}/sms", post(sms))
        .route("/gateway/africastalking/{secret}/sms/delivery", post(sms_delivery))
        .route("/gateway/africastalking/{secret}/sms/opt-out", post(sms_opt_out))
        .with_state(channels)
}

/// One screen for one step of a call. Always 200 once the gateway is known: on an error it ends the call without a word.
async fn ussd(State(channels): State<Channels>, Admitted { line, body }: Admitted) -> Response {
    match read(body, |fields| ussd_form::turn(fields, line.country)).await {
        Ok(turn) if !line.answers(&turn.service_code) => {
            tracing::warn!(gateway = &*line.name, code = turn.service_code, "a call for another code");
            StatusCode::NOT_FOUND.into_response()
        }
        Ok(turn) => screen(&channels.desk.turn(&line, turn).await),
        Err(error) => misread(&line, &error),
    }
}

/// How a call ended. There is nothing to decide: what was begun is kept with every step.
async fn ussd_end(Admitted { line, body }: Admitted) -> Response {
    match read(body, |fields| ussd_form::ended(fields, line.country)).await {
        Ok(end) => tracing::info!(
            gateway = &*line.name,
            phone = end.phone.masked(),
            session = end.session_id,
            status = ?end.status,
            duration_ms = end.duration_ms,
            hops = end.hops,
            cost = end.cost,
            error = end.error,
            "a call ended"
        ),
        Err(error) => {
            tracing::warn!(gateway = &*line.name, %error, "a notice of a call's end that cannot be read")
        }
    }
    StatusCode::OK.into_response()
}

/// An incoming SMS. 200 also for what cannot be used, else it comes again for minutes; 503 for what cannot be kept now.
async fn sms(State(channels): State<Channels>, Admitted { line, body }: Admitted) -> Response {
    match read(body, |fields| sms_form::inbound(fields, line.country)).await {
        Ok(text) => kept(channels.desk.text_came(&line, text).await),
        Err(error) => {
            tracing::warn!(gateway = &*line.name, %error, "an SMS that cannot be read");
            of_no_use(&error)
        }
    }
}

/// A delivery report.
async fn sms_delivery(State(channels): State<Channels>, Admitted { line, body }: Admitted) -> Response {
    match read(body, sms_form::delivery).await {
        Ok(report) => kept(channels.desk.report_came(report).await),
        Err(error) => {
            tracing::warn!(gateway = &*line.name, %error, "a delivery report that cannot be read");
            of_no_use(&error)
        }
    }
}

/// The notice that somebody refuses messages from now on.
async fn sms_opt_out(State(channels): State<Channels>, Admitted { line, body }: Admitted) -> Response {
    match read(body, |fields| sms_form::opt_out(fields, line.country)).await {
        Ok(phone) => kept(channels.desk.left(&line, &phone).await),
        Err(error) => {
            tracing::warn!(gateway = &*line.name, %error, "a notice of somebody who left that cannot be read");
            of_no_use(&error)
        }
    }
}

/// A callback of a gateway that may call. Nothing of the body is read before that is known.
struct Admitted {
    line: Arc<Line>,
    body: Body,
}

impl FromRequest<Channels> for Admitted {
    type Rejection = StatusCode;

    async fn from_request(request: Request, channels: &Channels) -> Result<Self, StatusCode> {
        let (mut parts, body) = request.into_parts();
        let path = RawPathParams::from_request_parts(&mut parts, channels).await;
        let secret = path.iter().flatten().map(|(_, secret)| secret).next().ok_or(StatusCode::NOT_FOUND)?;
        let from = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        let line = channels.desk.line(secret, from, &parts.headers)?.clone();
        Ok(Self { line, body })
    }
}

/// What is read from the fields of a callback, or why it cannot be.
async fn read<T>(body: Body, from: impl FnOnce(&Fields<'_>) -> Result<T, FormError>) -> Result<T, FormError> {
    match whole(body, form::BODY_MAX_BYTES).await {
        Ok(body) => from(&Fields::read(&body)?),
        Err(error) if is_too_slow(&error) => Err(FormError::NotWhole),
        Err(_) => Err(FormError::BodyTooLong),
    }
}

impl Desk {
    /// The gateway that a caller is. An address that a proxy adds is not looked at: whoever calls could write any.
    fn line(
        &self,
        secret: &str,
        from: Option<IpAddr>,
        headers: &HeaderMap,
    ) -> Result<&Arc<Line>, StatusCode> {
        let from_text = || from.map_or_else(|| "somewhere".to_owned(), |ip| ip.to_string());
        // Hashes compare in the same time whatever they are.
        let hash = blake3::hash(secret.as_bytes());
        let of_kind = |line: &&Arc<Line>| line.gateway.kind == GatewayKind::AfricasTalking;
        let Some(line) = self.lines.iter().filter(of_kind).find(|line| line.secret == hash) else {
            tracing::warn!(from = from_text(), "a callback with a secret that no gateway has");
            return Err(StatusCode::NOT_FOUND);
        };
        let is_allowed = line.gateway.allow.is_empty() || from.is_some_and(|from| line.gateway.allows(from));
        let shows_header = line.shared_header.as_ref().is_none_or(|(name, expected)| {
            headers.get(name).is_some_and(|value| blake3::hash(value.as_bytes()) == *expected)
        });
        if !is_allowed || !shows_header {
            let why =
                if is_allowed { "without the shared header" } else { "from an address that is not allowed" };
            tracing::warn!(gateway = &*line.name, from = from_text(), why, "a callback was refused");
            return Err(StatusCode::FORBIDDEN);
        }
        Ok(line)
    }
}

/// An answer for a call that cannot be understood.
fn misread(line: &Line, error: &FormError) -> Response {
    tracing::warn!(gateway = &*line.name, %error, "a call that cannot be read");
    screen(&turns::misread(line.lang))
}

/// The answer to what cannot be used: that it came, so that it does not come again, unless it did not come whole.
fn of_no_use(error: &FormError) -> Response {
    let is_whole = *error != FormError::NotWhole;
    if is_whole { StatusCode::OK } else { StatusCode::REQUEST_TIMEOUT }.into_response()
}

fn screen(reply: &Reply) -> Response {
    const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
    ([(header::CONTENT_TYPE, TEXT)], ussd_form::body(reply)).into_response()
}

fn kept(result: Result<(), DbError>) -> Response {
    match result {
        Ok(()) => StatusCode::OK.into_response(),
        Err(error) => {
            tracing::error!(%error, "a callback was not taken; the gateway has to bring it again");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}
