//! One exchange: reads the request frame by frame, hands each batch of commands on as it arrives, then answers.

use super::refusals::Caller;
use super::respond::{self, Reply};
use super::store::{self, Awaited, EdgeRow, Heard, HubRow};
use super::turns::Turns;
use super::{awaited, forgotten, restored, scope, session};
use crate::commands::stream::{StreamError, take_batch};
use crate::db::holders::{Holder, longest_held};
use crate::db::{LOCK_WAIT, is_locked, retrying};
use crate::error::{ApiError, Kind, out_of_order};
use crate::state::AppState;
use axum::Extension;
use axum::body::{Body, BodyDataStream};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use futures_util::StreamExt;
use mizili_node::patience::is_too_slow;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use sync_protocol::bucket::Bucket;
use sync_protocol::bytes::WireError;
use sync_protocol::ids::EdgeId;
use sync_protocol::limits::VERSION_WINDOW;
use sync_protocol::session::{Admission, Issuer, Link, LinkState, MINOR_VERSION};
use sync_protocol::wire::frame::FrameReader;
use sync_protocol::wire::message::{Hello, Message, Refusal, RefusalCode, scope_hash};

/// Questions about slots that one request may ask: the answers are kilobytes each.
const AUDITS_MAX: usize = 64;
/// When commands are offered again that met something held here.
const HELD_AGAIN_S: u32 = 10;
/// How often it is told who holds it, in seconds.
const TOLD_EVERY_S: u64 = 60;

/// An exchange that was let in.
pub(super) struct Opened {
    pub(super) edge: EdgeRow,
    pub(super) hello: Hello,
    /// Its number; a newer one fences it.
    pub(super) number: i64,
    /// The link that the response hands out.
    pub(super) link: Link,
    pub(super) hub: HubRow,
    pub(super) scope: Vec<Bucket>,
    /// Whether what it offers is awaited since a restore.
    is_awaited: bool,
}

/// `POST /sync/v1/exchange`.
pub(super) async fn exchange(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Extension(turns): Extension<Turns>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let place = state.room.exchange(&state.deps)?;
    let (headers, asks, now) = (&headers, &caller, state.deps.clock.now());
    let known = state.db.read(&state.deps, |mut conn| async move {
        session::authenticate(&mut conn, headers, asks, now).await
    });
    let edge = known.await?;
    let turn = turns.begin(edge.id)?;
    let body = body.into_data_stream();
    let max_bytes = state.limits.exchange_max_bytes;
    let mut request =
        Request { body, bytes: 0, max_bytes, frames: FrameReader::default(), ended: false, caller };
    let hello = match request.next().await? {
        Some(Message::Hello(hello)) => hello,
        Some(_) => return Err(Kind::Malformed.because("An exchange begins with a hello.").into()),
        // The line was cut before anything had come.
        None => return Err(Kind::Truncated.because("Nothing came. Send it again.").into()),
    };
    let opened = match open(&state, edge, hello).await? {
        Ok(opened) => opened,
        Err(message) => return Ok(frames(message.to_bytes())),
    };
    let mut audits = Vec::new();
    let (mut refusal, mut retry_after_s) = (None, 0);
    let mut next = request.next().await;
    while let Some(message) = next? {
        match message {
            Message::Commands(commands) if refusal.is_none() && retry_after_s == 0 => {
                let (edge, incarnation) = (opened.edge.id, opened.edge.incarnation);
                let taking = take_batch(&state.db, &state.deps, edge, incarnation, opened.number, commands);
                // The next is read while the database works.
                let (taken, read) = tokio::join!(biased; taking, request.next());
                match taken {
                    Ok(()) => {}
                    // Whoever holds what they are about holds up nothing but them.
                    Err(StreamError::Unavailable(error)) if is_locked(&error) => {
                        retry_after_s = HELD_AGAIN_S;
                        tell_who_holds(&state, edge).await;
                    }
                    Err(error) => refusal = Some(refused(error)?),
                }
                next = read;
                continue;
            }
            Message::Audit(audit) if audits.len() < AUDITS_MAX => audits.push(audit),
            Message::End => {
                if opened.is_awaited && refusal.is_none() && retry_after_s == 0 {
                    has_offered(&state, &opened).await?;
                }
                let reply = Reply { opened, audits, refusal, retry_after_s, _turn: turn, _place: place };
                return Ok(octets(respond::body(state, reply).await));
            }
            // Commands after a batch that was not taken, questions beyond the bound, kinds of a newer edge or of no edge.
            _ => {}
        }
        next = request.next().await;
    }
    Err(Kind::Truncated
        .because("The request ended in the middle. What had arrived whole was taken; send the rest again.")
        .into())
}

