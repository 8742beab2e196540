//! SQL of reading prices: one query a page. Names are kept in the process.

use crate::db::Narrowed;
use crate::names::Meant;
use crate::tables::{priced, priced_columns};
use mizili_node::market::prices::PriceFilter;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use sync_protocol::market::{Price, PriceSeries};
use sync_protocol::units::Month;

/// The sort key of a list: month (downwards) and series (upwards).
pub(crate) type ListKey = (i32, i32);

/// A price as the database has it.
pub(crate) struct PriceRow<'r> {
    pub(crate) series: PriceSeries,
    pub(crate) price: Price,
    pub(crate) source: &'r str,
    /// The price of the month before in the series, where there is one.
    pub(crate) before_minor: Option<i64>,
}

/// Rows of prices, see [`price_of`]: newest months first, after a key, at least so many where there are.
pub(crate) async fn list(
    conn: &mut PgConnection,
    filter: &PriceFilter,
    meant: &Meant,
    after: Option<ListKey>,
    rows: i64,
) -> Result<Vec<PgRow>, sqlx::Error> {
    text(filter, meant, after, rows).fetch_all(conn).await
}

/// The page is cut before the month before is looked up, so that a long history costs a sort and no more.
fn text(filter: &PriceFilter, meant: &Meant, after: Option<ListKey>, rows: i64) -> Narrowed {
    const LATEST: &str = " CROSS JOIN LATERAL (
                SELECT series_id, month, price_minor, flags FROM prices WHERE series_id = s.id ORDER BY month DESC LIMIT 1) p WHERE true";
    const HISTORY: &str = " JOIN prices p ON p.series_id = s.id WHERE true";
    let (commodities, markets) = (meant.commodities.as_deref(), meant.markets.as_deref());
    let one = |ids: Option<&[i32]>| ids.is_some_and(|ids| ids.len() == 1);
    let month = |month: Option<Month>| month.map(|m| m.0.cast_signed());
    // A history of anything but one line of prices is for tables that somebody makes once.
    let rare = !(filter.latest || one(commodities) && one(markets));
    let narrowed = Narrowed::of(concat!(
        "SELECT page.*, b.price_minor AS before_minor FROM (SELECT ",
        priced_columns!(),
        ", s.source FROM price_series s"
    ))
    .then(if filter.latest { LATEST } else { HISTORY })
    .among(" AND s.commodity_id = ?", " AND s.commodity_id = ANY(?)", commodities)
    .among(" AND s.market_id = ?", " AND s.market_id = ANY(?)", markets)
    .rarely(" AND lower(s.price_type) = lower(?)", filter.price_type.as_deref())
    .maybe(" AND p.month >= ?", month(filter.from))
    .maybe(" AND p.month <= ?", month(filter.to))
    .rare_if(rare);
    let cut = match after {
        Some((month, series)) => {
            narrowed.with(" AND (p.month < ? OR (p.month = ?", month).with(" AND s.id > ?))", series)
        }
        None => narrowed,
    };
    cut.at_least(" ORDER BY p.month DESC, s.id LIMIT", rows).then(
        ") page
         LEFT JOIN prices b ON b.series_id = page.id AND b.month = page.month - 1
         ORDER BY page.month DESC, page.id",
    )
}

/// What a row of [`list`] says.
pub(crate) fn price_of(row: &PgRow) -> Result<PriceRow<'_>, sqlx::Error> {
    let (series, price) = priced(row)?;
    Ok(PriceRow { series, price, source: row.try_get("source")?, before_minor: row.try_get("before_minor")? })
}
