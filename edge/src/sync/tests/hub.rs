//! A hub in memory for tests of the edge's side: keeps buckets, a stream and verdicts, speaks in the protocol crate's own messages, and
//! does to the line what a test tells it to. Commands are decided by the real `decide`.

mod exchange;

use crate::line::LineError;
use crate::sync::client::{Payload, Request, Response, Transport};
use crate::testing::{COOP, EDGE, KG, MAIZE, first_link, scope};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use bytes::Bytes;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard};
use sync_protocol::bucket::Bucket;
use sync_protocol::market::{Command, Commodity, Sample, Unit, WorkingSet};
use sync_protocol::row::{Key, Row};
use sync_protocol::session::{Admission, Issuer, Link, LinkState, identity};
use sync_protocol::verdict::Numbered;
use sync_protocol::wire::frame::FrameReader;
use sync_protocol::wire::message::*;
use tokio::sync::Notify;
use uuid::Uuid;

const ISSUER: Issuer<'_> = Issuer { key: &[7; 32], edge: EDGE.0, incarnation: 1 };

/// The code that enrols.
pub(super) const CODE: &str = "K7M0-2XYL-9QRT";
/// One that says whose it is: the test edge's.
pub(super) const CODE_AGAIN: &str = "03M0-2XYL-9QRT";

/// One bucket's feed, latest state only.
#[derive(Default)]
pub(super) struct Feed {
    pub(super) head: u64,
    pub(super) rows: BTreeMap<(u16, Key), Row>,
}

impl Feed {
    /// Sets a row, at the next version.
    fn put(&mut self, row: Row) {
        self.head += 1;
        self.rows.insert((row.entity, row.key), Row { version: self.head, ..row });
    }

    fn between(&self, after: u64, upto: u64, live_only: bool) -> Vec<Row> {
        let wanted =
            |row: &&Row| row.version > after && row.version <= upto && (!live_only || row.body.is_some());
        let mut rows: Vec<Row> = self.rows.values().filter(wanted).cloned().collect();
        rows.sort_by_key(|row| row.version);
        rows
    }

    fn sums(&self) -> Vec<(u16, u64)> {
        let mut sums: BTreeMap<u16, u64> = BTreeMap::new();
        for row in self.rows.values() {
            if let Some(hash) = row.hash() {
                let sum = sums.entry(row.entity).or_default();
                *sum = sum.wrapping_add(hash.0 as u64);
            }
        }
        sums.into_iter().filter(|(_, sum)| *sum != 0).collect()
    }
}

/// What the line and the hub do wrong, each until it is taken back or used up.
#[derive(Default)]
pub(super) struct Faults {
    /// No connection comes about.
    pub(super) offline: bool,
    /// Bytes of the next exchange's response that arrive.
    pub(super) cut_response_at: Option<usize>,
    /// Bytes of the next exchange's request that arrive; no answer comes.
    pub(super) cut_request_at: Option<usize>,
    /// Every message of a response but the last comes twice.
    pub(super) doubled: bool,
    /// The rows frame of this place in the next response never leaves.
    pub(super) lose_frame: Option<usize>,
    /// The next exchange is answered with this.
    pub(super) refuse: Option<RefusalCode>,
    /// Commands are refused until an operator has looked.
    pub(super) halted: bool,
    /// Commands are not taken yet: somebody holds what they are about.
    pub(super) held: bool,
    /// The next exchange is answered with this status and problem code.
    pub(super) status: Option<(u16, &'static str)>,
    /// One byte of the next response is another.
    pub(super) damage_at: Option<usize>,
    /// Somebody else answers challenges.
    pub(super) impostor: bool,
    /// The answer to the next enrolment is lost.
    pub(super) lose_enrolment: bool,
}

/// What the hub holds.
pub(super) struct State {
    pub(super) faults: Faults,
    pub(super) feeds: HashMap<Bucket, Feed>,
    pub(super) scope: Vec<Bucket>,
    pub(super) epoch: u32,
    /// What it says of its version; `None` before minor 2.
    pub(super) minor: Option<u16>,
    /// Polls that came with a body, and without.
    pub(super) polls_with_a_body: usize,
    pub(super) polls_without: usize,
    /// Rows of a frame at most.
    pub(super) frame_rows: usize,
    /// Commands as they arrived, those known already included.
    pub(super) arrived: Vec<u64>,
    /// Commands as they were taken.
    pub(super) taken: Vec<Command>,
    pub(super) hellos: Vec<Hello>,
    pub(super) sign_ins: u32,
    pub(super) response_bytes: Vec<usize>,
    /// Long polls are never answered.
    pub(super) deaf: bool,
    /// Which hub it says it is.
    pub(super) id: Option<Uuid>,
    /// The stream that who enrols next begins.
    pub(super) incarnation: u32,
    edge_key: Option<VerifyingKey>,
    token: Option<String>,
    link: LinkState,
    verdicts: Vec<Numbered>,
    set: WorkingSet,
}

/// The hub, and the line to it.
pub(super) struct FakeHub {
    state: Mutex<State>,
    key: SigningKey,
    moved: Notify,
}

impl FakeHub {
    /// A hub that knows the test edge's scope and nothing else.
    pub(super) fn new() -> Self {
        Self::with_key([42; 32])
    }

