//! `listings`, and the prices at which they have stood: what is offered, where it stands, and what of it other cooperatives see.

use super::columns::{column, fitting_column};
use super::keys::Keys;
use super::reference::unit_of;
use super::rows::Rows;
use super::table::{
    Again, Brought, Catalogue, Loaded, Standing, Standings, Table, View, Written, stand, uuids,
};
use super::wanted::Wanted;
use crate::db::{Cells, any_of, int, q};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use sqlx::postgres::PgRow;
use std::collections::BTreeSet;
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::{CommodityId, CooperativeId, Holder, ListingId, MemberId, RegionId, UnitId};
use sync_protocol::market::{Facts, Listing, ListingStatus, Needs, Order, WorkingSet};
use sync_protocol::row::Key;
use sync_protocol::units::Quantity;
use sync_protocol::value::Fields;
use uuid::Uuid;

/// The columns that [`Table::read`] reads, of `listings l`.
macro_rules! columns {
    () => {
        "l.id, l.cooperative_id, l.commodity_id, l.unit_id, l.title, l.price_minor, l.currency, l.seller_id, l.status, l.posted_at_s"
    };
}
pub(crate) use columns as listing_columns;
/// How many these are.
const WIDTH: usize = 10;

/// A listing, and what stands beside it in a query that begins with these columns: the first that comes after them is column 0.
pub(crate) fn listing_beside(row: &PgRow) -> Result<(Listing, Cells<'_>), sqlx::Error> {
    let cells = Cells::of(Listing::TABLE, row);
    Ok((Listing::read(&cells)?, cells.after(WIDTH)))
}

impl Table for Listing {
    const TABLE: &'static str = "listings";
    const KEYS: Keys = Keys::Uuid("SELECT id FROM listings WHERE id > $1 ORDER BY id LIMIT $2");
    const CATALOGUE: Catalogue = Catalogue::Itself;

    fn read(cells: &Cells<'_>) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: ListingId(cells.get(0)?),
            cooperative: CooperativeId(cells.number(1)?),
            commodity: CommodityId(cells.number(2)?),
            unit: UnitId(cells.number(3)?),
            title: cells.get(4)?,
            price_minor: cells.get(5)?,
            currency: cells.currency(6)?,
            seller: cells.get::<Option<Uuid>>(7)?.map(MemberId),
            status: ListingStatus::from_code(cells.number(8)?),
            posted_at_s: cells.get(9)?,
            available: None,
        })
    }

    async fn standing(conn: &mut PgConnection, view: View, keys: &[Key]) -> Standings {
        match view {
            View::Home => at_home(conn, &uuids(keys)).await,
            View::Catalogue => in_catalogue(conn, &uuids(keys)).await,
        }
    }
}

async fn at_home(conn: &mut PgConnection, ids: &[Uuid]) -> Standings {
    let sql = concat!("SELECT ", columns!(), " FROM listings l WHERE l.id = ", any_of!(1, "uuid"));
    let rows = q(sql).bind(ids).fetch_all(conn).await?;
    stand::<Listing>(&rows, |listing| Bucket::Coop(listing.cooperative))
}

/// Listings on sale, with what the hub could sell of each now. Never a seller, never stock that an office holds for itself.
async fn in_catalogue(conn: &mut PgConnection, ids: &[Uuid]) -> Standings {
    let rows = q(concat!(
        "SELECT ",
        columns!(),
        ", c.region_id,
            (SELECT total(e.quantity_milli) FROM stock_entries e WHERE e.listing_id = l.id AND e.holder = 0)
        FROM listings l JOIN cooperatives c ON c.id = l.cooperative_id
        WHERE l.id = ANY($1) AND l.status = $2 AND c.region_id IS NOT NULL"
    ))
    .bind(ids)
    .bind(ListingStatus::Active.code() as i32)
    .fetch_all(conn)
    .await?;
    let standing = |row| {
        let cells = Cells::of(Listing::TABLE, row);
        let left = Quantity(cells.get(WIDTH + 1)?).max(Quantity::ZERO);
        let listing = Listing { seller: None, available: Some(left), ..Listing::read(&cells)? };
        Ok(Standing::new(Bucket::Catalogue(RegionId(cells.number(WIDTH)?)), &listing))
    };
    rows.iter().map(standing).collect()
}

