//! Kinds of jobs, and the list of those that a worker knows. A kind without a limit of time or of attempts cannot be written, and one that
//! is in no list cannot be put into the queue.

use super::turn::{End, Failure, Turn};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// The longest time that a kind may give itself.
pub const TIME_LIMIT_MAX: Duration = Duration::from_secs(6 * 3600);

/// A kind of job.
pub trait Job: Send + Sync + 'static {
    /// Its name in the table. It never changes, and is never given to another.
    const KIND: &'static str;
    /// The form of the payload. A changed form has the next number; jobs of a newer form than a hub knows are left to the hubs that do.
    const VERSION: i16 = 1;
    /// Attempts after which it is dead, which is an operator's business.
    const ATTEMPTS_MAX: u16;
    /// How long one attempt may take. Then it is dropped wherever it stands, and counts as failed.
    const TIME_LIMIT: Duration;
    /// What it is about. With an open key, the key says all of it: a second job of that key is not put in.
    type Payload: Serialize + DeserializeOwned + Send + Sync;
    /// What its worker hands it.
    type With: Send + Sync + 'static;

    /// Does it. It may be dropped at any point where it waits, and be done again from the beginning.
    fn run(
        with: &Self::With,
        turn: &Turn,
        payload: Self::Payload,
    ) -> impl Future<Output = Result<End, Failure>> + Send;

    /// Reads a payload, also of a form before today's.
    ///
    /// # Errors
    /// Why it cannot be read; the job is dead then.
    fn read(version: i16, payload: &str) -> Result<Self::Payload, String> {
        if version != Self::VERSION {
            return Err(format!("its payload has form {version}, which is not read any more"));
        }
        serde_json::from_str(payload).map_err(|error| format!("its payload cannot be read: {error}"))
    }
}

/// A kind that is in a worker's list. Only [`crate::job_kinds`] says so, so that what is put in is also done.
pub trait Registered: Job {}

type Running = Pin<Box<dyn Future<Output = Result<End, Failure>> + Send>>;

/// A kind, as a worker knows it.
pub struct Kind<W: 'static> {
    pub(super) name: &'static str,
    pub(super) version: i16,
    pub(super) time_limit: Duration,
    pub(super) run: fn(Arc<W>, Turn, i16, String) -> Running,
}

impl<W: Send + Sync> Kind<W> {
    /// The kind of a type.
    pub const fn of<J: Job<With = W>>() -> Self {
        const {
            let limit = J::TIME_LIMIT.as_nanos();
            assert!(limit > 0 && limit <= TIME_LIMIT_MAX.as_nanos(), "a job has a limit of time");
            assert!(J::ATTEMPTS_MAX > 0, "a job has a first attempt");
        }
        Self { name: J::KIND, version: J::VERSION, time_limit: J::TIME_LIMIT, run: run::<J> }
    }

    /// Its name in the table.
    pub fn name(&self) -> &'static str {
        self.name
    }
}

fn run<J: Job>(with: Arc<J::With>, turn: Turn, version: i16, payload: String) -> Running {
    Box::pin(async move {
        let payload = J::read(version, &payload).map_err(Failure::dead)?;
        J::run(&with, &turn, payload).await
    })
}

/// The list of kinds that a worker knows: `job_kinds!(pub const KINDS: Given = [Prune, Check]);`. What is not in one cannot be put in.
#[macro_export]
macro_rules! job_kinds {
    ($(#[$meta:meta])* $visibility:vis const $name:ident: $with:ty = [$($job:ty),+ $(,)?];) => {
        $(impl $crate::queue::Registered for $job {})+
        $(#[$meta])*
        $visibility const $name: &[$crate::queue::Kind<$with>] = &[$($crate::queue::Kind::of::<$job>()),+];
    };
}
