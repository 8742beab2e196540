//! Lets rows that were brought back stand in the tables. What was done here since the restore stays as it is; a row that the tables do not
//! take keeps no other from standing.

use super::bought::bought;
use crate::bad_rows::{BadRows, OfARow as _};
use crate::db::{Cells, int, q, q_scalar};
use crate::error::ApiError;
use crate::feed::{Touched, publish};
use crate::news::Moved;
use crate::tables::{self, Again, Brought, Wanted};
use sqlx::PgConnection;
use sqlx::postgres::PgRow;
use sync_protocol::bucket::Bucket;
use sync_protocol::market::{Entity, Order, WorkingSet};
use sync_protocol::row::Key;
use sync_protocol::value::Fields;

/// Entities that stand again by themselves, in the order in which one needs another.
pub(super) fn facts() -> Vec<i32> {
    tables::WRITTEN.iter().copied().map(i32::from).collect()
}

/// Rows that are tried between one pair of savepoints. Where one of them breaks, each has a pair of its own.
const RUN: usize = 64;

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Became {
    Stands,
    /// It needs something that is not here, or that is not said yet.
    Waits,
    /// What was done here since stays instead: it will never stand.
    GaveWay,
}

/// One row as it was kept.
pub(super) struct Kept {
    bucket: Bucket,
    entity: u16,
    id: Vec<u8>,
    fields: Fields,
    /// The row that stands here is the backup's own up to this version.
    unchanged_upto: i64,
    /// The version under which an earlier state of it was let stand; 0 for none.
    published: i64,
}

impl Kept {
    fn brought(&self) -> Option<Brought<'_>> {
        let Self { bucket, entity, id, unchanged_upto, published, .. } = self;
        let Bucket::Coop(own) = *bucket else { return None };
        let (unchanged_upto, published) = (*unchanged_upto, *published);
        Some(Brought { own, bucket: *bucket, entity: *entity, id, unchanged_upto, published })
    }
}

const WAITING: &str = "SELECT entity, id, payload, coalesce(unchanged_upto,
        (SELECT h.version FROM restored_heads h WHERE h.epoch = s.epoch AND h.bucket = s.bucket), 0), coalesce(published, 0)
    FROM salvaged_rows s WHERE epoch = $1 AND bucket = $2 AND NOT stands AND ended IS NULL AND entity = ANY($3) ORDER BY array_position($3, entity), id";

/// Lets stand what does not yet: what waited for another row may stand now that it has come. Returns what moved.
pub(super) async fn stand(conn: &mut PgConnection, epoch: u32, bucket: Bucket) -> Result<Moved, ApiError> {
    let rows =
        q(WAITING).bind(int(epoch)?).bind(bucket.to_string()).bind(facts()).fetch_all(&mut *conn).await?;
    let mut bad = BadRows::of("salvage");
    let mut waiting = Vec::with_capacity(rows.len());
    for row in &rows {
        waiting.extend(bad.sift(format_args!("a row of {bucket}"), kept(bucket, row))?);
    }
    lock(conn, &waiting).await?;
    let mut touched = Touched::new();
    let mut settled = Vec::new();
    for run in waiting.chunks(RUN) {
        if let Ok(these) = between_savepoints(conn, run, &mut touched).await? {
            settled.extend(these);
            continue;
        }
        for kept in run {
            let named = format!("{} {:?} of {bucket}", kept.entity, Key::from_bytes(&kept.id));
            let alone = between_savepoints(conn, std::slice::from_ref(kept), &mut touched).await?;
            settled.extend(bad.sift(named, alone)?.unwrap_or_default());
        }
    }
    publish(conn, &touched).await.map_err(sqlx::Error::from)?;
    note(conn, epoch, bucket, &settled).await?;
    Ok(touched.moved())
}

/// Waits for whatever is done here at this moment with what the rows may change, in the order in which everybody locks. Nothing is changed.
/// What cannot be read of one is passed over, for it will not stand either.
async fn lock(conn: &mut PgConnection, rows: &[Kept]) -> Result<(), sqlx::Error> {
    let mut wanted = Wanted::default();
    for kept in rows {
        let (Ok(key), Some(Brought { own, .. })) = (Key::from_bytes(&kept.id), kept.brought()) else {
            continue;
        };
        wanted.needs.extend(tables::stands_under(own, kept.entity, key, &kept.fields).unwrap_or_default());
    }
    tables::load(conn, &wanted, &mut WorkingSet::default()).await
}

