//! Checks office passwords: argon2id on a bounded pool of threads, so that a flood of wrong ones can neither use up the memory of a
//! small box (19 MiB a hash) nor starve the screens. A password must never be logged or kept.

use crate::http::problem::{ApiError, Kind};
use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordVerifier};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Semaphore;

/// Most bytes of a password that are looked at.
pub(super) const MAX_BYTES: usize = 256;

/// Hashes that are made at once: the box has other things to do.
const AT_ONCE: usize = 1;
/// Hashes that may wait; further ones are told to come back.
const WAITING_MAX: usize = 16;
/// Seconds after which somebody who was sent away may come back.
const BUSY_RETRY_S: u64 = 5;

/// What an unknown name's password is compared with, so that it takes as long as a known one's. The hash of random bytes that
/// nobody kept.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$q7Jm0aYw3d1TgqkVt5rX8A$Zb2u0m3yqk1o9XcR7t5Wl4dPz8sNvHq6eJfYxA1gKiM";

/// The pool.
#[derive(Clone, Debug)]
pub struct Passwords {
    threads: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
}

/// One that waits or is being hashed; counted until it is dropped.
struct Waiting(Arc<AtomicUsize>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Default for Passwords {
    fn default() -> Self {
        Self { threads: Arc::new(Semaphore::new(AT_ONCE)), waiting: Arc::default() }
    }
}

impl Passwords {
    /// Whether it is the password. Without a hash the answer is no, after the same time.
    ///
    /// # Errors
    /// Too many wait already.
    pub async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, ApiError> {
        let known = hash.is_some();
        let (password, hash) = (password.to_owned(), hash.unwrap_or(NOBODY).to_owned());
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        let waiting = Waiting(self.waiting.clone());
        if before >= WAITING_MAX {
            return Err(Kind::Busy.error().retry_after_s(BUSY_RETRY_S));
        }
        let permit = self.threads.clone().acquire_owned().await.map_err(ApiError::internal)?;
        let work = move || {
            let fits = PasswordHash::new(&hash)
                .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok());
            drop((permit, waiting));
            fits
        };
        Ok(tokio::task::spawn_blocking(work).await.map_err(ApiError::internal)? && known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::password::hashed;
    use crate::deps::Deps;

    #[tokio::test]
    async fn a_password_is_known_again_and_another_is_not() {
        let pool = Passwords::default();
        let hash = hashed("correct horse", &Deps::fixed(1)).await.unwrap();
        assert!(pool.verify("correct horse", Some(&hash)).await.unwrap());
        assert!(!pool.verify("wrong horse", Some(&hash)).await.unwrap());
        assert!(!pool.verify("correct horse", None).await.unwrap());
        assert!(!pool.verify("correct horse", Some("not a hash")).await.unwrap());
        assert!(PasswordHash::new(NOBODY).is_ok());
    }

    #[tokio::test]
    async fn who_would_wait_too_long_is_sent_away() {
        let pool = Passwords::default();
        pool.waiting.store(WAITING_MAX, Ordering::Relaxed);
        assert_eq!(pool.verify("x", None).await.unwrap_err().kind(), Kind::Busy);
        assert_eq!(pool.waiting.load(Ordering::Relaxed), WAITING_MAX);
        pool.waiting.store(0, Ordering::Relaxed);
        assert!(!pool.verify("x", None).await.unwrap());
        assert_eq!(pool.waiting.load(Ordering::Relaxed), 0);
    }
}
