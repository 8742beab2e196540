//! SQL of products. What holders have is only ever the sum of stock entries.

use super::ProductRow;
use crate::db::{Cells, Narrowed, misfit, q};
use crate::market::newest::{Newest, RecordedAt};
use crate::names::Meant;
use crate::names::kept::Kept;
use crate::tables::{Table, listing_beside, listing_columns, step_milli};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use mizili_node::market::products::ProductFilter;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use sync_protocol::market::{Listing, ListingStatus};
use uuid::Uuid;

/// Cooperatives are kept by Postgres' `int`.
pub(crate) type Filter = ProductFilter<i32>;

macro_rules! stock {
    () => {
        " CROSS JOIN LATERAL (
              SELECT total(e.quantity_milli) FILTER (WHERE e.holder = 0) AS hub_milli,
                     total(e.quantity_milli) AS total_milli
              FROM stock_entries e WHERE e.listing_id = l.id) s "
    };
}

/// A product of a list: what the database has of it. Its other names are kept in the process.
pub(crate) struct Listed<'r> {
    pub(crate) key: Newest,
    listing: Listing,
    cooperative: &'r str,
    region: Option<i32>,
    hub_milli: i64,
    total_milli: i64,
}

impl Listed<'_> {
    /// With its names; `None` where one is not known yet.
    pub(crate) fn named(&self, names: &Kept) -> Option<ProductRow> {
        Some(ProductRow {
            commodity: names.commodity(self.listing.commodity)?.to_owned(),
            unit: names.unit(self.listing.unit)?.code.clone(),
            cooperative: self.cooperative.to_owned(),
            region: match self.region {
                Some(region) => Some(names.region(region)?.to_owned()),
                None => None,
            },
            hub_milli: self.hub_milli,
            total_milli: self.total_milli,
            listing: self.listing.clone(),
        })
    }
}

/// One product.
pub(crate) async fn get(conn: &mut PgConnection, id: Uuid) -> Result<Option<ProductRow>, sqlx::Error> {
    const SQL: &str = concat!(
        "SELECT ",
        listing_columns!(),
        ", c.name AS commodity, u.code AS unit, k.name AS cooperative, r.name AS region, s.hub_milli, s.total_milli
         FROM listings l JOIN commodities c ON c.id = l.commodity_id
             JOIN units u ON u.id = l.unit_id
             JOIN cooperatives k ON k.id = l.cooperative_id
             LEFT JOIN regions r ON r.id = k.region_id",
        stock!(),
        "WHERE l.id = $1"
    );
    let product = |row: &PgRow| {
        Ok(ProductRow {
            listing: Listing::read(&Cells::of(Listing::TABLE, row))?,
            commodity: row.try_get("commodity")?,
            unit: row.try_get("unit")?,
            cooperative: row.try_get("cooperative")?,
            region: row.try_get("region")?,
            hub_milli: row.try_get("hub_milli")?,
            total_milli: row.try_get("total_milli")?,
        })
    };
    q(SQL).bind(id).fetch_optional(conn).await?.as_ref().map(product).transpose()
}

/// Locks a listing until the transaction ends, so that what was read of it stays so.
pub(crate) async fn lock(conn: &mut PgConnection, id: Uuid) -> Result<bool, sqlx::Error> {
    let row = q("SELECT 1 FROM listings WHERE id = $1 FOR UPDATE").bind(id).fetch_optional(conn).await?;
    Ok(row.is_some())
}

/// Rows of products, see [`listed`]: newest first, after a key, at least so many where there are. The page is cut before stock is added up.
pub(crate) async fn list(
    conn: &mut PgConnection,
    filter: &Filter,
    meant: &Meant,
    after: Option<Newest>,
    rows: i64,
) -> Result<Vec<PgRow>, sqlx::Error> {
    let after = match after.map(|(at, id)| Timestamp::from_microsecond(at.microseconds()).map(|at| (at, id)))
    {
        // Nothing is that old or that new.
        Some(Err(_)) => return Ok(Vec::new()),
        Some(Ok(key)) => Some(key),
        None => None,
    };
    text(filter, meant, after, rows).fetch_all(conn).await
}

