//! Commands whose verdict is still open: tried again when another program runs the hub, when what they wait for is settled, every
//! hour where the hub itself was to blame, or when an operator says so.

use super::clash;
use super::isolate::Aside;
use super::row::{self, StreamRow};
use super::store::{self, Judged};
use super::take::{caught, printable};
use super::{Failed, StreamError, TAKEN, before};
use crate::bad_rows::OfARow as _;
use crate::commands::{Feed, Incoming, Outcome, apply_in_stream};
use crate::db::Cells;
use crate::db::{Db, int, q, retrying};
use crate::news::Moved;
use mizili_node::deps::Deps;
use sqlx::PgConnection;
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::{EdgeId, Stream};
use sync_protocol::limits::BATCH_COMMANDS_MAX;
use sync_protocol::market::Command;
use sync_protocol::verdict::Verdict;
use uuid::Uuid;

/// What is to be done with open commands.
#[derive(Clone, Copy)]
enum Again<'a> {
    /// They are decided, where somebody asked for it.
    Decide(By),
    /// The same, also where their id is another's: under the ids of their own that they are kept under.
    DecideUnderNewId,
    /// They broke their handler.
    Quarantine(&'a Aside),
    /// An operator puts them aside.
    Dismiss,
}

/// Who has commands tried again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// The hub, by itself or for all edges: a revoked edge changes nothing.
    Itself,
    /// An operator, who named what is meant.
    Operator,
}

/// Tries the edge's unsupported and held commands again, in order, because an operator said so. Returns how many got another verdict;
/// where that is not 0, the edge is told.
///
/// # Errors
/// [`StreamError::Unavailable`] alone. A command that this hub cannot work with stays as it is; that is no error.
pub async fn retry_open(db: &Db, deps: &Deps, edge: EdgeId) -> Result<usize, StreamError> {
    retry_open_by(db, deps, edge, By::Operator).await
}

/// Tries again what may have waited for a command that an operator named. Of a revoked edge nobody named these: they wait on.
async fn retry_what_waited(db: &Db, deps: &Deps, edge: EdgeId) -> Result<usize, StreamError> {
    retry_open_by(db, deps, edge, By::Itself).await
}

pub(super) async fn retry_open_by(db: &Db, deps: &Deps, edge: EdgeId, by: By) -> Result<usize, StreamError> {
    let mut changed = 0;
    let mut after = (0, 0);
    loop {
        let mut tx = db.begin().await.map_err(StreamError::Unavailable)?;
        let page = next_run(&mut tx, edge, after).await.map_err(StreamError::Unavailable)?;
        tx.commit().await.map_err(StreamError::Unavailable)?;
        let Some((stream, seqs)) = page else { return Ok(changed) };
        after = (stream.incarnation, seqs.last().copied().unwrap_or(0));
        let mut parts = vec![seqs.as_slice()];
        while let Some(part) = parts.pop() {
            match try_again(db, deps, stream, part, Again::Decide(by)).await {
                Ok(n) => changed += n,
                Err(Failed::Broken(_) | Failed::Ours(_) | Failed::Taken(_)) if part.len() > 1 => {
                    let (first, second) = part.split_at(part.len() / 2);
                    parts.extend([second, first]);
                }
                Err(Failed::Broken(error)) => {
                    tracing::error!(edge = edge.0, ?part, error, "a command was quarantined");
                    let aside = Aside { error: printable(&error), ours: false };
                    changed += try_again(db, deps, stream, part, Again::Quarantine(&aside)).await?;
                }
                Err(Failed::Taken(_)) => {
                    let aside = Aside { error: TAKEN.to_owned(), ours: false };
                    changed += try_again(db, deps, stream, part, Again::Quarantine(&aside)).await?;
                    keep_apart(db, deps, stream, part).await?;
                }
                Err(Failed::Ours(error)) => {
                    tracing::error!(edge = edge.0, ?part, %error, "a command cannot be decided now; it waits on");
                }
                Err(failed) => return Err(failed.into()),
            }
        }
    }
}

/// Tries one quarantined command again, and then what waited for it. Returns how many commands got another verdict.
///
/// # Errors
/// [`StreamError::Unavailable`]. A command that breaks again stays quarantined; that is no error.
pub async fn retry_quarantined(db: &Db, deps: &Deps, stream: Stream, seq: u64) -> Result<usize, StreamError> {
    let changed = retry_one(db, deps, stream, seq, Again::Decide(By::Operator)).await?;
    Ok(changed + retry_what_waited(db, deps, stream.edge).await?)
}

/// Tries the quarantined commands of one edge again, in order, and then what waited for them. Returns how many commands got another verdict.
pub(super) async fn retry_quarantined_of(
    db: &Db,
    deps: &Deps,
    edge: EdgeId,
    commands: &[(Stream, u64)],
    by: By,
) -> Result<usize, StreamError> {
    let mut changed = 0;
    for (stream, seq) in commands {
        changed += retry_one(db, deps, *stream, *seq, Again::Decide(by)).await?;
    }
    if changed > 0 {
        changed += retry_open_by(db, deps, edge, by).await?;
    }
    Ok(changed)
}

