//! How bytes get to the hub and back: a small trait, so that tests can cut it anywhere, and its one real form over HTTP.
//!
//! Nothing here understands a message. Only paths may be logged, never a token, a query or a body.

use super::error::SyncError;
use super::heads::{Asked, Heads};
use crate::line::LineError;
use crate::line::tls::{self, BestTime};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt as _, StreamExt as _};
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use rustls::ClientConfig;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use sync_protocol::session::TOKEN_HEADER;

/// How long making a connection may take: two lost packets on a satellite link.
const CONNECT_PATIENCE: Duration = Duration::from_secs(30);

/// How long an idle connection is kept: opening one costs more bytes than a whole exchange without news.
const KEEP_IDLE: Duration = Duration::from_secs(600);

/// Bytes of an answer that HTTP/2 lets arrive unread: a few frames, within the node's memory.
const WINDOW_BYTES: u32 = 1 << 20;

/// Where a hub on plain http is asked whether it speaks HTTP/2; any answer will do.
const ASK_PATH: &str = "/healthz";

/// How long that may take: several tries of a slow mobile link. Then this request goes by version 1.1.
const ASK_PATIENCE: Duration = Duration::from_secs(20);

/// Bytes of an answer that is read whole; only frames may be longer.
const WHOLE_ANSWER_MAX_BYTES: usize = 256 << 10;

/// What is sent.
pub struct Request {
    /// Path and query at the hub.
    pub path: String,
    /// The session's token.
    pub token: Option<String>,
    /// The body; a request without one is a GET, any other a POST.
    pub body: Payload,
    /// How long nothing may move in either direction.
    pub patience: Duration,
}

/// The body of a request.
pub enum Payload {
    /// None.
    Nothing,
    /// JSON text.
    Json(Vec<u8>),
    /// Frames, all of them known.
    Frames(Bytes),
    /// Frames made while they are sent. An error ends the body in the middle; whoever made the stream keeps the reason.
    Stream(BoxStream<'static, Result<Bytes, std::io::Error>>),
}

/// What came back.
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// When the hub would like to be asked again, if it said.
    pub retry_after: Option<Duration>,
    /// Bytes of the request's head: exact in HTTP/1.1, about right in HTTP/2.
    pub sent_head_bytes: u64,
    /// Bytes of the answer's head, in the same way.
    pub head_bytes: u64,
    /// The body as it arrives. The first error ends it.
    pub body: BoxStream<'static, Result<Bytes, LineError>>,
}

/// Carries requests to one hub.
pub trait Transport: Send + Sync {
    /// Sends a request. The answer comes as soon as its head is here; its body may follow for long.
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, LineError>>;

    /// The hub's address, for words.
    fn address(&self) -> &str;
}

impl Response {
    /// The whole body.
    ///
    /// # Errors
    /// When the line fails, or the body is longer than any answer of this kind.
    pub async fn whole(mut self) -> Result<Vec<u8>, SyncError> {
        let mut all = Vec::new();
        while let Some(piece) = self.body.next().await {
            all.extend_from_slice(&piece?);
            if all.len() > WHOLE_ANSWER_MAX_BYTES {
                return Err(SyncError::Unexpected("a very long answer".into()));
            }
        }
        Ok(all)
    }
}

/// The hub over HTTP: version 2 where it speaks that, so that a header is paid for once a connection and not once a request.
///
/// Over https the handshake settles the version. Over plain http the hub is asked once, in a small request of version 2.
pub struct HttpTransport {
    base: String,
    host_bytes: u64,
    /// What clients are made of.
    config: ClientConfig,
    line: Mutex<Line>,
    /// Whether a connection went silent: then the next request takes a new one.
    is_stale: Arc<AtomicBool>,
}

/// Clients with their connections.
#[derive(Clone)]
struct Line {
    /// Speaks what the handshake settles; version 1.1 over plain http.
    client: reqwest::Client,
    plain: Option<Plain>,
    heads: Arc<Heads>,
}

/// For plain http.
#[derive(Clone)]
struct Plain {
    /// Speaks version 2 and nothing else.
    client: reqwest::Client,
    /// Whether the hub does, once it was asked.
    is_spoken: Arc<Mutex<Option<bool>>>,
}

