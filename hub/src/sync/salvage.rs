//! Rows that edges have and a restored database has forgotten. All are kept whole, for an operator; what says what happened (members,
//! listings, stock entries, orders) stands again at once. Nothing here may overwrite what was done here since the restore.

mod bought;
mod stand;

use super::forgotten::Gap;
use super::store::EdgeRow;
use crate::bad_rows::BadRows;
use crate::db::Cells;
use crate::db::{Db, int, q, q_scalar, retrying};
use crate::error::{ApiError, Problem};
use crate::news::Moved;
use mizili_node::deps::Deps;
use sqlx::PgConnection;
use stand::{facts, stand};
use std::collections::BTreeMap;
use std::sync::OnceLock;
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::EdgeId;
use sync_protocol::row::Key;
use sync_protocol::wire::frame::FrameReader;
use sync_protocol::wire::message::Message;
use sync_protocol::wire::rows::Rows;

/// Keeps the rows of a frame that were forgotten, and lets stand what can. Returns what moved.
///
/// # Errors
/// A frame that is none, or of another bucket than the edge's own; those of the database.
pub(super) async fn keep(
    conn: &mut PgConnection,
    edge: &EdgeRow,
    epoch: u32,
    gap: Gap,
    frame: &[u8],
) -> Result<Moved, ApiError> {
    let bucket = Bucket::Coop(edge.cooperative);
    let rows = read(frame)?;
    if rows.bucket != bucket {
        return Err(Problem::invalid("/rows", "Must be rows of the edge's own cooperative.").into());
    }
    note(conn, edge.id, epoch, gap, &rows).await?;
    if let Some(upto) = rows.rows.iter().map(|row| row.version).max() {
        q("INSERT INTO brought_rows AS b (epoch, edge_id, upto) VALUES ($1, $2, $3)
            ON CONFLICT (epoch, edge_id) DO UPDATE SET upto = greatest(b.upto, excluded.upto)")
        .bind(int(epoch)?)
        .bind(int(edge.id.0)?)
        .bind(upto.cast_signed())
        .execute(&mut *conn)
        .await?;
    }
    stand(conn, epoch, bucket).await
}

/// Keeps those rows of a bucket that were forgotten, as they came.
async fn note(
    conn: &mut PgConnection,
    edge: EdgeId,
    epoch: u32,
    gap: Gap,
    rows: &Rows,
) -> Result<(), sqlx::Error> {
    // The newest, should a frame name one twice.
    let mut newest = BTreeMap::new();
    for row in rows.rows.iter().filter(|row| row.version > gap.heard) {
        let key = (i32::from(row.entity), row.key.to_bytes().to_vec());
        let kept: &mut (u64, Vec<u8>) = newest.entry(key).or_default();
        if let Some(body) = row.body.as_ref().filter(|_| row.version > kept.0) {
            *kept = (row.version, body.canonical().to_vec());
        }
    }
    newest.retain(|_, (version, _)| *version > 0);
    if newest.is_empty() {
        return Ok(());
    }
    let (keys, states): (Vec<_>, Vec<_>) = newest.into_iter().unzip();
    let (entities, ids): (Vec<i32>, Vec<Vec<u8>>) = keys.into_iter().unzip();
    // Between what was heard last and what stood when the restore was noticed, the backup ended, and this hub has gone on: what stands here
    // of that may be either's.
    let unchanged_upto = |version: u64| if version > gap.head { gap.head } else { gap.heard }.cast_signed();
    let unchanged_upto: Vec<i64> = states.iter().map(|(version, _)| unchanged_upto(*version)).collect();
    let (versions, payloads): (Vec<i64>, Vec<Vec<u8>>) =
        states.into_iter().map(|(version, payload)| (version.cast_signed(), payload)).unzip();
    q("INSERT INTO salvaged_rows AS s (epoch, bucket, entity, id, version, payload, edge_id, stands, unchanged_upto)
        SELECT $1, $2, t.entity, t.id, t.version, t.payload, $3, false, t.upto
            FROM unnest($5::int[], $6::bytea[], $7::bigint[], $8::bytea[], $9::bigint[]) AS t (entity, id, version, payload, upto)
            WHERE t.version > $4 OR NOT EXISTS (
                SELECT FROM sync_rows r WHERE r.bucket = $2 AND r.entity = t.entity AND r.id = t.id AND r.version > t.upto)
        ON CONFLICT (epoch, bucket, entity, id) DO UPDATE SET version = excluded.version, payload = excluded.payload,
            edge_id = excluded.edge_id, stands = false, ended = NULL, unchanged_upto = excluded.unchanged_upto
        WHERE s.version < excluded.version")
    .bind(int(epoch)?)
    .bind(rows.bucket.to_string())
    .bind(int(edge.0)?)
    .bind(gap.head.cast_signed())
    .bind(entities)
    .bind(ids)
    .bind(versions)
    .bind(payloads)
    .bind(unchanged_upto)
    .execute(conn)
    .await?;
    Ok(())
}

/// Up to which version an edge has brought its rows since the restore; 0 for none.
pub(super) async fn brought_upto(
    conn: &mut PgConnection,
    edge: EdgeId,
    epoch: u32,
) -> Result<u64, sqlx::Error> {
    let upto: Option<i64> = q_scalar("SELECT upto FROM brought_rows WHERE epoch = $1 AND edge_id = $2")
        .bind(int(epoch)?)
        .bind(int(edge.0)?)
        .fetch_optional(conn)
        .await?;
    Ok(upto.unwrap_or(0).unsigned_abs())
}

/// Tries all rows again that do not stand, of all restores: what one waited for may be here now. Returns how many stand by it.
///
/// # Errors
/// The first that a cooperative's rows met; the others had their turn.
pub async fn retry(db: &Db, deps: &Deps) -> Result<u64, ApiError> {
    let of = q(
        "SELECT DISTINCT epoch, bucket FROM salvaged_rows WHERE NOT stands AND ended IS NULL AND entity = ANY($1) ORDER BY 1, 2",
    );
    let mut tx = db.begin().await?;
    let rows = of.bind(facts()).fetch_all(&mut *tx).await?;
    tx.commit().await?;
    let (mut stand_now, mut trouble) = (0, None);
    let mut bad = BadRows::of("salvage");
    let place = |row| {
        let cells = Cells::of("salvaged_rows", row);
        let bucket: Bucket = cells.get::<String>(1)?.parse().map_err(|_| cells.misfit(1))?;
        Ok::<_, sqlx::Error>((cells.number(0)?, bucket))
    };
    for row in &rows {
        let Some((epoch, bucket)) = bad.sift("a bucket", place(row))? else { continue };
        // Of the first try: it may have taken effect unseen.
        let at_first = OnceLock::new();
        let stood = retrying(deps, || async {
            let mut tx = db.begin().await?;
            let before = left(&mut tx, epoch, bucket).await?;
            let before = *at_first.get_or_init(|| before);
            let moved = stand(&mut tx, epoch, bucket).await?;
            let after = left(&mut tx, epoch, bucket).await?;
            db.commit_and_tell(tx, &moved).await?;
            Ok::<_, ApiError>(before.saturating_sub(after))
        });
        match stood.await {
            Ok(stood) => stand_now += stood,
            // One cooperative's trouble keeps no other from its turn.
            Err(error) => {
                tracing::warn!(%bucket, ?error, "salvaged rows could not be tried again now");
                trouble.get_or_insert(error);
            }
        }
    }
    trouble.map_or(Ok(stand_now), Err)
}

/// Puts rows of one edge aside that do not stand: of one kind, or with that key alone, or all. They are kept, nobody tries them again, and
/// nothing waits for them any more. Returns how many.
///
/// # Errors
/// Those of the database.
pub async fn dismiss(
    db: &Db,
    deps: &Deps,
    edge: EdgeId,
    kind: Option<u16>,
    key: Option<Key>,
) -> Result<u64, ApiError> {
    let edge = int(edge.0)?;
    retrying(deps, || async {
        let mut tx = db.begin().await?;
        let done = q(
            "UPDATE salvaged_rows SET ended = 'dismissed' WHERE edge_id = $1 AND NOT stands AND ended IS NULL
                AND coalesce(entity = $2, true) AND coalesce(id = $3, true)",
        )
        .bind(edge)
        .bind(kind.map(i32::from))
        .bind(key.map(|key| key.to_bytes().to_vec()))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(done.rows_affected())
    })
    .await
}

async fn left(conn: &mut PgConnection, epoch: u32, bucket: Bucket) -> Result<u64, sqlx::Error> {
    let left: i64 =
        q_scalar("SELECT count(*) FROM salvaged_rows WHERE epoch = $1 AND bucket = $2 AND NOT stands")
            .bind(int(epoch)?)
            .bind(bucket.to_string())
            .fetch_one(conn)
            .await?;
    Ok(left.unsigned_abs())
}

fn read(frame: &[u8]) -> Result<Rows, Problem> {
    let mut reader = FrameReader::default();
    reader.push(frame);
    match reader.next_frame().and_then(|frame| frame.map(|frame| Message::from_frame(&frame)).transpose()) {
        Ok(Some(Message::Rows(rows))) => Ok(rows),
        Ok(_) => Err(Problem::invalid("/rows", "Must be one frame of rows.")),
        Err(error) => Err(Problem::invalid("/rows", format!("Must be one frame of rows: {error}."))),
    }
}