/// A line for whoever runs the hub: an office waits, for whom, and what ends it. All that wait meanwhile wait for the same, most likely.
async fn tell_who_holds(state: &AppState, edge: EdgeId) {
    static TOLD: AtomicU64 = AtomicU64::new(0);
    let now_s = state.deps.clock.monotonic().as_secs() + 1;
    let told_s = TOLD.load(Ordering::Relaxed);
    if told_s > 0 && now_s.saturating_sub(told_s) < TOLD_EVERY_S {
        return;
    }
    TOLD.store(now_s, Ordering::Relaxed);
    let what = "commands of an office wait: something that they are about is held";
    match longest_held(&state.db, LOCK_WAIT).await {
        Ok(Some(Holder { session, program, open_s })) => {
            let ends = format!("SELECT pg_terminate_backend({session})");
            tracing::warn!(
                edge = edge.0,
                session,
                program,
                open_s,
                ends,
                "{what}, most likely by this session"
            );
        }
        Ok(None) => tracing::warn!(edge = edge.0, "{what}; by now nobody holds anything for so long"),
        Err(error) => tracing::warn!(edge = edge.0, %error, "{what}"),
    }
}

fn frames(bytes: Vec<u8>) -> Response {
    octets(Body::from(bytes))
}

/// Frames, with no header that does not need to be: an exchange without news is mostly headers. No cache keeps the answer to a
/// POST that does not ask for it.
fn octets(body: Body) -> Response {
    Response::new(body)
}

/// The request's messages, one by one as they arrive.
struct Request {
    body: BodyDataStream,
    /// Bytes that have come, and those that may.
    bytes: usize,
    max_bytes: usize,
    frames: FrameReader,
    ended: bool,
    caller: Caller,
}

impl Request {
    async fn next(&mut self) -> Result<Option<Message>, ApiError> {
        let malformed = |error: WireError| {
            self.caller.is_refused_for(error.to_string());
            Kind::Malformed.because(format!("The request was not understood: {error}."))
        };
        loop {
            if let Some(frame) = self.frames.next_frame().map_err(malformed)? {
                return Ok(Some(Message::from_edge(&frame).map_err(malformed)?));
            }
            if self.ended {
                return Ok(None);
            }
            match self.body.next().await {
                Some(Ok(bytes)) => {
                    self.bytes += bytes.len();
                    if self.bytes > self.max_bytes {
                        return Err(Kind::TooLarge.because("Send so much in several requests.").into());
                    }
                    self.frames.push(&bytes);
                }
                Some(Err(error)) if is_too_slow(&error) => return Err(Kind::TooSlow.error().into()),
                // A cut: the same to the edge as an end in the middle.
                Some(Err(_)) | None => self.ended = true,
            }
        }
    }
}

/// Lets the request in or not.
async fn open(state: &AppState, edge: EdgeRow, hello: Hello) -> Result<Result<Opened, Message>, ApiError> {
    let refuse = |code, detail: &str| Ok(Err(Message::Refusal(Refusal::new(code, detail))));
    if hello.minor.abs_diff(MINOR_VERSION) > VERSION_WINDOW {
        return refuse(RefusalCode::Version, "hub and edge are more than two minor versions apart");
    }
    if hello.incarnation != edge.incarnation {
        return refuse(RefusalCode::Rewound, "this incarnation was replaced by a later enrolment");
    }
    // Of any try: one may have taken effect unseen.
    let were_rows_awaited = AtomicBool::new(false);
    let heard =
        retrying(&state.deps, || async { hear(state, &edge, &hello, &were_rows_awaited).await }).await;
    if were_rows_awaited.into_inner() {
        awaited::decide_what_waited(&state.db, &state.deps).await;
    }
    let heard = heard?;
    Ok(heard.map(|Let { number, link, hub, scope, is_awaited }| Opened {
        edge,
        hello,
        number,
        link,
        hub,
        scope,
        is_awaited,
    }))
}

/// What an exchange is let in with.
struct Let {
    number: i64,
    link: Link,
    hub: HubRow,
    scope: Vec<Bucket>,
    is_awaited: bool,
}

/// Notes that an office that was awaited has offered everything that it offers again, if it has: then nobody is asked any more about what
/// is not known here.
async fn has_offered(state: &AppState, opened: &Opened) -> Result<(), ApiError> {
    let (edge, upto) = (&opened.edge, opened.hello.highest_seq);
    let was_awaited = retrying(&state.deps, || async {
        let mut tx = state.db.begin().await?;
        let was_awaited = store::has_offered(&mut tx, edge.id, edge.incarnation, upto).await?;
        tx.commit().await?;
        Ok::<_, sqlx::Error>(was_awaited)
    });
    if was_awaited.await? {
        awaited::decide_what_waited(&state.db, &state.deps).await;
    }
    Ok(())
}