macro_rules! locked {
    () => {
        concat!(
            "SELECT ",
            columns!(),
            ", l.prices_whole, l.cooperative_id IN (SELECT cooperative_id FROM awaited_offices WHERE NOT rows_came),
                u.code, u.base, u.factor_milli
            FROM listings l JOIN units u ON u.id = l.unit_id WHERE l.id = ",
            any_of!(1, "uuid"),
            " ORDER BY l.id FOR NO KEY UPDATE OF l"
        )
    };
}

impl Loaded for Listing {
    /// Locked, with their units, what each holder has of them, and at which prices they stood. Whoever changes a listing's stock or makes
    /// an order of it holds this lock, so what is read after it stays true until the commit.
    async fn load(conn: &mut PgConnection, wanted: &Wanted, set: &mut WorkingSet) -> Result<(), sqlx::Error> {
        let of_orders = wanted.found::<Order>().flat_map(|search| search.ids());
        let ids: BTreeSet<Uuid> = wanted.uuids::<Self>().into_iter().chain(of_orders).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let ids: Vec<Uuid> = ids.into_iter().collect();
        let sql = if wanted.passes_over { concat!(locked!(), " SKIP LOCKED") } else { locked!() };
        let rows = q(sql).bind(&ids).fetch_all(&mut *conn).await?;
        for row in &rows {
            let cells = Cells::of(Self::TABLE, row);
            let listing = Self::read(&cells)?;
            if cells.get(WIDTH)? {
                set.facts.priced.insert(listing.id);
            }
            if cells.get(WIDTH + 1)? {
                set.facts.awaited.insert(listing.id);
            }
            set.facts.prices.insert((listing.id, listing.price_minor));
            set.put(&unit_of(listing.unit, &cells, WIDTH + 2)?);
            set.put(&listing);
        }
        earlier_prices(conn, wanted, set).await?;
        stock(conn, &ids, set).await
    }
}

