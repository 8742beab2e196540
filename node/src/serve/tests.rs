//! Through real sockets: what is answered, what is ended, and what happens at the end.

use super::pulse::Times;
use super::*;
use axum::extract::ConnectInfo;
use axum::routing::{get, post};
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinHandle;

const BOUNDS: Bounds = Bounds { connections: 100, http2: true, lanes: 0 };

/// The first words of HTTP/2, and settings without any.
const HTTP2: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";

struct Served {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

async fn start(app: Router, bounds: Bounds) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, (stop, stopping)) = (listener.local_addr().unwrap(), watch::channel(false));
    Served { address, stop, serving: tokio::spawn(serve(listener, app, bounds, Arc::default(), stopping)) }
}

async fn says(address: SocketAddr, words: &[u8]) -> TcpStream {
    let mut peer = TcpStream::connect(address).await.unwrap();
    peer.write_all(words).await.unwrap();
    peer
}

async fn asked(address: SocketAddr) -> TcpStream {
    says(address, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await
}

/// All that comes until the end of the connection.
async fn rest(peer: &mut TcpStream) -> String {
    let mut all = Vec::new();
    // A connection that is cut ends as one that is closed.
    let _ = peer.read_to_end(&mut all).await;
    String::from_utf8_lossy(&all).into_owned()
}

fn hello() -> Router {
    Router::new().route("/", get(|| async { "hello" }))
}

#[tokio::test]
async fn what_is_refused_before_it_reaches_a_route_says_why() {
    let Served { address, stop, serving } = start(hello(), BOUNDS).await;
    let many: String = (0..200).map(|n| format!("x-{n}: y\r\n")).collect();
    for (asked, status, code) in [
        ("nonsense\r\n\r\n".to_owned(), 400, "malformed"),
        (format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(70_000)), 414, "address_too_long"),
        (format!("GET / HTTP/1.1\r\nhost: x\r\n{many}\r\n"), 431, "head_too_large"),
    ] {
        let answer = rest(&mut says(address, asked.as_bytes()).await).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("content-type: application/problem+json"), "{head}");
        let problem: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!((problem["status"].as_u64(), problem["code"].as_str()), (Some(status), Some(code)));
    }
    stop.send_replace(true);
    serving.await.unwrap();
}

#[tokio::test]
async fn a_request_under_way_is_answered_before_the_end_and_no_other_is_taken() {
    let (came, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tell, wait) = (came.clone(), go.clone());
    let slow = get(async move || {
        tell.notify_one();
        wait.notified().await;
        "done"
    });
    let Served { address, stop, serving } = start(Router::new().route("/", slow), BOUNDS).await;
    let mut idle = TcpStream::connect(address).await.unwrap();
    let mut peer = asked(address).await;
    came.notified().await;
    stop.send_replace(true);
    assert_eq!(rest(&mut idle).await, "", "one without a request is closed");
    go.notify_one();
    let answer = rest(&mut peer).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("done"), "{answer}");
    serving.await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn who_was_connected_by_the_system_when_the_node_was_told_to_stop_is_answered() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut peers = Vec::new();
    for _ in 0..20 {
        peers.push(asked(address).await);
    }
    let (_stop, stopping) = watch::channel(true);
    let serving = tokio::spawn(serve(listener, hello(), BOUNDS, Arc::default(), stopping));
    for peer in &mut peers {
        let answer = rest(peer).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("hello"), "{answer:?}");
    }
    serving.await.unwrap();
}

#[tokio::test]
async fn handlers_learn_who_calls_and_rubbish_ends_only_its_own_connection() {
    let who = get(async |ConnectInfo(peer): ConnectInfo<SocketAddr>| peer.to_string());
    let app = Router::new().route("/", who);
    let Served { address, stop: _stop, .. } = start(app, Bounds { http2: false, ..BOUNDS }).await;
    let mut rude = says(address, HTTP2).await;
    let answer = rest(&mut rude).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer:?}");
    let mut peer = says(address, b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    let own = peer.local_addr().unwrap().to_string();
    let answer = rest(&mut peer).await;
    assert!(answer.ends_with(&own), "{answer}");
}

