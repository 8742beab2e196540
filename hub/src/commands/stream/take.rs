//! Takes a batch of an edge's commands.

use super::clash::{self, Known};
use super::isolate::{Aside, Sorted, isolate};
use super::row::{self, StreamRow};
use super::store::{self, Judged, Kept};
use super::{Failed, StreamError, TAKEN, before, failures};
use crate::commands::{Feed, Incoming, Outcome, apply_in_stream};
use crate::db::{Db, retrying};
use crate::news::Moved;
use futures_util::FutureExt;
use jiff_sqlx::ToSqlx;
use mizili_node::deps::Deps;
use sqlx::PgConnection;
use std::any::Any;
use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::{CommandId, EdgeId, Stream};
use sync_protocol::market::Command;
use sync_protocol::verdict::Verdict;
use uuid::Uuid;

/// Characters of an error that are kept with a quarantined command.
const ERROR_MAX_CHARS: usize = 2_000;

/// How a part of a batch is tried.
enum How {
    /// All of it at once.
    Whole,
    /// By savepoints, so that what breaks is found. `counts` as in [`isolate`].
    Apart { counts: bool },
    /// It is set aside unseen.
    Aside(Aside),
}

/// What one transaction is to take.
struct Part<'a> {
    commands: &'a [Command],
    how: &'a How,
    /// Those whose ids are in use by another road.
    taken_ids: &'a HashSet<CommandId>,
}

/// Takes the commands of one frame, in order, exactly once each, however often the frame comes. `exchange` is the number of the
/// exchange that brought them: when a newer one has begun, nothing more is taken for this one.
///
/// # Errors
/// See [`StreamError`]. Commands that were taken before the error stand; those after it were not looked at.
pub async fn take_batch(
    db: &Db,
    deps: &Deps,
    edge: EdgeId,
    incarnation: u32,
    exchange: i64,
    commands: Vec<Command>,
) -> Result<(), StreamError> {
    let stream = Stream { edge, incarnation };
    // Parts still to be taken, the next one last.
    let mut parts = vec![commands.as_slice()];
    // Those whose ids were found to be in use by another road.
    let mut taken_ids = HashSet::new();
    while let Some(part) = parts.pop() {
        let mut how = How::Whole;
        loop {
            let tried = try_part(db, deps, stream, exchange, part, &how, &taken_ids).await;
            how = match (how, tried) {
                (how, Err(Failed::Taken(ids))) => {
                    taken_ids.extend(ids);
                    how
                }
                (_, Ok(taken)) => {
                    if taken < part.len() {
                        parts.push(&part[taken..]);
                    }
                    break;
                }
                (_, Err(failed @ (Failed::Stream(_) | Failed::Moment(_)))) => return Err(failed.into()),
                (How::Whole, Err(Failed::Broken(_))) => How::Apart { counts: false },
                (How::Whole | How::Apart { counts: false }, Err(Failed::Ours(error))) => {
                    tracing::warn!(edge = edge.0, %error, "a batch met what no command causes");
                    failures::try_without(db, deps, stream).await?;
                    How::Apart { counts: true }
                }
                // It breaks outside of what savepoints can tell apart, such as in the feed.
                (How::Apart { .. }, Err(_)) if part.len() > 1 => {
                    let (first, second) = part.split_at(part.len() / 2);
                    parts.extend([second, first]);
                    break;
                }
                (How::Apart { .. }, Err(failed)) => How::Aside(set_aside(db, stream, part, failed).await?),
                // It cannot even be kept: nothing is said about it, and the edge keeps it.
                (How::Aside(_), Err(failed)) => return Err(failed.into()),
            }
        }
    }
    Ok(())
}

/// Why a command that failed alone is set aside; an error where it is not, because it is not to blame.
async fn set_aside(db: &Db, stream: Stream, alone: &[Command], failed: Failed) -> Result<Aside, StreamError> {
    let error = match failed {
        Failed::Broken(error) => return Ok(Aside { error: printable(&error), ours: false }),
        Failed::Ours(error) => error,
        other => return Err(other.into()),
    };
    let mut is_due = false;
    if let Some(command) = alone.first() {
        let mut tx = db.begin().await.map_err(StreamError::Unavailable)?;
        is_due = failures::count(&mut tx, stream, command, &error).await.map_err(Failed::from)?;
        tx.commit().await.map_err(StreamError::Unavailable)?;
    }
    if is_due {
        return Ok(Aside { error: printable(&error.to_string()), ours: true });
    }
    Err(StreamError::Ours(error))
}

/// Postgres keeps no NUL in a text, and nobody reads pages of it.
pub(super) fn printable(error: &str) -> String {
    error.chars().filter(|c| *c != '\0').take(ERROR_MAX_CHARS).collect()
}

