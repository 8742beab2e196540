//! SQL for the prices themselves, what they were before, and the newest month of each series.

use std::collections::HashMap;

use sqlx::{PgConnection, Row};

use super::super::plan::{CONTEXT_PRICES, Stored};
use crate::db::{int, misfit, q, q_scalar};

/// What a chunk must know of a series before it writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct SeriesInfo {
    /// Months since year 0.
    pub(in super::super) newest_month: u32,
    /// How many months of it, counted back from the newest, the feed keeps.
    pub(in super::super) history_months: u32,
    /// Region of its market.
    pub(in super::super) region_id: Option<i32>,
}

fn month(value: i32) -> Result<u32, sqlx::Error> {
    u32::try_from(value).map_err(|_| misfit("prices", "month"))
}

/// The series by id.
pub(in super::super) async fn series_info(
    connection: &mut PgConnection,
    ids: &[i32],
) -> Result<HashMap<i32, SeriesInfo>, sqlx::Error> {
    let rows = q(
        "SELECT s.id, s.newest_month, m.region_id, (SELECT price_history_months FROM hub) AS history_months
        FROM price_series s JOIN markets m ON m.id = s.market_id WHERE s.id = ANY($1)",
    )
    .bind(ids)
    .fetch_all(connection)
    .await?;
    let info = |row: &sqlx::postgres::PgRow| {
        let info = SeriesInfo {
            newest_month: month(row.try_get("newest_month")?)?,
            history_months: month(row.try_get("history_months")?)?,
            region_id: row.try_get("region_id")?,
        };
        Ok((row.try_get("id")?, info))
    };
    rows.iter().map(info).collect()
}

/// A stretch of a series: its id, first and last month.
pub(in super::super) type Stretch = (i32, u32, u32);

