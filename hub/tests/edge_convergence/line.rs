//! The line between an office and the hub's router: no sockets, cut at any byte in either direction.

use axum::Router;
use axum::body::Body;
use axum::http::{Method, header};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream::{BoxStream, StreamExt};
use mizili_edge::sync::LineError;
use mizili_edge::sync::client::{Payload, Request, Response, Transport};
use std::io;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use sync_protocol::session::{EXCHANGE_PATH, TOKEN_HEADER};
use tower::ServiceExt;

/// What goes wrong with exchanges; sign-in is left alone.
#[derive(Default)]
struct Faults {
    request_after: Option<usize>,
    response_after: Option<usize>,
    /// Of a piece that is cut nothing arrives, as with a DATA frame of HTTP/2.
    whole_pieces: bool,
    answers_lost: bool,
    held_back: bool,
    /// What a question says whose answer is lost.
    lost_where: Option<&'static str>,
}

/// A request that somebody on the way keeps, after its sender gave up waiting.
struct Held {
    token: Option<String>,
    body: Bytes,
}

/// How often something was really cut.
#[derive(Default)]
struct Cuts {
    all: AtomicU64,
    /// Inside a piece, and with it inside a frame: some of its bytes came through, and some did not.
    inside: AtomicU64,
}

/// A line.
pub(crate) struct Line {
    hub: Mutex<Router>,
    faults: Mutex<Faults>,
    held: Mutex<Vec<Held>>,
    /// Questions whose answers were lost, with their addresses.
    unheard: Mutex<Vec<(String, String)>>,
    questions: AtomicU64,
    cuts: Arc<Cuts>,
    carried: Arc<AtomicU64>,
}

impl Line {
    pub(crate) fn new(hub: Router) -> Arc<Self> {
        Arc::new(Self {
            hub: Mutex::new(hub),
            faults: Mutex::default(),
            held: Mutex::default(),
            unheard: Mutex::default(),
            questions: AtomicU64::new(0),
            cuts: Arc::default(),
            carried: Arc::default(),
        })
    }

    /// From now on it leads to another hub.
    pub(crate) fn lead_to(&self, hub: Router) {
        *self.hub.lock().unwrap() = hub;
    }

    fn the_hub(&self) -> Router {
        self.hub.lock().unwrap().clone()
    }

    /// Cuts requests after so many bytes of their body.
    pub(crate) fn cut_request_after(&self, bytes: Option<usize>) {
        self.faults.lock().unwrap().request_after = bytes;
    }

    /// Cuts responses after so many bytes of their body.
    pub(crate) fn cut_response_after(&self, bytes: Option<usize>) {
        self.faults.lock().unwrap().response_after = bytes;
    }

    /// The same; of the piece that is cut nothing arrives.
    pub(crate) fn carry_whole_pieces_up_to(&self, bytes: usize) {
        let mut faults = self.faults.lock().unwrap();
        (faults.response_after, faults.whole_pieces) = (Some(bytes), true);
    }

    /// The hub does what it is asked, but nobody hears of it, whatever was asked.
    pub(crate) fn lose_answers(&self, lost: bool) {
        self.faults.lock().unwrap().answers_lost = lost;
    }

    /// The hub does what it is asked by a question that says this, but nobody hears of it.
    pub(crate) fn lose_answers_where(&self, says: Option<&'static str>) {
        self.faults.lock().unwrap().lost_where = says;
    }

    /// Questions whose answers were lost reach the hub once more. Gives the status of each answer.
    pub(crate) async fn ask_unheard_again(&self) -> Vec<u16> {
        let unheard = std::mem::take(&mut *self.unheard.lock().unwrap());
        let mut said = Vec::new();
        for (path, text) in unheard {
            let head = head(&path, None).header(header::CONTENT_TYPE, "application/json");
            let asked = head.method(Method::POST).body(Body::from(text)).unwrap();
            said.push(self.the_hub().oneshot(asked).await.unwrap().status().as_u16());
        }
        said
    }

    /// How many questions, which are no exchanges, were asked.
    pub(crate) fn questions(&self) -> u64 {
        self.questions.load(Ordering::Relaxed)
    }

    /// Exchanges do not reach the hub now, but when [`Line::deliver_held`] is called.
    pub(crate) fn hold_requests(&self, held_back: bool) {
        self.faults.lock().unwrap().held_back = held_back;
    }

    /// What was held back reaches the hub, the newest first. Nobody hears the answers. Says how many there were.
    pub(crate) async fn deliver_held(&self) -> usize {
        let held = std::mem::take(&mut *self.held.lock().unwrap());
        let count = held.len();
        for request in held.into_iter().rev() {
            let head = head(EXCHANGE_PATH, request.token.as_deref()).method(Method::POST);
            let answer = self.the_hub().oneshot(head.body(Body::from(request.body)).unwrap()).await.unwrap();
            let _ = axum::body::to_bytes(answer.into_body(), usize::MAX).await;
        }
        count
    }

    /// Bytes of bodies that came through, both ways, also of what was cut in the middle.
    pub(crate) fn carried(&self) -> u64 {
        self.carried.load(Ordering::Relaxed)
    }

    /// How often something was really cut.
    pub(crate) fn cuts(&self) -> u64 {
        self.cuts.all.load(Ordering::Relaxed)
    }

