//! SQL of cooperatives.

use crate::db::q;
use crate::market::reference::db::{Filter, id};
use mizili_node::query::IdOrName;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use sync_protocol::api::market::Cooperative;
use sync_protocol::country::Country;

/// Cooperatives; one of them when the filter names an id.
pub(crate) async fn find(conn: &mut PgConnection, filter: &Filter) -> Result<Vec<Cooperative>, sqlx::Error> {
    let sql = "SELECT k.id, k.name, k.country, r.name AS region, k.currency
               FROM cooperatives k LEFT JOIN regions r ON r.id = k.region_id
               WHERE ($1::int IS NULL OR k.id = $1) AND ($2::int IS NULL OR k.id > $2)
                 AND ($3::text IS NULL OR strpos(lower(k.name), lower($3)) > 0)
                 AND ($5::text IS NULL OR k.country = $5) AND ($6::int IS NULL OR k.region_id = $6)
                 AND ($7::text IS NULL OR lower(r.name) = lower($7))
               ORDER BY k.id LIMIT $4";
    let of = |row: &PgRow| {
        Ok(Cooperative {
            id: row.try_get::<i32, _>("id")?.cast_unsigned(),
            name: row.try_get("name")?,
            country: row.try_get("country")?,
            region: row.try_get("region")?,
            currency: row.try_get("currency")?,
        })
    };
    let region = filter.place.region.as_ref();
    let query =
        q(sql).bind(filter.id).bind(filter.after).bind(filter.place.words.as_deref()).bind(filter.limit);
    let query = query.bind(filter.place.country.as_deref()).bind(id(region)).bind(IdOrName::name(region));
    query.fetch_all(conn).await?.iter().map(of).collect()
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
    crate::db::q_scalar(sql).bind(country).bind(name).fetch_one(conn).await
}

/// Makes a cooperative.
pub(crate) async fn insert(
    conn: &mut PgConnection,
    name: &str,
    country: &Country,
    region: Option<i32>,
    hub_share_percent: u8,
) -> Result<i32, sqlx::Error> {
    let sql = "INSERT INTO cooperatives (name, country, region_id, currency, hub_share_percent) VALUES ($1, $2, $3, $4, $5) RETURNING id";
    let query = crate::db::q_scalar(sql).bind(name).bind(country.iso3).bind(region).bind(country.currency);
    query.bind(i32::from(hub_share_percent)).fetch_one(conn).await
}
