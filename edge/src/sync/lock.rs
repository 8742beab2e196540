//! One exchange at a time for a data directory, and one running `serve`: locks on files, which the system frees when their
//! holder ends, however it ends. Other processes of the same box (`sync --once`, `status`) go by them.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

/// Held during an exchange.
const EXCHANGE_FILE: &str = "sync.lock";

/// Held by a running `serve`; holds the address it listens on.
const SERVE_FILE: &str = "serve.lock";

/// How often a waiter looks again.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A lock that is freed when this is dropped.
#[derive(Debug)]
pub struct Held {
    file: File,
}

fn open(data_dir: &Path, name: &str) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(data_dir.join(name))
}

fn try_hold(file: File) -> io::Result<Option<Held>> {
    match file.try_lock() {
        Ok(()) => Ok(Some(Held { file })),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(e)) => Err(e),
    }
}

/// Waits until no other exchange of this box is under way, at most that long. `None` when one still is.
///
/// # Errors
/// When the file cannot be opened.
pub async fn exchange(data_dir: &Path, patience: Duration) -> io::Result<Option<Held>> {
    let mut left = patience;
    loop {
        if let Some(held) = try_hold(open(data_dir, EXCHANGE_FILE)?)? {
            return Ok(Some(held));
        }
        if left.is_zero() {
            return Ok(None);
        }
        let step = LOOK_EVERY.min(left);
        tokio::time::sleep(step).await;
        left -= step;
    }
}

/// Takes the place of the one `serve` of this data directory. `None` when another holds it.
///
/// # Errors
/// When the file cannot be opened.
pub fn serving(data_dir: &Path) -> io::Result<Option<Held>> {
    try_hold(open(data_dir, SERVE_FILE)?)
}

impl Held {
    /// Lets others know where this `serve` listens, for as long as it holds its place.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn announce(&mut self, listen: SocketAddr) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(listen.to_string().as_bytes())?;
        self.file.flush()
    }
}

/// Where a running `serve` of this data directory listens; `None` when none runs, also when one was killed.
pub fn running_serve(data_dir: &Path) -> Option<SocketAddr> {
    let mut file = File::open(data_dir.join(SERVE_FILE)).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => {}
        Ok(()) | Err(TryLockError::Error(_)) => return None,
    }
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_holds_it_and_the_next_gets_it_afterwards() {
        let dir = tempfile::tempdir().unwrap();
        let first = exchange(dir.path(), Duration::ZERO).await.unwrap().unwrap();
        assert!(exchange(dir.path(), Duration::ZERO).await.unwrap().is_none());
        drop(first);
        assert!(exchange(dir.path(), Duration::ZERO).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn a_waiter_gets_it_when_it_is_freed() {
        let dir = tempfile::tempdir().unwrap();
        let first = exchange(dir.path(), Duration::ZERO).await.unwrap().unwrap();
        let path = dir.path().to_owned();
        let waiter =
            tokio::spawn(async move { exchange(&path, Duration::from_secs(60)).await.unwrap().is_some() });
        tokio::task::yield_now().await;
        drop(first);
        assert!(waiter.await.unwrap());
    }

    #[test]
    fn a_serve_is_found_while_it_runs_and_not_after() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(running_serve(dir.path()), None);
        let address: SocketAddr = "127.0.0.1:8090".parse().unwrap();
        let mut held = serving(dir.path()).unwrap().unwrap();
        held.announce(address).unwrap();
        assert!(serving(dir.path()).unwrap().is_none());
        assert_eq!(running_serve(dir.path()), Some(address));
        drop(held);
        assert_eq!(running_serve(dir.path()), None, "what a killed one left is not believed");
    }
}