    pub(super) fn with_key(key: [u8; 32]) -> Self {
        let mut set = WorkingSet::default();
        set.put(&Commodity { id: MAIZE, ..Sample::sample() });
        set.put(&Unit { id: KG, ..Sample::sample() });
        let last = ISSUER.issue(0, first_link().random);
        let state = State {
            faults: Faults::default(),
            feeds: HashMap::new(),
            scope: scope(),
            epoch: 1,
            minor: None,
            polls_with_a_body: 0,
            polls_without: 0,
            frame_rows: 50,
            arrived: Vec::new(),
            taken: Vec::new(),
            hellos: Vec::new(),
            sign_ins: 0,
            response_bytes: Vec::new(),
            deaf: false,
            id: None,
            incarnation: 1,
            edge_key: None,
            token: None,
            link: LinkState { last, previous: None, applied_seq: 0 },
            verdicts: Vec::new(),
            set,
        };
        Self { state: Mutex::new(state), key: SigningKey::from_bytes(&key), moved: Notify::new() }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The key that edges pin.
    pub(super) fn public_key(&self) -> [u8; 32] {
        self.key.verifying_key().to_bytes()
    }

    /// The link that enrolment hands out.
    pub(super) fn first_link(&self) -> Link {
        ISSUER.issue(0, first_link().random)
    }

    /// Knows an edge by its key, as after enrolment.
    pub(super) fn know(&self, key: [u8; 32]) {
        self.lock().edge_key = Some(VerifyingKey::from_bytes(&key).unwrap());
    }

    /// Ends the session.
    pub(super) fn end_session(&self) {
        self.lock().token = None;
    }

    /// Writes rows into a bucket, each at the next version.
    pub(super) fn write(&self, bucket: Bucket, rows: Vec<Row>) {
        let mut state = self.lock();
        let feed = state.feeds.entry(bucket).or_default();
        rows.into_iter().for_each(|row| feed.put(row));
        drop(state);
        self.moved.notify_waiters();
    }

    /// Waits until a bucket stands higher than the cursors of a long poll say; at once where it does already.
    async fn news(&self, cursors: &[u8]) {
        loop {
            let mut moved = std::pin::pin!(self.moved.notified());
            // What moves between the look and the wait counts as well.
            moved.as_mut().enable();
            let is_behind = {
                let state = self.lock();
                let heads = |bucket| state.feeds.get(bucket).map_or(0, |feed| feed.head);
                let cursors = cursors_from_bytes(cursors, &state.scope).unwrap();
                !state.deaf && cursors.iter().any(|cursor| heads(&cursor.bucket) > cursor.upto)
            };
            if is_behind {
                return;
            }
            moved.await;
        }
    }

    fn exchange(&self, token: Option<&str>, request: &[u8]) -> Result<Vec<u8>, Value> {
        let mut state = self.lock();
        if token.is_none() || token != state.token.as_deref() {
            return Err(problem(401, "edge_session"));
        }
        if let Some((status, code)) = state.faults.status.take() {
            return Err(problem(status, code));
        }
        let messages = messages(request);
        let mut messages = messages.into_iter();
        let Some(Message::Hello(hello)) = messages.next() else { return Err(problem(400, "malformed")) };
        state.hellos.push(hello.clone());
        let refusal = |code| Ok(Message::Refusal(Refusal { code, detail: String::new() }).to_bytes());
        match ISSUER.admit(&state.link, &hello.link, &hello.proof, hello.highest_seq) {
            Admission::Follows => {}
            Admission::Prove(proof) => return Ok(Message::Prove(proof).to_bytes()),
            Admission::Rewound => return refusal(RefusalCode::Rewound),
            Admission::HubRestored => return refusal(RefusalCode::HubRestored),
            Admission::NotOurs => return Err(problem(403, "edge_link")),
        }
        if let Some(code) = state.faults.refuse.take() {
            return refusal(code);
        }
        let number = state.link.last.number + 1;
        let next = ISSUER.issue(number, [number as u8; 16]);
        state.link.previous = Some(hello.link.clone());
        state.link.last = next.clone();
        let (mut audits, mut has_end, mut is_refused, mut retry_after_s) = (Vec::new(), false, false, 0);
        for message in messages {
            match message {
                Message::Commands(_) if state.faults.halted => is_refused = true,
                Message::Commands(_) if state.faults.held => retry_after_s = 10,
                Message::Commands(batch) => batch.into_iter().for_each(|command| state.take(command)),
                Message::Audit(audit) => audits.push(audit),
                Message::End => has_end = true,
                other => panic!("unexpected {other:?}"),
            }
        }
        if !has_end {
            return Err(problem(400, "truncated"));
        }
        if is_refused {
            return refusal(RefusalCode::StreamHalted);
        }
        let mut answer = state.answer(&hello, &audits, next);
        if let Some(Message::Close(close)) = answer.last_mut() {
            close.retry_after_s = retry_after_s;
        }
        Ok(state.spoil(answer))
    }

    fn small(&self, path: &str, question: &Value) -> (u16, Value) {
        let bytes = |name: &str| BASE64.decode(question[name].as_str().unwrap()).unwrap();
        let mut state = self.lock();
        let hub_keys = [BASE64.encode(self.public_key())];
        match path {
            "/sync/v1/challenge" => {
                let challenge = [9u8; 40];
                let message = identity::hub_challenge(EDGE.0, 1, &[self.public_key()], &challenge);
                let key =
                    if state.faults.impostor { SigningKey::from_bytes(&[1; 32]) } else { self.key.clone() };
                let signature = BASE64.encode(key.sign(&message).to_bytes());
                (
                    200,
                    json!({ "challenge": BASE64.encode(challenge), "signature": signature, "hub_keys": hub_keys }),
                )
            }
            "/sync/v1/session" => {
                state.sign_ins += 1;
                let message = identity::edge_session(EDGE.0, 1, &bytes("challenge"));
                let signature = Signature::from_slice(&bytes("signature")).unwrap();
                let key = state.edge_key.expect("the hub knows the edge");
                if key.verify_strict(&message, &signature).is_err() {
                    return (401, problem(401, "edge_unknown"));
                }
                let token = BASE64.encode([state.sign_ins as u8; 16]);
                state.token = Some(token.clone());
                (200, json!({ "token": token, "expires_in_s": 86_400 }))
            }
            "/sync/v1/enrol" => {
                let code = question["code"].as_str().unwrap();
                let key: [u8; 32] = bytes("public_key").try_into().unwrap();
                let key = VerifyingKey::from_bytes(&key).unwrap();
                let signature = Signature::from_slice(&bytes("signature")).unwrap();
                let signed =
                    key.verify_strict(&identity::enrolment(code, key.as_bytes()), &signature).is_ok();
                let is_other = state.edge_key.is_some_and(|known| known != key);
                if !signed
                    || is_other
                    || ![CODE, CODE_AGAIN].map(identity::normal_code).contains(&identity::normal_code(code))
                {
                    return (401, problem(401, "code"));
                }
                state.edge_key = Some(key);
                if std::mem::take(&mut state.faults.lose_enrolment) {
                    return (0, Value::Null);
                }
                let link = self.first_link();
                let session = BASE64.encode([0x77; 16]);
                state.token = Some(session.clone());
                let cooperative = json!({ "id": COOP.0, "name": "Mitundu Farmers", "country": "MWI", "region": null, "currency": "MWK" });
                let link = json!({ "number": 0, "random": BASE64.encode(link.random), "mac": BASE64.encode(link.mac) });
                let answer = json!({ "edge": EDGE.0, "incarnation": state.incarnation, "link": link, "epoch": 1, "hub_keys": hub_keys,
                    "cooperative": cooperative, "national": false, "hub": state.id, "session": session });
                (200, answer)
            }
            // As a hub of before these.
            "/sync/v1/left" | "/sync/v1/restored" => (404, problem(404, "not_found")),
            other => panic!("no such path {other}"),
        }
    }

    pub(super) async fn answer(&self, request: Request) -> Result<Response, LineError> {
        if self.lock().faults.offline {
            return Err(LineError::Unreachable("connection refused".into()));
        }
        let (path, query) = request.path.split_once('?').map_or((request.path.as_str(), ""), |(p, q)| (p, q));
        match request.body {
            Payload::Nothing => {
                assert!(path == "/sync/v1/news" && query.contains("scope=") && query.contains("cursors="));
                self.lock().polls_without += 1;
                let cursors = query.split('&').find_map(|part| part.strip_prefix("cursors=")).unwrap();
                self.news(&BASE64.decode(cursors).unwrap()).await;
                Ok(whole(200, Vec::new()))
            }
            Payload::Json(text) => {
                let (status, answer) = self.small(path, &serde_json::from_slice(&text).unwrap());
                if status == 0 {
                    Err(LineError::Cut("reset".into()))
                } else {
                    Ok(whole(status, answer.to_string().into()))
                }
            }
            Payload::Frames(frames) if path == "/sync/v1/news" => {
                let mut reader = FrameReader::default();
                reader.push(&frames);
                let Ok(Message::News(standing)) = Message::from_frame(&reader.next_frame().unwrap().unwrap())
                else {
                    panic!("a poll says where it stands")
                };
                self.lock().polls_with_a_body += 1;
                self.news(&standing.cursors).await;
                Ok(whole(200, Vec::new()))
            }
            Payload::Frames(frames) => self.carried(request.token.as_deref(), frames.into()),
            Payload::Stream(mut pieces) => {
                let mut body = Vec::new();
                while let Some(piece) = pieces.next().await {
                    body.extend_from_slice(&piece.map_err(|e| LineError::Cut(e.to_string()))?);
                    let cut = self.lock().faults.cut_request_at;
                    if cut.is_some_and(|at| body.len() >= at) {
                        break;
                    }
                }
                self.carried(request.token.as_deref(), body)
            }
        }
    }

    fn carried(&self, token: Option<&str>, mut body: Vec<u8>) -> Result<Response, LineError> {
        let cut_request = self.lock().faults.cut_request_at.take();
        body.truncate(cut_request.unwrap_or(usize::MAX));
        let answered = self.exchange(token, &body);
        if cut_request.is_some() {
            return Err(LineError::Cut("reset".into()));
        }
        let bytes = match answered {
            Ok(bytes) => bytes,
            Err(problem) => {
                return Ok(whole(problem["status"].as_u64().unwrap() as u16, problem.to_string().into()));
            }
        };
        let mut state = self.lock();
        state.response_bytes.push(bytes.len());
        let cut = state.faults.cut_response_at.take();
        let mut pieces: Vec<Result<Bytes, LineError>> = bytes[..cut.unwrap_or(bytes.len()).min(bytes.len())]
            .chunks(700)
            .map(|p| Ok(Bytes::copy_from_slice(p)))
            .collect();
        if cut.is_some() {
            pieces.push(Err(LineError::Cut("reset".into())));
        }
        Ok(Response { body: stream::iter(pieces).boxed(), ..whole(200, Vec::new()) })
    }
}

impl Transport for FakeHub {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, LineError>> {
        self.answer(request).boxed()
    }

    fn address(&self) -> &str {
        "http://127.0.0.1:1"
    }
}

/// Whole messages of a request; what was cut off at its end is not there.
fn messages(bytes: &[u8]) -> Vec<Message> {
    let mut frames = FrameReader::default();
    frames.push(bytes);
    let mut list = Vec::new();
    while let Some(frame) = frames.next_frame().unwrap() {
        list.push(Message::from_frame(&frame).unwrap());
    }
    list
}

fn problem(status: u16, code: &str) -> Value {
    json!({ "type": format!("/x#{code}"), "title": code, "status": status, "code": code })
}

fn whole(status: u16, body: Vec<u8>) -> Response {
    let body = stream::iter([Ok(Bytes::from(body))]).boxed();
    Response { status, retry_after: None, sent_head_bytes: 100, head_bytes: 60, body }
}
