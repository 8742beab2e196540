//! Rows that edges have and a restored database has forgotten. All are kept whole, for an operator; what says what happened (members,
//! listings, stock entries, orders) stands again at once. Nothing here may overwrite what was done here since the restore.

mod locks;

use super::forgotten::Gap;
use super::store::EdgeRow;
use crate::db::{Db, int, q, q_scalar, retrying};
use crate::error::{ApiError, Problem};
use crate::feed::{Touched, publish};
use crate::jobs::bad_rows::BadRows;
use crate::news::Moved;
use crate::rows::{Cells, phone};
use mizili_node::deps::Deps;
use sqlx::PgConnection;
use sqlx::postgres::PgRow;
use std::sync::OnceLock;
use sync_protocol::bucket::Bucket;
use sync_protocol::entity::{Alias, Entity, Listing, Member, Order, StockEntry};
use sync_protocol::ids::{EdgeId, Holder};
use sync_protocol::row::Key;
use sync_protocol::value::Fields;
use sync_protocol::wire::frame::FrameReader;
use sync_protocol::wire::message::Message;
use sync_protocol::wire::rows::Rows;

/// Entities that stand again by themselves, in the order in which one needs another.
const FACTS: [u16; 5] = [Member::NUMBER, Alias::NUMBER, Listing::NUMBER, StockEntry::NUMBER, Order::NUMBER];

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
    for row in rows.rows.iter().filter(|row| row.version > gap.heard) {
        let Some(body) = &row.body else { continue };
        // Between what was heard last and what stood when the restore was noticed, the backup ended, and this hub has gone on: what
        // stands here of that may be either's.
        let unchanged_upto = if row.version > gap.head { gap.head } else { gap.heard };
        q("INSERT INTO salvaged_rows AS s (epoch, bucket, entity, id, version, payload, edge_id, stands, unchanged_upto)
            SELECT $1, $2, $3, $4, $5, $6, $7, false, $8 WHERE $5 > $9 OR NOT EXISTS (
                SELECT FROM sync_rows WHERE bucket = $2 AND entity = $3 AND id = $4 AND version > $8)
            ON CONFLICT (epoch, bucket, entity, id) DO UPDATE SET version = excluded.version, payload = excluded.payload,
                edge_id = excluded.edge_id, stands = false, unchanged_upto = excluded.unchanged_upto
            WHERE s.version < excluded.version")
        .bind(int(epoch)?)
        .bind(bucket.to_string())
        .bind(i32::from(row.entity))
        .bind(row.key.to_bytes().to_vec())
        .bind(row.version.cast_signed())
        .bind(body.to_canonical())
        .bind(int(edge.id.0)?)
        .bind(unchanged_upto.cast_signed())
        .bind(gap.head.cast_signed())
        .execute(&mut *conn)
        .await?;
    }
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
        "SELECT DISTINCT epoch, bucket FROM salvaged_rows WHERE NOT stands AND entity = ANY($1) ORDER BY 1, 2",
    );
    let mut tx = db.begin().await?;
    let rows = of.bind(FACTS.map(i32::from).as_slice()).fetch_all(&mut *tx).await?;
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

