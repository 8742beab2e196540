//! What other cooperatives of a region see: who is there, and what can be bought. Never a seller, never a price of the past,
//! never stock that an office holds for itself.

use super::people::cooperative;
use super::{Standing, Standings};
use crate::db::q;
use crate::rows::{self, Cells};
use sqlx::PgConnection;
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::RegionId;
use sync_protocol::market::{Listing, ListingStatus};
use sync_protocol::units::Quantity;
use uuid::Uuid;

/// Listings on sale, with what the hub could sell of each now.
pub(super) async fn listings(conn: &mut PgConnection, ids: &[Uuid]) -> Standings {
    let rows = q("SELECT l.id, l.cooperative_id, l.commodity_id, l.unit_id, l.title, l.price_minor, l.currency, l.seller_id,
            l.status, l.posted_at_s, c.region_id,
            (SELECT total(e.quantity_milli) FROM stock_entries e WHERE e.listing_id = l.id AND e.holder = 0)
        FROM listings l JOIN cooperatives c ON c.id = l.cooperative_id
        WHERE l.id = ANY($1) AND l.status = $2 AND c.region_id IS NOT NULL")
    .bind(ids)
    .bind(ListingStatus::Active.code() as i32)
    .fetch_all(conn)
    .await?;
    let standing = |row| {
        let cells = Cells::of("listings", row);
        let left = Quantity(cells.get(11)?).max(Quantity::ZERO);
        let listing = Listing { seller: None, available: Some(left), ..rows::listing(row)? };
        Ok(Standing::new(Bucket::Catalogue(RegionId(cells.number(10)?)), &listing))
    };
    rows.iter().map(standing).collect()
}

pub(super) async fn cooperatives(conn: &mut PgConnection, ids: &[i32]) -> Standings {
    let rows = q("SELECT id, name, country, region_id, currency, hub_share_percent FROM cooperatives
        WHERE id = ANY($1) AND region_id IS NOT NULL")
    .bind(ids)
    .fetch_all(conn)
    .await?;
    let standing = |row| {
        let region = RegionId(Cells::of("cooperatives", row).number(3)?);
        Ok(Standing::new(Bucket::Catalogue(region), &cooperative(row)?))
    };
    rows.iter().map(standing).collect()
}
