//! Lets rows that were brought back stand in the tables. What was done here since the restore stays as it is; a row that the tables do not
//! take keeps no other from standing.

use super::bought::bought;
use super::locks;
use crate::commands::Fact;
use crate::db::{Cells, phone};
use crate::db::{int, q, q_scalar};
use crate::error::ApiError;
use crate::feed::{Touched, publish};
use crate::jobs::bad_rows::{BadRows, OfARow as _};
use crate::news::Moved;
use sqlx::PgConnection;
use sqlx::postgres::PgRow;
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::Holder;
use sync_protocol::market::{Alias, Entity, Listing, Member, Order, StockEntry};
use sync_protocol::row::Key;
use sync_protocol::value::Fields;

/// Entities that stand again by themselves, in the order in which one needs another.
pub(super) const FACTS: [u16; 5] =
    [Member::NUMBER, Alias::NUMBER, Listing::NUMBER, StockEntry::NUMBER, Order::NUMBER];
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
    pub(super) bucket: Bucket,
    entity: u16,
    id: Vec<u8>,
    fields: Fields,
    /// The row that stands here is the backup's own up to this version.
    unchanged_upto: i64,
    /// The version under which an earlier state of it was let stand; 0 for none.
    published: i64,
}

const WAITING: &str = "SELECT entity, id, payload, coalesce(unchanged_upto,
        (SELECT h.version FROM restored_heads h WHERE h.epoch = s.epoch AND h.bucket = s.bucket), 0), coalesce(published, 0)
    FROM salvaged_rows s WHERE epoch = $1 AND bucket = $2 AND NOT stands AND ended IS NULL AND entity = ANY($3) ORDER BY array_position($3, entity), id";