/// Each common combination walks along an index of its own. What is on sale is asked for by nearly everybody, and indexed alone;
/// its status stands in the text, as in the index.
fn text(filter: &Filter, meant: &Meant, after: Option<(Timestamp, Uuid)>, rows: i64) -> Narrowed {
    let (commodities, regions) = (meant.commodities.as_deref(), meant.regions.as_deref());
    let several = |ids: Option<&[i32]>| ids.is_some_and(|ids| ids.len() > 1);
    let begun = Narrowed::of(concat!(
        "SELECT ",
        listing_columns!(),
        ", k.name AS cooperative, k.region_id, l.recorded_at, s.hub_milli, s.total_milli
         FROM (SELECT l.* FROM listings l WHERE "
    ));
    let begun = match filter.status {
        Some(ListingStatus::Active) => begun.then("l.status = 0"),
        Some(other) => begun.rarely("l.status = ?", Some(other.code().cast_signed())),
        None => begun.then("true").rare_if(true),
    };
    let narrowed = begun
        .among(" AND l.commodity_id = ?", " AND l.commodity_id = ANY(?)", commodities)
        .among(" AND l.region_id = ?", " AND l.region_id = ANY(?)", regions)
        .rare_if(several(commodities) || several(regions))
        .maybe(" AND l.cooperative_id = ?", filter.cooperative)
        .rarely(
            " AND EXISTS (SELECT FROM cooperatives k WHERE k.id = l.cooperative_id AND k.country = ?)",
            filter.country.as_deref(),
        )
        .rarely(
            " AND strpos(lower(concat_ws(' ', l.title, (SELECT c.name FROM commodities c WHERE c.id = l.commodity_id),
                 (SELECT k.name FROM cooperatives k WHERE k.id = l.cooperative_id))), lower(?)) > 0",
            filter.words.as_deref(),
        );
    let cut = match after {
        Some((at, id)) => narrowed.with(" AND (l.recorded_at, l.id) < (?,", at.to_sqlx()).with(" ?)", id),
        None => narrowed,
    };
    cut.at_least(" ORDER BY l.recorded_at DESC, l.id DESC LIMIT", rows).then(concat!(
        ") l JOIN cooperatives k ON k.id = l.cooperative_id",
        stock!(),
        "ORDER BY l.recorded_at DESC, l.id DESC"
    ))
}

/// What a row of [`list`] says. Read by place: this is what apps ask for most, and twenty rows at a time.
pub(crate) fn listed(row: &PgRow) -> Result<Listed<'_>, sqlx::Error> {
    let (listing, beside) = listing_beside(row)?;
    let recorded_at: jiff_sqlx::Timestamp = beside.get(2)?;
    Ok(Listed {
        key: (RecordedAt::of_row(recorded_at.to_jiff().as_microsecond()), listing.id.0),
        listing,
        cooperative: beside.get(0)?,
        region: beside.get(1)?,
        hub_milli: beside.get(3)?,
        total_milli: beside.get(4)?,
    })
}

/// The next number for a thing born at the hub.
pub(crate) async fn next_number(conn: &mut PgConnection) -> Result<u64, sqlx::Error> {
    let number: i64 = crate::db::q_scalar("SELECT nextval('hub_born_ids')").fetch_one(conn).await?;
    u64::try_from(number).map_err(|_| misfit("hub_born_ids", "last_value"))
}

/// What a new product refers to, where it is there.
pub(crate) struct References {
    /// The cooperative's currency.
    pub(crate) currency: Option<String>,
    pub(crate) commodity: bool,
    /// The steps in which the unit can be had, in thousandths.
    pub(crate) unit_step_milli: Option<i64>,
}

/// Looks up everything a new product refers to at once.
pub(crate) async fn references(
    conn: &mut PgConnection,
    cooperative: i32,
    commodity: i32,
    unit: i32,
) -> Result<References, sqlx::Error> {
    let sql = "SELECT (SELECT currency FROM cooperatives WHERE id = $1) AS currency,
                      EXISTS (SELECT FROM commodities WHERE id = $2) AS commodity, u.base, u.factor_milli
               FROM (SELECT) one LEFT JOIN units u ON u.id = $3";
    let row = q(sql).bind(cooperative).bind(commodity).bind(unit).fetch_one(conn).await?;
    Ok(References {
        currency: row.try_get("currency")?,
        commodity: row.try_get("commodity")?,
        unit_step_milli: step_milli(&row)?,
    })
}

/// The member of a cooperative with a number.
pub(crate) async fn member(
    conn: &mut PgConnection,
    cooperative: i32,
    phone: u64,
) -> Result<Option<Uuid>, sqlx::Error> {
    let sql = "SELECT id FROM members WHERE cooperative_id = $1 AND phone = $2";
    crate::db::q_scalar(sql).bind(cooperative).bind(phone.cast_signed()).fetch_optional(conn).await
}
