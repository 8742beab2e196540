//! Which prices the feed keeps: the newest months of each series. Older ones stay in the hub's tables, for the REST API.

use super::Touched;
use crate::db::Cells;
use crate::db::{int, q};
use sqlx::PgConnection;
use sync_protocol::ids::SeriesId;
use sync_protocol::market::{Entity, Price};
use sync_protocol::row::Key;

/// Names every price of these series whose place in the feed has to be looked at because the series' newest month moved, or the
/// number of months did: those that have left the months kept, and those that have come back into them. To be called after the
/// change, in its transaction; prices that were themselves changed are named by whoever changed them.
///
/// # Errors
/// Those of the database.
pub async fn touch_window(
    conn: &mut PgConnection,
    touched: &mut Touched,
    series: &[SeriesId],
) -> Result<(), sqlx::Error> {
    let ids: Vec<i32> = series.iter().map(|id| int(id.0)).collect::<Result<_, _>>()?;
    // A key's bytes are 2, series, month, big-endian: one range for each series.
    let rows = q("WITH w AS (
            SELECT s.id, m.region_id, m.country, coalesce('region:' || m.region_id, 'country:' || m.country) AS bucket,
                s.newest_month - (SELECT price_history_months FROM hub) AS last_gone
            FROM price_series s JOIN markets m ON m.id = s.market_id WHERE s.id = ANY($1)
        ), f AS (
            SELECT w.id, ('x' || encode(substr(r.id, 6, 4), 'hex'))::bit(32)::int AS month, r.deleted
            FROM w JOIN sync_rows r ON r.bucket = w.bucket AND r.entity = $2
                AND r.id >= '\\x02'::bytea || int4send(w.id) AND r.id < '\\x02'::bytea || int4send(w.id + 1)
        )
        SELECT w.id, w.region_id, w.country, f.month FROM w JOIN f ON f.id = w.id AND NOT f.deleted WHERE f.month <= w.last_gone
        UNION ALL
        SELECT w.id, w.region_id, w.country, p.month FROM w JOIN prices p ON p.series_id = w.id AND p.month > w.last_gone
        WHERE NOT EXISTS (SELECT FROM f WHERE f.id = w.id AND f.month = p.month AND NOT f.deleted)")
    .bind(ids)
    .bind(Price::NUMBER as i16)
    .fetch_all(conn)
    .await?;
    for row in &rows {
        let cells = Cells::of("prices", row);
        touched.add(cells.place(1, 2)?, Price::NUMBER, Key::Pair(cells.number(0)?, cells.number(3)?));
    }
    Ok(())
}
