//! SQL of products. What holders have is only ever the sum of stock entries.

use super::ProductRow;
use crate::db::{misfit, q};
use crate::market::reference::db::id;
use mizili_node::lists::ProductFilter;
use mizili_node::query::IdOrName;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use sync_protocol::entity::ListingStatus;
use uuid::Uuid;

/// Cooperatives are kept by Postgres' `int`.
pub(crate) type Filter = ProductFilter<i32>;

/// The sort key of a list: when the hub recorded it, in microseconds, and the id.
pub(crate) type ListKey = (i64, Uuid);

macro_rules! select_product {
    ($with:literal, $from:literal, $tail:literal) => {
        concat!(
            $with,
            " SELECT l.id, l.title, l.commodity_id, c.name AS commodity, l.unit_id, u.code AS unit, l.price_minor, l.currency,
                     l.cooperative_id, k.name AS cooperative, r.name AS region, l.seller_id, l.status, l.posted_at_s,
                     (extract(epoch FROM l.recorded_at) * 1000000)::bigint AS recorded_at_us, s.hub_milli, s.total_milli
              FROM ",
            $from,
            " l JOIN commodities c ON c.id = l.commodity_id
                JOIN units u ON u.id = l.unit_id
                JOIN cooperatives k ON k.id = l.cooperative_id
                LEFT JOIN regions r ON r.id = k.region_id
                CROSS JOIN LATERAL (
                    SELECT coalesce(sum(e.quantity_milli) FILTER (WHERE e.holder = 0), 0)::bigint AS hub_milli,
                           coalesce(sum(e.quantity_milli), 0)::bigint AS total_milli
                    FROM stock_entries e WHERE e.listing_id = l.id) s ",
            $tail
        )
    };
}

fn product_of(row: &PgRow) -> Result<ProductRow, sqlx::Error> {
    let status = u32::try_from(row.try_get::<i32, _>("status")?).map_err(|_| misfit("listings", "status"))?;
    Ok(ProductRow {
        id: row.try_get("id")?,
        title: row.try_get("title")?,
        commodity: row.try_get("commodity_id")?,
        commodity_name: row.try_get("commodity")?,
        unit: row.try_get("unit_id")?,
        unit_code: row.try_get("unit")?,
        price_minor: row.try_get("price_minor")?,
        currency: row.try_get("currency")?,
        cooperative: row.try_get("cooperative_id")?,
        cooperative_name: row.try_get("cooperative")?,
        region: row.try_get("region")?,
        seller: row.try_get("seller_id")?,
        status: ListingStatus::from_code(status),
        posted_at_s: row.try_get("posted_at_s")?,
        recorded_at_us: row.try_get("recorded_at_us")?,
        hub_milli: row.try_get("hub_milli")?,
        total_milli: row.try_get("total_milli")?,
    })
}

/// One product.
pub(crate) async fn get(conn: &mut PgConnection, id: Uuid) -> Result<Option<ProductRow>, sqlx::Error> {
    const SQL: &str = select_product!("", "listings", "WHERE l.id = $1");
    q(SQL).bind(id).fetch_optional(conn).await?.as_ref().map(product_of).transpose()
}

/// Locks a listing until the transaction ends, so that what was read of it stays so.
pub(crate) async fn lock(conn: &mut PgConnection, id: Uuid) -> Result<bool, sqlx::Error> {
    let row = q("SELECT 1 FROM listings WHERE id = $1 FOR UPDATE").bind(id).fetch_optional(conn).await?;
    Ok(row.is_some())
}

/// Products newest first, after a key. The page is cut before stock is added up.
pub(crate) async fn list(
    conn: &mut PgConnection,
    filter: &Filter,
    after: Option<ListKey>,
    limit: i64,
) -> Result<Vec<ProductRow>, sqlx::Error> {
    const SQL: &str = select_product!(
        "WITH page AS MATERIALIZED (
            SELECT l.* FROM listings l
            JOIN commodities c ON c.id = l.commodity_id
            JOIN cooperatives k ON k.id = l.cooperative_id
            LEFT JOIN regions r ON r.id = k.region_id
            WHERE ($1::int IS NULL OR l.commodity_id = $1)
              AND ($2::text IS NULL OR lower($2) IN (lower(c.name), lower(c.name_sw), lower(c.name_ny), lower(c.name_fr)))
              AND ($3::text IS NULL OR starts_with(lower(c.name), lower($3)) OR starts_with(lower(c.name_sw), lower($3))
                   OR starts_with(lower(c.name_ny), lower($3)) OR starts_with(lower(c.name_fr), lower($3)))
              AND ($4::int IS NULL OR k.region_id = $4)
              AND ($5::text IS NULL OR lower(r.name) = lower($5))
              AND ($6::text IS NULL OR k.country = $6)
              AND ($7::int IS NULL OR l.cooperative_id = $7)
              AND ($8::int IS NULL OR l.status = $8)
              AND ($9::text IS NULL OR strpos(lower(concat_ws(' ', l.title, c.name, k.name)), lower($9)) > 0)
              AND ($10::bigint IS NULL OR (l.recorded_at, l.id) < ('epoch'::timestamptz + $10 * interval '1 microsecond', $11))
            ORDER BY l.recorded_at DESC, l.id DESC LIMIT $12)",
        "page",
        "ORDER BY l.recorded_at DESC, l.id DESC"
    );
    let (commodity, region) = (filter.commodity.as_ref(), filter.region.as_ref());
    let query = q(SQL).bind(id(commodity)).bind(IdOrName::name(commodity)).bind(filter.crop.as_deref());
    let query = query.bind(id(region)).bind(IdOrName::name(region)).bind(filter.country.as_deref());
    let query = query
        .bind(filter.cooperative)
        .bind(filter.status.map(|s| s.code().cast_signed()))
        .bind(filter.words.as_deref());
    let query = query.bind(after.map(|key| key.0)).bind(after.map(|key| key.1)).bind(limit);
    query.fetch_all(conn).await?.iter().map(product_of).collect()
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
    pub(crate) unit: bool,
}

/// Looks up everything a new product refers to at once.
pub(crate) async fn references(
    conn: &mut PgConnection,
    cooperative: i32,
    commodity: i32,
    unit: i32,
) -> Result<References, sqlx::Error> {
    let sql = "SELECT (SELECT currency FROM cooperatives WHERE id = $1) AS currency,
                      EXISTS (SELECT FROM commodities WHERE id = $2) AS commodity, EXISTS (SELECT FROM units WHERE id = $3) AS unit";
    let row = q(sql).bind(cooperative).bind(commodity).bind(unit).fetch_one(conn).await?;
    Ok(References {
        currency: row.try_get("currency")?,
        commodity: row.try_get("commodity")?,
        unit: row.try_get("unit")?,
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
