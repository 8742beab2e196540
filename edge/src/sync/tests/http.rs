//! The same over a real connection: streamed requests, cuts, sessions that ended, and bytes that are counted as they are.

use super::*;
use crate::line::LineError;
use crate::sync::client::{HttpTransport, Payload, Request, Transport};
use axum::body::Body;
use axum::extract::State;
use axum::http::header::DATE;
use axum::http::{HeaderMap, Response, StatusCode, Uri};
use bytes::Bytes;
use futures_util::StreamExt as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use sync_protocol::limits::FRAME_TARGET_MIN_BYTES;
use sync_protocol::session::TOKEN_HEADER;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Answers of this process, for their dates.
static SECOND: AtomicU64 = AtomicU64::new(0);

/// The fake hub as an HTTP server.
async fn serve(hub: Arc<FakeHub>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app(hub)).await.unwrap() });
    address
}

pub(super) fn app(hub: Arc<FakeHub>) -> axum::Router {
    let health = axum::routing::get(|| async { "ok" });
    axum::Router::new().route("/healthz", health).fallback(handle).with_state(hub)
}

async fn handle(State(hub): State<Arc<FakeHub>>, uri: Uri, headers: HeaderMap, body: Body) -> Response<Body> {
    let token = headers.get(TOKEN_HEADER).map(|v| v.to_str().unwrap().to_owned());
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    let path = uri.path_and_query().unwrap().as_str().to_owned();
    let body = match (uri.path(), bytes.first()) {
        (_, None) => Payload::Nothing,
        ("/sync/v1/exchange" | "/sync/v1/news", _) => Payload::Frames(bytes),
        _ => Payload::Json(bytes.into()),
    };
    let request = Request { path, token, body, patience: Duration::from_secs(60) };
    let mut answer = Response::new(Body::empty());
    match hub.answer(request).await {
        Ok(given) => {
            *answer.status_mut() = StatusCode::from_u16(given.status).unwrap();
            let pieces: Vec<_> = given.body.map(|piece| piece.map_err(std::io::Error::other)).collect().await;
            let bytes: usize = pieces.iter().map(|piece| piece.as_ref().map_or(0, Bytes::len)).sum();
            // As the hub does: a short answer is one piece of known length.
            let is_one = pieces.iter().all(Result::is_ok) && bytes <= FRAME_TARGET_MIN_BYTES;
            *answer.body_mut() = if is_one {
                Body::from(pieces.into_iter().flatten().collect::<Vec<_>>().concat())
            } else {
                Body::from_stream(futures_util::stream::iter(pieces))
            };
            // Each answer is of another second, which a server has to say, and no day takes more bytes.
            let second = SECOND.fetch_add(1, Ordering::SeqCst) % 60;
            let date = format!("Wed, 30 Sep 2026 19:39:{second:02} GMT");
            answer.headers_mut().insert(DATE, date.parse().unwrap());
        }
        Err(_) => *answer.status_mut() = StatusCode::BAD_GATEWAY,
    }
    answer
}

/// A wire that counts what goes over it.
#[derive(Default)]
pub(super) struct Wire {
    pub(super) up: AtomicU64,
    pub(super) down: AtomicU64,
    pub(super) connections: AtomicU64,
}

pub(super) async fn wire(to: SocketAddr) -> (SocketAddr, Arc<Wire>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, wire) = (listener.local_addr().unwrap(), Arc::new(Wire::default()));
    let counted = wire.clone();
    tokio::spawn(async move {
        loop {
            let (from, _) = listener.accept().await.unwrap();
            counted.connections.fetch_add(1, Ordering::SeqCst);
            let (from, to) = (from.into_split(), TcpStream::connect(to).await.unwrap().into_split());
            let (up, down) = (counted.clone(), counted.clone());
            tokio::spawn(copy(from.0, to.1, move |n| add(&up.up, n)));
            tokio::spawn(copy(to.0, from.1, move |n| add(&down.down, n)));
        }
    });
    (address, wire)
}