/// Tries one quarantined command again. Where it breaks again is kept why.
async fn retry_one(
    db: &Db,
    deps: &Deps,
    stream: Stream,
    seq: u64,
    again: Again<'_>,
) -> Result<usize, StreamError> {
    let aside = match try_again(db, deps, stream, &[seq], again).await {
        Ok(changed) => return Ok(changed),
        Err(Failed::Broken(error)) => Aside { error: printable(&error), ours: false },
        Err(Failed::Ours(error)) => Aside { error: printable(&error.to_string()), ours: true },
        Err(Failed::Taken(_)) => {
            keep_apart(db, deps, stream, &[seq]).await?;
            return Ok(0);
        }
        Err(failed) => return Err(failed.into()),
    };
    let Aside { error, ours } = &aside;
    tracing::error!(edge = stream.edge.0, seq, error, ours, "a command broke again; it stays quarantined");
    let noted = retrying(deps, || async {
        let mut tx = db.begin().await?;
        store::note_aside(&mut tx, stream, seq, &aside).await?;
        tx.commit().await
    });
    noted.await.map_err(Failed::from)?;
    Ok(0)
}

/// Keeps quarantined commands under ids of their own, since what they would make is here by another road: from then on an operator can
/// have them taken under these. One that had such an id before gets a further one.
async fn keep_apart(db: &Db, deps: &Deps, stream: Stream, seqs: &[u64]) -> Result<(), StreamError> {
    let kept = retrying(deps, || async {
        let mut tx = db.begin().await?;
        row::lock(&mut tx, stream).await?;
        for Open { command, .. } in &open_commands(&mut tx, stream, seqs, Again::DecideUnderNewId).await? {
            let error = clash::set_apart(&mut tx, stream, command, TAKEN).await?;
            tracing::error!(edge = stream.edge.0, seq = command.seq, error, "a command stays quarantined");
        }
        tx.commit().await?;
        Ok::<_, sqlx::Error>(())
    });
    Ok(kept.await.map_err(Failed::from)?)
}

/// As [`retry_quarantined`] for a command whose id is another's: it is applied under an id of its own, and what its edge says of the
/// old one means the new one from then on.
///
/// # Errors
/// [`StreamError::Unavailable`]. A command that breaks there stays quarantined; that is no error.
pub async fn retry_under_new_id(
    db: &Db,
    deps: &Deps,
    stream: Stream,
    seq: u64,
) -> Result<usize, StreamError> {
    let changed = retry_one(db, deps, stream, seq, Again::DecideUnderNewId).await?;
    Ok(changed + retry_what_waited(db, deps, stream.edge).await?)
}

/// Puts an open command aside for good, and tries again what waited for it. Returns how many commands got another verdict; 0
/// when the command was not open.
///
/// # Errors
/// [`StreamError::Unavailable`].
pub async fn dismiss(db: &Db, deps: &Deps, stream: Stream, seq: u64) -> Result<usize, StreamError> {
    let changed = try_again(db, deps, stream, &[seq], Again::Dismiss).await?;
    Ok(changed + retry_what_waited(db, deps, stream.edge).await?)
}

/// The next unsupported or held commands after a place, up to the next quarantined one: those behind it have to see it first.
async fn next_run(
    conn: &mut PgConnection,
    edge: EdgeId,
    after: (u32, u64),
) -> Result<Option<(Stream, Vec<u64>)>, sqlx::Error> {
    let rows = q("WITH o AS (
            SELECT incarnation, seq, verdict = 'quarantined' AS quarantined FROM commands
            WHERE edge_id = $1 AND (incarnation, seq) > ($2, $3) AND verdict IN ('held', 'quarantined', 'unsupported')
        ), f AS (SELECT incarnation, seq FROM o WHERE NOT quarantined ORDER BY incarnation, seq LIMIT 1)
        SELECT o.incarnation, o.seq FROM o, f WHERE o.incarnation = f.incarnation AND o.seq >= f.seq AND o.seq < coalesce(
            (SELECT min(b.seq) FROM o b WHERE b.quarantined AND b.incarnation = f.incarnation AND b.seq > f.seq), o.seq + 1)
        ORDER BY o.seq LIMIT $4")
    .bind(int(edge.0)?)
    .bind(int(after.0)?)
    .bind(after.1 as i64)
    .bind(BATCH_COMMANDS_MAX as i64)
    .fetch_all(conn)
    .await?;
    let Some(first) = rows.first() else { return Ok(None) };
    let incarnation = Cells::of("commands", first).number(0)?;
    let seqs = rows.iter().map(|row| Cells::of("commands", row).count(1)).collect::<Result<_, _>>()?;
    Ok(Some((Stream { edge, incarnation }, seqs)))
}