/// Stored prices of stretches, with [`CONTEXT_PRICES`] more on each side where there are so many; by series.
pub(in super::super) async fn around(
    connection: &mut PgConnection,
    stretches: &[Stretch],
) -> Result<HashMap<i32, Vec<Stored>>, sqlx::Error> {
    let column =
        |of: fn(&Stretch) -> u32| stretches.iter().map(|one| int(of(one))).collect::<Result<Vec<_>, _>>();
    let rows = q("SELECT s.id, p.month, p.price_minor, p.flags
        FROM UNNEST($1::int[], $2::int[], $3::int[]) AS s (id, low, high)
        CROSS JOIN LATERAL (
            SELECT month, price_minor, flags FROM prices WHERE series_id = s.id AND month BETWEEN s.low AND s.high
            UNION ALL (SELECT month, price_minor, flags FROM prices
                WHERE series_id = s.id AND month < s.low ORDER BY month DESC LIMIT $4)
            UNION ALL (SELECT month, price_minor, flags FROM prices
                WHERE series_id = s.id AND month > s.high ORDER BY month LIMIT $4)
        ) p")
    .bind(stretches.iter().map(|stretch| stretch.0).collect::<Vec<_>>())
    .bind(column(|stretch| stretch.1)?)
    .bind(column(|stretch| stretch.2)?)
    .bind(i64::try_from(CONTEXT_PRICES).unwrap_or(i64::MAX))
    .fetch_all(connection)
    .await?;
    let mut by_series: HashMap<i32, Vec<Stored>> = HashMap::with_capacity(stretches.len());
    for row in rows {
        let flags: i32 = row.try_get("flags")?;
        let price = Stored {
            month: month(row.try_get("month")?)?,
            price_minor: row.try_get("price_minor")?,
            flags: u32::try_from(flags).map_err(|_| misfit("prices", "flags"))?,
        };
        by_series.entry(row.try_get("id")?).or_default().push(price);
    }
    Ok(by_series)
}

/// Prices to write, column by column.
#[derive(Debug, Default)]
pub(in super::super) struct Rows {
    series_ids: Vec<i32>,
    months: Vec<i32>,
    prices_minor: Vec<i64>,
    flags: Vec<i32>,
    by_file: Vec<bool>,
}

impl Rows {
    /// Adds one. `by_file`: the file says so; false where only the suspect flag moved.
    pub(in super::super) fn push(
        &mut self,
        series_id: i32,
        price: &Stored,
        by_file: bool,
    ) -> Result<(), sqlx::Error> {
        self.series_ids.push(series_id);
        self.months.push(int(price.month)?);
        self.prices_minor.push(price.price_minor);
        self.flags.push(int(price.flags)?);
        self.by_file.push(by_file);
        Ok(())
    }

    pub(in super::super) fn is_empty(&self) -> bool {
        self.series_ids.is_empty()
    }
}

/// Puts new prices in.
///
/// # Errors
/// Those of the database, and that a series is not there.
pub(in super::super) async fn insert(
    connection: &mut PgConnection,
    import_id: i32,
    rows: Rows,
) -> Result<(), sqlx::Error> {
    let given = rows.series_ids.len();
    let done = q("INSERT INTO prices (series_id, month, price_minor, flags, import_id)
        SELECT n.*, $5 FROM UNNEST($1::int[], $2::int[], $3::bigint[], $4::int[]) AS n (series_id, month, price_minor, flags)
        JOIN price_series s ON s.id = n.series_id")
    .bind(rows.series_ids)
    .bind(rows.months)
    .bind(rows.prices_minor)
    .bind(rows.flags)
    .bind(import_id)
    .execute(connection)
    .await?;
    // Series stay (`series_stay`), so a price that is put in beside its own has it for good.
    if done.rows_affected() < given as u64 { Err(misfit("prices", "series_id")) } else { Ok(()) }
}

pub(in super::super) async fn update(
    connection: &mut PgConnection,
    import_id: i32,
    rows: Rows,
) -> Result<(), sqlx::Error> {
    q("UPDATE prices p SET price_minor = n.price_minor, flags = n.flags,
            import_id = CASE WHEN n.by_file THEN $6 ELSE p.import_id END
        FROM UNNEST($1::int[], $2::int[], $3::bigint[], $4::int[], $5::bool[])
            AS n (series_id, month, price_minor, flags, by_file)
        WHERE p.series_id = n.series_id AND p.month = n.month")
    .bind(rows.series_ids)
    .bind(rows.months)
    .bind(rows.prices_minor)
    .bind(rows.flags)
    .bind(rows.by_file)
    .bind(import_id)
    .execute(connection)
    .await?;
    Ok(())
}

/// Keeps what stood before an import changed it.
pub(in super::super) async fn insert_revisions(
    connection: &mut PgConnection,
    import_id: i32,
    rows: Rows,
) -> Result<(), sqlx::Error> {
    q("INSERT INTO price_revisions (series_id, month, price_minor, flags, import_id)
        SELECT *, $5 FROM UNNEST($1::int[], $2::int[], $3::bigint[], $4::int[])
        ON CONFLICT (series_id, month, import_id) DO NOTHING")
    .bind(rows.series_ids)
    .bind(rows.months)
    .bind(rows.prices_minor)
    .bind(rows.flags)
    .bind(import_id)
    .execute(connection)
    .await?;
    Ok(())
}

/// Moves the newest month of series on: (series, month).
pub(in super::super) async fn advance(
    connection: &mut PgConnection,
    newest: &[(i32, u32)],
) -> Result<(), sqlx::Error> {
    q("UPDATE price_series s SET newest_month = n.newest_month
        FROM UNNEST($1::int[], $2::int[]) AS n (id, newest_month) WHERE s.id = n.id")
    .bind(newest.iter().map(|(id, _)| *id).collect::<Vec<_>>())
    .bind(newest.iter().map(|(_, month)| int(*month)).collect::<Result<Vec<_>, _>>()?)
    .execute(connection)
    .await?;
    Ok(())
}

/// Puts the newest month of a country's series back to that of their newest price, where it is ahead: an import that
/// broke off had announced more than it brought. Gives those series.
pub(in super::super) async fn put_back(
    connection: &mut PgConnection,
    source: &str,
    country: &str,
) -> Result<Vec<i32>, sqlx::Error> {
    q_scalar(
        "WITH stored AS (
            SELECT s.id, max(p.month) AS month
            FROM price_series s JOIN markets m ON m.id = s.market_id JOIN prices p ON p.series_id = s.id
            WHERE m.country = $2 AND s.source = $1 GROUP BY s.id
        )
        UPDATE price_series s SET newest_month = stored.month FROM stored
        WHERE s.id = stored.id AND s.newest_month > stored.month RETURNING s.id",
    )
    .bind(source)
    .bind(country)
    .fetch_all(connection)
    .await
}

/// Series and prices of markets that stand in the feed: (market, series, month); a series without such prices has one
/// line without a month.
pub(in super::super) async fn of_markets(
    connection: &mut PgConnection,
    market_ids: &[i32],
) -> Result<Vec<(i32, i32, Option<u32>)>, sqlx::Error> {
    let rows = q("SELECT s.market_id, s.id, p.month
        FROM price_series s LEFT JOIN prices p
            ON p.series_id = s.id AND p.month > s.newest_month - (SELECT price_history_months FROM hub)
        WHERE s.market_id = ANY($1)")
    .bind(market_ids)
    .fetch_all(connection)
    .await?;
    let line = |row: &sqlx::postgres::PgRow| {
        let of: Option<i32> = row.try_get("month")?;
        Ok((row.try_get("market_id")?, row.try_get("id")?, of.map(month).transpose()?))
    };
    rows.iter().map(line).collect()
}
