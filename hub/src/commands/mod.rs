//! Commands at the hub. REST handlers and edges come through the same door: load what a batch needs, decide each command in
//! order, write all effects, publish them. Deciding itself is `sync-protocol`'s, and what a table holds is said in `tables/`: nothing here knows a
//! rule of the market but what a repeated order is told.
//!
//! Everything between a transaction's beginning and its commit is a bounded number of statements, however large the batch.

mod apply;
mod brought;
mod context;
mod effects;
mod load;
mod may_come;
mod names;
mod probe;
pub mod stream;

pub use apply::{Feed, Opened, apply_batch, apply_in_stream, open, open_free};
pub use context::hub_context;
pub(crate) use may_come::{Unknown, may_come};

use crate::db::{self, Db, Transient, retrying};
use crate::feed::FeedError;
use crate::news::Moved;
use mizili_node::deps::Deps;
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::CommandId;
use sync_protocol::market::{Command, Context};
use sync_protocol::verdict::Verdict;

/// A command and for whom it is decided.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// The command.
    pub command: Command,
    /// Who decides, whose stream it came by, and what the actor may do.
    pub context: Context,
    /// Whether no order can bear its id yet: it was made a moment ago, and whoever asks again is known by something else.
    pub is_new: bool,
    /// Whether an account gave it whose number nobody has confirmed: an order of it bears a mark that stands with the account.
    pub is_unconfirmed: bool,
}

/// What became of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The verdict.
    pub verdict: Verdict,
    /// Buckets and versions at which its effects stand; once the transaction has committed, whoever has read that far has them.
    pub stands_at: Vec<(Bucket, u64)>,
}

/// The buckets in which the effects of commands stand, for those who wait: to be told once their transaction has committed.
pub fn moved(outcomes: &[Outcome]) -> Moved {
    outcomes.iter().flat_map(|outcome| &outcome.stands_at).map(|(bucket, _)| *bucket).collect()
}

/// Why a batch was not applied. Nothing of it is written: the transaction has to be rolled back.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The moment was wrong: deadlock, race, lost connection, time-out, full disk. The same batch may be offered again. To a
    /// person: 503, come back.
    #[error("the database could not take it just now: {0}")]
    Retry(#[source] sqlx::Error),
    /// The database refused a value that the effects would have written.
    #[error("the database refused it: {0}")]
    Db(#[source] sqlx::Error),
    /// Something about this hub or its database that no command has caused: a column that is not there, a denied privilege. To
    /// a person: 503; somebody has to mend it.
    #[error("this hub cannot work with its database: {0}")]
    Ours(#[source] sqlx::Error),
    /// A command broke the code that handles it.
    #[error("a command broke its handler: {0}")]
    Poison(String),
    /// A person at the hub asks for what is not all known here yet: an office may know more of it that has not come since the hub was
    /// restored, or what it sent lies here undecided. To him: 503, come back.
    #[error("an office may know more of it, or sent what is not decided here")]
    Awaited,
    /// Commands of a stream that would make what is there already by another road, as something else.
    #[error("what {} commands would make is there already", .0.len())]
    Taken(Vec<CommandId>),
}

impl From<sqlx::Error> for ApplyError {
    fn from(error: sqlx::Error) -> Self {
        if db::is_transient(&error) || db::is_race(&error) {
            Self::Retry(error)
        } else if db::is_of_a_value(&error) {
            Self::Db(error)
        } else {
            Self::Ours(error)
        }
    }
}

impl From<FeedError> for ApplyError {
    fn from(error: FeedError) -> Self {
        match error {
            FeedError::Db(error) => error.into(),
            bug => Self::Poison(bug.to_string()),
        }
    }
}

impl Transient for ApplyError {
    fn transient(&self) -> Option<&sqlx::Error> {
        if let Self::Retry(error) = self { Some(error) } else { None }
    }
}

/// Applies one command in a transaction of its own: for REST. Tried again after a deadlock or a lost connection; a command
/// whose effects stand already, because an earlier try committed unseen, answers as it did then.
///
/// # Errors
/// See [`ApplyError`]. A refusal by the rules of the market is no error but a verdict.
pub async fn execute(
    db: &Db,
    deps: &Deps,
    context: Context,
    command: Command,
) -> Result<Outcome, ApplyError> {
    let batch = [Incoming { command, context, is_new: false, is_unconfirmed: false }];
    retrying(deps, || async {
        let mut tx = db.begin().await?;
        let mut outcomes = apply_batch(&mut tx, deps, &batch).await?;
        tx.commit().await?;
        db.tell(&moved(&outcomes));
        outcomes.pop().ok_or_else(|| ApplyError::Poison("a command was left without an outcome".to_owned()))
    })
    .await
}
