//! The row of an edge's stream: locked by whoever takes or changes a command of it, and moved on with them. No rules here but whether
//! commands may be taken at all.

use super::{Failed, StreamError};
use crate::commands::context::percent;
use crate::db::Cells;
use crate::db::{int, q};
use sqlx::PgConnection;
use sync_protocol::ids::{CooperativeId, EdgeId, Holder, Stream};
use sync_protocol::market::{Actor, ActorKind, Context};

/// A stream's row, locked until the transaction ends.
pub(super) struct StreamRow {
    pub(super) applied_seq: u64,
    pub(super) last_verdict: u64,
    pub(super) exchange: i64,
    pub(super) frozen: bool,
    pub(super) halted_reason: Option<String>,
    pub(super) cooperative: CooperativeId,
    pub(super) hub_share_percent: u8,
    pub(super) revoked: bool,
}

impl StreamRow {
    /// For whom a command of this stream is decided. Who signed in at the office was checked there.
    pub(super) fn context(&self, edge: EdgeId, actor: &Actor) -> Context {
        Context {
            place: Holder::Hub,
            origin: Holder::Edge(edge),
            cooperative: Some(self.cooperative),
            clerk: actor.kind == ActorKind::Office,
            admin: false,
            share_with: None,
            hub_share_percent: self.hub_share_percent,
        }
    }
}

/// Locks the stream's row, then reads it and its edge. `None` when there is no such stream.
pub(super) async fn lock(conn: &mut PgConnection, stream: Stream) -> Result<Option<StreamRow>, sqlx::Error> {
    let of_stream = q(
        "SELECT applied_seq, last_verdict, exchange, frozen_at IS NOT NULL, halted_reason, cooperative_id FROM edge_streams
        WHERE edge_id = $1 AND incarnation = $2 FOR UPDATE",
    )
    .bind(int(stream.edge.0)?)
    .bind(int(stream.incarnation)?)
    .fetch_optional(&mut *conn)
    .await?;
    let Some(of_stream) = of_stream else { return Ok(None) };
    // After the lock, so that a revocation that committed while this waited is seen; and one that comes now waits for the
    // commit, so that whoever has revoked an edge knows that nothing more is taken from it.
    // Whose it is, its incarnation was told when it enrolled.
    let of_stream = Cells::of("edge_streams", &of_stream);
    let of_edge = q("SELECT c.id, c.hub_share_percent, e.revoked_at IS NOT NULL
        FROM edges e JOIN cooperatives c ON c.id = coalesce($2, e.cooperative_id) WHERE e.id = $1 FOR SHARE OF e")
    .bind(int(stream.edge.0)?)
    .bind(of_stream.get::<Option<i32>>(5)?)
    .fetch_one(conn)
    .await?;
    let of_edge = Cells::of("edges", &of_edge);
    Ok(Some(StreamRow {
        applied_seq: of_stream.count(0)?,
        last_verdict: of_stream.count(1)?,
        exchange: of_stream.get(2)?,
        frozen: of_stream.get(3)?,
        halted_reason: of_stream.get(4)?,
        cooperative: CooperativeId(of_edge.number(0)?),
        hub_share_percent: percent(&of_edge, 1)?,
        revoked: of_edge.get(2)?,
    }))
}

/// The stream's row, if commands may be taken from it in this exchange.
pub(super) async fn lock_to_take(
    conn: &mut PgConnection,
    stream: Stream,
    exchange: i64,
) -> Result<StreamRow, Failed> {
    let row = lock(conn, stream).await?.ok_or(Failed::Stream(StreamError::Frozen))?;
    if row.revoked {
        return Err(Failed::Stream(StreamError::Revoked));
    }
    if row.frozen {
        return Err(Failed::Stream(StreamError::Frozen));
    }
    if let Some(reason) = row.halted_reason {
        return Err(Failed::Stream(StreamError::Halted { reason }));
    }
    if row.exchange != exchange {
        return Err(Failed::Stream(StreamError::Fenced));
    }
    Ok(row)
}

/// Moves the stream on.
pub(super) async fn advance(
    conn: &mut PgConnection,
    stream: Stream,
    applied_seq: u64,
    last_verdict: u64,
) -> Result<(), sqlx::Error> {
    q("UPDATE edge_streams SET applied_seq = $3, last_verdict = $4 WHERE edge_id = $1 AND incarnation = $2")
        .bind(int(stream.edge.0)?)
        .bind(int(stream.incarnation)?)
        .bind(applied_seq as i64)
        .bind(last_verdict as i64)
        .execute(conn)
        .await?;
    Ok(())
}
