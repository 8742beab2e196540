//! Takes connections and answers requests on them, for both nodes alike.
//!
//! A phone network hangs up without a word, so no connection is believed for ever: one that shows no request, stops in the middle
//! of one, or takes no answer is ended after a while, and when all places are taken the one that has waited longest without a
//! request makes room, or one whose request has been under way for very long. Told to stop, it answers what has come, also on connections that the system took and this program had not
//! looked at yet, and closes. Nothing that a peer sends or leaves out ends more than its own connection.

mod connection;
mod felt;
mod files;
mod lanes;
mod pulse;
mod seats;
mod worded;

use crate::address::Proxies;
use axum::Router;
use connection::{Spoken, connection};
use futures_util::FutureExt as _;
use lanes::Lanes;
pub use pulse::LONGEST;
use pulse::TIMES;
use seats::{Seat, Seats};
use std::io::{ErrorKind, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// Between looks for connections whose time is over.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The pause when the system gives no connection, as when all file handles are in use by something else.
const REFUSED_PAUSE: Duration = Duration::from_millis(100);

/// Between two lines of the log about peers that were sent away.
const COMPLAIN_EVERY: Duration = Duration::from_secs(60);

/// What a peer is told for whom there is no place, in HTTP/1.1, which everybody understands.
const FULL: &str = concat!(
    "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\nretry-after: 5\r\nconnection: close\r\n",
    "content-length: 172\r\n\r\n",
    r#"{"type":"/api/docs/problems#busy","title":"Busy at the moment","status":503,"code":"busy","#,
    r#""detail":"All connections are in use at the moment. Try again in a few seconds."}"#,
    "\n"
);

/// What a node takes on.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Connections at once. Where the system gives fewer files, fewer.
    pub connections: usize,
    /// Whether HTTP/2 is spoken too.
    pub http2: bool,
    /// Threads that serve connections alone, each its own; with none they are served by the threads of everything else. For a node
    /// whose answers are in its memory, or come from threads that may wait.
    pub lanes: usize,
}

/// How many connections there are in truth: as many as are wanted, where the system gives so many files.
pub fn places(bounds: Bounds) -> usize {
    files::places(bounds.connections)
}

/// Answers until `stopping` becomes true and the last request has ended. When it is dropped, what is under way is cut. Handlers
/// find the peer's address in `ConnectInfo<SocketAddr>`. Connections of trusted `proxies` are bounded in all alone.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    bounds: Bounds,
    proxies: Arc<Proxies>,
    stopping: watch::Receiver<bool>,
) {
    let seats = Seats::new(places(bounds), TIMES, proxies);
    let lanes = Lanes::open(bounds.lanes).unwrap_or_else(|error| {
        tracing::warn!(%error, "the system gives no threads for requests alone; they share those of everything else");
        Lanes::default()
    });
    serve_on(
        listener,
        Server { app, bounds, stopping, seats, lanes, taken: JoinSet::new(), complained: None },
    )
    .await;
}

async fn serve_on(listener: TcpListener, mut server: Server) {
    let mut look = interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = server.stopping.clone();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => match stream.into_std() {
                    Ok(stream) => server.take(stream, peer),
                    Err(error) => tracing::error!(%error, "a connection cannot be heard"),
                },
                Err(error) => server.not_accepted(&error).await,
            },
            Some(ended) = server.taken.join_next() => server.left(ended),
            _ = look.tick() => server.seats.end_overdue(Instant::now()),
            () = told_to(&mut told) => break,
        }
    }
    server.take_the_waiting(listener);
    while let Some(ended) = server.taken.join_next().await {
        server.left(ended);
    }
}

async fn told_to(stopping: &mut watch::Receiver<bool>) {
    // An error says that whoever could tell is gone.
    let _ = stopping.wait_for(|stop| *stop).await;
}

struct Server {
    app: Router,
    bounds: Bounds,
    stopping: watch::Receiver<bool>,
    seats: Seats,
    lanes: Lanes,
    taken: JoinSet<Arc<Seat>>,
    complained: Option<Instant>,
}

impl Server {
    /// Serves a connection, wherever that is: it is heard there alone.
    fn take(&mut self, mut stream: std::net::TcpStream, peer: SocketAddr) {
        let Some(seat) = self.seats.take(peer.ip(), Instant::now()) else {
            // It is told so if it can be at once; nobody waits for it.
            let _ = stream.write(FULL.as_bytes());
            return self.complain(peer);
        };
        let spoken = Spoken { http2: self.bounds.http2, times: self.seats.times() };
        let (app, stopping) = (self.app.clone(), self.stopping.clone());
        let serving = async move {
            let running = async {
                connection(TcpStream::from_std(stream)?, peer, &seat, app, spoken, stopping).await;
                Ok::<_, std::io::Error>(())
            };
            // A panic outside a handler ends this connection; its place is free again all the same.
            match std::panic::AssertUnwindSafe(running).catch_unwind().await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!(%error, "a connection cannot be heard"),
                Err(_) => tracing::error!("a connection ended by a panic"),
            }
            seat
        };
        match self.lanes.next() {
            Some(lane) => self.taken.spawn_on(serving, &lane),
            None => self.taken.spawn(serving),
        };
    }

    fn left(&mut self, ended: Result<Arc<Seat>, tokio::task::JoinError>) {
        if let Ok(seat) = ended {
            self.seats.leave(&seat);
        }
    }

    async fn not_accepted(&mut self, error: &std::io::Error) {
        // It ended before it was taken: nothing is wrong here.
        let is_the_peers = matches!(
            error.kind(),
            ErrorKind::ConnectionRefused | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset
        );
        if !is_the_peers {
            if self.may_complain() {
                tracing::error!(%error, "no connection can be taken at the moment");
            }
            self.seats.make_room(Instant::now());
            tokio::time::sleep(REFUSED_PAUSE).await;
        }
    }

    /// The system has told these peers that they are connected, and some have sent their request: they are answered, and no others.
    fn take_the_waiting(&mut self, listener: TcpListener) {
        let Ok(listener) = listener.into_std() else { return };
        while let Ok((stream, peer)) = listener.accept() {
            if stream.set_nonblocking(true).is_ok() {
                self.take(stream, peer);
            }
        }
    }

    fn complain(&mut self, peer: SocketAddr) {
        if self.may_complain() {
            let (all, address) = (self.seats.len(), peer.ip());
            tracing::warn!(all, %address, "a peer was sent away: every connection is in use");
        }
    }

    fn may_complain(&mut self) -> bool {
        let now = Instant::now();
        let is_due = self.complained.is_none_or(|at| now.duration_since(at) >= COMPLAIN_EVERY);
        if is_due {
            self.complained = Some(now);
        }
        is_due
    }
}

#[cfg(test)]
mod tests;
