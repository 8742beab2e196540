//! Threads that each serve their own connections and share none: a request is answered on the thread that heard it, which need wake
//! no other. For a node that answers from memory; where answers come from elsewhere, their threads would be woken instead.

use std::io;
use std::thread;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// One lane: where its tasks run, for as long as the sender is there.
struct Lane {
    handle: Handle,
    _open: oneshot::Sender<()>,
}

/// The lanes of one server; they end when this does.
#[derive(Default)]
pub(super) struct Lanes {
    lanes: Vec<Lane>,
    next: usize,
}

impl Lanes {
    /// So many; with none, connections are served where they are taken.
    ///
    /// # Errors
    /// The system gives no thread, or no means to wait on one.
    pub(super) fn open(count: usize) -> io::Result<Self> {
        let lanes: io::Result<Vec<Lane>> = (0..count).map(|_| Lane::open()).collect();
        Ok(Self { lanes: lanes?, next: 0 })
    }

    /// The lane of the next connection.
    pub(super) fn next(&mut self) -> Option<Handle> {
        self.next = (self.next + 1) % self.lanes.len().max(1);
        self.lanes.get(self.next).map(|lane| lane.handle.clone())
    }
}

impl Lane {
    fn open() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (handle, (open, closed)) = (runtime.handle().clone(), oneshot::channel::<()>());
        thread::Builder::new().name("requests".to_owned()).spawn(move || {
            // An error says that the sender is gone, which is what is waited for.
            let _ = runtime.block_on(closed);
            runtime.shutdown_background();
        })?;
        Ok(Self { handle, _open: open })
    }
}
