//! What has to hold, looked at from outside on what is really stored. Each says what is wrong as an error, so that a test can show that
//! it would notice; none changes anything, but for exchanges that carry what is new.

use crate::world::World;
use anyhow::{Result, ensure};
use mizili_hub::feed::check;
use sync_protocol::ids::Holder;
use sync_protocol::units::Quantity;

/// How often a count changed what a holder has of a listing, which may have sold it meanwhile.
fn lost_to_a_count(listing: &str, holder: &str) -> String {
    format!(
        "SELECT count(*) FROM stock_entries s WHERE s.listing_id = {listing} AND s.holder = {holder} AND s.kind IN (6, 7)"
    )
}

impl World {
    /// All lines are mended, and everybody catches up.
    pub(crate) async fn heal(&self) -> Result<()> {
        for _ in 0..2 {
            for office in &self.offices {
                office.line.mend();
                let report = office.sync().await?;
                ensure!(report.digests_equal, "edge {}: {report:?}", office.edge);
            }
        }
        Ok(())
    }

    /// While a bucket is whole, no office may believe that it has less than nothing, unless a count took what it had sold.
    pub(crate) async fn nobody_spends_what_it_lacks(&self) -> Result<()> {
        for office in &self.offices {
            if !office.is_complete().await {
                continue;
            }
            for listing in office.listings().await {
                let left = office.spendable(listing.id).await;
                let (id, holder) = (listing.id.0, Holder::Edge(office.edge).code());
                if left < Quantity::ZERO
                    && self.count(lost_to_a_count(&format!("'{id}'"), &holder.to_string())).await > 0
                {
                    continue;
                }
                ensure!(left >= Quantity::ZERO, "edge {} has {left} of {}", office.edge, listing.id);
            }
        }
        Ok(())
    }

    /// Every command has its final verdict, on both sides, and no local effect is left behind.
    pub(crate) async fn all_is_settled(&self) -> Result<()> {
        for office in &self.offices {
            let open = "SELECT seq || ' ' || coalesce(verdict, 'waits') FROM command
                WHERE verdict IS NULL OR verdict NOT IN ('applied', 'rejected', 'dismissed')";
            let open: Vec<String> = office.column(open).await;
            ensure!(open.is_empty(), "without a final verdict at edge {}: {open:?}", office.edge);
            let left: Vec<i64> = office.column("SELECT seq FROM local_row").await;
            ensure!(left.is_empty(), "local effects were left behind at edge {}: {left:?}", office.edge);
        }
        let open = "SELECT edge_id || '/' || seq || ' ' || verdict FROM commands WHERE verdict NOT IN ('applied', 'rejected', 'dismissed')";
        let open = self.texts(open).await;
        ensure!(open.is_empty(), "without a final verdict at the hub: {open:?}");
        Ok(())
    }

    /// The feed is what the tables say, and every replica is what the feed says.
    pub(crate) async fn both_sides_are_equal(&self) -> Result<()> {
        let report = check::compare_all(&self.db, &self.deps).await?;
        ensure!(report.differences() == 0, "the feed is not what the tables say: {report:?}");
        // The check let the catalogue's job catch up; the offices hear of that too.
        self.heal().await?;
        self.replicas_are_the_feed().await
    }

    /// The second half of [`World::both_sides_are_equal`], as things stand.
    pub(crate) async fn replicas_are_the_feed(&self) -> Result<()> {
        for office in &self.offices {
            let mut compared = 0;
            let buckets = office.buckets().await;
            for bucket in &buckets {
                let (here, there) = (office.rows(*bucket).await, self.rows_at_the_hub(*bucket).await);
                compared += there.len();
                ensure!(here == there, "{bucket} at edge {}: {here:?}, at the hub {there:?}", office.edge);
            }
            ensure!(compared > 50 || buckets.is_empty(), "only {compared} rows compared");
        }
        Ok(())
    }

    /// No holder has sold more than it had, no order is short, unless a count found that less was there, and what an office believes to hold is what the hub says.
    pub(crate) async fn nothing_was_oversold(&self) -> Result<()> {
        let over = self
            .texts(
                "SELECT listing_id || ' of holder ' || holder || ': ' || sum(quantity_milli) FROM stock_entries
                 GROUP BY listing_id, holder HAVING sum(quantity_milli) < 0 AND count(*) FILTER (WHERE kind IN (6, 7)) = 0",
            )
            .await;
        ensure!(over.is_empty(), "sold more than there was: {over:?}");
        let excused = lost_to_a_count("o.listing_id", "o.holder");
        let short = self
            .texts(format!(
                "SELECT o.id::text FROM orders o WHERE o.status = 3 AND o.short_by IS NULL AND ({excused}) = 0"
            ))
            .await;
        ensure!(short.is_empty(), "orders are short: {short:?}");
        for office in &self.offices {
            for listing in office.listings().await.iter().filter(|l| l.cooperative == office.cooperative) {
                let held = self.held(listing.id, Holder::Edge(office.edge)).await;
                let here = office.spendable(listing.id).await;
                ensure!(
                    here == held,
                    "edge {} has {here} of {}, and the hub says {held}",
                    office.edge,
                    listing.id
                );
            }
        }
        Ok(())
    }
}
