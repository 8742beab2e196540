//! Passwords: argon2id on a bounded pool of threads, each with one buffer that is used again, so that a flood of log-ins can
//! neither use up the memory (19 MiB a hash) nor starve the rest of the node. A password must never be logged or kept.

mod buffers;

use crate::api::FieldProblem;
use crate::deps::Deps;
use crate::name::one_form;
use crate::problem::{Kind, Problem, field};
use buffers::Buffers;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Semaphore;

/// Fewest characters of a password.
pub const MIN_CHARS: usize = 8;
/// Most bytes of a password: hashing takes longer with length.
pub const MAX_BYTES: usize = 256;

/// Hashes that may wait for a thread, if not said otherwise; further ones are told to come back.
const WAITING_MAX: usize = 256;
/// Seconds after which somebody who was sent away may come back, if not said otherwise.
const BUSY_RETRY_S: u64 = 2;

/// What an unknown account's password is compared with, so that it takes as long as a known one's. The hash of random bytes that
/// nobody kept.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$xdn3mUBZ8F5l3Q0v2bM5Vg$7mS1rQvXo2q2wY0m0r3i2m1i0C6b3a8l9kQd5Yw4bT0";

/// The pool.
#[derive(Clone, Debug)]
pub struct Passwords {
    threads: Arc<Semaphore>,
    buffers: Arc<Buffers>,
    waiting: Arc<AtomicUsize>,
    waiting_max: usize,
    retry_after_s: u64,
}

/// Counts one who waits, for as long as it lives.
struct Waiting(Arc<AtomicUsize>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Passwords {
    /// A pool that hashes so many at once.
    pub fn new(threads: usize) -> Self {
        let threads = Arc::new(Semaphore::new(threads.max(1)));
        Self {
            threads,
            buffers: Arc::default(),
            waiting: Arc::default(),
            waiting_max: WAITING_MAX,
            retry_after_s: BUSY_RETRY_S,
        }
    }

    /// How many may wait, and after how many seconds somebody who is sent away may come back.
    #[must_use]
    pub fn with_queue(self, waiting_max: usize, retry_after_s: u64) -> Self {
        Self { waiting_max, retry_after_s, ..self }
    }

    /// The PHC string of a new password.
    ///
    /// # Errors
    /// Too many wait already.
    pub async fn hash(&self, deps: &Deps, password: &str) -> Result<String, Problem> {
        let salt: [u8; 16] = deps.ids.random();
        let password = one_form(password).into_owned();
        let hashed = self.run(move |buffers| buffers.hash(&password, &salt));
        hashed.await?.map_err(|error| Problem::internal(format!("a password could not be hashed: {error}")))
    }

    /// Whether it is the password. Without a hash the answer is no, after the same time.
    ///
    /// # Errors
    /// Too many wait already.
    pub async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, Problem> {
        let known = hash.is_some();
        let (password, hash) = (password.to_owned(), hash.unwrap_or(NOBODY).to_owned());
        let verified = self.run(move |buffers| {
            let form = one_form(&password);
            // One that was kept before there was one form is known as it was typed then. A hash does not tell when it was made, so such a
            // try costs twice: the price of letting those people in, bounded by the pool as every other.
            buffers.verify(&form, &hash) || (form != password && buffers.verify(&password, &hash))
        });
        Ok(verified.await? && known)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Buffers) -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        let waiting = Waiting(self.waiting.clone());
        if before >= self.waiting_max {
            return Err(Kind::Busy.error().retry_after_s(self.retry_after_s));
        }
        let permit = self.threads.clone().acquire_owned().await.map_err(Problem::internal)?;
        let buffers = self.buffers.clone();
        let work = move || {
            let done = work(&buffers);
            drop((permit, waiting));
            done
        };
        tokio::task::spawn_blocking(work).await.map_err(Problem::internal)
    }
}

/// What is wrong with a new password, if anything.
pub fn problem(pointer: &str, password: &str) -> Option<FieldProblem> {
    let detail = if password.chars().count() < MIN_CHARS {
        format!("Must have at least {MIN_CHARS} characters.")
    } else if password.len() > MAX_BYTES {
        format!("Must be shorter: at most {MAX_BYTES} plain letters, fewer where they have accents.")
    } else {
        return None;
    };
    Some(field(pointer, detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_known_again_and_another_is_not() {
        let pool = Passwords::new(1);
        let hash = pool.hash(&Deps::fixed(1), "correct horse").await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(pool.verify("correct horse", Some(&hash)).await.unwrap());
        assert!(!pool.verify("wrong horse", Some(&hash)).await.unwrap());
        assert!(!pool.verify("correct horse", None).await.unwrap());
        assert!(!pool.verify("correct horse", Some("not a hash")).await.unwrap());
        assert!(argon2::password_hash::phc::PasswordHash::new(NOBODY).is_ok());
    }

    #[tokio::test]
    async fn as_many_buffers_are_kept_as_hash_at_once_and_they_are_used_again() {
        let pool = Passwords::new(2);
        pool.verify("x", None).await.unwrap();
        let first = pool.buffers.places();
        assert_eq!(first.len(), 1);
        pool.verify("x", None).await.unwrap();
        assert_eq!(pool.buffers.places(), first, "one after the other they share one");
        let many: Vec<_> = (0..12)
            .map(|_| {
                let pool = pool.clone();
                tokio::spawn(async move { pool.verify("x", None).await })
            })
            .collect();
        for one in many {
            one.await.unwrap().unwrap();
        }
        let places = pool.buffers.places();
        assert!(places.len() <= 2 && places.contains(&first[0]), "{places:?}");
    }

    #[tokio::test]
    async fn who_would_wait_too_long_is_sent_away() {
        let pool = Passwords::new(1).with_queue(16, 5);
        pool.waiting.store(16, Ordering::Relaxed);
        let error = pool.verify("x", None).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Busy);
        assert_eq!(pool.waiting.load(Ordering::Relaxed), 16);
        pool.waiting.store(0, Ordering::Relaxed);
        assert!(!pool.verify("x", None).await.unwrap());
        assert_eq!(pool.waiting.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn passwords_have_a_length() {
        assert!(problem("/password", "1234567").is_some());
        assert!(problem("/password", "12345678").is_none());
        assert!(problem("/password", &"x".repeat(MAX_BYTES + 1)).is_some());
        let long = problem("/password", &"ŵ".repeat(MAX_BYTES / 2 + 1)).unwrap();
        assert!(long.detail.contains("accents"), "{}", long.detail);
    }
}
