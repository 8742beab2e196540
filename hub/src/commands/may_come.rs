//! What is not known here and may come all the same: after a restore an office may bring it, or what makes it lies here undecided. Locks
//! nothing and decides nothing; it is asked after what is known was looked for and locked.

use super::brought::brought;
use crate::db::Cells;
use crate::db::{any_of, q, q_scalar};
use sqlx::PgConnection;
use std::collections::HashSet;
use sync_protocol::ids::CommandId;
use sync_protocol::market::{Body, ListingPost, RawBody};
use uuid::Uuid;

/// What was asked for by id and is not known here.
#[derive(Default)]
pub(crate) struct Unknown {
    /// Listings.
    pub(crate) listings: Vec<Uuid>,
    /// Orders.
    pub(crate) orders: Vec<Uuid>,
}

impl Unknown {
    pub(super) fn is_empty(&self) -> bool {
        self.listings.is_empty() && self.orders.is_empty()
    }
}

/// Which of these listings and orders, that were not known here a moment ago, may come: all while an office has not come since a restore, or
/// has not offered all of what it offers again; else those whose row was brought here and may stand yet, and those that a command makes
/// which lies here undecided, unless it is one of `deciding`, which are being decided here. Whatever has come since they were looked for is
/// one of them: who brought it is not asked any more then.
pub(crate) async fn may_come(
    conn: &mut PgConnection,
    Unknown { listings, orders }: &Unknown,
    deciding: &[Uuid],
) -> Result<HashSet<Uuid>, sqlx::Error> {
    let unknown: Vec<Uuid> = listings.iter().chain(orders).copied().collect();
    let sql = "SELECT id FROM unnest($1::uuid[]) AS u (id) WHERE EXISTS (SELECT FROM awaited_offices)
        UNION ALL SELECT id FROM commands
            WHERE id = ANY($1) AND id <> ALL($2) AND verdict IN ('held', 'quarantined', 'unsupported')";
    let found = q_scalar::<Uuid>(sql).bind(&unknown).bind(deciding);
    let mut may_come: HashSet<Uuid> = found.fetch_all(&mut *conn).await?.into_iter().collect();
    may_come.extend(brought(conn, &unknown).await?);
    let listings: Vec<Uuid> = listings.iter().filter(|id| !may_come.contains(id)).copied().collect();
    if !listings.is_empty() {
        may_come.extend(posted_undecided(conn, &listings, deciding).await?);
    }
    let rest: Vec<Uuid> = unknown.into_iter().filter(|id| !may_come.contains(id)).collect();
    if !rest.is_empty() {
        let sql =
            "SELECT id FROM listings WHERE id = ANY($1) UNION ALL SELECT id FROM orders WHERE id = ANY($1)";
        may_come.extend(q_scalar::<Uuid>(sql).bind(rest).fetch_all(conn).await?);
    }
    Ok(may_come)
}

/// Which of these listings postings would make that lie here undecided: their ids stand in the postings alone, at one place in each. One
/// that came under another's id makes another listing than it names.
async fn posted_undecided(
    conn: &mut PgConnection,
    listings: &[Uuid],
    deciding: &[Uuid],
) -> Result<Vec<Uuid>, sqlx::Error> {
    let rows = q(concat!(
        "SELECT body FROM commands WHERE kind = $2 AND id <> ALL($3) AND clash_id IS NULL
            AND verdict IN ('held', 'quarantined', 'unsupported') AND substring(body FROM 3 FOR 16) = ",
        any_of!(1, "bytea")
    ))
    .bind(listings.iter().map(|id| id.as_bytes().to_vec()).collect::<Vec<_>>())
    .bind(i32::from(ListingPost::KIND))
    .bind(deciding)
    .fetch_all(conn)
    .await?;
    let made = |row| {
        let cells = Cells::of("commands", row);
        let body = RawBody { kind: ListingPost::KIND, bytes: cells.get(0)? };
        Ok(Body::from_raw(&body).ok().flatten().and_then(|body| body.makes(CommandId(Uuid::nil()))?.id()))
    };
    rows.iter().filter_map(|row| made(row).transpose()).collect()
}
