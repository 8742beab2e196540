//! Projections of the market within its cooperatives: listings, stock entries, orders.

use super::{Standing, Standings};
use crate::db::{any_of, q};
use crate::rows::{self, Cells};
use sqlx::PgConnection;
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::CooperativeId;
use sync_protocol::market::Order;
use sync_protocol::row::Key;
use uuid::Uuid;

pub(super) async fn listings(conn: &mut PgConnection, ids: &[Uuid]) -> Standings {
    let rows = q(concat!("SELECT id, cooperative_id, commodity_id, unit_id, title, price_minor, currency, seller_id, status, posted_at_s
        FROM listings WHERE id = ", any_of!(1, "uuid")))
    .bind(ids)
    .fetch_all(conn)
    .await?;
    let standing = |row| {
        let listing = rows::listing(row)?;
        Ok(Standing::new(Bucket::Coop(listing.cooperative), &listing))
    };
    rows.iter().map(standing).collect()
}

pub(super) async fn stock_entries(conn: &mut PgConnection, keys: &[Key]) -> Standings {
    let step = |key: &Key| match key {
        Key::Step(of, step) => i32::try_from(*step).ok().map(|step| (*of, step)),
        _ => None,
    };
    let (of, steps): (Vec<Uuid>, Vec<i32>) = keys.iter().filter_map(step).unzip();
    let rows = q(
        "SELECT e.of_id, e.step, e.listing_id, e.holder, e.quantity_milli, e.kind, e.cooperative_id
        FROM unnest($1::uuid[], $2::int[]) AS k (of_id, step)
        JOIN LATERAL (SELECT * FROM stock_entries WHERE of_id = k.of_id AND step = k.step LIMIT 1) e ON true",
    )
    .bind(of)
    .bind(steps)
    .fetch_all(conn)
    .await?;
    let standing = |row| {
        let cooperative = CooperativeId(Cells::of("stock_entries", row).number(6)?);
        Ok(Standing::new(Bucket::Coop(cooperative), &rows::stock_entry(row)?))
    };
    rows.iter().map(standing).collect()
}

/// In the seller's cooperative, and in the buyer's where that is another.
pub(super) async fn orders(conn: &mut PgConnection, ids: &[Uuid]) -> Standings {
    let rows = q(concat!("SELECT o.id, o.listing_id, o.cooperative_id, o.quantity_milli, o.unit_price_minor, o.currency, o.holder, o.buyer_phone,
            o.buyer_name, o.buyer_cooperative_id, o.status, o.channel, o.placed_at_s, o.odd_price,
            coalesce(NOT a.phone_confirmed, false),
            CASE WHEN o.says_recorded THEN floor(extract(epoch FROM o.recorded_at))::bigint END
        FROM orders o LEFT JOIN users a ON a.id = o.buyer_user_id WHERE o.id = ", any_of!(1, "uuid")))
    .bind(ids)
    .fetch_all(conn)
    .await?;
    let mut standings = Vec::with_capacity(rows.len());
    for row in &rows {
        let cells = Cells::of("orders", row);
        let (buyer_unconfirmed, recorded_at_s) = (cells.get(14)?, cells.get(15)?);
        let order = Order { buyer_unconfirmed, recorded_at_s, ..rows::order(row)? };
        standings.push(Standing::new(Bucket::Coop(order.cooperative), &order));
        if let Some(buyer) = order.buyer_cooperative.filter(|buyer| *buyer != order.cooperative) {
            standings.push(Standing::new(Bucket::Coop(buyer), &order));
        }
    }
    Ok(standings)
}