/// How many of the part were dealt with.
async fn try_part(
    db: &Db,
    deps: &Deps,
    stream: Stream,
    exchange: i64,
    part: &[Command],
    how: &How,
    taken_ids: &HashSet<CommandId>,
) -> Result<usize, Failed> {
    let attempt = || async {
        let taking = async {
            let mut tx = db.begin().await?;
            let mut moved = Moved::default();
            let taken =
                take(&mut tx, deps, stream, exchange, &Part { commands: part, how, taken_ids }, &mut moved)
                    .await?;
            db.commit_and_tell(tx, &moved).await?;
            taken.map_err(Failed::Stream)
        };
        caught(taking).await
    };
    retrying(deps, attempt).await.map_err(Failed::for_good)
}

/// A panic in a command's handler is that command's failure, not the hub's.
pub(super) async fn caught<T>(work: impl Future<Output = Result<T, Failed>>) -> Result<T, Failed> {
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(done) => done,
        Err(panic) => Err(Failed::Broken(format!("panic: {}", panic_text(&*panic)))),
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a word")
}

/// One transaction; how many of the part it dealt with. A refusal that comes back as a value has something to commit: the freeze, or
/// what was taken before the command that stopped it.
async fn take(
    conn: &mut PgConnection,
    deps: &Deps,
    stream: Stream,
    exchange: i64,
    &Part { commands: part, how, taken_ids }: &Part<'_>,
    moved: &mut Moved,
) -> Result<Result<usize, StreamError>, Failed> {
    let row = row::lock_to_take(conn, stream, exchange).await?;
    let kept = store::kept(conn, stream, row.applied_seq, part).await?;
    let reused = reused(stream, &row, part, &kept);
    if let Some(first) = reused.first() {
        let reason = format!("command {} came again with another content", first.seq);
        store::freeze(conn, stream, &reused, &reason).await?;
        tracing::error!(
            edge = stream.edge.0,
            seq = first.seq,
            "a sequence number was reused, so a copy of the box's data is in use; the box has to be enrolled again"
        );
        return Ok(Err(StreamError::SequenceReused { seq: first.seq }));
    }
    let mut fresh: Vec<&Command> = part.iter().filter(|command| command.seq > row.applied_seq).collect();
    for (expected, command) in (row.applied_seq + 1..).zip(&fresh) {
        if command.seq != expected {
            return Err(Failed::Stream(StreamError::SequenceGap { expected, got: command.seq }));
        }
    }
    let place = |seq: Option<u64>| seq.and_then(|seq| part.iter().position(|command| command.seq == seq));
    // A command whose id is another's is taken alone: what comes after it has to see that it waits.
    let clear = clash::before_the_first(stream.edge, &fresh, &kept, taken_ids);
    let next = fresh.get(clear).map(|command| command.seq);
    if let (0, Some(first)) = (clear, fresh.first()) {
        let other = match clash::known(stream.edge, first, &kept) {
            Known::Clash(other) => Some(other),
            Known::Nothing | Known::Again(_) => None,
        };
        keep_clash(conn, deps, stream, &row, first, other).await?;
        return Ok(Ok(place(Some(first.seq)).map_or(part.len(), |at| at + 1)));
    }
    fresh.truncate(clear);
    let known: HashMap<CommandId, Uuid> = fresh
        .iter()
        .filter_map(|command| match clash::known(stream.edge, command, &kept) {
            Known::Again(kept) => Some((command.id, kept.command.id.0)),
            Known::Nothing | Known::Clash(_) => None,
        })
        .collect();
    let new: Vec<&Command> =
        fresh.iter().copied().filter(|command| !known.contains_key(&command.id)).collect();
    let mut sorted = sort(conn, deps, stream, &row, &new, how).await?;
    moved.extend(&crate::commands::moved(&sorted.outcomes));
    // The verdicts: the request may be a late one, whose answer nobody hears.
    moved.add(Bucket::Edge(stream.edge));
    let left = new.get(sorted.outcomes.len()).map(|command| command.seq);
    fresh.retain(|command| left.is_none_or(|left| command.seq < left));
    keep(conn, deps, stream, &row, &fresh, &known, &mut sorted).await?;
    if let Some(error) = sorted.stopped {
        tracing::error!(edge = stream.edge.0, seq = left, %error, "ALARM: a command cannot be taken now, and is not to blame");
        return Ok(Err(StreamError::Ours(error)));
    }
    Ok(Ok(place(left.or(next)).unwrap_or(part.len())))
}