fn add(counter: &AtomicU64, bytes: u64) {
    counter.fetch_add(bytes, Ordering::SeqCst);
}

async fn copy(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    count: impl Fn(u64),
) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(n @ 1..) = from.read(&mut buffer).await {
        count(n as u64);
        if to.write_all(&buffer[..n]).await.is_err() {
            return;
        }
    }
}

async fn over_http(bed: &Bed) -> (Syncer, Arc<Wire>) {
    let (address, wire) = wire(serve(bed.hub.clone()).await).await;
    (syncer_to(bed, &format!("http://{address}")), wire)
}

/// What syncs a bed's edge with the hub at an address.
pub(super) fn syncer_to(bed: &Bed, address: &str) -> Syncer {
    let time = Arc::new(BestTime::new(bed.edge.deps().clock.clone(), None, 0));
    let transport = HttpTransport::new(address, false, time).unwrap();
    let identity = Identity::load(bed.edge.data_dir()).unwrap();
    Syncer { transport: Arc::new(transport), ..syncer(&bed.edge, &bed.hub, identity) }
}

pub(super) const BOUNDS: Bounds =
    Bounds { lock_patience: Duration::ZERO, work: None, check: Check::Moved, hold_commands: false };

#[tokio::test]
async fn commands_stream_up_and_rows_stream_down_over_one_connection() {
    let bed = Bed::with_market().await;
    let (syncer, wire) = over_http(&bed).await;
    for _ in 0..1_100 {
        bed.edge.post_listing(50);
    }
    bed.hub.write(REGION, prices(1, 400));
    let report = syncer.run_once(BOUNDS).await.unwrap();
    assert_eq!((report.commands, report.applied), (1_100, 1_100));
    assert!(report.digests_equal);
    bed.assert_equal();
    assert_eq!(wire.connections.load(Ordering::SeqCst), 1);
    let near = |counted: u64, real: u64| assert!(real.abs_diff(counted) * 20 <= real, "{counted} for {real}");
    near(report.bytes_sent, wire.up.load(Ordering::SeqCst));
    near(report.bytes_received, wire.down.load(Ordering::SeqCst));
}

#[tokio::test]
async fn an_exchange_without_news_is_less_than_three_hundred_bytes() {
    let bed = Bed::with_prices(50).await;
    let (syncer, wire) = over_http(&bed).await;
    syncer.run_once(BOUNDS).await.unwrap();
    for _ in 0..QUIET {
        let ((up, down), report) = quiet(&syncer, &wire).await;
        assert_eq!(report.round_trips, 1);
        assert!(report.bytes_sent.abs_diff(up) <= 8, "{} counted, {up} sent", report.bytes_sent);
        assert!(report.bytes_received.abs_diff(down) <= 8, "{} counted, {down} came", report.bytes_received);
        assert!(up + down <= 300, "{up} up, {down} down");
    }
}

/// Exchanges without news that are measured, each on the connection of those before it.
pub(super) const QUIET: usize = 5;

/// Bytes up and down of the next exchange.
pub(super) async fn quiet(syncer: &Syncer, wire: &Wire) -> ((u64, u64), ExchangeReport) {
    let carried = || (wire.up.load(Ordering::SeqCst), wire.down.load(Ordering::SeqCst));
    let before = carried();
    let report = syncer.run_once(BOUNDS).await.unwrap();
    let after = carried();
    ((after.0 - before.0, after.1 - before.1), report)
}

/// A server, or something before it, that speaks HTTP/1.1 alone. Answers each request with how many connections there were.
async fn old_server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        for number in 1.. {
            let (mut peer, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let (mut asked, mut buffer) = (Vec::new(), [0; 4096]);
                while let Ok(n @ 1..) = peer.read(&mut buffer).await {
                    asked.extend_from_slice(&buffer[..n]);
                    if asked.starts_with(b"PRI ") {
                        let _ =
                            peer.write_all(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n").await;
                        return;
                    }
                    if asked.ends_with(b"\r\n\r\n") {
                        let number = format!("{number}");
                        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", number.len());
                        peer.write_all(&[head.as_bytes(), number.as_bytes()].concat()).await.unwrap();
                        asked.clear();
                    }
                }
            });
        }
    });
    address
}

