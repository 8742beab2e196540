//! A person's act over REST: one transaction from its beginning to the telling of those who wait, and the commands that it hands to the
//! rules that edges' commands come to as well. (Orders that wait go together, in a transaction of their own: `orders/place.rs`.)

use crate::auth::Caller;
use crate::commands::{ApplyError, Incoming, hub_context, moved, open};
use crate::db::{Transaction, retrying};
use crate::error::{ApiError, Kind, Problem, unavailable};
use crate::http::idempotency::{Answer, Attempt};
use crate::news::Moved;
use crate::state::AppState;
use mizili_node::deps::Deps;
use sqlx::PgConnection;
use std::future::Future;
use sync_protocol::ids::{CommandId, CooperativeId};
use sync_protocol::market::{Actor, Body, Command, Context};
use sync_protocol::verdict::{Reject, RejectCode, Verdict};

/// Seconds after which an office that is awaited may have come: one that has a line comes within so long.
const OFFICE_COMES_S: u64 = 60;

/// Who acts, where and when.
pub(crate) struct Act<'a> {
    /// Who is signed in.
    pub(crate) caller: &'a Caller,
    /// Who the commands say made them.
    pub(crate) actor: Actor,
    /// The cooperative they act within, if any.
    pub(crate) cooperative: Option<CooperativeId>,
    /// When, by the hub's clock. The same on every try.
    pub(crate) made_at_s: i64,
}

/// What an act came to, still in its transaction.
pub(crate) struct Done<T> {
    pub(crate) tx: Transaction,
    pub(crate) answer: T,
    /// What those who wait are told once the transaction has committed.
    pub(crate) moved: Moved,
}

/// Does an act in one transaction, which is tried again where only the moment was wrong. All of it is kept, and those who wait are told, or
/// nothing is.
///
/// # Errors
/// The act's own; those of the database.
pub(crate) async fn in_one<T, F>(state: &AppState, work: impl Fn(Transaction) -> F) -> Result<T, ApiError>
where
    F: Future<Output = Result<Done<T>, ApiError>>,
{
    retrying(&state.deps, || async {
        let Done { tx, answer, moved } = work(state.db.begin().await?).await?;
        state.db.commit_and_tell(tx, &moved).await?;
        Ok(answer)
    })
    .await
}

/// The same under a key, where there is one: whoever sends the same again gets the first answer, and nothing is done twice.
///
/// # Errors
/// As [`in_one`].
pub(crate) async fn in_one_under_key<F>(
    state: &AppState,
    attempt: Option<&Attempt>,
    work: impl Fn(Transaction) -> F,
) -> Result<Answer, ApiError>
where
    F: Future<Output = Result<Done<Answer>, ApiError>>,
{
    retrying(&state.deps, || async {
        let mut tx = state.db.begin().await?;
        if let Some(attempt) = attempt
            && let Some(answer) = attempt.earlier(&mut tx).await?
        {
            return Ok(answer);
        }
        let Done { mut tx, answer, moved } = work(tx).await?;
        if let Some(attempt) = attempt {
            attempt.keep(&mut tx, &answer).await?;
        }
        state.db.commit_and_tell(tx, &moved).await?;
        Ok(answer)
    })
    .await
}

/// Decides and applies commands in the caller's transaction; whom to tell after the commit. The inner error is the first refusal by the
/// rules; nothing may be committed then.
pub(crate) async fn decide(
    deps: &Deps,
    conn: &mut PgConnection,
    act: &Act<'_>,
    bodies: Vec<(CommandId, Body)>,
) -> Result<Result<Moved, Reject>, ApiError> {
    let context = act.context(conn).await?;
    let batch: Vec<Incoming> = bodies.iter().map(|(id, body)| act.command(context, *id, body)).collect();
    let mut opened = open(conn, &batch).await?;
    for incoming in &batch {
        if let Err(reject) = said(opened.decide(incoming)?)? {
            return Ok(Err(reject));
        }
    }
    Ok(Ok(moved(&opened.finish(conn, deps).await?)))
}

/// What a person is told of a command of theirs, which never waits for anything.
pub(crate) fn said(verdict: &Verdict) -> Result<Result<(), Reject>, Problem> {
    match verdict {
        Verdict::Applied(applied) => Ok(match applied.conflicts.first() {
            Some(clash) => {
                Err(Reject::with(RejectCode::Conflict, [clash.field.clone(), clash.current.clone()]))
            }
            None => Ok(()),
        }),
        Verdict::Rejected(reject) => Ok(Err(reject.clone())),
        open => Err(Problem::internal(format!("a person's command was {}", open.as_str()))),
    }
}

impl Act<'_> {
    /// For whom its commands are decided.
    pub(crate) async fn context(&self, conn: &mut PgConnection) -> Result<Context, sqlx::Error> {
        let clerk = self.cooperative.is_some() && self.caller.office() == self.cooperative;
        hub_context(conn, self.cooperative, clerk, self.caller.is_admin()).await
    }

    /// A command of this act. Its id is new; a request that comes again is known by its key.
    pub(crate) fn command(&self, context: Context, id: CommandId, body: &Body) -> Incoming {
        let (made_at_s, actor) = (self.made_at_s, self.actor);
        let command = Command { id, seq: 0, made_at_s, actor, body: body.to_raw() };
        let is_unconfirmed = !self.caller.phone_confirmed;
        Incoming { command, context, is_new: true, is_unconfirmed }
    }
}

impl From<ApplyError> for ApiError {
    fn from(error: ApplyError) -> Self {
        match error {
            ApplyError::Retry(cause) => unavailable().caused_by(cause).into(),
            ApplyError::Db(cause) => cause.into(),
            ApplyError::Ours(cause) => {
                tracing::error!(%cause, "ALARM: this hub cannot work with its database, and somebody has to mend it");
                cause.into()
            }
            ApplyError::Awaited => Kind::Unavailable
                .because(
                    "Not all of this is known here yet: an office may know more of it that this hub has not heard since it was restored \
                     from a backup, or what an office sent of it waits here to be decided. Nothing was changed; try again later.",
                )
                .retry_after_s(OFFICE_COMES_S)
                .into(),
            poison @ (ApplyError::Poison(_) | ApplyError::Taken(_)) => Problem::internal(poison).into(),
        }
    }
}
