//! Takes a batch of an edge's commands.

use super::store::{self, Judged, Kept, StreamRow};
use super::{Failed, StreamError};
use crate::commands::{Blocked, Incoming, Outcome, aggregates, apply_in_stream};
use crate::db::{Db, retrying};
use futures_util::FutureExt;
use jiff_sqlx::ToSqlx;
use mizili_node::deps::Deps;
use sqlx::PgConnection;
use std::any::Any;
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use sync_protocol::command::Command;
use sync_protocol::ids::{CommandId, EdgeId, Stream};
use sync_protocol::verdict::Verdict;

/// Characters of an error that are kept with a quarantined command.
const ERROR_MAX_CHARS: usize = 2_000;

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
    while let Some(part) = parts.pop() {
        match try_part(db, deps, stream, exchange, part, None).await {
            Ok(()) => {}
            Err(Failed::Stream(error)) => return Err(error),
            Err(Failed::Moment(error)) => return Err(StreamError::Unavailable(error)),
            Err(Failed::Broken(error)) if part.len() > 1 => {
                tracing::warn!(edge = edge.0, commands = part.len(), %error, "a batch broke; halving it");
                let (first, second) = part.split_at(part.len() / 2);
                parts.extend([second, first]);
            }
            Err(Failed::Broken(error)) => quarantine(db, deps, stream, exchange, part, &error).await?,
        }
    }
    Ok(())
}

/// Keeps a command that broke its handler, alone, for an operator.
async fn quarantine(
    db: &Db,
    deps: &Deps,
    stream: Stream,
    exchange: i64,
    alone: &[Command],
    error: &str,
) -> Result<(), StreamError> {
    let seq = alone.first().map_or(0, |command| command.seq);
    tracing::error!(edge = stream.edge.0, seq, error, "a command was quarantined");
    match try_part(db, deps, stream, exchange, alone, Some(&printable(error))).await {
        Ok(()) => Ok(()),
        Err(Failed::Stream(error)) => Err(error),
        Err(Failed::Moment(error)) => Err(StreamError::Unavailable(error)),
        // It cannot even be kept: nothing is said about it, and the edge keeps it.
        Err(Failed::Broken(error)) => Err(StreamError::Unavailable(sqlx::Error::Protocol(error))),
    }
}

/// Postgres keeps no NUL in a text, and nobody reads pages of it.
pub(super) fn printable(error: &str) -> String {
    error.chars().filter(|c| *c != '\0').take(ERROR_MAX_CHARS).collect()
}

async fn try_part(
    db: &Db,
    deps: &Deps,
    stream: Stream,
    exchange: i64,
    part: &[Command],
    error: Option<&str>,
) -> Result<(), Failed> {
    let attempt = || async {
        let taking = async {
            let mut tx = db.begin().await?;
            let refusal = take(&mut tx, deps, stream, exchange, part, error).await?;
            tx.commit().await?;
            refusal.map_or(Ok(()), |refusal| Err(Failed::Stream(refusal)))
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

/// One transaction. A refusal that comes back as a value has something to commit: the halt.
async fn take(
    conn: &mut PgConnection,
    deps: &Deps,
    stream: Stream,
    exchange: i64,
    part: &[Command],
    error: Option<&str>,
) -> Result<Option<StreamError>, Failed> {
    let row = store::lock_to_take(conn, stream, exchange).await?;
    let kept = store::kept(conn, stream, part).await?;
    let clashing = clashing(stream, &row, part, &kept);
    if let Some(first) = clashing.first() {
        let reason = format!("command {} came again with another content", first.seq);
        store::halt(conn, stream, &clashing, &reason).await?;
        tracing::error!(
            edge = stream.edge.0,
            seq = first.seq,
            "a sequence number or id was reused; the stream is halted"
        );
        return Ok(Some(StreamError::SequenceReused { seq: first.seq }));
    }
    let fresh: Vec<&Command> = part.iter().filter(|command| command.seq > row.applied_seq).collect();
    for (expected, command) in (row.applied_seq + 1..).zip(&fresh) {
        if command.seq != expected {
            return Err(Failed::Stream(StreamError::SequenceGap { expected, got: command.seq }));
        }
    }
    let Some(last) = fresh.last() else { return Ok(None) };
    let known: HashMap<CommandId, &Kept> = kept.iter().map(|kept| (kept.id, kept)).collect();
    let mut moved = Vec::new();
    let mut new = Vec::new();
    for (number, command) in (row.last_verdict + 1..).zip(&fresh) {
        if known.contains_key(&command.id) {
            moved.push((*command, number));
        } else {
            new.push((*command, number));
        }
    }
    if !moved.is_empty() {
        store::rehome(conn, stream, &moved).await?;
    }
    let outcomes = outcomes(conn, deps, stream, &row, &new, error).await?;
    let judged: Vec<Judged<'_>> = new
        .into_iter()
        .zip(outcomes)
        .map(|((command, number), outcome)| Judged { command, outcome, number, error })
        .collect();
    if !judged.is_empty() {
        store::insert(conn, stream, deps.clock.now().to_sqlx(), &judged).await?;
    }
    store::advance(conn, stream, last.seq, row.last_verdict + fresh.len() as u64).await?;
    Ok(None)
}

/// Commands under whose number another command was taken, or whose id another command has. An id that the same edge brought
/// under an earlier incarnation, with the same content, is that command again.
fn clashing<'a>(stream: Stream, row: &StreamRow, part: &'a [Command], kept: &[Kept]) -> Vec<&'a Command> {
    let at_seq: HashMap<u64, &Kept> =
        kept.iter().filter(|kept| kept.stream == stream).map(|kept| (kept.seq, kept)).collect();
    let of_id: HashMap<CommandId, &Kept> = kept.iter().map(|kept| (kept.id, kept)).collect();
    let clashes = |command: &&Command| {
        let same = |kept: &Kept| kept.body_hash == command.body_hash();
        if command.seq <= row.applied_seq {
            // Without a row its content was pruned long ago, acknowledged.
            return at_seq.get(&command.seq).is_some_and(|kept| !same(kept));
        }
        of_id.get(&command.id).is_some_and(|kept| {
            let earlier = kept.stream.edge == stream.edge && kept.stream.incarnation < stream.incarnation;
            !(earlier && same(kept))
        })
    };
    part.iter().filter(clashes).collect()
}

async fn outcomes(
    conn: &mut PgConnection,
    deps: &Deps,
    stream: Stream,
    row: &StreamRow,
    new: &[(&Command, u64)],
    error: Option<&str>,
) -> Result<Vec<Outcome>, Failed> {
    let Some((first, _)) = new.first() else { return Ok(Vec::new()) };
    if error.is_some() {
        return Ok(new
            .iter()
            .map(|_| Outcome { verdict: Verdict::Quarantined, stands_at: Vec::new() })
            .collect());
    }
    let context = |command: &Command| row.context(stream.edge, &command.actor);
    let mut blocked = Blocked::none();
    for open in store::open_before(conn, stream, first.seq, |c| aggregates(c, &context(c))).await? {
        blocked.add(&open);
    }
    let batch: Vec<Incoming> = new
        .iter()
        .map(|(command, _)| Incoming { command: (*command).clone(), context: context(command) })
        .collect();
    Ok(apply_in_stream(conn, deps, &batch, &mut blocked).await?)
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