async fn ask(transport: &HttpTransport, patience: Duration) -> Result<Vec<u8>, LineError> {
    let request = Request { path: "/x".into(), token: None, body: Payload::Nothing, patience };
    Ok(transport.send(request).await?.whole().await.unwrap())
}

#[tokio::test]
async fn a_hub_that_speaks_only_the_old_version_is_understood() {
    let time = Arc::new(BestTime::new(mizili_node::deps::Deps::fixed(1).clock, None, 0));
    let transport = HttpTransport::new(&format!("http://{}", old_server().await), false, time).unwrap();
    for _ in 0..3 {
        // The first connection asked for the version; all requests share the second.
        assert_eq!(ask(&transport, Duration::from_secs(60)).await.unwrap(), b"2");
    }
}

#[tokio::test]
async fn a_connection_that_went_silent_is_left() {
    let bed = Bed::with_prices(5).await;
    let hub = serve(bed.hub.clone()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (silence, silent) = tokio::sync::watch::channel(false);
    tokio::spawn(async move {
        for is_first in [true, false] {
            let (from, _) = listener.accept().await.unwrap();
            let (from, to) = (from.into_split(), TcpStream::connect(hub).await.unwrap().into_split());
            let silent = silent.clone();
            tokio::spawn(copy(from.0, to.1, |_| {}));
            tokio::spawn(async move {
                // What comes down the first connection after the cue is lost, and nobody hears of it.
                let (mut down, mut to_edge, mut buffer) = (to.0, from.1, [0; 4096]);
                while let Ok(n @ 1..) = down.read(&mut buffer).await {
                    if is_first && *silent.borrow() {
                        continue;
                    }
                    to_edge.write_all(&buffer[..n]).await.unwrap();
                }
            });
        }
    });
    let time = Arc::new(BestTime::new(bed.edge.deps().clock.clone(), None, 0));
    let transport = HttpTransport::new(&format!("http://{address}"), false, time).unwrap();
    let news = |patience| {
        let path = "/healthz".to_owned();
        transport.send(Request { path, token: None, body: Payload::Nothing, patience })
    };
    assert_eq!(news(Duration::from_secs(60)).await.unwrap().status, 200);
    silence.send_replace(true);
    let Err(error) = news(Duration::from_millis(200)).await else { panic!("nothing could come") };
    assert!(matches!(error, LineError::Silent(_)), "{error:?}");
    assert_eq!(news(Duration::from_secs(60)).await.unwrap().status, 200, "by a new connection");
}

#[tokio::test]
async fn a_connection_that_breaks_is_a_cut_and_the_next_run_goes_on() {
    let bed = Bed::with_prices(50).await;
    let (syncer, _) = over_http(&bed).await;
    bed.hub.write(REGION, prices(2, 60));
    bed.hub.lock().faults.cut_response_at = Some(20);
    let error = syncer.run_once(BOUNDS).await.unwrap_err();
    assert!(matches!(error, SyncError::Line(LineError::Cut(_))), "{error:?}");
    bed.hub.end_session();
    assert!(syncer.run_once(BOUNDS).await.unwrap().digests_equal);
    bed.assert_equal();
}

#[tokio::test]
async fn the_address_in_an_error_holds_no_query() {
    let bed = Bed::with_prices(5).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    // Takes each call and hangs up.
    tokio::spawn(async move { while listener.accept().await.is_ok() {} });
    let time = Arc::new(BestTime::new(bed.edge.deps().clock.clone(), None, 0));
    let transport = HttpTransport::new(&format!("http://{address}"), false, time).unwrap();
    let path = "/sync/v1/news?cursors=SECRET".to_owned();
    let request = Request { path, token: None, body: Payload::Nothing, patience: Duration::from_secs(60) };
    let Err(error) = transport.send(request).await else { panic!("nobody answers there") };
    assert!(!error.to_string().contains("SECRET"), "{error}");
}
