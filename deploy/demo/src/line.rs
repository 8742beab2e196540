//! The line between office and hub: a TCP relay that can be cut, and that counts what it carries.

use anyhow::Result;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A line that can be cut.
pub struct Line {
    /// Where the office finds the hub.
    pub address: String,
    up: watch::Sender<bool>,
    /// Host and port of the hub at its other end.
    hub: watch::Sender<String>,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    sent: AtomicU64,
    received: AtomicU64,
}

impl Line {
    /// Lays a line to `hub` (host and port).
    ///
    /// # Errors
    /// When no port is free.
    pub async fn lay(hub: String) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = format!("http://{}", listener.local_addr()?);
        let (up, is_up) = watch::channel(true);
        let (hub, leads_to) = watch::channel(hub);
        let counts = Arc::new(Counts::default());
        tokio::spawn(accept(listener, leads_to, is_up, Arc::clone(&counts)));
        Ok(Self { address, up, hub, counts })
    }

    /// Cuts the line, also under what is on its way.
    pub fn cut(&self) {
        self.up.send_replace(false);
    }

    /// Leads new connections to another hub of the same database. What is under way stays.
    pub fn lead_to(&self, hub: &str) {
        self.hub.send_replace(hub.to_owned());
    }

    /// Mends it.
    pub fn mend(&self) {
        self.up.send_replace(true);
    }

    /// Bytes from the office to the hub and back, HTTP included, so far.
    pub fn bytes(&self) -> (u64, u64) {
        (self.counts.sent.load(Ordering::Relaxed), self.counts.received.load(Ordering::Relaxed))
    }
}

async fn accept(
    listener: TcpListener,
    hub: watch::Receiver<String>,
    is_up: watch::Receiver<bool>,
    counts: Arc<Counts>,
) {
    while let Ok((office, _)) = listener.accept().await {
        if *is_up.borrow() {
            let hub = hub.borrow().clone();
            tokio::spawn(relay(office, hub, is_up.clone(), Arc::clone(&counts)));
        }
    }
}

async fn relay(office: TcpStream, hub: String, mut is_up: watch::Receiver<bool>, counts: Arc<Counts>) {
    let Ok(hub) = TcpStream::connect(hub).await else { return };
    let (mut from_office, mut to_office) = office.into_split();
    let (mut from_hub, mut to_hub) = hub.into_split();
    tokio::select! {
        _ = copy(&mut from_office, &mut to_hub, &counts.sent) => {}
        _ = copy(&mut from_hub, &mut to_office, &counts.received) => {}
        _ = is_up.wait_for(|up| !up) => {}
    }
}

async fn copy(
    from: &mut (impl AsyncReadExt + Unpin),
    to: &mut (impl AsyncWriteExt + Unpin),
    count: &AtomicU64,
) -> std::io::Result<()> {
    let mut buffer = vec![0; 16 << 10];
    loop {
        let n = from.read(&mut buffer).await?;
        if n == 0 {
            return Ok(());
        }
        to.write_all(&buffer[..n]).await?;
        count.fetch_add(n as u64, Ordering::Relaxed);
    }
}