async fn try_again(
    db: &Db,
    deps: &Deps,
    stream: Stream,
    seqs: &[u64],
    again: Again<'_>,
) -> Result<usize, Failed> {
    let attempt = || async {
        caught(async {
            let mut tx = db.begin().await?;
            let (changed, moved) = one_transaction(&mut tx, deps, stream, seqs, again).await?;
            db.commit_and_tell(tx, &moved).await?;
            Ok(changed)
        })
        .await
    };
    retrying(deps, attempt).await.map_err(Failed::for_good)
}

/// How many commands got another verdict, and what that moved.
async fn one_transaction(
    conn: &mut PgConnection,
    deps: &Deps,
    stream: Stream,
    seqs: &[u64],
    again: Again<'_>,
) -> Result<(usize, Moved), Failed> {
    let Some(row) = row::lock(conn, stream).await? else { return Ok((0, Moved::default())) };
    if row.revoked && matches!(again, Again::Decide(By::Itself)) {
        return Ok((0, Moved::default()));
    }
    let mut open = open_commands(conn, stream, seqs, again).await?;
    match again {
        // What clashes is not decided until an operator says under which id.
        Again::Decide(_) => open.retain(|open| open.claimed.is_none()),
        Again::DecideUnderNewId => {
            for open in &open {
                if let Some(claimed) = open.claimed {
                    clash::rename(conn, stream.edge, claimed, &open.command).await?;
                }
            }
        }
        Again::Quarantine(_) | Again::Dismiss => {}
    }
    let said = |verdict: &Verdict| Outcome { verdict: verdict.clone(), stands_at: Vec::new() };
    let (outcomes, aside) = match again {
        Again::Decide(_) | Again::DecideUnderNewId => (decide(conn, deps, stream, &row, &open).await?, None),
        Again::Quarantine(aside) => (open.iter().map(|_| said(&Verdict::Quarantined)).collect(), Some(aside)),
        Again::Dismiss => (open.iter().map(|_| said(&Verdict::Dismissed)).collect(), None),
    };
    let mut number = row.last_verdict;
    let mut moved = crate::commands::moved(&outcomes);
    let mut judged = Vec::new();
    for (Open { command, verdict, .. }, outcome) in open.iter().zip(outcomes) {
        if outcome.verdict.as_str() != verdict {
            number += 1;
            judged.push(Judged { command, outcome, number, aside });
        }
    }
    if !judged.is_empty() {
        store::update(conn, stream, &judged).await?;
        row::advance(conn, stream, row.applied_seq, number).await?;
        moved.add(Bucket::Edge(stream.edge));
    }
    Ok((judged.len(), moved))
}

async fn decide(
    conn: &mut PgConnection,
    deps: &Deps,
    stream: Stream,
    row: &StreamRow,
    open: &[Open],
) -> Result<Vec<Outcome>, Failed> {
    let Some(Open { command: first, .. }) = open.first() else { return Ok(Vec::new()) };
    let context = |command: &Command| row.context(stream.edge, &command.actor);
    let renames = clash::renames(conn, stream.edge).await?;
    let mut blocked = before::blocked_before(conn, stream, first.seq, context, &renames).await?;
    let incoming = |open: &Open| Incoming {
        command: clash::renamed(&open.command, &renames),
        context: context(&open.command),
        is_new: false,
        is_unconfirmed: false,
    };
    let batch: Vec<Incoming> = open.iter().map(incoming).collect();
    Ok(apply_in_stream(conn, deps, &batch, &mut blocked, Feed::Looks).await?)
}

/// A command that is still open.
struct Open {
    command: Command,
    /// Its verdict's word.
    verdict: String,
    /// The id under which it came, where that is another's; the command has one of its own.
    claimed: Option<Uuid>,
}

/// Those of the commands that are still open.
async fn open_commands(
    conn: &mut PgConnection,
    stream: Stream,
    seqs: &[u64],
    again: Again<'_>,
) -> Result<Vec<Open>, sqlx::Error> {
    let rows = q("SELECT seq, id, made_at_s, actor_kind, actor_id, actor_phone, kind, body, verdict, clash_id FROM commands
        WHERE edge_id = $1 AND incarnation = $2 AND seq = ANY($3) AND verdict IN ('held', 'quarantined', 'unsupported')
        ORDER BY seq")
    .bind(int(stream.edge.0)?)
    .bind(int(stream.incarnation)?)
    .bind(seqs.iter().map(|seq| *seq as i64).collect::<Vec<_>>())
    .fetch_all(conn)
    .await?;
    let open = |row| {
        let cells = Cells::of("commands", row);
        let command = match store::command(row) {
            // To be put aside it need not be understood.
            Err(error) if error.is_of_a_row() && matches!(again, Again::Dismiss) => store::unread(row)?,
            command => command?,
        };
        Ok(Open { command, verdict: cells.get(8)?, claimed: cells.get(9)? })
    };
    rows.iter().map(open).collect()
}