/// Judges what the request shows and keeps what it says, in one transaction; `were_rows_awaited` learns whether this office's were. One that
/// took effect unseen is judged again like a request whose answer was lost.
async fn hear(
    state: &AppState,
    edge: &EdgeRow,
    hello: &Hello,
    were_rows_awaited: &AtomicBool,
) -> Result<Result<Let, Message>, ApiError> {
    let refuse = |code, detail: &str| Ok(Err(Message::Refusal(Refusal::new(code, detail))));
    let mut tx = state.db.begin().await?;
    // First of all: a hub with other keys must judge no link.
    let hub = store::hub(&mut tx, &state.keys).await?;
    let Some(stream) = store::lock_stream(&mut tx, edge.id, edge.incarnation).await? else {
        return refuse(RefusalCode::Unauthorized, "no such stream");
    };
    if stream.frozen {
        return refuse(RefusalCode::Rewound, &way_out(edge.id, "a copy of this box's data was in use"));
    }
    let issuer = Issuer { key: &state.keys.link, edge: edge.id.0, incarnation: edge.incarnation };
    let issued = |(number, random)| issuer.issue(number, random);
    let known = LinkState {
        last: issued(stream.last),
        previous: stream.previous.map(issued),
        applied_seq: stream.applied_seq,
    };
    let admission = issuer.admit(&known, &hello.link, &hello.proof, hello.highest_seq);
    if admission == Admission::Rewound {
        store::freeze(&mut tx, edge.id, edge.incarnation).await?;
    }
    if let Some(answer) = not_let_in(admission, edge.id, hello.link.number, known.last.number)? {
        tx.commit().await?;
        return Ok(Err(answer));
    }
    let scope = scope::scope(&mut tx, edge).await?;
    if !hello.has_cursors_of(&scope) {
        tracing::warn!(edge = edge.id.0, "an edge sent cursors that are none");
        return refuse(RefusalCode::Malformed, "the cursors do not fit the buckets");
    }
    // A link shows nothing where an answer was cut before its end: what had come of it does.
    if forgotten::is_shown_by(&mut tx, hub.epoch, hello, stream.last_verdict, &scope).await? {
        drop(tx);
        restored::notice(state, edge, hello.epoch).await?;
        return refuse(RefusalCode::HubRestored, session::FORGOTTEN);
    }
    let mut random = [0; 16];
    state.deps.ids.fill(&mut random);
    let number = known.last.number + 1;
    let exchange = stream.exchange + 1;
    let heard = Heard {
        edge: edge.id,
        incarnation: edge.incarnation,
        presented: (hello.link.number, hello.link.random),
        next: (number, random),
        exchange,
        at: state.deps.clock.now(),
        verdicts_upto: hello.verdicts_upto,
        scope: hello.scope,
        cursors: &hello.cursors,
        clock_offset_s: hello.clock_s.saturating_sub(state.deps.clock.now_s()),
        stuck_sms: hello.stuck_sms.filter(|stuck| stuck.count > 0),
        refused_left: hello.refused_left,
    };
    let awaited = store::hear(&mut tx, &heard).await?;
    were_rows_awaited.fetch_or(awaited == Awaited::Rows, Ordering::Relaxed);
    tx.commit().await?;
    let is_awaited = awaited != Awaited::Nothing;
    Ok(Ok(Let { number: exchange, link: issued((number, random)), hub, scope, is_awaited }))
}

/// The answer to a request whose link does not follow on the last.
fn not_let_in(admission: Admission, edge: EdgeId, link: u64, last: u64) -> Result<Option<Message>, ApiError> {
    let refuse = |code, detail: &str| Ok(Some(Message::Refusal(Refusal::new(code, detail))));
    match admission {
        Admission::Follows => Ok(None),
        Admission::Prove(proof) => Ok(Some(Message::Prove(proof))),
        Admission::Rewound => {
            tracing::error!(edge = edge.0, link, last, "restored or cloned edge: frozen");
            refuse(RefusalCode::Rewound, &way_out(edge, "its data is older than what it has shown before"))
        }
        Admission::NotOurs => Err(Kind::EdgeLink
            .because(way_out(edge, "What this box shows was made with other keys than this hub's"))
            .into()),
        Admission::HubRestored => {
            tracing::warn!(edge = edge.0, link, last, "this hub was restored from a backup");
            refuse(RefusalCode::HubRestored, session::FORGOTTEN)
        }
    }
}

/// What has happened, and the two commands that let the box go on in place. Nothing that is stored on it is lost by them.
pub(super) fn way_out(edge: EdgeId, what: &str) -> String {
    format!(
        "{what}. At the hub: `mizili-hub edge code {edge}`. Then at the box: `mizili-edge enrol` with that code; it keeps its file"
    )
}

/// What a stream's error means to the edge. What may pass is an HTTP error, so that the edge tries again.
fn refused(error: StreamError) -> Result<Refusal, ApiError> {
    let detail = error.to_string();
    let code = match error {
        StreamError::SequenceReused { .. } => RefusalCode::SequenceReused,
        StreamError::SequenceGap { .. } => RefusalCode::SequenceGap,
        StreamError::Halted { .. } => RefusalCode::StreamHalted,
        StreamError::Frozen => RefusalCode::Rewound,
        StreamError::Revoked => RefusalCode::Revoked,
        StreamError::Fenced => RefusalCode::Fenced,
        StreamError::Unavailable(error) => return Err(error.into()),
        StreamError::Ours(error) => return Err(out_of_order().caused_by(error).into()),
    };
    tracing::warn!(%detail, ?code, "commands were refused");
    Ok(Refusal::new(code, &detail))
}

/// Whether the edge's idea of its buckets is the hub's.
pub(super) fn same_scope(opened: &Opened) -> bool {
    opened.hello.scope == scope_hash(&opened.scope) && opened.hello.epoch == opened.hub.epoch
}
