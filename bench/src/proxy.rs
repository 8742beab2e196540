//! A loopback TCP relay that counts what passes and keeps what comes down, so that it can be looked into afterwards. It counts
//! TCP payload: heads of HTTP are in it, those of TCP and IP are not. It changes nothing and delays as little as it can.

use anyhow::{Context as _, Result};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Bytes moved at once.
const BUFFER_BYTES: usize = 64 << 10;

/// What has passed since the last [`Proxy::begin`].
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// Bytes from clients to the server.
    pub(crate) up: u64,
    /// Bytes from the server to clients.
    pub(crate) down: u64,
    /// What came down, one for each connection.
    pub(crate) answers: Vec<Vec<u8>>,
    first: Option<Instant>,
    last: Option<Instant>,
}

impl Seen {
    /// Bytes both ways.
    pub(crate) fn bytes(&self) -> u64 {
        self.up + self.down
    }

    /// From the first byte to the last.
    pub(crate) fn span(&self) -> Duration {
        self.first.zip(self.last).map_or(Duration::ZERO, |(first, last)| last.duration_since(first))
    }

    fn moved(&mut self) {
        let now = Instant::now();
        self.first.get_or_insert(now);
        self.last = Some(now);
    }
}

/// A running relay; ends when it is dropped.
pub(crate) struct Proxy {
    /// Where clients find the server.
    pub(crate) address: String,
    seen: Arc<Mutex<Seen>>,
    accepting: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Proxy {
    /// Starts a relay to a server (host and port).
    pub(crate) async fn start(server: &str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("no free port")?;
        let address = listener.local_addr().context("no address")?.to_string();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let accepting = tokio::spawn(accept(listener, server.to_owned(), seen.clone()));
        Ok(Self { address, seen, accepting })
    }

    /// Counts from nothing. Connections that are open stay open and go on being counted.
    pub(crate) fn begin(&self) {
        let mut seen = locked(&self.seen);
        let answers = vec![Vec::new(); seen.answers.len()];
        *seen = Seen { answers, ..Seen::default() };
    }

    /// What has passed.
    pub(crate) fn seen(&self) -> Seen {
        locked(&self.seen).clone()
    }
}

fn locked(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: TcpListener, server: String, seen: Arc<Mutex<Seen>>) {
    while let Ok((client, _)) = listener.accept().await {
        let Ok(server) = TcpStream::connect(&server).await else { continue };
        // A relay that waited to fill a packet would add to every exchange.
        if client.set_nodelay(true).is_err() || server.set_nodelay(true).is_err() {
            continue;
        }
        let number = {
            let mut seen = locked(&seen);
            seen.answers.push(Vec::new());
            seen.answers.len() - 1
        };
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        let (up, down) = (seen.clone(), seen.clone());
        tokio::spawn(relay(from_client, to_server, move |bytes| {
            let mut seen = locked(&up);
            seen.moved();
            seen.up += bytes.len() as u64;
        }));
        tokio::spawn(relay(from_server, to_client, move |bytes| {
            let mut seen = locked(&down);
            seen.moved();
            seen.down += bytes.len() as u64;
            if let Some(answer) = seen.answers.get_mut(number) {
                answer.extend_from_slice(bytes);
            }
        }));
    }
}

/// Carries one direction until it ends; an end is passed on.
async fn relay(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut count: impl FnMut(&[u8])) {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match from.read(&mut buffer).await {
            Ok(n) if n > 0 => {
                count(&buffer[..n]);
                if to.write_all(&buffer[..n]).await.is_err() {
                    return;
                }
            }
            // Cut or ended: the other side sees an end either way.
            _ => {
                let _ = to.shutdown().await;
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bytes_are_counted_both_ways_and_answers_kept() {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Proxy::start(&server.local_addr().unwrap().to_string()).await.unwrap();
        let answering = tokio::spawn(async move {
            let (mut peer, _) = server.accept().await.unwrap();
            let mut asked = [0; 5];
            peer.read_exact(&mut asked).await.unwrap();
            peer.write_all(b"an answer").await.unwrap();
            peer.read_exact(&mut asked).await.unwrap();
            peer.write_all(b"two").await.unwrap();
        });
        let mut client = TcpStream::connect(&proxy.address).await.unwrap();
        let mut answer = [0; 9];
        client.write_all(b"hello").await.unwrap();
        client.read_exact(&mut answer).await.unwrap();
        let seen = proxy.seen();
        assert_eq!((seen.up, seen.down, seen.bytes()), (5, 9, 14));
        assert_eq!(seen.answers, [b"an answer".to_vec()]);
        proxy.begin();
        client.write_all(b"again").await.unwrap();
        client.read_exact(&mut answer[..3]).await.unwrap();
        answering.await.unwrap();
        let seen = proxy.seen();
        assert_eq!((seen.up, seen.down, seen.answers), (5, 3, vec![b"two".to_vec()]));
    }
}