/// Keeps a command whose id is another's, alone, for an operator: another command's, or something's that came by no command known here.
async fn keep_clash(
    conn: &mut PgConnection,
    deps: &Deps,
    stream: Stream,
    row: &StreamRow,
    command: &Command,
    other: Option<&Kept>,
) -> Result<(), Failed> {
    let kept = Command { id: clash::own_id(stream, command), ..command.clone() };
    let why = match other {
        Some(Kept { stream: Stream { edge, .. }, command: Command { seq, .. }, .. }) => {
            format!("its id is that of command {seq} of edge {edge}, which says something else")
        }
        None => TAKEN.to_owned(),
    };
    let error = clash::told(&why, kept.id);
    tracing::error!(edge = stream.edge.0, seq = command.seq, error, "a command was quarantined");
    let aside = Aside { error, ours: false };
    let outcome = Outcome { verdict: Verdict::Quarantined, stands_at: Vec::new() };
    let number = row.last_verdict + 1;
    let judged = Judged { command: &kept, outcome, number, aside: Some(&aside) };
    store::insert(conn, stream, deps.clock.now().to_sqlx(), &[judged]).await?;
    clash::note(conn, stream, command).await?;
    Ok(row::advance(conn, stream, command.seq, number).await?)
}

/// Keeps what was decided, with the stream's new place. Commands that the edge brought before move to their new numbers.
async fn keep(
    conn: &mut PgConnection,
    deps: &Deps,
    stream: Stream,
    row: &StreamRow,
    fresh: &[&Command],
    known: &HashMap<CommandId, Uuid>,
    sorted: &mut Sorted,
) -> Result<(), Failed> {
    let Some(last) = fresh.last() else { return Ok(()) };
    let mut outcomes = std::mem::take(&mut sorted.outcomes).into_iter().enumerate();
    let (mut moved, mut judged) = (Vec::new(), Vec::new());
    for (number, command) in (row.last_verdict + 1..).zip(fresh) {
        if let Some(row_id) = known.get(&command.id) {
            moved.push((*command, number, *row_id));
        } else if let Some((at, outcome)) = outcomes.next() {
            let aside = sorted.aside.get(&at);
            if let Some(Aside { error, ours }) = aside {
                tracing::error!(
                    edge = stream.edge.0,
                    seq = command.seq,
                    error,
                    ours,
                    "a command was quarantined"
                );
            }
            judged.push(Judged { command, outcome, number, aside });
        }
    }
    if !moved.is_empty() {
        store::rehome(conn, stream, &moved).await?;
    }
    if !judged.is_empty() {
        store::insert(conn, stream, deps.clock.now().to_sqlx(), &judged).await?;
    }
    Ok(row::advance(conn, stream, last.seq, row.last_verdict + fresh.len() as u64).await?)
}

/// Commands under whose number another command was taken: what this edge holds for its stream is not what the hub has.
fn reused<'a>(stream: Stream, row: &StreamRow, part: &'a [Command], kept: &[Kept]) -> Vec<&'a Command> {
    let at_seq: HashMap<u64, &Kept> =
        kept.iter().filter(|kept| kept.stream == stream).map(|kept| (kept.command.seq, kept)).collect();
    let is_another = |command: &&Command| {
        // Without a row its content was pruned long ago, acknowledged.
        let kept = at_seq.get(&command.seq).filter(|_| command.seq <= row.applied_seq);
        kept.is_some_and(|kept| kept.body_hash != command.body_hash())
    };
    part.iter().filter(is_another).collect()
}

/// Decides commands that were never seen before.
async fn sort(
    conn: &mut PgConnection,
    deps: &Deps,
    stream: Stream,
    row: &StreamRow,
    new: &[&Command],
    how: &How,
) -> Result<Sorted, Failed> {
    let Some(first) = new.first() else { return Ok(Sorted::default()) };
    if let How::Aside(why) = how {
        let quarantined = || Outcome { verdict: Verdict::Quarantined, stands_at: Vec::new() };
        return Ok(Sorted {
            outcomes: new.iter().map(|_| quarantined()).collect(),
            aside: (0..new.len()).map(|at| (at, why.clone())).collect(),
            stopped: None,
        });
    }
    let context = |command: &Command| row.context(stream.edge, &command.actor);
    let renames = clash::renames(conn, stream.edge).await?;
    let mut blocked = before::blocked_before(conn, stream, first.seq, context, &renames).await?;
    let batch: Vec<Incoming> = new
        .iter()
        .map(|command| Incoming {
            command: clash::renamed(command, &renames),
            context: context(command),
            is_new: false,
            is_unconfirmed: false,
        })
        .collect();
    if let How::Apart { counts } = how {
        return isolate(conn, deps, stream, &batch, &mut blocked, *counts).await;
    }
    let outcomes = apply_in_stream(conn, deps, &batch, &mut blocked, Feed::Trusts).await?;
    Ok(Sorted { outcomes, ..Sorted::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_the_commands_failure() {
        let panics = async { if printable("a\0b") == "ab" { panic!("planted {}", 1) } else { Ok(()) } };
        let Err(Failed::Broken(error)) = caught(panics).await else { panic!("the panic went unseen") };
        assert_eq!(error, "panic: planted 1");
        assert!(caught(async { Ok(7) }).await.is_ok_and(|n| n == 7));
    }
}
