//! What a revoked edge left: kept as quarantined, each command once, for a person to accept one by one. Nothing here decides a command.

use super::clash::{self, Known};
use super::isolate::Aside;
use super::row;
use super::store::{self, Judged};
use crate::commands::Outcome;
use crate::db::{Db, int, q_scalar, retrying};
use jiff_sqlx::ToSqlx;
use mizili_node::deps::Deps;
use sqlx::PgConnection;
use std::collections::HashSet;
use sync_protocol::ids::Stream;
use sync_protocol::limits::PENDING_COMMANDS_MAX;
use sync_protocol::market::Command;
use sync_protocol::verdict::Verdict;

/// Why they wait.
const REASON: &str = "its edge was revoked before it came. If it is to count, try it again by its id";

/// Keeps what the hub has not heard of. Returns how many that were. An edge that was not revoked leaves nothing here; nor does one whose
/// commands fill their bound, as a thief's might.
///
/// # Errors
/// Those of the database.
pub async fn keep_left(
    db: &Db,
    deps: &Deps,
    stream: Stream,
    commands: &[Command],
) -> Result<u64, sqlx::Error> {
    retrying(deps, || async {
        let mut tx = db.begin().await?;
        let kept = keep(&mut tx, deps, stream, commands).await?;
        tx.commit().await?;
        Ok(kept)
    })
    .await
}

async fn keep(
    conn: &mut PgConnection,
    deps: &Deps,
    stream: Stream,
    commands: &[Command],
) -> Result<u64, sqlx::Error> {
    let Some(row) = row::lock(conn, stream).await?.filter(|row| row.revoked) else { return Ok(0) };
    let known = store::kept(conn, stream, u64::MAX, commands).await?;
    let mut numbers: HashSet<u64> =
        known.iter().filter(|kept| kept.stream == stream).map(|kept| kept.command.seq).collect();
    let waiting: i64 = q_scalar("SELECT count(*) FROM commands WHERE edge_id = $1 AND verdict IN ('held', 'quarantined', 'unsupported')")
        .bind(int(stream.edge.0)?)
        .fetch_one(&mut *conn)
        .await?;
    let room = PENDING_COMMANDS_MAX.saturating_sub(waiting.unsigned_abs());
    let (mut ids, mut new) = (HashSet::new(), Vec::new());
    for command in commands.iter().take(usize::try_from(room).unwrap_or(usize::MAX)) {
        let own = match clash::known(stream.edge, command, &known) {
            Known::Again(_) => continue,
            Known::Nothing if ids.insert(command.id) => command.id,
            Known::Nothing | Known::Clash(_) => clash::own_id(stream, command),
        };
        // Its content under another's number, as when a copy was in use: what came first stands.
        let is_a_number = command.seq > 0 && i64::try_from(command.seq).is_ok();
        if is_a_number && numbers.insert(command.seq) {
            new.push((command, Command { id: own, ..command.clone() }));
        }
    }
    let aside = Aside { error: REASON.to_owned(), ours: false };
    let judged: Vec<Judged<'_>> = (row.last_verdict + 1..)
        .zip(&new)
        .map(|(number, (_, command))| Judged {
            command,
            outcome: Outcome { verdict: Verdict::Quarantined, stands_at: Vec::new() },
            number,
            aside: Some(&aside),
        })
        .collect();
    if judged.is_empty() {
        return Ok(0);
    }
    store::insert(conn, stream, deps.clock.now().to_sqlx(), &judged).await?;
    for (came, kept) in &new {
        if came.id != kept.id {
            clash::note(conn, stream, came).await?;
        }
    }
    row::advance(conn, stream, row.applied_seq, row.last_verdict + judged.len() as u64).await?;
    Ok(judged.len() as u64)
}