/// Lets stand what does not yet: what waited for another row may stand now that it has come. Returns what moved.
pub(super) async fn stand(conn: &mut PgConnection, epoch: u32, bucket: Bucket) -> Result<Moved, ApiError> {
    let rows = q(WAITING)
        .bind(int(epoch)?)
        .bind(bucket.to_string())
        .bind(FACTS.map(i32::from).as_slice())
        .fetch_all(&mut *conn)
        .await?;
    locks::take(conn, &rows).await?;
    let mut bad = BadRows::of("salvage");
    let mut waiting = Vec::with_capacity(rows.len());
    for row in &rows {
        waiting.extend(bad.sift(format_args!("a row of {bucket}"), kept(bucket, row))?);
    }
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
    let Ok(key) = Key::from_bytes(&kept.id) else { return Ok(Became::Waits) };
    let Bucket::Coop(own) = kept.bucket else { return Ok(Became::Waits) };
    let stands = match Fact::read(own, kept.entity, key, &kept.fields) {
        None => return Ok(Became::Waits),
        Some(Fact::Member(row)) => member(conn, &row, kept.bucket, touched).await?,
        Some(Fact::Alias(row)) => alias(conn, &row, int(own.0)?).await?,
        Some(Fact::Listing(row)) => listing(conn, &row, kept).await?,
        Some(Fact::Entry(row)) => entry(conn, &row, int(own.0)?).await?,
        Some(Fact::Sold(row)) => {
            if let Some(buyer) = row.buyer_cooperative {
                touched.add(Bucket::Coop(buyer), Order::NUMBER, key);
            }
            order(conn, &row, kept).await?
        }
        Some(Fact::Bought(row)) => return bought(conn, &row, kept, touched).await,
    };
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

/// One whose number was registered again since gives way to the member that has it now, as in a registration: whatever names the one
/// means the other.
async fn member(
    conn: &mut PgConnection,
    row: &Member,
    bucket: Bucket,
    touched: &mut Touched,
) -> Result<bool, sqlx::Error> {
    let done = q("INSERT INTO members (id, cooperative_id, name, phone, language, registered_at_s) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT DO NOTHING")
    .bind(row.id.0)
    .bind(int(row.cooperative.0)?)
    .bind(&row.name)
    .bind(phone(row.phone)?)
    .bind(&row.language)
    .bind(row.registered_at_s)
    .execute(&mut *conn)
    .await?;
    if done.rows_affected() > 0 {
        return Ok(true);
    }
    let gave_way = q("INSERT INTO member_aliases AS a (from_id, to_id, cooperative_id) SELECT $1, id, cooperative_id FROM members
        WHERE cooperative_id = $2 AND phone = $3 AND NOT EXISTS (SELECT FROM members WHERE id = $1)
        ON CONFLICT (from_id) DO UPDATE SET to_id = a.to_id")
    .bind(row.id.0)
    .bind(int(row.cooperative.0)?)
    .bind(phone(row.phone)?)
    .execute(conn)
    .await?;
    let gave_way = gave_way.rows_affected() > 0;
    if gave_way {
        touched.add(bucket, Alias::NUMBER, Key::Uuid(row.id.0));
    }
    Ok(gave_way)
}

/// Whom it gave way to may have given way himself.
async fn alias(conn: &mut PgConnection, row: &Alias, cooperative: i32) -> Result<bool, sqlx::Error> {
    let done = q("INSERT INTO member_aliases (from_id, to_id, cooperative_id) SELECT $1, id, $3 FROM members
        WHERE id = $2 OR id = (SELECT to_id FROM member_aliases WHERE from_id = $2) ON CONFLICT DO NOTHING")
    .bind(row.from.0)
    .bind(row.to.0)
    .bind(cooperative)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// What was done here since the restore has a version that is neither the backup's nor one of a row that was brought before, and stays.
async fn listing(conn: &mut PgConnection, row: &Listing, kept: &Kept) -> Result<bool, sqlx::Error> {
    let done = q("INSERT INTO listings (id, cooperative_id, commodity_id, unit_id, title, price_minor, currency, seller_id, status,
            posted_at_s, prices_whole)
        SELECT $1, $2, c.id, u.id, $5, $6, $7, $8, $9, $10, false FROM commodities c, units u WHERE c.id = $3 AND u.id = $4
        ON CONFLICT (id) DO UPDATE SET title = excluded.title, price_minor = excluded.price_minor, status = excluded.status
        WHERE NOT EXISTS (SELECT FROM sync_rows WHERE bucket = $11 AND entity = $12 AND id = $13 AND version > $14 AND version <> $15)")
    .bind(row.id.0)
    .bind(int(row.cooperative.0)?)
    .bind(int(row.commodity.0)?)
    .bind(int(row.unit.0)?)
    .bind(&row.title)
    .bind(row.price_minor)
    .bind(row.currency.as_str())
    .bind(row.seller.map(|seller| seller.0))
    .bind(int(row.status.code())?)
    .bind(row.posted_at_s)
    .bind(kept.bucket.to_string())
    .bind(kept.entity.cast_signed())
    .bind(&kept.id)
    .bind(kept.unchanged_upto)
    .bind(kept.published)
    .execute(&mut *conn)
    .await?;
    if done.rows_affected() > 0 {
        q("INSERT INTO listing_prices (listing_id, price_minor) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(row.id.0)
            .bind(row.price_minor)
            .execute(conn)
            .await?;
    }
    Ok(done.rows_affected() > 0)
}

pub(super) async fn entry(
    conn: &mut PgConnection,
    row: &StockEntry,
    cooperative: i32,
) -> Result<bool, sqlx::Error> {
    let done = q("INSERT INTO stock_entries (of_id, step, listing_id, cooperative_id, holder, quantity_milli, kind)
        SELECT $1, $2, id, cooperative_id, $4, $5, $6 FROM listings WHERE id = $3 AND cooperative_id = $7 ON CONFLICT DO NOTHING")
    .bind(row.id.of)
    .bind(int(row.id.step)?)
    .bind(row.listing.0)
    .bind(int(row.holder.code())?)
    .bind(row.quantity.0)
    .bind(int(row.kind.code())?)
    .bind(cooperative)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Who ordered over REST is found again by the number.
pub(super) async fn order(conn: &mut PgConnection, row: &Order, kept: &Kept) -> Result<bool, sqlx::Error> {
    let done = q("INSERT INTO orders (id, listing_id, cooperative_id, quantity_milli, unit_price_minor, currency, holder, buyer_phone,
            buyer_name, buyer_cooperative_id, buyer_user_id, status, channel, placed_at_s, odd_price, recorded_at)
        SELECT $1, l.id, l.cooperative_id, $3, $4, $5, $6, $7, $8, $9, (SELECT id FROM users WHERE phone = $7 AND $11 = 0), $10, $11,
            $12, $13, coalesce(to_timestamp($18::bigint), now()) FROM listings l WHERE l.id = $2
        ON CONFLICT (id) DO UPDATE SET status = excluded.status, holder = excluded.holder, short_by = NULL
        WHERE NOT EXISTS (SELECT FROM sync_rows WHERE bucket = $14 AND entity = $15 AND id = $16 AND version > $17 AND version <> $19)")
    .bind(row.id.0)
    .bind(row.listing.0)
    .bind(row.quantity.0)
    .bind(row.unit_price_minor)
    .bind(row.currency.as_str())
    .bind(row.holder.map(|holder: Holder| int(holder.code())).transpose()?)
    .bind(phone(row.buyer_phone)?)
    .bind(&row.buyer_name)
    .bind(row.buyer_cooperative.map(|coop| int(coop.0)).transpose()?)
    .bind(int(row.status.code())?)
    .bind(int(row.channel.code())?)
    .bind(row.placed_at_s)
    .bind(row.odd_price)
    .bind(kept.bucket.to_string())
    .bind(kept.entity.cast_signed())
    .bind(&kept.id)
    .bind(kept.unchanged_upto)
    .bind(row.recorded_at_s)
    .bind(kept.published)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}
