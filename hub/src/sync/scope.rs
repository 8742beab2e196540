//! Which buckets an edge has. The hub alone decides: its cooperative, its own and neighbouring regions, its country, global, and
//! its own settings. A national node has every region and every cooperative of its country.

use super::store::EdgeRow;
use crate::db::q;
use sqlx::{PgConnection, Row};
use sync_protocol::bucket::{Bucket, CountryCode};
use sync_protocol::ids::{CooperativeId, RegionId};
use sync_protocol::limits::SCOPE_BUCKETS_MAX;

/// The edge's buckets, in the order of its cursors.
///
/// # Errors
/// Those of the database; a country code that is none is reported as a row that does not fit.
pub(super) async fn scope(conn: &mut PgConnection, edge: &EdgeRow) -> Result<Vec<Bucket>, sqlx::Error> {
    let row = q("SELECT country, region_id FROM cooperatives WHERE id = $1")
        .bind(edge.cooperative.0 as i32)
        .fetch_one(&mut *conn)
        .await?;
    let country: String = row.try_get(0)?;
    let region: Option<i32> = row.try_get(1)?;
    let code = CountryCode::new(&country)
        .ok_or_else(|| sqlx::Error::Decode("cooperatives.country is no country code".into()))?;
    let regions: Vec<i32> = if edge.national {
        q("SELECT id FROM regions WHERE country = $1 ORDER BY id").bind(&country).fetch_all(&mut *conn).await?
    } else {
        q("SELECT $1::int WHERE $1 IS NOT NULL UNION SELECT neighbour_id FROM region_neighbours WHERE region_id = $1 ORDER BY 1")
            .bind(region)
            .fetch_all(&mut *conn)
            .await?
    }
    .iter()
    .map(|r| r.try_get(0))
    .collect::<Result<_, _>>()?;
    let cooperatives: Vec<i32> = if edge.national {
        let rows = q("SELECT id FROM cooperatives WHERE country = $1 ORDER BY id")
            .bind(&country)
            .fetch_all(conn)
            .await?;
        rows.iter().map(|r| r.try_get(0)).collect::<Result<_, _>>()?
    } else {
        vec![edge.cooperative.0 as i32]
    };
    let mut buckets = vec![Bucket::Edge(edge.id), Bucket::Global, Bucket::Country(code)];
    for region in regions {
        let region = RegionId(region as u32);
        buckets.extend([Bucket::Region(region), Bucket::Catalogue(region)]);
    }
    buckets.extend(cooperatives.into_iter().map(|id| Bucket::Coop(CooperativeId(id as u32))));
    buckets.truncate(SCOPE_BUCKETS_MAX);
    Ok(buckets)
}
