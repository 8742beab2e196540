//! Orders that a buyer's office brought. What they did to the seller's stock lies in the seller's bucket alone, which nobody brought: so the
//! hub's units are spent here, and where there are not as many any more the order is marked as one that lacks them, for its seller to settle.
//! Nothing stands by it that somebody may still bring or decide, or that was decided anew here.

use super::stand::Became;
use crate::db::{Cells, int, misfit, q, q_scalar};
use crate::feed::Touched;
use crate::tables::{Again, Brought};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row as _};
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::Holder;
use sync_protocol::market::{Entity, EntryId, EntryKind, Order, OrderStatus, StockEntry};
use sync_protocol::row::Key;
use sync_protocol::units::Quantity;

/// Lets an order stand from its buyer's bucket, or an end of it of which the seller's office knew nothing.
pub(super) async fn bought(
    conn: &mut PgConnection,
    row: &Order,
    brought: &Brought<'_>,
    touched: &mut Touched,
) -> Result<Became, sqlx::Error> {
    match said_here(conn, row).await? {
        Said::Awaited => return Ok(Became::Waits),
        Said::Refused => return Ok(Became::GaveWay),
        Said::Nothing => {}
    }
    let stands = match here(conn, row).await? {
        // The seller's office brought it, or it was made here: what stands is not made twice. Of an end alone nobody may know.
        Some((here, _)) if here == row.status => return Ok(Became::Stands),
        Some((OrderStatus::Confirmed | OrderStatus::Short, true)) if row.status == OrderStatus::Cancelled => {
            release(conn, row, brought, touched).await?;
            end(conn, row).await?
        }
        Some((OrderStatus::Confirmed, true)) if row.status == OrderStatus::Fulfilled => {
            end(conn, row).await?
        }
        Some(_) => return Ok(Became::GaveWay),
        None => make(conn, row, brought, touched).await?,
    };
    if !stands {
        return Ok(Became::Waits);
    }
    for bucket in [Bucket::Coop(row.cooperative), brought.bucket] {
        touched.add(bucket, Order::NUMBER, Key::Uuid(row.id.0));
    }
    Ok(Became::Stands)
}

/// What else may speak of an order.
enum Said {
    Nothing,
    /// An office may bring it or offer it again, or the command that makes it lies here undecided.
    Awaited,
    /// It was offered again and is off: its buyer was told.
    Refused,
}

async fn said_here(conn: &mut PgConnection, row: &Order) -> Result<Said, sqlx::Error> {
    let said = q("SELECT EXISTS (SELECT FROM awaited_offices), (SELECT verdict FROM commands WHERE id = $1)")
        .bind(row.id.0)
        .fetch_one(conn)
        .await?;
    let cells = Cells::of("commands", &said);
    let (is_awaited, verdict): (bool, Option<&str>) = (cells.get(0)?, cells.get(1)?);
    Ok(match verdict {
        Some("rejected" | "dismissed") => Said::Refused,
        Some("held" | "quarantined" | "unsupported") => Said::Awaited,
        _ if is_awaited => Said::Awaited,
        _ => Said::Nothing,
    })
}

/// How far the order is here, if it is, and whether it is of that buyer's cooperative. Its listing is locked, so nobody makes it meanwhile.
async fn here(conn: &mut PgConnection, row: &Order) -> Result<Option<(OrderStatus, bool)>, sqlx::Error> {
    let here = q(
        "SELECT status, buyer_cooperative_id IS NOT DISTINCT FROM $2 AS of_buyer FROM orders WHERE id = $1",
    )
    .bind(row.id.0)
    .bind(row.buyer_cooperative.map(|coop| int(coop.0)).transpose()?)
    .fetch_optional(conn)
    .await?;
    let read = |here: &PgRow| {
        let status: i32 = here.try_get("status")?;
        let status = u32::try_from(status).map_err(|_| misfit("orders", "status"))?;
        Ok((OrderStatus::from_code(status), here.try_get("of_buyer")?))
    };
    here.as_ref().map(read).transpose()
}

/// Makes the order, and takes its units from the hub's.
async fn make(
    conn: &mut PgConnection,
    row: &Order,
    brought: &Brought<'_>,
    touched: &mut Touched,
) -> Result<bool, sqlx::Error> {
    step(conn, row, brought, EntryId::SOLD, touched).await?;
    if row.status == OrderStatus::Cancelled {
        release(conn, row, brought, touched).await?;
    }
    let is_lacking = row.status == OrderStatus::Confirmed && left(conn, row).await? < Quantity::ZERO;
    let status = if is_lacking { OrderStatus::Short } else { row.status };
    let odd_price = row.odd_price || never_stood_at(conn, row).await?;
    // Where it stands, its caller says.
    Order { status, odd_price, ..row.clone() }.stand(conn, brought, &mut Vec::new()).await
}

async fn end(conn: &mut PgConnection, row: &Order) -> Result<bool, sqlx::Error> {
    let done = q("UPDATE orders SET status = $2, short_by = NULL WHERE id = $1")
        .bind(row.id.0)
        .bind(int(row.status.code())?)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() > 0)
}

async fn release(
    conn: &mut PgConnection,
    row: &Order,
    brought: &Brought<'_>,
    touched: &mut Touched,
) -> Result<(), sqlx::Error> {
    step(conn, row, brought, EntryId::RELEASED, touched).await
}

/// Writes one of the two entries that an order makes; it bears the order's id, so one that is here already is the same.
async fn step(
    conn: &mut PgConnection,
    row: &Order,
    brought: &Brought<'_>,
    step: u32,
    touched: &mut Touched,
) -> Result<(), sqlx::Error> {
    let is_sale = step == EntryId::SOLD;
    let made = StockEntry {
        id: EntryId { of: row.id.0, step },
        listing: row.listing,
        holder: Holder::Hub,
        quantity: if is_sale { row.quantity.negated() } else { row.quantity },
        kind: if is_sale { EntryKind::Sale } else { EntryKind::Release },
    };
    let of_the_seller = Brought { own: row.cooperative, ..*brought };
    if made.stand(conn, &of_the_seller, &mut Vec::new()).await? {
        touched.add(Bucket::Coop(row.cooperative), StockEntry::NUMBER, Key::Step(row.id.0, step));
    }
    Ok(())
}

/// What the hub has of the listing after it.
async fn left(conn: &mut PgConnection, row: &Order) -> Result<Quantity, sqlx::Error> {
    let left: i64 =
        q_scalar("SELECT total(quantity_milli) FROM stock_entries WHERE listing_id = $1 AND holder = $2")
            .bind(row.listing.0)
            .bind(int(Holder::Hub.code())?)
            .fetch_one(conn)
            .await?;
    Ok(Quantity(left))
}

/// Whether the listing never had that price, as far as its history is known.
async fn never_stood_at(conn: &mut PgConnection, row: &Order) -> Result<bool, sqlx::Error> {
    q_scalar(
        "SELECT EXISTS (SELECT FROM listings WHERE id = $1 AND prices_whole AND price_minor <> $2)
            AND NOT EXISTS (SELECT FROM listing_prices WHERE listing_id = $1 AND price_minor = $2)",
    )
    .bind(row.listing.0)
    .bind(row.unit_price_minor)
    .fetch_one(conn)
    .await
}
