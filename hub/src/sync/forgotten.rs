//! What edges show that this hub does not know: its database was restored from a backup then. It changes nothing.

use super::scope::scope;
use super::store::EdgeRow;
use crate::db::{int, q, q_scalar};
use crate::feed::read::versions_known_at;
use sqlx::{PgConnection, Row as _};
use sync_protocol::bucket::Bucket;
use sync_protocol::wire::message::{Hello, cursors_from_bytes, scope_hash};

/// Whether a request shows more than the hub knows, though its link does not: the answer that brought that was cut before its end.
/// Nobody but a hub that has forgotten it gave a verdict of that number, or a row of that version.
pub(super) async fn is_shown_by(
    conn: &mut PgConnection,
    epoch: u32,
    hello: &Hello,
    last_verdict: u64,
    scope: &[Bucket],
) -> Result<bool, sqlx::Error> {
    if hello.verdicts_upto > last_verdict {
        return Ok(true);
    }
    if hello.scope != scope_hash(scope) {
        return Ok(false);
    }
    let Ok(cursors) = cursors_from_bytes(&hello.cursors, scope) else { return Ok(false) };
    let heads = versions_known_at(conn, hello.epoch.min(epoch), scope).await?;
    let head = |bucket| heads.get(bucket).copied().unwrap_or(0);
    Ok(cursors.iter().any(|cursor| cursor.upto > head(&cursor.bucket)))
}

/// Which rows of its cooperative an edge may have and this database not.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gap {
    /// What the edge has above it was forgotten: here the bucket stood when the restore was noticed.
    pub(super) head: u64,
    /// What the edge has up to it the backup has too: so far it had come when it was last heard before. In between, the backup ended.
    pub(super) heard: u64,
}

/// The gap of an edge that knows of the hub what it was in an epoch. Where there were several restores since, the first one's counts.
pub(super) async fn gap(conn: &mut PgConnection, edge: &EdgeRow, epoch: u32) -> Result<Gap, sqlx::Error> {
    let bucket = Bucket::Coop(edge.cooperative);
    let head: Option<i64> = q_scalar(
        "SELECT version FROM restored_heads WHERE bucket = $1 AND epoch > $2 ORDER BY epoch LIMIT 1",
    )
    .bind(bucket.to_string())
    .bind(int(epoch)?)
    .fetch_optional(&mut *conn)
    .await?;
    let head = head.unwrap_or(0).unsigned_abs();
    let heard = heard(conn, edge, bucket).await?.unwrap_or(0);
    Ok(Gap { head, heard: heard.min(head) })
}

/// How far the edge's bucket had come there when it was last heard; nothing where its buckets have changed since.
async fn heard(conn: &mut PgConnection, edge: &EdgeRow, bucket: Bucket) -> Result<Option<u64>, sqlx::Error> {
    let scope = scope(&mut *conn, edge).await?;
    let row = q(
        "SELECT heard_scope, heard_cursors FROM edge_streams WHERE edge_id = $1 AND heard_cursors IS NOT NULL
        ORDER BY incarnation DESC LIMIT 1",
    )
    .bind(int(edge.id.0)?)
    .fetch_optional(conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let (of, cursors): (Option<i32>, Vec<u8>) = (row.try_get(0)?, row.try_get(1)?);
    if of.map(i32::cast_unsigned) != Some(scope_hash(&scope)) {
        return Ok(None);
    }
    let cursors = cursors_from_bytes(&cursors, &scope).unwrap_or_default();
    Ok(cursors.iter().find(|cursor| cursor.bucket == bucket && cursor.is_whole()).map(|cursor| cursor.upto))
}
