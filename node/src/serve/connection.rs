//! One connection, from the moment that it is taken to its end. A peer's mistake is the end of its own connection and of nothing
//! else.

use super::pulse::Felt;
use super::seats::Seat;
use super::told_to;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use socket2::{SockRef, TcpKeepalive};
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tower::Service as _;

/// After so much silence the system asks whether the peer is still there. An office asks more often by itself, so that this costs
/// bytes only where nobody uses the line.
const SILENCE: Duration = Duration::from_secs(60);

/// Between two such questions, of which this many may be without an answer.
const QUESTION_EVERY: Duration = Duration::from_secs(15);
const QUESTIONS: u32 = 4;

/// The same on a connection of HTTP/2, where a proxy may stand between: after so much silence it is asked, and answers within so
/// long. An edge's poll is shorter, so that a living edge is never asked.
const PING_AFTER: Duration = Duration::from_secs(45);
const PONG_WITHIN: Duration = Duration::from_secs(30);

/// Requests under way on one connection of HTTP/2.
const STREAMS_MAX: u32 = 100;

/// How long a connection whose time is over may take to say so and end.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How long a connection without any request may show one after the node was told to stop: its peer was told that it is
/// connected, and its request may be on the way.
const LAST_CHANCE: Duration = Duration::from_secs(1);

pub(super) async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    seat: &Seat,
    app: Router,
    http2: bool,
    mut stopping: watch::Receiver<bool>,
) {
    prepare(&stream);
    let pulse = seat.pulse.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let under_way = pulse.begin();
        let mut request = request.map(|body| Body::new(Felt::request(body, &under_way)));
        request.extensions_mut().insert(ConnectInfo(peer));
        let answer = app.clone().call(request);
        async move { answer.await.map(|answer| answer.map(|body| Felt::answer(body, under_way))) }
    });
    let builder = builder(http2);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let patience = tokio::select! {
        ended = connection.as_mut() => return ended_by(ended),
        () = seat.has_to_leave() => Some(LAST_WORDS),
        () = async {
            told_to(&mut stopping).await;
            // Elapsed: it has nothing to ask.
            let _ = tokio::time::timeout(LAST_CHANCE, seat.pulse.first()).await;
        } => None,
    };
    connection.as_mut().graceful_shutdown();
    match patience {
        // What is under way may take its time; whoever stopped the node ends its patience.
        None => tokio::select! {
            ended = connection => ended_by(ended),
            () = seat.has_to_leave() => {}
        },
        Some(patience) => {
            if let Ok(ended) = tokio::time::timeout(patience, connection).await {
                ended_by(ended);
            }
        }
    }
}

fn prepare(stream: &TcpStream) {
    // Without it an answer in two pieces waits for the peer's word on the first. Where the system refuses any of this, the
    // connection works all the same.
    let _ = stream.set_nodelay(true);
    let asking = TcpKeepalive::new().with_time(SILENCE).with_interval(QUESTION_EVERY).with_retries(QUESTIONS);
    let socket = SockRef::from(stream);
    let _ = socket.set_tcp_keepalive(&asking);
    // What was sent and is never confirmed is given up at about the same time.
    let _ = socket.set_tcp_user_timeout(Some(SILENCE + QUESTION_EVERY * QUESTIONS));
}

fn builder(http2: bool) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    // Answers are small: one buffer costs less than a list of two.
    builder.http1().timer(TokioTimer::new()).writev(false);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_AFTER)
        .keep_alive_timeout(PONG_WITHIN)
        .max_concurrent_streams(STREAMS_MAX);
    if http2 { builder } else { builder.http1_only() }
}

fn ended_by<E: std::fmt::Display>(ended: Result<(), E>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
