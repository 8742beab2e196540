//! Finds the commands of a batch that break, within the batch's one transaction: what can be written is written between two
//! savepoints, and the feed gets all of it once, at the end. Costs by how many break, not by how many there are.

use super::take::{caught, printable};
use super::{Failed, before, failures};
use crate::commands::apply::{Written, lock_for, publish_looking, write_in_stream};
use crate::commands::{Incoming, Outcome};
use crate::db::{is_race, q};
use mizili_node::deps::Deps;
use sqlx::PgConnection;
use std::collections::HashMap;
use std::ops::Range;
use sync_protocol::ids::Stream;
use sync_protocol::market::Blocked;
use sync_protocol::verdict::Verdict;

/// Commands that one transaction sets aside; what comes after them is another's. Far within the time that a try may take.
const ASIDE_MAX: usize = 64;

/// Why a command is set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Aside {
    /// What broke, for an operator.
    pub(super) error: String,
    /// Whether it is the hub's own fault as far as anyone can tell.
    pub(super) ours: bool,
}

/// What became of the first commands of a batch.
#[derive(Default)]
pub(super) struct Sorted {
    /// In order; fewer than there are commands where it went no further.
    pub(super) outcomes: Vec<Outcome>,
    /// Why, by place in the batch.
    pub(super) aside: HashMap<usize, Aside>,
    /// What stopped it: a command that cannot be taken now, and is not to blame.
    pub(super) stopped: Option<sqlx::Error>,
}

/// A run of commands that is still to be written.
struct Part {
    range: Range<usize>,
    /// Something in it breaks, if no more than so many have been set aside when its turn comes.
    breaks_after: Option<usize>,
}

/// Decides and writes a batch of which something breaks, or may break. `counts` says whether a failure that no value causes is
/// counted against the command that met it: only once the hub's own try went well. The caller holds the stream's lock.
///
/// # Errors
/// What says nothing about one command; the caller has to roll back.
pub(super) async fn isolate(
    conn: &mut PgConnection,
    deps: &Deps,
    stream: Stream,
    batch: &[Incoming],
    blocked: &mut Blocked,
    counts: bool,
) -> Result<Sorted, Failed> {
    lock_for(conn, batch).await?;
    let mut written = Written::default();
    let mut sorted = Sorted::default();
    let mut parts = vec![Part { range: 0..batch.len(), breaks_after: Some(0) }];
    while let Some(Part { range, breaks_after }) = parts.pop() {
        if sorted.aside.len() == ASIDE_MAX {
            break;
        }
        let alone = range.len() == 1;
        let breaks = breaks_after == Some(sorted.aside.len());
        let error = if breaks && !alone {
            None
        } else {
            match between_savepoints(conn, deps, &batch[range.clone()], blocked).await? {
                Ok(part) => {
                    written.extend(part);
                    continue;
                }
                Err(error) => Some(error),
            }
        };
        let Some(error) = error.filter(|_| alone) else {
            let middle = range.start + range.len() / 2;
            // Where the first half turns out well it is the second that breaks.
            parts.push(Part { range: middle..range.end, breaks_after: Some(sorted.aside.len()) });
            parts.push(Part { range: range.start..middle, breaks_after: None });
            continue;
        };
        let broken = &batch[range.start];
        let aside = match error {
            Failed::Broken(error) => Aside { error: printable(&error), ours: false },
            Failed::Ours(error) if !counts => return Err(Failed::Ours(error)),
            Failed::Ours(error) => {
                if !failures::count(conn, stream, &broken.command, &error).await? {
                    sorted.stopped = Some(error);
                    break;
                }
                Aside { error: printable(&error.to_string()), ours: true }
            }
            other => return Err(other),
        };
        blocked.add(&before::of_one(conn, stream.edge, broken).await?);
        written.push(Verdict::Quarantined);
        sorted.aside.insert(range.start, aside);
    }
    sorted.outcomes = publish_looking(conn, written).await?;
    Ok(sorted)
}

/// Decides and writes a part. What breaks in it comes back as the inner error, and nothing of the part is left then.
async fn between_savepoints(
    conn: &mut PgConnection,
    deps: &Deps,
    part: &[Incoming],
    blocked: &mut Blocked,
) -> Result<Result<Written, Failed>, Failed> {
    q("SAVEPOINT part").execute(&mut *conn).await?;
    let mut trial = blocked.clone();
    let mut tried = caught(async { Ok(write_in_stream(conn, deps, part, &mut trial).await?) }).await;
    if matches!(&tried, Err(Failed::Moment(error)) if is_race(error)) {
        // Whoever made the same at once has committed, and is seen now. A race that is lost once more is no race: the part's own.
        q("ROLLBACK TO SAVEPOINT part").execute(&mut *conn).await?;
        trial = blocked.clone();
        tried = caught(async { Ok(write_in_stream(conn, deps, part, &mut trial).await?) }).await;
    }
    match tried.map_err(Failed::for_good) {
        Ok(written) => {
            q("RELEASE SAVEPOINT part").execute(conn).await?;
            *blocked = trial;
            Ok(Ok(written))
        }
        Err(error @ (Failed::Broken(_) | Failed::Ours(_))) => {
            q("ROLLBACK TO SAVEPOINT part").execute(&mut *conn).await?;
            q("RELEASE SAVEPOINT part").execute(conn).await?;
            Ok(Err(error))
        }
        Err(other) => Err(other),
    }
}
