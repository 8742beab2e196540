//! SQL of reading prices: one query a page.

use crate::db::{misfit, q};
use crate::market::reference::db::id;
use mizili_node::lists::PriceFilter;
use mizili_node::query::IdOrName;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use sync_protocol::entity::{PriceFlags, UnitBase};
use sync_protocol::units::Month;

/// The sort key of a list: month (downwards) and series (upwards).
pub(crate) type ListKey = (i32, i32);

/// A price with what is said of it.
pub(crate) struct PriceRow {
    pub(crate) series: i32,
    pub(crate) commodity: i32,
    pub(crate) commodity_name: String,
    pub(crate) market: i32,
    pub(crate) market_name: String,
    pub(crate) region: Option<String>,
    pub(crate) country: String,
    pub(crate) unit: String,
    pub(crate) base: UnitBase,
    pub(crate) factor_milli: i64,
    pub(crate) price_type: String,
    pub(crate) currency: String,
    pub(crate) source: String,
    pub(crate) month: Month,
    pub(crate) price_minor: i64,
    pub(crate) flags: PriceFlags,
    /// The price of the month before in the series, where there is one.
    pub(crate) before_minor: Option<i64>,
}

/// The page is cut before the month before is looked up, so that a long history costs a sort and no more.
macro_rules! select_price {
    ($price:literal) => {
        concat!(
            "SELECT page.*, b.price_minor AS before_minor FROM (
                SELECT s.id AS series, s.commodity_id, c.name AS commodity, s.market_id, m.name AS market, r.name AS region,
                       m.country, u.code AS unit, u.base, u.factor_milli, s.price_type, s.currency, s.source,
                       p.month, p.price_minor, p.flags
                FROM price_series s
                JOIN commodities c ON c.id = s.commodity_id
                JOIN markets m ON m.id = s.market_id
                JOIN units u ON u.id = s.unit_id
                LEFT JOIN regions r ON r.id = m.region_id ",
            $price,
            " WHERE ($1::int IS NULL OR s.commodity_id = $1)
                AND ($2::text IS NULL OR lower($2) IN (lower(c.name), lower(c.name_sw), lower(c.name_ny), lower(c.name_fr)))
                AND ($3::int IS NULL OR s.market_id = $3) AND ($4::text IS NULL OR lower(m.name) = lower($4))
                AND ($5::int IS NULL OR m.region_id = $5) AND ($6::text IS NULL OR lower(r.name) = lower($6))
                AND ($7::text IS NULL OR m.country = $7) AND ($8::text IS NULL OR lower(s.price_type) = lower($8))
                AND ($9::int IS NULL OR p.month >= $9) AND ($10::int IS NULL OR p.month <= $10)
                AND ($11::int IS NULL OR p.month < $11 OR (p.month = $11 AND s.id > $12::int))
                ORDER BY p.month DESC, s.id LIMIT $13) page
             LEFT JOIN prices b ON b.series_id = page.series AND b.month = page.month - 1
             ORDER BY page.month DESC, page.series"
        )
    };
}

/// Prices, newest months first, after a key.
pub(crate) async fn list(
    conn: &mut PgConnection,
    filter: &PriceFilter,
    after: Option<ListKey>,
    limit: i64,
) -> Result<Vec<PriceRow>, sqlx::Error> {
    const LATEST: &str = select_price!(
        "CROSS JOIN LATERAL (SELECT month, price_minor, flags FROM prices WHERE series_id = s.id ORDER BY month DESC LIMIT 1) p"
    );
    const HISTORY: &str = select_price!("JOIN prices p ON p.series_id = s.id");
    let (commodity, market, region) =
        (filter.commodity.as_ref(), filter.market.as_ref(), filter.region.as_ref());
    let month = |month: Option<Month>| month.map(|m| m.0.cast_signed());
    let query = q(if filter.latest { LATEST } else { HISTORY });
    let query = query.bind(id(commodity)).bind(IdOrName::name(commodity));
    let query = query.bind(id(market)).bind(IdOrName::name(market));
    let query = query.bind(id(region)).bind(IdOrName::name(region));
    let query = query.bind(filter.country.as_deref()).bind(filter.price_type.as_deref());
    let query = query.bind(month(filter.from)).bind(month(filter.to));
    let query = query.bind(after.map(|key| key.0)).bind(after.map(|key| key.1)).bind(limit);
    query.fetch_all(conn).await?.iter().map(price_of).collect()
}

fn price_of(row: &PgRow) -> Result<PriceRow, sqlx::Error> {
    let number =
        |table, column| u32::try_from(row.try_get::<i32, _>(column)?).map_err(|_| misfit(table, column));
    Ok(PriceRow {
        series: row.try_get("series")?,
        commodity: row.try_get("commodity_id")?,
        commodity_name: row.try_get("commodity")?,
        market: row.try_get("market_id")?,
        market_name: row.try_get("market")?,
        region: row.try_get("region")?,
        country: row.try_get("country")?,
        unit: row.try_get("unit")?,
        base: UnitBase::from_code(number("units", "base")?),
        factor_milli: row.try_get("factor_milli")?,
        price_type: row.try_get("price_type")?,
        currency: row.try_get("currency")?,
        source: row.try_get("source")?,
        month: Month(number("prices", "month")?),
        price_minor: row.try_get("price_minor")?,
        flags: PriceFlags(number("prices", "flags")?),
        before_minor: row.try_get("before_minor")?,
    })
}
