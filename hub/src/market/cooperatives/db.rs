//! SQL of cooperatives.

use crate::db::{Cells, Narrowed, q, q_scalar};
use crate::market::reference::db::{Filter, common, page, placed};
use crate::tables::{Table, cooperative_columns};
use mizili_node::market::cooperatives::Cooperative;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use sync_protocol::country::Country;
use sync_protocol::ids::EdgeId;
use sync_protocol::market;

/// Cooperatives; one of them when the filter names an id.
pub(crate) async fn find(conn: &mut PgConnection, filter: &Filter) -> Result<Vec<Cooperative>, sqlx::Error> {
    let begun = Narrowed::of(concat!(
        "SELECT ",
        cooperative_columns!(),
        ", r.name AS region FROM cooperatives t LEFT JOIN regions r ON r.id = t.region_id WHERE true"
    ));
    let words = " AND strpos(lower(t.name), lower(?)) > 0";
    let of = |row: &PgRow| {
        let cooperative = market::Cooperative::read(&Cells::of(market::Cooperative::TABLE, row))?;
        Ok(Cooperative {
            id: cooperative.id.0,
            name: cooperative.name,
            country: cooperative.country.as_str().to_owned(),
            region: row.try_get("region")?,
            currency: cooperative.currency.as_str().to_owned(),
        })
    };
    let list = page(placed(common(begun, filter, words), filter), filter);
    list.fetch_all(conn).await?.iter().map(of).collect()
}

/// The names and ids of a country's regions.
pub(crate) async fn regions(
    conn: &mut PgConnection,
    country: &str,
) -> Result<Vec<(i32, String)>, sqlx::Error> {
    let rows = q("SELECT id, name FROM regions WHERE country = $1 ORDER BY name")
        .bind(country)
        .fetch_all(conn)
        .await?;
    rows.iter().map(|row| Ok((row.try_get("id")?, row.try_get("name")?))).collect()
}

/// Makes a region. One of that name may be there already, made by somebody else meanwhile.
pub(crate) async fn insert_region(
    conn: &mut PgConnection,
    country: &str,
    name: &str,
) -> Result<i32, sqlx::Error> {
    let sql = "INSERT INTO regions (country, name) VALUES ($1, $2)
               ON CONFLICT ON CONSTRAINT regions_name_key DO UPDATE SET name = excluded.name RETURNING id";
    q_scalar(sql).bind(country).bind(name).fetch_one(conn).await
}

/// Makes a cooperative of that number; false where there is one already.
pub(crate) async fn insert(
    conn: &mut PgConnection,
    id: i32,
    name: &str,
    country: &Country,
    region: Option<i32>,
    hub_share_percent: u8,
) -> Result<bool, sqlx::Error> {
    let sql = "INSERT INTO cooperatives (id, name, country, region_id, currency, hub_share_percent) OVERRIDING SYSTEM VALUE
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO NOTHING";
    let query = q(sql).bind(id).bind(name).bind(country.iso3).bind(region).bind(country.currency);
    Ok(query.bind(i32::from(hub_share_percent)).execute(conn).await?.rows_affected() > 0)
}

/// The national nodes of a country: what they subscribe to grows with its cooperatives.
pub(crate) async fn national_edges(
    conn: &mut PgConnection,
    country: &str,
) -> Result<Vec<EdgeId>, sqlx::Error> {
    let sql = "SELECT e.id FROM edges e JOIN cooperatives c ON c.id = e.cooperative_id
               WHERE e.national AND c.country = $1 AND e.revoked_at IS NULL";
    let ids: Vec<i32> = q_scalar(sql).bind(country).fetch_all(conn).await?;
    Ok(ids.into_iter().map(|id| EdgeId(id.cast_unsigned())).collect())
}
