//! Failures that are nobody's fault as far as anyone can tell: the hub's own try went well, and a command met an error all the
//! same that no value causes. Counted in the database, by its clock alone, because hubs keep nothing between two exchanges.

use super::take::printable;
use super::{Failed, StreamError, before, clash, row, store};
use crate::commands::probe::probe;
use crate::db::Cells;
use crate::db::{Db, int, q};
use jiff_sqlx::ToSqlx;
use mizili_node::deps::Deps;
use sqlx::PgConnection;
use sync_protocol::ids::Stream;
use sync_protocol::market::Command;

/// Failures after which a command is set aside, where they took long enough.
const FAILURES_MAX: i32 = 5;
/// Minutes that they have to take: what passes by itself, or is mended at once, has passed by then.
const MINUTES_MIN: i32 = 10;

/// Counts one failure of a command. Whether it has failed often enough for long enough to be set aside.
pub(super) async fn count(
    conn: &mut PgConnection,
    stream: Stream,
    command: &Command,
    error: &sqlx::Error,
) -> Result<bool, sqlx::Error> {
    let row = q("INSERT INTO command_failures AS f (id, edge_id, incarnation, seq, error) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (id) DO UPDATE SET failures = f.failures + 1, last_failed_at = now(), error = excluded.error,
            edge_id = excluded.edge_id, incarnation = excluded.incarnation, seq = excluded.seq
        RETURNING failures >= $6 AND now() - first_failed_at >= make_interval(mins => $7)")
    .bind(command.id.0)
    .bind(int(stream.edge.0)?)
    .bind(int(stream.incarnation)?)
    .bind(command.seq as i64)
    .bind(printable(&error.to_string()))
    .bind(FAILURES_MAX)
    .bind(MINUTES_MIN)
    .fetch_one(conn)
    .await?;
    Cells::of("command_failures", &row).get(0)
}

/// Forgets the failures of commands that were taken since, and of those that never came again.
///
/// # Errors
/// Those of the database.
pub async fn prune_failures(conn: &mut PgConnection) -> Result<u64, sqlx::Error> {
    let gone = q("DELETE FROM command_failures f
        WHERE EXISTS (SELECT FROM commands c WHERE c.id = f.id) OR f.last_failed_at < now() - interval '90 days'")
    .execute(conn)
    .await?;
    Ok(gone.rows_affected())
}

/// The hub tries what commands do, without any command. When that fails it is the hub: nobody is judged, and somebody has to come.
pub(super) async fn try_without(db: &Db, deps: &Deps, stream: Stream) -> Result<(), StreamError> {
    let mut tx = db.begin().await.map_err(StreamError::Unavailable)?;
    let tried = try_in(&mut tx, deps, stream).await.map_err(StreamError::from);
    // Nothing of it may stay; where it cannot be rolled back the connection is gone, and with it the transaction.
    drop(tx.rollback().await);
    if let Err(error @ StreamError::Ours(_)) = &tried {
        tracing::error!(edge = stream.edge.0, %error, "ALARM: this hub cannot take any command until somebody mends it");
    }
    tried
}

async fn try_in(conn: &mut PgConnection, deps: &Deps, stream: Stream) -> Result<(), Failed> {
    let Some(row) = row::lock(conn, stream).await? else { return Ok(()) };
    store::kept(conn, stream, 0, &[]).await?;
    // Before any there was: what stands open is not read, for it may be what breaks.
    let nothing = Stream { incarnation: 0, ..stream };
    let renames = clash::renames(conn, stream.edge).await?;
    before::blocked_before(conn, nothing, 0, |command| row.context(stream.edge, &command.actor), &renames)
        .await?;
    before::sold_by(conn, stream.edge, Vec::new()).await?;
    probe(conn, deps, row.cooperative).await?;
    Ok(store::insert(conn, stream, deps.clock.now().to_sqlx(), &[]).await?)
}
