//! One connection, from the moment that it is taken to its end. A peer's mistake is the end of its own connection and of nothing
//! else.

use super::felt::{Felt, Line};
use super::pulse::Times;
use super::seats::Seat;
use super::told_to;
use super::worded::Worded;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use http::{Request, Version};
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

/// Requests under way on one connection of HTTP/2.
const STREAMS_MAX: u32 = 100;

/// How long a connection whose time is over may take to say so and end.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How long a connection without any request may show one after the node was told to stop: its peer was told that it is
/// connected, and its request may be on the way.
const LAST_CHANCE: Duration = Duration::from_secs(1);

/// How is spoken on a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spoken {
    /// Whether HTTP/2 is, too.
    pub(super) http2: bool,
    pub(super) times: Times,
}

pub(super) async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    seat: &Seat,
    app: Router,
    spoken: Spoken,
    mut stopping: watch::Receiver<bool>,
) {
    prepare(&stream);
    let line = Line::new(stream, seat.pulse.clone());
    let pulse = seat.pulse.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        if request.version() < Version::HTTP_2 {
            pulse.is_in_turn();
        }
        let under_way = pulse.begin();
        let mut request = request.map(|body| Body::new(Felt::request(body, &under_way)));
        request.extensions_mut().insert(ConnectInfo(peer));
        let answer = app.clone().call(request);
        async move { answer.await.map(|answer| answer.map(|body| Felt::answer(body, under_way))) }
    });
    let builder = builder(spoken);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(Worded::new(line)), service));
    let patience = tokio::select! {
        ended = connection.as_mut() => return ended_by(ended),
        () = seat.is_taken() => return,
        () = seat.is_over() => Some(LAST_WORDS),
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
            () = seat.is_over() => {}
            () = seat.is_taken() => {}
        },
        Some(patience) => tokio::select! {
            ended = connection => ended_by(ended),
            () = tokio::time::sleep(patience) => {}
            () = seat.is_taken() => {}
        },
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

fn builder(spoken: Spoken) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    // Answers are small: one buffer costs less than a list of two.
    builder.http1().timer(TokioTimer::new()).writev(false);
    builder
        .http2()
        .timer(TokioTimer::new())
        // Beside what the system asks: a proxy may stand between, and answer that.
        .keep_alive_interval(spoken.times.ping_after)
        .keep_alive_timeout(spoken.times.pong_within)
        .max_concurrent_streams(STREAMS_MAX);
    if spoken.http2 { builder } else { builder.http1_only() }
}

fn ended_by<E: std::fmt::Display>(ended: Result<(), E>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

#[cfg(test)]
mod tests {
    use super::super::pulse::TIMES;
    use super::super::seats::Seats;
    use super::*;
    use crate::testing::wait::until;
    use axum::body::Bytes;
    use axum::routing::get;
    use futures_util::FutureExt as _;
    use std::sync::{Arc, Mutex};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpSocket};
    use tokio::sync::Notify;
    use tokio::time::Instant;

    const SPOKEN: Spoken = Spoken { http2: true, times: TIMES };

    /// A peer whose system holds little for it, and the node's end.
    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4_096).unwrap();
        let peer = socket.connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        SockRef::from(&stream).set_send_buffer_size(4_096).unwrap();
        (peer, stream)
    }

    fn seated() -> (Seats, Arc<Seat>) {
        let mut seats = Seats::new(1, TIMES, Arc::default());
        let seat = seats.take([127, 0, 0, 1].into(), Instant::now()).unwrap();
        (seats, seat)
    }

    #[tokio::test]
    async fn the_system_is_told_to_ask_a_silent_peer() {
        let (_peer, stream) = pair().await;
        prepare(&stream);
        let socket = SockRef::from(&stream);
        assert!(socket.keepalive().unwrap() && stream.nodelay().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap(), SILENCE);
        assert_eq!(socket.tcp_keepalive_interval().unwrap(), QUESTION_EVERY);
        assert_eq!(socket.tcp_keepalive_retries().unwrap(), QUESTIONS);
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(Duration::from_secs(120)));
    }

    #[tokio::test]
    async fn half_a_head_does_not_stay_when_its_place_is_given_away() {
        let ((mut peer, stream), (mut seats, seat)) = (pair().await, seated());
        peer.write_all(b"GET / HT").await.unwrap();
        stream.readable().await.unwrap();
        let (_stop, stopping) = watch::channel(false);
        let address = peer.local_addr().unwrap();
        let mut serving = pin!(connection(stream, address, &seat, Router::new(), SPOKEN, stopping));
        assert!(serving.as_mut().now_or_never().is_none());
        assert!(seats.make_room(Instant::now()));
        assert!(serving.as_mut().now_or_never().is_some(), "its file is open still");
    }

    #[tokio::test]
    async fn an_answer_is_under_way_until_its_last_byte_is_taken() {
        /// A long answer in one piece, which tells when nobody holds it any more.
        struct Long(Arc<Notify>);
        impl AsRef<[u8]> for Long {
            fn as_ref(&self) -> &[u8] {
                &[b'x'; 300_000]
            }
        }
        impl Drop for Long {
            fn drop(&mut self) {
                self.0.notify_one();
            }
        }
        let ((mut peer, stream), (_seats, seat)) = (pair().await, seated());
        let let_go = Arc::new(Notify::new());
        let answer = Arc::new(Mutex::new(Some(Bytes::from_owner(Long(let_go.clone())))));
        let app =
            Router::new().route("/", get(async move || Body::from(answer.lock().unwrap().take().unwrap())));
        let (_stop, stopping) = watch::channel(false);
        let (address, pulse) = (peer.local_addr().unwrap(), seat.pulse.clone());
        let serving = tokio::spawn(async move {
            connection(stream, address, &seat, app, SPOKEN, stopping).await;
        });
        peer.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let_go.notified().await;
        assert!(pulse.waits_since().is_none(), "most of the answer has not left");
        let mut taken = 0;
        let mut piece = vec![0; 10_000];
        while taken < 300_000 {
            taken += peer.read(&mut piece).await.unwrap();
        }
        until(async || pulse.waits_since().is_some()).await;
        drop(peer);
        serving.await.unwrap();
    }
}
