//! A line as it is in the country: slow, with a long way, cut again and again. It carries TCP between the real programs and counts
//! what arrives. It must never change a byte.

use crate::chance::Chance;
use anyhow::Result;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// What goes in one piece.
const PIECE_BYTES: usize = 256;

/// How good the line is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quality {
    /// From one end to the other.
    pub(crate) latency: Duration,
    /// Each way, all connections together.
    pub(crate) bytes_per_s: u64,
    /// Bytes between two cuts, on average; `None` where it is never cut.
    pub(crate) cut_every_bytes: Option<u64>,
}

/// A line that is laid.
pub(crate) struct BadLine {
    /// Where the office finds the hub.
    pub(crate) address: String,
    state: Arc<State>,
}

struct State {
    quality: Quality,
    /// When each direction is free again.
    free: [Mutex<Instant>; 2],
    carried: AtomicU64,
    connections: AtomicU64,
    cuts: watch::Sender<u64>,
    breaks: AtomicBool,
    next_cut: Mutex<(Chance, u64)>,
    /// Bytes after which nothing more is carried; for looking at what is there so far.
    dead_after: AtomicU64,
    is_dead: AtomicBool,
}

impl BadLine {
    /// Lays a line to `hub` (host and port).
    pub(crate) async fn lay(hub: &str, quality: Quality, mut chance: Chance) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = format!("http://{}", listener.local_addr()?);
        let first = far(&quality, &mut chance);
        let state = Arc::new(State {
            quality,
            free: [Mutex::new(Instant::now()), Mutex::new(Instant::now())],
            carried: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            cuts: watch::channel(0).0,
            breaks: AtomicBool::new(false),
            next_cut: Mutex::new((chance, first)),
            dead_after: AtomicU64::new(u64::MAX),
            is_dead: AtomicBool::new(false),
        });
        tokio::spawn(accept(listener, hub.to_owned(), state.clone()));
        Ok(Self { address, state })
    }

    /// Bytes that arrived, both ways, HTTP included.
    pub(crate) fn carried(&self) -> u64 {
        self.state.carried.load(Ordering::SeqCst)
    }

    /// Connections that were made.
    pub(crate) fn connections(&self) -> u64 {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// How often it was cut.
    pub(crate) fn cuts(&self) -> u64 {
        *self.state.cuts.borrow()
    }

    /// From now on it is cut at random.
    pub(crate) fn break_at_random(&self) {
        self.state.breaks.store(true, Ordering::SeqCst);
    }

    /// Carries so many bytes more, and then nothing until this is called again.
    pub(crate) fn carry_only(&self, more: u64) {
        self.state.dead_after.store(self.carried().saturating_add(more), Ordering::SeqCst);
        self.state.is_dead.store(false, Ordering::SeqCst);
    }
}

/// The place of the next cut.
fn far(quality: &Quality, chance: &mut Chance) -> u64 {
    quality.cut_every_bytes.map_or(u64::MAX, |every| every / 2 + chance.below(every))
}

impl State {
    /// Takes in that a piece arrives. False when the line breaks under it.
    fn arrives(&self, bytes: u64) -> bool {
        let carried = self.carried.fetch_add(bytes, Ordering::SeqCst) + bytes;
        let mut next = self.next_cut.lock().unwrap_or_else(PoisonError::into_inner);
        let is_cut = carried >= next.1 && self.breaks.load(Ordering::SeqCst);
        if is_cut {
            let ahead = far(&self.quality, &mut next.0);
            next.1 = carried.saturating_add(ahead);
        }
        drop(next);
        let dies =
            carried >= self.dead_after.load(Ordering::SeqCst) && !self.is_dead.swap(true, Ordering::SeqCst);
        if is_cut || dies {
            self.cuts.send_modify(|cuts| *cuts += 1);
        }
        !is_cut && !self.is_dead.load(Ordering::SeqCst)
    }

    /// When a piece that is sent now has left.
    fn leaves(&self, direction: usize, bytes: u64) -> Instant {
        let mut free = self.free[direction].lock().unwrap_or_else(PoisonError::into_inner);
        let takes = Duration::from_micros(bytes * 1_000_000 / self.quality.bytes_per_s);
        *free = (*free).max(Instant::now()) + takes;
        *free
    }
}

async fn accept(listener: TcpListener, hub: String, state: Arc<State>) {
    while let Ok((office, _)) = listener.accept().await {
        if !state.is_dead.load(Ordering::SeqCst) {
            state.connections.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(relay(office, hub.clone(), state.clone()));
        }
    }
}

async fn relay(office: TcpStream, hub: String, state: Arc<State>) {
    let mut cuts = state.cuts.subscribe();
    let Ok(hub) = TcpStream::connect(hub).await else { return };
    let (from_office, to_office) = office.into_split();
    let (from_hub, to_hub) = hub.into_split();
    tokio::select! {
        () = carry(from_office, to_hub, 0, &state) => {}
        () = carry(from_hub, to_office, 1, &state) => {}
        _ = cuts.changed() => {}
    }
}

/// One direction of one connection, until it ends or breaks.
async fn carry(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    direction: usize,
    state: &State,
) {
    let (way, mut far_end) = mpsc::channel::<(Instant, Vec<u8>)>(64);
    let near = async move {
        loop {
            let mut piece = vec![0; PIECE_BYTES];
            let Ok(n @ 1..) = from.read(&mut piece).await else { return };
            piece.truncate(n);
            let left = state.leaves(direction, n as u64);
            tokio::time::sleep_until(left).await;
            if way.send((left + state.quality.latency, piece)).await.is_err() {
                return;
            }
        }
    };
    let far = async move {
        while let Some((due, piece)) = far_end.recv().await {
            tokio::time::sleep_until(due).await;
            if !state.arrives(piece.len() as u64) || to.write_all(&piece).await.is_err() {
                return;
            }
        }
    };
    // The near end closes the way when it ends; what is on it still arrives.
    let _ = tokio::join!(near, far);
}