/// Lets rows stand; what became of those that wait no more. The inner error is that of a row which the tables do not take: the transaction is as it was before
/// all of these then.
async fn between_savepoints<'a>(
    conn: &mut PgConnection,
    rows: &'a [Kept],
    touched: &mut Touched,
) -> Result<Result<Vec<(&'a Kept, Became)>, sqlx::Error>, sqlx::Error> {
    let (mut settled, mut by_these) = (Vec::new(), Touched::new());
    q("SAVEPOINT salvaged").execute(&mut *conn).await?;
    for kept in rows {
        match one(conn, kept, &mut by_these).await {
            Ok(Became::Waits) => {}
            Ok(became) => settled.push((kept, became)),
            Err(error) if error.is_of_a_row() => {
                q("ROLLBACK TO SAVEPOINT salvaged").execute(&mut *conn).await?;
                q("RELEASE SAVEPOINT salvaged").execute(&mut *conn).await?;
                return Ok(Err(error));
            }
            Err(error) => return Err(error),
        }
    }
    q("RELEASE SAVEPOINT salvaged").execute(&mut *conn).await?;
    touched.extend(by_these);
    Ok(Ok(settled))
}

/// Notes what became of rows, and under which version each was let stand.
async fn note(
    conn: &mut PgConnection,
    epoch: u32,
    bucket: Bucket,
    settled: &[(&Kept, Became)],
) -> Result<(), sqlx::Error> {
    let stand = |(_, became): &(&Kept, Became)| *became == Became::Stands;
    q("UPDATE salvaged_rows r SET stands = t.stands, ended = CASE WHEN NOT t.stands THEN 'gave_way' END,
            published = CASE WHEN t.stands THEN s.version ELSE r.published END
        FROM unnest($3::int[], $4::bytea[], $5::bool[]) AS t (entity, id, stands)
        LEFT JOIN sync_rows s ON s.bucket = $2 AND s.entity = t.entity AND s.id = t.id
        WHERE r.epoch = $1 AND r.bucket = $2 AND r.entity = t.entity AND r.id = t.id")
    .bind(int(epoch)?)
    .bind(bucket.to_string())
    .bind(settled.iter().map(|(kept, _)| i32::from(kept.entity)).collect::<Vec<_>>())
    .bind(settled.iter().map(|(kept, _)| kept.id.as_slice()).collect::<Vec<_>>())
    .bind(settled.iter().map(stand).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

fn kept(bucket: Bucket, row: &PgRow) -> Result<Kept, sqlx::Error> {
    let cells = Cells::of("salvaged_rows", row);
    let entity = u16::try_from(cells.number(0)?).map_err(|_| cells.misfit(0))?;
    let (id, payload): (Vec<u8>, Vec<u8>) = (cells.get(1)?, cells.get(2)?);
    let fields = Fields::from_canonical(&payload).map_err(|_| cells.misfit(2))?;
    Ok(Kept { bucket, entity, id, fields, unchanged_upto: cells.get(3)?, published: cells.get(4)? })
}

/// Lets one row stand, if it may.
async fn one(conn: &mut PgConnection, kept: &Kept, touched: &mut Touched) -> Result<Became, sqlx::Error> {
    let (Ok(key), Some(brought)) = (Key::from_bytes(&kept.id), kept.brought()) else {
        return Ok(Became::Waits);
    };
    if let (Order::NUMBER, Ok(order)) = (kept.entity, Order::from_fields(key, &kept.fields))
        && order.cooperative != brought.own
        && order.may_stand(brought.own)
    {
        return bought(conn, &order, &brought, touched).await;
    }
    let mut also = Vec::new();
    let Some(stands) = tables::stand(conn, &brought, key, &kept.fields, &mut also).await? else {
        return Ok(Became::Waits);
    };
    also.into_iter().for_each(|(bucket, entity, key)| touched.add(bucket, entity, key));
    touched.add(kept.bucket, kept.entity, key);
    if stands { Ok(Became::Stands) } else { beside_what_is_here(conn, kept).await }
}

/// What becomes of a row that changes nothing: what was done here since stays for good, and may be the same.
async fn beside_what_is_here(conn: &mut PgConnection, kept: &Kept) -> Result<Became, sqlx::Error> {
    let since = q_scalar::<bool>("SELECT payload = $6 FROM sync_rows WHERE bucket = $1 AND entity = $2 AND id = $3 AND version > $4 AND version <> $5")
        .bind(kept.bucket.to_string())
        .bind(kept.entity.cast_signed())
        .bind(&kept.id)
        .bind(kept.unchanged_upto)
        .bind(kept.published)
        .bind(kept.fields.canonical())
        .fetch_optional(conn)
        .await?;
    Ok(match since {
        None => Became::Waits,
        Some(true) => Became::Stands,
        Some(false) => Became::GaveWay,
    })
}