#[tokio::test]
async fn silent_connections_make_room_for_one_that_asks() {
    let Served { address, stop: _stop, .. } = start(hello(), Bounds { connections: 20, ..BOUNDS }).await;
    let mut silent = Vec::new();
    for n in 0..200 {
        // Half a head is what a connection would wait for with its last words.
        silent.push(says(address, [&b""[..], HTTP2, b"GET / HT"][n % 3]).await);
    }
    let mut peer = says(address, b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    let answer = rest(&mut peer).await;
    assert!(answer.ends_with("hello"), "{answer:?}");
    let mut first = silent.swap_remove(0);
    assert_eq!(rest(&mut first).await, "", "the one that waited longest has gone");
}

#[tokio::test]
async fn who_finds_no_place_among_requests_under_way_is_told_so() {
    let begun = Arc::new(Semaphore::new(0));
    let tell = begun.clone();
    let never = get(async move || {
        tell.add_permits(1);
        std::future::pending::<()>().await;
    });
    let app = Router::new().route("/", never);
    let Served { address, stop: _stop, .. } =
        start(app, Bounds { connections: 16, http2: false, ..BOUNDS }).await;
    let mut held = Vec::new();
    for _ in 0..16 {
        held.push(asked(address).await);
    }
    let _all = begun.acquire_many(16).await.unwrap();
    // It sends nothing, so that the system does not cut what it is told.
    let answer = rest(&mut TcpStream::connect(address).await.unwrap()).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 503") && head.contains("retry-after: 5"), "{head}");
    assert!(head.ends_with(&format!("content-length: {}", body.len())), "{} {head}", body.len());
    let problem: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(problem["code"], crate::problem::Kind::Busy.code());
}

/// A node that loses its patience soon.
async fn impatient(app: Router) -> Served {
    let soon = Duration::from_millis(20);
    with_times(app, Times { first: soon, idle: soon, stalled: soon, ..TIMES }).await
}

async fn with_times(app: Router, times: Times) -> Served {
    let seats = Seats::new(BOUNDS.connections, times, Arc::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, (stop, stopping)) = (listener.local_addr().unwrap(), watch::channel(false));
    let (lanes, taken) = (Lanes::default(), JoinSet::new());
    let server = Server { app, bounds: BOUNDS, stopping, seats, lanes, taken, complained: None };
    Served { address, stop, serving: tokio::spawn(serve_on(listener, server)) }
}

#[tokio::test]
async fn a_connection_that_says_nothing_or_half_a_head_is_ended() {
    let Served { address, stop: _stop, .. } = impatient(hello()).await;
    for words in [&b""[..], b"GET / HT", b"PRI * HT", HTTP2] {
        let mut peer = says(address, words).await;
        let answer = rest(&mut peer).await;
        assert!(!answer.contains("200"), "{answer:?}");
    }
}

#[tokio::test]
async fn a_request_that_stops_in_the_middle_is_ended_and_its_handler_with_it() {
    struct Tell(Arc<Notify>);
    impl Drop for Tell {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    let ended = Arc::new(Notify::new());
    let tell = ended.clone();
    let takes = post(async move |body: axum::body::Body| {
        let _tell = Tell(tell);
        axum::body::to_bytes(body, 100).await.unwrap_or_default()
    });
    let Served { address, stop: _stop, .. } = impatient(Router::new().route("/", takes)).await;
    let _peer = says(address, b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc").await;
    ended.notified().await;
}

#[tokio::test]
async fn a_peer_of_http2_is_asked_whether_it_is_there_and_let_go_when_it_does_not_answer() {
    let soon = Duration::from_millis(20);
    let times = Times { ping_after: soon, pong_within: soon, ..TIMES };
    let Served { address, stop: _stop, .. } = with_times(hello(), times).await;
    let mut peer = says(address, HTTP2).await;
    let mut pings = 0;
    let mut head = [0; 9];
    // A frame: three bytes of length, kind, flags, stream.
    while peer.read_exact(&mut head).await.is_ok() {
        let mut payload = vec![0; usize::from(head[2])];
        peer.read_exact(&mut payload).await.unwrap();
        let is_ping = head[3] == 6 && head[4] == 0;
        if !is_ping {
            continue;
        }
        pings += 1;
        if pings <= 3 {
            head[4] = 1;
            peer.write_all(&[&head[..], &payload].concat()).await.unwrap();
        }
    }
    assert_eq!(pings, 4, "it is kept while it answers");
}

/// Two requests on one connection: the body of each answer.
async fn asked_twice(address: SocketAddr) -> [String; 2] {
    let mut peer = says(address, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let mut first = vec![0; 4_096];
    let length = peer.read(&mut first).await.unwrap();
    peer.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    let first = String::from_utf8_lossy(&first[..length]).into_owned();
    [first, rest(&mut peer).await].map(|answer| answer.rsplit("\r\n").next().unwrap().to_owned())
}

#[tokio::test]
async fn with_lanes_each_connection_is_served_by_one_of_their_threads_to_the_end() {
    let here = async || format!("{:?}", std::thread::current().id());
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (begins, goes_on) = (begun.clone(), go_on.clone());
    let late = async move || {
        begins.notify_one();
        goes_on.notified().await;
        "late"
    };
    let app = Router::new().route("/", get(here)).route("/late", get(late));
    let Served { address, stop, serving } = start(app, Bounds { lanes: 2, ..BOUNDS }).await;
    let (mut seen, own) = (Vec::new(), here().await);
    for _ in 0..4 {
        let [first, second] = asked_twice(address).await;
        assert_eq!(first, second);
        seen.push(first);
    }
    assert!(seen[0] == seen[2] && seen[1] == seen[3] && seen[0] != seen[1], "{seen:?}");
    assert!(!seen.contains(&own), "{seen:?}");
    let mut late = says(address, b"GET /late HTTP/1.1\r\nhost: x\r\n\r\n").await;
    begun.notified().await;
    stop.send(true).unwrap();
    go_on.notify_one();
    assert!(rest(&mut late).await.ends_with("late"), "what was asked before the end is answered");
    serving.await.unwrap();
}