/// Checks a hub's address and puts it into one form: no path, no slash at the end.
///
/// # Errors
/// When it is none, or is plain http to another machine and nobody asked for that.
pub fn checked_address(address: &str, insecure_http: bool) -> Result<String, SyncError> {
    let url = reqwest::Url::parse(address).map_err(|_| SyncError::BadAddress(address.to_owned()))?;
    let Some(host) = url.host_str() else { return Err(SyncError::BadAddress(address.to_owned())) };
    let bare =
        url.path().trim_end_matches('/').is_empty() && url.query().is_none() && url.fragment().is_none();
    if !bare || !url.username().is_empty() || url.password().is_some() {
        return Err(SyncError::BadAddress(address.to_owned()));
    }
    match url.scheme() {
        "https" => {}
        "http" if insecure_http || is_loopback(host) => {}
        "http" => return Err(SyncError::Insecure(address.to_owned())),
        _ => return Err(SyncError::BadAddress(address.to_owned())),
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// Whether a host of a URL is this machine.
pub fn is_loopback(host: &str) -> bool {
    let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host == "localhost" || ip.is_ok_and(|ip| ip.to_canonical().is_loopback())
}

impl HttpTransport {
    /// A transport to a hub.
    ///
    /// # Errors
    /// When the address is none or not allowed, or the machine has no certificates to check the hub's by.
    pub fn new(address: &str, insecure_http: bool, time: Arc<BestTime>) -> Result<Self, SyncError> {
        let base = checked_address(address, insecure_http)?;
        let is_https = base.starts_with("https://");
        let config = if is_https { tls::client_config(time)? } else { tls::no_certificates()? };
        let host_bytes = base.split_once("://").map_or(0, |(_, host)| host.len() as u64);
        let line = Line::new(&base, &config).map_err(|e| SyncError::Unexpected(words(&e)))?;
        Ok(Self { base, host_bytes, config, line: Mutex::new(line), is_stale: Arc::default() })
    }

    /// The clients that requests go by. Connections that went silent are left behind with the old ones.
    fn line(&self) -> Line {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_stale.swap(false, Ordering::Relaxed)
            && let Ok(new) = Line::new(&self.base, &self.config)
        {
            *line = new;
        }
        line.clone()
    }

    fn build(
        &self,
        client: &reqwest::Client,
        request: Request,
        moved: &Arc<AtomicU64>,
    ) -> Result<reqwest::Request, reqwest::Error> {
        let url = format!("{}{}", self.base, request.path);
        let mut builder = match &request.body {
            Payload::Nothing => client.get(url),
            _ => client.post(url),
        };
        if let Some(token) = &request.token {
            builder = builder.header(TOKEN_HEADER, token);
        }
        let builder = match request.body {
            Payload::Nothing => builder,
            Payload::Json(text) => builder.header(CONTENT_TYPE, "application/json").body(text),
            Payload::Frames(frames) => builder.body(frames),
            Payload::Stream(stream) => {
                let moved = moved.clone();
                let counted = stream.inspect(move |_| {
                    moved.fetch_add(1, Ordering::Relaxed);
                });
                builder.body(reqwest::Body::wrap_stream(counted))
            }
        };
        builder.build()
    }
}

impl Transport for HttpTransport {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, LineError>> {
        async move {
            let patience = request.patience;
            let line = self.line();
            let client = line.client(&self.base, patience).await;
            let moved = Arc::new(AtomicU64::new(0));
            let request =
                self.build(client, request, &moved).map_err(|e| LineError::Unreachable(words(&e)))?;
            let asked = Asked::of(&request, self.host_bytes);
            let answer = match while_it_moves(client.execute(request), &moved, patience).await {
                Ok(answer) => answer,
                Err(error) => {
                    line.has_failed();
                    self.is_stale.fetch_or(matches!(error, LineError::Silent(_)), Ordering::Relaxed);
                    return Err(error);
                }
            };
            let (status, headers) = (answer.status(), answer.headers());
            let (sent_head_bytes, head_bytes) = line.heads.bytes(&asked, answer.version(), status, headers);
            Ok(Response {
                status: status.as_u16(),
                retry_after: retry_after(headers),
                sent_head_bytes,
                head_bytes,
                body: until_silent(answer.bytes_stream().boxed(), patience, self.is_stale.clone()),
            })
        }
        .boxed()
    }

    fn address(&self) -> &str {
        &self.base
    }
}

impl Line {
    fn new(base: &str, config: &ClientConfig) -> Result<Self, reqwest::Error> {
        let builder = || {
            let builder = reqwest::Client::builder()
                .tls_backend_preconfigured(config.clone())
                .redirect(reqwest::redirect::Policy::none())
                .connect_timeout(CONNECT_PATIENCE)
                .pool_idle_timeout(KEEP_IDLE)
                .pool_max_idle_per_host(2)
                .http2_initial_stream_window_size(WINDOW_BYTES)
                .http2_initial_connection_window_size(2 * WINDOW_BYTES)
                .tcp_nodelay(true)
                .tcp_keepalive(Duration::from_secs(60));
            let host = base.split_once("://").map_or("", |(_, host)| host);
            let is_here = is_loopback(host.rsplit_once(':').map_or(host, |(host, _)| host));
            if is_here { builder.no_proxy() } else { builder }
        };
        let plain = if base.starts_with("https://") {
            None
        } else {
            let client = builder().http2_prior_knowledge().build()?;
            Some(Plain { client, is_spoken: Arc::default() })
        };
        Ok(Self { client: builder().build()?, plain, heads: Arc::default() })
    }

    /// The client for the next request.
    async fn client(&self, base: &str, patience: Duration) -> &reqwest::Client {
        let Some(plain) = &self.plain else { return &self.client };
        let known = *plain.spoken();
        let is_spoken = match known {
            Some(is_spoken) => is_spoken,
            None => {
                let asked =
                    plain.client.head(format!("{base}{ASK_PATH}")).timeout(patience.min(ASK_PATIENCE));
                let answer = asked.send().await;
                // What says nothing about the other side is asked again with the next request.
                if !answer.as_ref().is_err_and(|error| error.is_connect() || error.is_timeout()) {
                    *plain.spoken() = Some(answer.is_ok());
                }
                answer.is_ok()
            }
        };
        if is_spoken { &plain.client } else { &self.client }
    }

    /// A request failed: behind the address there may be something else by now.
    fn has_failed(&self) {
        if let Some(plain) = &self.plain {
            *plain.spoken() = None;
        }
    }
}

impl Plain {
    fn spoken(&self) -> MutexGuard<'_, Option<bool>> {
        self.is_spoken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for the head of an answer, as long as the request's body goes on moving.
async fn while_it_moves(
    answer: impl Future<Output = Result<reqwest::Response, reqwest::Error>>,
    moved: &AtomicU64,
    patience: Duration,
) -> Result<reqwest::Response, LineError> {
    let mut answer = std::pin::pin!(answer);
    let mut seen = moved.load(Ordering::Relaxed);
    loop {
        match tokio::time::timeout(patience, answer.as_mut()).await {
            Ok(answer) => return answer.map_err(|e| line_error(&e)),
            Err(_) => {
                let now = moved.load(Ordering::Relaxed);
                if now == seen {
                    return Err(LineError::Silent(patience));
                }
                seen = now;
            }
        }
    }
}

/// Ends a body with an error when nothing arrives for too long, and notes that.
fn until_silent(
    body: BoxStream<'static, Result<Bytes, reqwest::Error>>,
    patience: Duration,
    is_stale: Arc<AtomicBool>,
) -> BoxStream<'static, Result<Bytes, LineError>> {
    futures_util::stream::unfold(Some((body, is_stale)), move |reading| async move {
        let (mut body, is_stale) = reading?;
        match tokio::time::timeout(patience, body.next()).await {
            Ok(Some(Ok(piece))) => Some((Ok(piece), Some((body, is_stale)))),
            Ok(Some(Err(e))) => Some((Err(LineError::Cut(words(&e))), None)),
            Ok(None) => None,
            Err(_) => {
                is_stale.store(true, Ordering::Relaxed);
                Some((Err(LineError::Silent(patience)), None))
            }
        }
    })
    .boxed()
}

fn line_error(error: &reqwest::Error) -> LineError {
    let text = words(error);
    if let Some(better) = tls::handshake_error(error) {
        better
    } else if error.is_connect() {
        LineError::Unreachable(text)
    } else {
        LineError::Cut(text)
    }
}

/// The innermost cause, which is what a person can act on ("Connection refused"), without the address and its query.
fn words(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds.min(24 * 3600)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine_unless_asked_for() {
        for fine in
            ["http://127.0.0.1:8080", "http://localhost:8080/", "http://[::1]:1", "https://hub.example.org"]
        {
            assert_eq!(checked_address(fine, false).unwrap(), fine.trim_end_matches('/'));
        }
        assert!(matches!(checked_address("http://10.0.0.7:8080", false), Err(SyncError::Insecure(_))));
        assert!(checked_address("http://10.0.0.7:8080", true).is_ok());
        for wrong in
            ["hub.example.org", "ftp://hub", "", "https://hub/x", "https://me:pw@hub", "https://hub?x=1"]
        {
            assert!(matches!(checked_address(wrong, true), Err(SyncError::BadAddress(_))), "{wrong}");
        }
    }

    #[tokio::test]
    async fn a_hub_that_is_not_there_is_unreachable_in_words() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let time = Arc::new(BestTime::new(mizili_node::deps::Deps::fixed(1).clock, None, 0));
        let transport = HttpTransport::new(&address, false, time).unwrap();
        let request = Request {
            path: "/x".into(),
            token: None,
            body: Payload::Nothing,
            patience: Duration::from_secs(30),
        };
        let Err(error) = transport.send(request).await else { panic!("nobody listens there") };
        assert!(matches!(&error, LineError::Unreachable(_)), "{error:?}");
        assert!(error.to_string().contains("refused"), "{error}");
    }
}
