//! SQL for the record of imports: which publications were taken, and which one broke off.

use sqlx::{PgConnection, Row};

use super::super::super::wfp::Counts;
use crate::db::{misfit, q, q_scalar};

/// What is known of a country's prices before an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Before {
    /// The newest month of any earlier publication, in months since year 0.
    pub(in super::super) newest_month: Option<i32>,
    /// Stored prices of the country.
    pub(in super::super) prices: i64,
    /// Whether an import was begun and not ended since the last that ended.
    pub(in super::super) broke_off: bool,
}

pub(in super::super) async fn before(
    connection: &mut PgConnection,
    source: &str,
    country: &str,
) -> Result<Before, sqlx::Error> {
    let row = q("SELECT
            max(newest_month) AS newest_month,
            coalesce(max(id) FILTER (WHERE finished_at IS NULL), 0)
                > coalesce(max(id) FILTER (WHERE finished_at IS NOT NULL), 0) AS broke_off,
            (SELECT count(*) FROM prices p
                JOIN price_series s ON s.id = p.series_id JOIN markets m ON m.id = s.market_id
                WHERE m.country = $2 AND s.source = $1) AS prices
        FROM price_imports WHERE source = $1 AND country = $2")
    .bind(source)
    .bind(country)
    .fetch_one(connection)
    .await?;
    Ok(Before {
        newest_month: row.try_get("newest_month")?,
        prices: row.try_get("prices")?,
        broke_off: row.try_get("broke_off")?,
    })
}

/// Records that an import begins. Gives its number.
pub(in super::super) async fn begin(
    connection: &mut PgConnection,
    source: &str,
    country: &str,
    file: &str,
    newest_month: Option<i32>,
) -> Result<i32, sqlx::Error> {
    q_scalar(
        "INSERT INTO price_imports (source, country, file, newest_month) VALUES ($1, $2, $3, $4) RETURNING id",
    )
    .bind(source)
    .bind(country)
    .bind(file)
    .bind(newest_month)
    .fetch_one(connection)
    .await
}

/// Waits until no other import of the country is in the middle of a chunk, and holds it off until the transaction
/// ends. The country's first import stands for all of them.
pub(in super::super) async fn lock(
    connection: &mut PgConnection,
    source: &str,
    country: &str,
) -> Result<(), sqlx::Error> {
    q("SELECT id FROM price_imports WHERE source = $1 AND country = $2 ORDER BY id LIMIT 1 FOR UPDATE")
        .bind(source)
        .bind(country)
        .fetch_one(connection)
        .await?;
    Ok(())
}

pub(in super::super) async fn finish(
    connection: &mut PgConnection,
    import_id: i32,
    counts: &Counts,
) -> Result<(), sqlx::Error> {
    let number = |count: u64| i64::try_from(count).map_err(|_| misfit("price_imports", "read_rows"));
    q("UPDATE price_imports
        SET finished_at = now(), read_rows = $2, accepted = $3, forecast_skipped = $4, quarantined = $5, refused = $6
        WHERE id = $1")
    .bind(import_id)
    .bind(number(counts.read)?)
    .bind(number(counts.accepted)?)
    .bind(number(counts.forecast_skipped)?)
    .bind(number(counts.quarantined)?)
    .bind(number(counts.refused)?)
    .execute(connection)
    .await?;
    Ok(())
}