/// One row as it was kept.
struct Kept {
    bucket: Bucket,
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
    FROM salvaged_rows s WHERE epoch = $1 AND bucket = $2 AND NOT stands AND entity = ANY($3) ORDER BY array_position($3, entity), id";

/// Lets stand what does not yet: what waited for another row may stand now that it has come. Returns what moved.
async fn stand(conn: &mut PgConnection, epoch: u32, bucket: Bucket) -> Result<Moved, ApiError> {
    let rows = q(WAITING)
        .bind(int(epoch)?)
        .bind(bucket.to_string())
        .bind(FACTS.map(i32::from).as_slice())
        .fetch_all(&mut *conn)
        .await?;
    locks::take(conn, &rows).await?;
    let mut touched = Touched::new();
    let mut bad = BadRows::of("salvage");
    let (mut entities, mut ids) = (Vec::new(), Vec::new());
    for row in &rows {
        let Some(kept) = bad.sift(format_args!("a row of {bucket}"), kept(bucket, row))? else { continue };
        let named = format!("{} {:?} of {bucket}", kept.entity, Key::from_bytes(&kept.id));
        // One that the tables do not take leaves the transaction as it was before it.
        q("SAVEPOINT salvaged").execute(&mut *conn).await?;
        let done = bad.sift(named, one(conn, &kept, &mut touched).await)?;
        if done.is_none() {
            q("ROLLBACK TO SAVEPOINT salvaged").execute(&mut *conn).await?;
        }
        q("RELEASE SAVEPOINT salvaged").execute(&mut *conn).await?;
        if done == Some(true) {
            entities.push(i32::from(kept.entity));
            ids.push(kept.id);
        }
    }
    publish(conn, &touched).await.map_err(sqlx::Error::from)?;
    q("UPDATE salvaged_rows r SET stands = true, published = s.version FROM unnest($3::int[], $4::bytea[]) AS t (entity, id)
        LEFT JOIN sync_rows s ON s.bucket = $2 AND s.entity = t.entity AND s.id = t.id
        WHERE r.epoch = $1 AND r.bucket = $2 AND r.entity = t.entity AND r.id = t.id")
    .bind(int(epoch)?)
    .bind(bucket.to_string())
    .bind(entities)
    .bind(ids)
    .execute(conn)
    .await?;
    Ok(touched.moved())
}

fn kept(bucket: Bucket, row: &PgRow) -> Result<Kept, sqlx::Error> {
    let cells = Cells::of("salvaged_rows", row);
    let entity = u16::try_from(cells.number(0)?).map_err(|_| cells.misfit(0))?;
    let (id, payload): (Vec<u8>, Vec<u8>) = (cells.get(1)?, cells.get(2)?);
    let fields = Fields::from_canonical(&payload).map_err(|_| cells.misfit(2))?;
    Ok(Kept { bucket, entity, id, fields, unchanged_upto: cells.get(3)?, published: cells.get(4)? })
}

/// Lets one row stand. Whether it does.
async fn one(conn: &mut PgConnection, kept: &Kept, touched: &mut Touched) -> Result<bool, sqlx::Error> {
    let Ok(key) = Key::from_bytes(&kept.id) else { return Ok(false) };
    let Bucket::Coop(own) = kept.bucket else { return Ok(false) };
    let done = match kept.entity {
        Member::NUMBER => match Member::from_fields(key, &kept.fields) {
            Ok(row) if row.cooperative == own => member(conn, &row, kept.bucket, touched).await?,
            _ => return Ok(false),
        },
        Alias::NUMBER => match Alias::from_fields(key, &kept.fields) {
            Ok(row) => alias(conn, &row, int(own.0)?).await?,
            Err(_) => return Ok(false),
        },
        Listing::NUMBER => match Listing::from_fields(key, &kept.fields) {
            Ok(row) if row.cooperative == own => listing(conn, &row, kept).await?,
            _ => return Ok(false),
        },
        StockEntry::NUMBER => match StockEntry::from_fields(key, &kept.fields) {
            Ok(row) => entry(conn, &row, int(own.0)?).await?,
            Err(_) => return Ok(false),
        },
        _ => match Order::from_fields(key, &kept.fields) {
            Ok(row) if row.cooperative == own => {
                if let Some(buyer) = row.buyer_cooperative {
                    touched.add(Bucket::Coop(buyer), Order::NUMBER, key);
                }
                order(conn, &row, kept).await?
            }
            _ => return Ok(false),
        },
    };
    touched.add(kept.bucket, kept.entity, key);
    Ok(done)
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

async fn entry(conn: &mut PgConnection, row: &StockEntry, cooperative: i32) -> Result<bool, sqlx::Error> {
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
async fn order(conn: &mut PgConnection, row: &Order, kept: &Kept) -> Result<bool, sqlx::Error> {
    let done = q("INSERT INTO orders (id, listing_id, cooperative_id, quantity_milli, unit_price_minor, currency, holder, buyer_phone,
            buyer_name, buyer_cooperative_id, buyer_user_id, status, channel, placed_at_s, odd_price, recorded_at)
        SELECT $1, l.id, l.cooperative_id, $3, $4, $5, $6, $7, $8, $9, (SELECT id FROM users WHERE phone = $7 AND $11 = 0), $10, $11,
            $12, $13, coalesce(to_timestamp($18::bigint), now()) FROM listings l WHERE l.id = $2
        ON CONFLICT (id) DO UPDATE SET status = excluded.status, holder = excluded.holder
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
