//! Which buckets an edge has. The hub alone decides: its cooperative, its own and neighbouring regions, its country, global, and
//! its own settings. A national node has every region and every cooperative of its country.

use super::store::EdgeRow;
use crate::db::Cells;
use crate::db::q;
use sqlx::PgConnection;
use sqlx::postgres::PgRow;
use std::collections::HashMap;
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::{CooperativeId, EdgeId, RegionId};
use sync_protocol::limits::SCOPE_BUCKETS_MAX;

/// What edges have, which of them is said last.
macro_rules! scopes {
    ($which:literal) => {
        concat!(
            "SELECT e.id, c.country,
                CASE WHEN e.national THEN ARRAY(SELECT r.id FROM regions r WHERE r.country = c.country ORDER BY r.id)
                    ELSE ARRAY(SELECT c.region_id WHERE c.region_id IS NOT NULL
                        UNION SELECT n.neighbour_id FROM region_neighbours n WHERE n.region_id = c.region_id ORDER BY 1) END,
                CASE WHEN e.national THEN ARRAY(SELECT o.id FROM cooperatives o WHERE o.country = c.country ORDER BY o.id)
                    ELSE ARRAY[c.id] END,
                e.incarnation, e.revoked_at IS NOT NULL
            FROM edges e JOIN cooperatives c ON c.id = e.cooperative_id WHERE e.id ",
            $which
        )
    };
}

/// By its number, not as a list of one: for lists the plan is made anew each time, which takes longer than what it is for.
const SCOPE: &str = scopes!("= $1");

/// The buckets of edges, each in the order of its cursors. One whose rows cannot be used says nothing about the others.
///
/// # Errors
/// Those of the database; of an edge: a country code that is none is reported as a row that does not fit.
pub(super) async fn scopes(
    conn: &mut PgConnection,
    edges: &[EdgeId],
) -> Result<HashMap<EdgeId, Result<Vec<Bucket>, sqlx::Error>>, sqlx::Error> {
    let ids: Vec<i32> = edges.iter().map(|edge| edge.0 as i32).collect();
    let rows = q(scopes!("= ANY($1)")).bind(ids).fetch_all(conn).await?;
    let scope = |row| {
        let edge = EdgeId(Cells::of("edges", row).number(0)?);
        Ok((edge, of_row(row, edge)))
    };
    rows.iter().map(scope).collect()
}

/// One edge's buckets, in the order of its cursors.
///
/// # Errors
/// As [`scopes`].
pub(super) async fn scope(conn: &mut PgConnection, edge: &EdgeRow) -> Result<Vec<Bucket>, sqlx::Error> {
    of_row(&q(SCOPE).bind(edge.id.0 as i32).fetch_one(conn).await?, edge.id)
}

/// How an edge stands.
pub(super) struct Standing {
    pub(super) incarnation: u32,
    pub(super) revoked: bool,
    /// Its buckets, in the order of its cursors.
    pub(super) scope: Vec<Bucket>,
}

/// How an edge stands, in one look; `None` for one that is not.
///
/// # Errors
/// As [`scopes`].
pub(super) async fn standing(conn: &mut PgConnection, edge: EdgeId) -> Result<Option<Standing>, sqlx::Error> {
    let row = q(SCOPE).bind(edge.0 as i32).fetch_optional(conn).await?;
    let standing = |row| {
        let cells = Cells::of("edges", row);
        Ok(Standing { incarnation: cells.number(4)?, revoked: cells.get(5)?, scope: of_row(row, edge)? })
    };
    row.as_ref().map(standing).transpose()
}

fn of_row(row: &PgRow, edge: EdgeId) -> Result<Vec<Bucket>, sqlx::Error> {
    let cells = Cells::of("cooperatives", row);
    let mut buckets = vec![Bucket::Edge(edge), Bucket::Global, Bucket::Country(cells.country(1)?)];
    for region in cells.get::<Vec<i32>>(2)? {
        let region = RegionId(region.cast_unsigned());
        buckets.extend([Bucket::Region(region), Bucket::Catalogue(region)]);
    }
    let cooperatives = cells.get::<Vec<i32>>(3)?;
    buckets.extend(cooperatives.into_iter().map(|id| Bucket::Coop(CooperativeId(id.cast_unsigned()))));
    buckets.truncate(SCOPE_BUCKETS_MAX);
    Ok(buckets)
}
