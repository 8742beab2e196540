//! Takes connections and answers requests on them, in HTTP/1.1: gateways, browsers and programs of an office's network speak it.
//!
//! Told to stop, it takes no more connections, lets the requests under way end, and closes. Nothing that a peer sends or leaves
//! out ends more than its own connection.

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower::Service as _;

/// How long a connection may be without a request, or in the middle of its head: a peer that vanished is not kept for ever.
const HEAD_PATIENCE: Duration = Duration::from_secs(120);

/// The pause when no connection can be taken, as when all file handles are in use.
const REFUSED_PAUSE: Duration = Duration::from_secs(1);

/// Answers until `stopping` becomes true and the last request has ended. When it is dropped, what is under way is cut.
pub(super) async fn serve(listener: TcpListener, app: Router, mut stopping: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            () = told_to(&mut stopping) => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                connections.spawn(connection(stream, peer, app.clone(), stopping.clone()));
            }
            Err(error) if is_the_peers(&error) => {}
            Err(error) => {
                tracing::error!(%error, "no connection can be taken at the moment");
                tokio::time::sleep(REFUSED_PAUSE).await;
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn told_to(stopping: &mut watch::Receiver<bool>) {
    // An error says that whoever could tell is gone.
    let _ = stopping.wait_for(|stop| *stop).await;
}

/// Whether a connection ended before it was taken: nothing is wrong here.
fn is_the_peers(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionRefused | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset
    )
}

async fn connection(stream: TcpStream, peer: SocketAddr, app: Router, mut stopping: watch::Receiver<bool>) {
    // Without it an answer in two pieces waits for the peer's word on the first.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        app.clone().call(request)
    });
    let mut http = http1::Builder::new();
    // Answers are small: one buffer costs less than a list of two.
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_PATIENCE).writev(false);
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = told_to(&mut stopping) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::get;
    use std::sync::Arc;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::sync::Notify;

    async fn start(app: Router) -> (SocketAddr, watch::Sender<bool>, tokio::task::JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, (stop, stopping)) = (listener.local_addr().unwrap(), watch::channel(false));
        (address, stop, tokio::spawn(serve(listener, app, stopping)))
    }

    async fn asked(address: SocketAddr) -> TcpStream {
        let mut peer = TcpStream::connect(address).await.unwrap();
        peer.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        peer
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
        let (address, stop, serving) = start(Router::new().route("/", slow)).await;
        let mut idle = TcpStream::connect(address).await.unwrap();
        let mut peer = asked(address).await;
        came.notified().await;
        stop.send_replace(true);
        let mut nothing = Vec::new();
        idle.read_to_end(&mut nothing).await.unwrap();
        assert!(nothing.is_empty(), "one without a request is closed");
        go.notify_one();
        let mut answer = String::new();
        peer.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("done"), "{answer}");
        serving.await.unwrap();
        assert!(TcpStream::connect(address).await.is_err());
    }

    #[tokio::test]
    async fn handlers_learn_who_calls_and_rubbish_ends_only_its_own_connection() {
        let who = get(async |ConnectInfo(peer): ConnectInfo<SocketAddr>| peer.to_string());
        let (address, _stop, _serving) = start(Router::new().route("/", who)).await;
        let mut rude = TcpStream::connect(address).await.unwrap();
        rude.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
        let mut answer = Vec::new();
        rude.read_to_end(&mut answer).await.unwrap();
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"), "{answer:?}");
        let mut peer = asked(address).await;
        let mut answer = vec![0; 4096];
        let length = peer.read(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
        assert!(answer.ends_with(&peer.local_addr().unwrap().to_string()), "{answer}");
    }
}
