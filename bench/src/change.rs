//! Changes prices at a hub: a thousand random ones go up by one unit of money, as in the peers' `sync-change`. In one
//! transaction, published as any other change.

use anyhow::{Result, ensure};
use mizili_hub::db::{Db, q};
use mizili_hub::feed::{Touched, publish};
use sqlx::Row as _;
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::RegionId;
use sync_protocol::market::{Entity, Price};
use sync_protocol::row::Key;

/// Changes so many prices.
pub(crate) async fn prices(db: &Db, count: u32) -> Result<()> {
    let mut tx = db.begin().await?;
    let rows = q("UPDATE prices p SET price_minor = p.price_minor + 100
        FROM (SELECT series_id, month FROM prices ORDER BY random() LIMIT $1) c, price_series s, markets m
        WHERE p.series_id = c.series_id AND p.month = c.month AND s.id = p.series_id AND m.id = s.market_id
        RETURNING p.series_id, p.month, m.region_id")
    .bind(i64::from(count))
    .fetch_all(&mut *tx)
    .await?;
    ensure!(rows.len() == count as usize, "only {} of {count} prices are there", rows.len());
    let mut touched = Touched::new();
    for row in &rows {
        let number = |at| Ok::<_, anyhow::Error>(u32::try_from(row.try_get::<i32, _>(at)?)?);
        let (series, month, region) = (number(0)?, number(1)?, number(2)?);
        touched.add(Bucket::Region(RegionId(region)), Price::NUMBER, Key::Pair(series, month));
    }
    publish(&mut tx, &touched).await?;
    // What a hub tells the others that share its database: a connected edge hears of it at once.
    q("SELECT pg_notify('mizili_news', '')").execute(&mut *tx).await?;
    Ok(tx.commit().await?)
}
