//! `stock_entries`: what holders took in, gave and sold, entry by entry.

use super::keys::Keys;
use super::orders::write_sales;
use super::rows::Rows;
use super::table::{Again, Brought, Catalogue, Loaded, Standing, Standings, Table, View, Written, put_all};
use super::wanted::Wanted;
use crate::db::{Cells, any_of, int, q};
use jiff::Timestamp;
use sqlx::PgConnection;
use sync_protocol::bucket::Bucket;
use sync_protocol::field::Field;
use sync_protocol::ids::{CooperativeId, Holder, ListingId};
use sync_protocol::market::{Entity, EntryId, EntryKind, Facts, Listing, Needs, StockEntry, WorkingSet};
use sync_protocol::row::{Key, Row};
use sync_protocol::units::Quantity;
use sync_protocol::value::Fields;
use uuid::Uuid;

macro_rules! columns {
    () => {
        "e.of_id, e.step, e.listing_id, e.holder, e.quantity_milli, e.kind"
    };
}
/// How many these are.
const WIDTH: usize = 6;

impl Table for StockEntry {
    const TABLE: &'static str = "stock_entries";
    const KEYS: Keys = Keys::Step(
        "SELECT of_id, step FROM stock_entries WHERE (of_id, step) > ($1, $2) ORDER BY of_id, step LIMIT $3",
    );
    const CATALOGUE: Catalogue = Catalogue::Changes(listing_of);

    fn read(cells: &Cells<'_>) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: EntryId { of: cells.get(0)?, step: cells.number(1)? },
            listing: ListingId(cells.get(2)?),
            holder: Holder::from_code(cells.number(3)?),
            quantity: Quantity(cells.get(4)?),
            kind: EntryKind::from_code(cells.number(5)?),
        })
    }

    async fn standing(conn: &mut PgConnection, _: View, keys: &[Key]) -> Standings {
        let step = |key: &Key| match key {
            Key::Step(of, step) => i32::try_from(*step).ok().map(|step| (*of, step)),
            _ => None,
        };
        let (of, steps): (Vec<Uuid>, Vec<i32>) = keys.iter().filter_map(step).unzip();
        let rows = q(concat!(
            "SELECT ",
            columns!(),
            ", e.cooperative_id FROM unnest($1::uuid[], $2::int[]) AS k (of_id, step)
            JOIN LATERAL (SELECT * FROM stock_entries WHERE of_id = k.of_id AND step = k.step LIMIT 1) e ON true"
        ))
        .bind(of)
        .bind(steps)
        .fetch_all(conn)
        .await?;
        let standing = |row| {
            let cells = Cells::of(Self::TABLE, row);
            let cooperative = CooperativeId(cells.number(WIDTH)?);
            Ok(Standing::new(Bucket::Coop(cooperative), &Self::read(&cells)?))
        };
        rows.iter().map(standing).collect()
    }
}

/// Others see what the hub could sell of its listing.
fn listing_of(row: &Row) -> Option<(u16, Uuid)> {
    let mut fields = row.body.as_ref()?.in_order();
    let listing: ListingId = Field::take(&mut fields, StockEntry::LISTING.number())?;
    Some((Listing::NUMBER, listing.0))
}

impl Loaded for StockEntry {
    /// Those of whole aggregates. They never change, so nothing is locked.
    async fn load(conn: &mut PgConnection, wanted: &Wanted, set: &mut WorkingSet) -> Result<(), sqlx::Error> {
        let of = wanted.steps::<Self>();
        if of.is_empty() {
            return Ok(());
        }
        let sql =
            concat!("SELECT ", columns!(), " FROM stock_entries e WHERE e.of_id = ", any_of!(1, "uuid"));
        put_all::<Self>(&q(sql).bind(of).fetch_all(conn).await?, set)
    }
}

impl Written for StockEntry {
    /// With the new orders, which nearly always come with entries.
    async fn write(
        conn: &mut PgConnection,
        rows: &Rows,
        _: &Facts,
        at: Timestamp,
    ) -> Result<Vec<(u16, Key, Fields)>, sqlx::Error> {
        write_sales(conn, rows, at).await
    }
}

impl Again for StockEntry {
    fn may_stand(&self, _: CooperativeId) -> bool {
        true
    }

    fn stands_under(&self) -> Needs {
        Needs::of::<Listing>(self.listing)
    }

    async fn stand(
        &self,
        conn: &mut PgConnection,
        brought: &Brought<'_>,
        _: &mut Vec<(Bucket, u16, Key)>,
    ) -> Result<bool, sqlx::Error> {
        let done = q("INSERT INTO stock_entries (of_id, step, listing_id, cooperative_id, holder, quantity_milli, kind)
        SELECT $1, $2, id, cooperative_id, $4, $5, $6 FROM listings WHERE id = $3 AND cooperative_id = $7 ON CONFLICT DO NOTHING")
    .bind(self.id.of)
    .bind(int(self.id.step)?)
    .bind(self.listing.0)
    .bind(int(self.holder.code())?)
    .bind(self.quantity.0)
    .bind(int(self.kind.code())?)
    .bind(int(brought.own.0)?)
    .execute(conn)
    .await?;
        Ok(done.rows_affected() > 0)
    }
}