/// Which of the prices that sales name their listings have had before. Hardly ever another than today's, so this is hardly asked.
async fn earlier_prices(
    conn: &mut PgConnection,
    wanted: &Wanted,
    set: &mut WorkingSet,
) -> Result<(), sqlx::Error> {
    let asked = wanted.needs.prices.iter();
    let asked = asked.filter(|(listing, price)| set.facts.never_stood_at(*listing, *price));
    let (listings, prices): (Vec<Uuid>, Vec<i64>) = asked.map(|(listing, price)| (listing.0, *price)).unzip();
    if listings.is_empty() && !wanted.tries_all {
        return Ok(());
    }
    let rows = q("SELECT p.listing_id, p.price_minor FROM unnest($1::uuid[], $2::bigint[]) AS s (listing_id, price_minor)
        JOIN listing_prices p ON p.listing_id = s.listing_id AND p.price_minor = s.price_minor")
    .bind(listings)
    .bind(prices)
    .fetch_all(conn)
    .await?;
    for row in &rows {
        let cells = Cells::of("listing_prices", row);
        set.facts.prices.insert((ListingId(cells.get(0)?), cells.get(1)?));
    }
    Ok(())
}

/// What each holder has of each listing: the sum of its entries, read after the listings' locks.
async fn stock(conn: &mut PgConnection, listings: &[Uuid], set: &mut WorkingSet) -> Result<(), sqlx::Error> {
    let rows = q(concat!(
        "SELECT listing_id, holder, total(quantity_milli) FROM stock_entries WHERE listing_id = ",
        any_of!(1, "uuid"),
        " GROUP BY listing_id, holder"
    ))
    .bind(listings)
    .fetch_all(conn)
    .await?;
    for row in &rows {
        let cells = Cells::of("stock_entries", row);
        let (listing, holder) = (ListingId(cells.get(0)?), Holder::from_code(cells.number(1)?));
        set.set_available(listing, holder, Quantity(cells.get(2)?));
    }
    Ok(())
}

impl Written for Listing {
    async fn write(
        conn: &mut PgConnection,
        rows: &Rows,
        _: &Facts,
        at: Timestamp,
    ) -> Result<Vec<(u16, Key, Fields)>, sqlx::Error> {
        let Some(rows) = rows.to_write::<Self>()? else { return Ok(Vec::new()) };
        // A new one's prices are all known from here on.
        q("INSERT INTO listings (id, cooperative_id, commodity_id, unit_id, title, price_minor, currency, seller_id, status,
                posted_at_s, recorded_at, prices_whole)
            SELECT t.*, $11, true FROM unnest($1::uuid[], $2::int[], $3::int[], $4::int[], $5::text[], $6::bigint[], $7::text[],
                $8::uuid[], $9::int[], $10::bigint[]) AS t
            ON CONFLICT (id) DO UPDATE SET title = excluded.title, price_minor = excluded.price_minor,
                currency = excluded.currency, seller_id = excluded.seller_id, status = excluded.status")
        .bind(column!(rows, (l, _) => l.id.0))
        .bind(fitting_column!(rows, (l, _) => int(l.cooperative.0)))
        .bind(fitting_column!(rows, (l, _) => int(l.commodity.0)))
        .bind(fitting_column!(rows, (l, _) => int(l.unit.0)))
        .bind(column!(rows, (l, _) => l.title.as_str()))
        .bind(column!(rows, (l, _) => l.price_minor))
        .bind(column!(rows, (l, _) => l.currency.as_str()))
        .bind(column!(rows, (l, _) => l.seller.map(|seller| seller.0)))
        .bind(fitting_column!(rows, (l, _) => int(l.status.code())))
        .bind(column!(rows, (l, _) => l.posted_at_s))
        .bind(at.to_sqlx())
        .execute(&mut *conn)
        .await?;
        q("INSERT INTO listing_prices (listing_id, price_minor) SELECT * FROM unnest($1::uuid[], $2::bigint[]) ON CONFLICT DO NOTHING")
            .bind(column!(rows, (l, _) => l.id.0))
            .bind(column!(rows, (l, _) => l.price_minor))
            .execute(conn)
            .await?;
        Ok(Vec::new())
    }
}

impl Again for Listing {
    fn may_stand(&self, own: CooperativeId) -> bool {
        self.cooperative == own
    }

    fn stands_under(&self) -> Needs {
        Needs::of::<Self>(self.id)
    }

    /// What was done here since the restore has a version that is neither the backup's nor one of a row that was brought before, and stays.
    async fn stand(
        &self,
        conn: &mut PgConnection,
        brought: &Brought<'_>,
        _: &mut Vec<(Bucket, u16, Key)>,
    ) -> Result<bool, sqlx::Error> {
        let done = q("INSERT INTO listings (id, cooperative_id, commodity_id, unit_id, title, price_minor, currency, seller_id, status,
            posted_at_s, prices_whole)
        SELECT $1, $2, c.id, u.id, $5, $6, $7, $8, $9, $10, false FROM commodities c, units u WHERE c.id = $3 AND u.id = $4
        ON CONFLICT (id) DO UPDATE SET title = excluded.title, price_minor = excluded.price_minor, status = excluded.status
        WHERE NOT EXISTS (SELECT FROM sync_rows WHERE bucket = $11 AND entity = $12 AND id = $13 AND version > $14 AND version <> $15)")
    .bind(self.id.0)
    .bind(int(self.cooperative.0)?)
    .bind(int(self.commodity.0)?)
    .bind(int(self.unit.0)?)
    .bind(&self.title)
    .bind(self.price_minor)
    .bind(self.currency.as_str())
    .bind(self.seller.map(|seller| seller.0))
    .bind(int(self.status.code())?)
    .bind(self.posted_at_s)
    .bind(brought.bucket.to_string())
    .bind(brought.entity.cast_signed())
    .bind(brought.id)
    .bind(brought.unchanged_upto)
    .bind(brought.published)
    .execute(&mut *conn)
    .await?;
        if done.rows_affected() > 0 {
            q("INSERT INTO listing_prices (listing_id, price_minor) VALUES ($1, $2) ON CONFLICT DO NOTHING")
                .bind(self.id.0)
                .bind(self.price_minor)
                .execute(conn)
                .await?;
        }
        Ok(done.rows_affected() > 0)
    }
}