    /// How often a frame was cut inside: some of its bytes came through.
    pub(crate) fn cuts_inside(&self) -> u64 {
        self.cuts.inside.load(Ordering::Relaxed)
    }

    /// Nothing goes wrong any more. What is held back stays so.
    pub(crate) fn mend(&self) {
        *self.faults.lock().unwrap() = Faults::default();
    }
}

fn head(path: &str, token: Option<&str>) -> axum::http::request::Builder {
    let builder = axum::http::Request::builder().uri(path);
    match token {
        Some(token) => builder.header(TOKEN_HEADER, token),
        None => builder,
    }
}

fn counted<E: Send + 'static>(
    pieces: BoxStream<'static, Result<Bytes, E>>,
    carried: Arc<AtomicU64>,
) -> BoxStream<'static, Result<Bytes, E>> {
    let count = move |piece: &Result<Bytes, E>| {
        carried.fetch_add(piece.as_ref().map_or(0, |piece| piece.len() as u64), Ordering::Relaxed);
    };
    pieces.inspect(count).boxed()
}

/// The beginning of a stream, then an error.
fn cut<E: Send + 'static>(
    pieces: BoxStream<'static, Result<Bytes, E>>,
    after: Option<usize>,
    whole_pieces: bool,
    cuts: Arc<Cuts>,
    error: fn() -> E,
) -> BoxStream<'static, Result<Bytes, E>> {
    let Some(after) = after else { return pieces };
    let state = (pieces, after, cuts, false);
    futures_util::stream::unfold(state, move |(mut pieces, left, cuts, over)| async move {
        if over {
            return None;
        }
        match pieces.next().await? {
            Ok(piece) if piece.len() <= left => {
                let left = left - piece.len();
                Some((Ok(piece), (pieces, left, cuts, false)))
            }
            Ok(piece) if left > 0 && !whole_pieces => {
                // The error follows, also where this was the last piece.
                cuts.inside.fetch_add(1, Ordering::Relaxed);
                let (begin, rest) = (piece.slice(..left), piece.slice(left..));
                let rest = futures_util::stream::once(async move { Ok(rest) });
                Some((Ok(begin), (rest.chain(pieces).boxed(), 0, cuts, false)))
            }
            Ok(_) => {
                cuts.all.fetch_add(1, Ordering::Relaxed);
                Some((Err(error()), (pieces, 0, cuts, true)))
            }
            Err(e) => Some((Err(e), (pieces, 0, cuts, true))),
        }
    })
    .boxed()
}

impl Transport for Line {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, LineError>> {
        async move {
            let is_exchange = request.path == EXCHANGE_PATH;
            let (request_after, response_after, whole_pieces, held_back) = {
                let faults = self.faults.lock().unwrap();
                if is_exchange {
                    // What comes late comes whole.
                    let request_after = faults.request_after.filter(|_| !faults.held_back);
                    (request_after, faults.response_after, faults.whole_pieces, faults.held_back)
                } else {
                    (None, None, false, false)
                }
            };
            let mut builder = head(&request.path, request.token.as_deref());
            let once =
                |bytes: Bytes| futures_util::stream::once(async move { Ok::<_, io::Error>(bytes) }).boxed();
            let lost_where = self.faults.lock().unwrap().lost_where;
            let mut is_unheard = false;
            let body = match request.body {
                Payload::Nothing => None,
                Payload::Json(text) => {
                    self.questions.fetch_add(1, Ordering::Relaxed);
                    let said = String::from_utf8_lossy(&text).into_owned();
                    is_unheard = lost_where.is_some_and(|says| said.contains(says));
                    if is_unheard {
                        self.unheard.lock().unwrap().push((request.path.clone(), said));
                    }
                    builder = builder.header(header::CONTENT_TYPE, "application/json");
                    Some(once(text.into()))
                }
                Payload::Frames(frames) => Some(once(frames)),
                Payload::Stream(stream) => Some(stream),
            };
            let (method, body) = match body {
                None => (Method::GET, Body::empty()),
                Some(body) => {
                    let body =
                        cut(body, request_after, false, Arc::clone(&self.cuts), || io::Error::other("cut"));
                    let body = counted(body, Arc::clone(&self.carried));
                    (Method::POST, Body::from_stream(body))
                }
            };
            if held_back {
                let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
                self.held.lock().unwrap().push(Held { token: request.token, body });
                return Err(LineError::Cut("nothing came for a long time".into()));
            }
            let request = builder.method(method).body(body).unwrap();
            let answer = self.the_hub().oneshot(request).await.unwrap();
            if is_unheard || request_after.is_some() || self.faults.lock().unwrap().answers_lost {
                // Whoever's request was cut hears no answer.
                return Err(LineError::Cut("cut".into()));
            }
            let (parts, body) = answer.into_parts();
            let body = body
                .into_data_stream()
                .map(|piece| piece.map_err(|_| LineError::Cut("the hub went away".into())))
                .boxed();
            let body = cut(body, response_after, whole_pieces, Arc::clone(&self.cuts), || {
                LineError::Cut("cut".into())
            });
            let body = counted(body, Arc::clone(&self.carried));
            Ok(Response {
                status: parts.status.as_u16(),
                retry_after: None,
                sent_head_bytes: 0,
                head_bytes: 0,
                body,
            })
        }
        .boxed()
    }

    fn address(&self) -> &str {
        "http://127.0.0.1:1"
    }
}
