//! How bytes get to the hub and back: a small trait, so that tests can cut it anywhere, and its one real form over HTTP.
//!
//! Nothing here understands a message. Only paths may be logged, never a token, a query or a body.

use super::error::{LineError, SyncError};
use super::tls::{self, BestTime};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt as _, StreamExt as _};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How long making a connection may take: two lost packets on a satellite link.
const CONNECT_PATIENCE: Duration = Duration::from_secs(30);

/// How long an idle connection is kept: opening one costs more bytes than a whole exchange without news.
const KEEP_IDLE: Duration = Duration::from_secs(600);

/// Bytes of an answer that is read whole; only frames may be longer.
const WHOLE_ANSWER_MAX_BYTES: usize = 256 << 10;

/// What is sent.
pub struct Request {
    /// Path and query at the hub.
    pub path: String,
    /// The session's token.
    pub bearer: Option<String>,
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
    /// Bytes of the request's head, as HTTP/1.1 writes it.
    pub sent_head_bytes: u64,
    /// Bytes of the answer's head, as HTTP/1.1 writes it.
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

/// The hub over HTTP.
pub struct HttpTransport {
    base: String,
    client: reqwest::Client,
    host_bytes: u64,
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
        let host = base.split_once("://").map_or("", |(_, host)| host);
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(config)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_PATIENCE)
            .pool_idle_timeout(KEEP_IDLE)
            .pool_max_idle_per_host(2)
            .tcp_nodelay(true)
            .tcp_keepalive(Duration::from_secs(60));
        if is_loopback(host.rsplit_once(':').map_or(host, |(host, _)| host)) {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|e| SyncError::Unexpected(words(&e)))?;
        Ok(Self { host_bytes: host.len() as u64, base, client })
    }

    fn build(&self, request: Request, moved: &Arc<AtomicU64>) -> Result<reqwest::Request, reqwest::Error> {
        let url = format!("{}{}", self.base, request.path);
        let mut builder = match &request.body {
            Payload::Nothing => self.client.get(url),
            _ => self.client.post(url),
        };
        if let Some(token) = &request.bearer {
            builder = builder.header(AUTHORIZATION, format!("Bearer {token}"));
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
            let moved = Arc::new(AtomicU64::new(0));
            let request = self.build(request, &moved).map_err(|e| LineError::Unreachable(words(&e)))?;
            let length = request.body().and_then(reqwest::Body::as_bytes).map(<[u8]>::len);
            let sent_head_bytes = self.host_bytes + request_head_bytes(&request, length);
            let answer = while_it_moves(self.client.execute(request), &moved, patience).await?;
            let status = answer.status();
            Ok(Response {
                status: status.as_u16(),
                retry_after: retry_after(answer.headers()),
                sent_head_bytes,
                head_bytes: answer_head_bytes(status, answer.headers()),
                body: until_silent(answer.bytes_stream().boxed(), patience),
            })
        }
        .boxed()
    }

    fn address(&self) -> &str {
        &self.base
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

/// Ends a body with an error when nothing arrives for too long.
fn until_silent(
    body: BoxStream<'static, Result<Bytes, reqwest::Error>>,
    patience: Duration,
) -> BoxStream<'static, Result<Bytes, LineError>> {
    futures_util::stream::unfold(Some(body), move |body| async move {
        let mut body = body?;
        match tokio::time::timeout(patience, body.next()).await {
            Ok(Some(Ok(piece))) => Some((Ok(piece), Some(body))),
            Ok(Some(Err(e))) => Some((Err(LineError::Cut(words(&e))), None)),
            Ok(None) => None,
            Err(_) => Some((Err(LineError::Silent(patience)), None)),
        }
    })
    .boxed()
}

fn line_error(error: &reqwest::Error) -> LineError {
    let text = words(error);
    if text.contains("certificate") {
        LineError::Certificate(text)
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

fn header_bytes(headers: &HeaderMap) -> u64 {
    headers.iter().map(|(name, value)| (name.as_str().len() + value.len() + 4) as u64).sum()
}

/// Bytes of a request's head without its host's name: the first line, our headers, and those that the client adds.
fn request_head_bytes(request: &reqwest::Request, length: Option<usize>) -> u64 {
    let url = request.url();
    let target = url.path().len() + url.query().map_or(0, |q| q.len() + 1);
    let first = request.method().as_str().len() + target + " HTTP/1.1\r\n".len() + 1;
    let body = match (length, request.body().is_some()) {
        (Some(length), _) => format!("content-length: {length}\r\n").len(),
        (None, true) => "transfer-encoding: chunked\r\n".len(),
        (None, false) => 0,
    };
    (first + "host: \r\naccept: */*\r\n\r\n".len() + body) as u64 + header_bytes(request.headers())
}

fn answer_head_bytes(status: reqwest::StatusCode, headers: &HeaderMap) -> u64 {
    let reason = status.canonical_reason().map_or(0, str::len);
    ("HTTP/1.1 200 \r\n\r\n".len() + reason) as u64 + header_bytes(headers)
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
        let time = Arc::new(BestTime::new(crate::deps::Deps::fixed(1).clock, None, 0));
        let transport = HttpTransport::new(&address, false, time).unwrap();
        let request = Request {
            path: "/x".into(),
            bearer: None,
            body: Payload::Nothing,
            patience: Duration::from_secs(30),
        };
        let Err(error) = transport.send(request).await else { panic!("nobody listens there") };
        assert!(matches!(&error, LineError::Unreachable(_)), "{error:?}");
        assert!(error.to_string().contains("refused"), "{error}");
    }
}
