//! Edges' streams of commands: each command is taken once, in order, and gets verdicts until one is final.
//!
//! A batch is one transaction: effects, commands, verdicts and the stream's place commit together or not at all. A batch that
//! breaks is rolled back and taken again by savepoints; what breaks by what it says is quarantined, whole, for an operator, and the
//! others go on. What says nothing about a command never becomes a verdict: neither the moment (a deadlock, a lost connection, a
//! full disk) nor this hub being out of order (a column that is not there).

mod all;
mod before;
mod clash;
pub mod desk;
mod failures;
mod isolate;
mod left;
mod open;
mod row;
mod store;
mod take;
mod verdicts;

pub use all::{Quarantined, retry_all_held, retry_all_open, retry_all_quarantined};
pub use failures::prune_failures;
pub use left::keep_left;
pub use open::{dismiss, retry_open, retry_quarantined, retry_under_new_id};
pub use take::take_batch;
pub use verdicts::{ack, verdicts_after};

use super::ApplyError;
use crate::db::{Transient, is_race};
use sync_protocol::ids::CommandId;

/// Why commands of a stream were not taken. What was taken before stands.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// A sequence number came again with another content: a copy of the box is in use. The stream is frozen; the command is kept for an
    /// operator.
    #[error("command {seq} came again with another content")]
    SequenceReused {
        /// The sequence number under which it came.
        seq: u64,
    },
    /// The commands do not follow on what was taken.
    #[error("command {expected} was expected, and {got} came")]
    SequenceGap {
        /// The next sequence number.
        expected: u64,
        /// The one that came.
        got: u64,
    },
    /// The stream waits for an operator.
    #[error("the stream is halted: {reason}")]
    Halted {
        /// Why, in the operator's words.
        reason: String,
    },
    /// The edge was revoked.
    #[error("the edge was revoked")]
    Revoked,
    /// Nothing more is taken from this incarnation: its disk was restored or cloned, or it enrolled again.
    #[error("this incarnation is frozen")]
    Frozen,
    /// A newer exchange of the same edge has begun.
    #[error("a newer exchange has begun")]
    Fenced,
    /// Not now. Nothing is wrong with the commands.
    #[error("the database could not take it just now: {0}")]
    Unavailable(#[source] sqlx::Error),
    /// Not until somebody has mended this hub or its database. Nothing is wrong with the commands as far as anyone can tell.
    #[error("this hub cannot work with its database: {0}")]
    Ours(#[source] sqlx::Error),
}

/// Why one try at a batch failed.
#[derive(Debug)]
enum Failed {
    /// The stream does not go on.
    Stream(StreamError),
    /// The moment was wrong.
    Moment(sqlx::Error),
    /// Something that no command has caused.
    Ours(sqlx::Error),
    /// Something in the batch broke, by what it says.
    Broken(String),
    /// What these would make is there already by another road, as something else.
    Taken(Vec<CommandId>),
}

impl From<ApplyError> for Failed {
    fn from(error: ApplyError) -> Self {
        match error {
            ApplyError::Retry(error) => Self::Moment(error),
            ApplyError::Ours(error) => Self::Ours(error),
            ApplyError::Db(error) => Self::Broken(error.to_string()),
            ApplyError::Poison(error) => Self::Broken(error),
            ApplyError::Taken(ids) => Self::Taken(ids),
            // What comes by a stream waits instead.
            ApplyError::Awaited => Self::Broken(ApplyError::Awaited.to_string()),
        }
    }
}

impl From<sqlx::Error> for Failed {
    fn from(error: sqlx::Error) -> Self {
        ApplyError::from(error).into()
    }
}

impl Transient for Failed {
    fn transient(&self) -> Option<&sqlx::Error> {
        if let Self::Moment(error) = self { Some(error) } else { None }
    }
}

impl Failed {
    /// After the last try: a race that is lost every time is no race.
    fn for_good(self) -> Self {
        match self {
            Self::Moment(error) if is_race(&error) => Self::Broken(error.to_string()),
            other => other,
        }
    }
}

/// What is said of a command whose ids are in use by another road than commands.
const TAKEN: &str = "what it would make is here already, by another road, and is something else";

/// What a failure means that nothing more can be done about now.
impl From<Failed> for StreamError {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Stream(error) => error,
            Failed::Moment(error) => Self::Unavailable(error),
            Failed::Ours(error) => Self::Ours(error),
            Failed::Broken(error) => Self::Ours(sqlx::Error::Protocol(error)),
            Failed::Taken(_) => Self::Ours(sqlx::Error::Protocol(TAKEN.to_owned())),
        }
    }
}
