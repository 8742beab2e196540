//! SQL for what prices refer to: regions and their neighbours, commodities, units, markets, series.
//!
//! Every list is read by name, added to where a name is missing (another import may have added it meanwhile: then
//! nothing happens), and read again for the ids. Rows are added in the order given, so that ids follow it.

use sqlx::{PgConnection, Row};

use super::super::super::wfp::Coordinates;
use super::super::places::Place;
use crate::db::q;

/// A commodity as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Commodity {
    pub(in super::super) name: String,
    pub(in super::super) category: String,
    pub(in super::super) wfp_id: Option<i32>,
    pub(in super::super) name_sw: String,
    pub(in super::super) name_ny: String,
    pub(in super::super) name_fr: String,
    pub(in super::super) on_menus: bool,
}

pub(in super::super) async fn commodities(
    connection: &mut PgConnection,
    names: &[String],
) -> Result<Vec<(i32, Commodity)>, sqlx::Error> {
    let rows = q("SELECT id, name, category, wfp_id, name_sw, name_ny, name_fr, on_menus
        FROM commodities WHERE name = ANY($1)")
    .bind(names)
    .fetch_all(connection)
    .await?;
    let commodity = |row: &sqlx::postgres::PgRow| {
        let commodity = Commodity {
            name: row.try_get("name")?,
            category: row.try_get("category")?,
            wfp_id: row.try_get("wfp_id")?,
            name_sw: row.try_get("name_sw")?,
            name_ny: row.try_get("name_ny")?,
            name_fr: row.try_get("name_fr")?,
            on_menus: row.try_get("on_menus")?,
        };
        Ok((row.try_get("id")?, commodity))
    };
    rows.iter().map(commodity).collect()
}

pub(in super::super) async fn insert_commodities(
    connection: &mut PgConnection,
    new: &[Commodity],
) -> Result<(), sqlx::Error> {
    let text =
        |field: fn(&Commodity) -> &String| new.iter().map(|one| field(one).as_str()).collect::<Vec<_>>();
    q("INSERT INTO commodities (name, category, wfp_id, name_sw, name_ny, name_fr, on_menus)
        SELECT * FROM UNNEST($1::text[], $2::text[], $3::int[], $4::text[], $5::text[], $6::text[], $7::bool[])
        ON CONFLICT (name) DO NOTHING")
    .bind(text(|one| &one.name))
    .bind(text(|one| &one.category))
    .bind(new.iter().map(|one| one.wfp_id).collect::<Vec<_>>())
    .bind(text(|one| &one.name_sw))
    .bind(text(|one| &one.name_ny))
    .bind(text(|one| &one.name_fr))
    .bind(new.iter().map(|one| one.on_menus).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}

pub(in super::super) async fn update_commodity(
    connection: &mut PgConnection,
    id: i32,
    commodity: &Commodity,
) -> Result<(), sqlx::Error> {
    q("UPDATE commodities SET wfp_id = $2, name_sw = $3, name_ny = $4, name_fr = $5, on_menus = $6 WHERE id = $1")
        .bind(id)
        .bind(commodity.wfp_id)
        .bind(&commodity.name_sw)
        .bind(&commodity.name_ny)
        .bind(&commodity.name_fr)
        .bind(commodity.on_menus)
        .execute(connection)
        .await?;
    Ok(())
}

/// A unit as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Unit {
    pub(in super::super) code: String,
    pub(in super::super) base: i32,
    pub(in super::super) factor_milli: i64,
}

pub(in super::super) async fn units(
    connection: &mut PgConnection,
    codes: &[String],
) -> Result<Vec<(i32, Unit)>, sqlx::Error> {
    let rows = q("SELECT id, code, base, factor_milli FROM units WHERE code = ANY($1)")
        .bind(codes)
        .fetch_all(connection)
        .await?;
    let unit = |row: &sqlx::postgres::PgRow| {
        let unit = Unit {
            code: row.try_get("code")?,
            base: row.try_get("base")?,
            factor_milli: row.try_get("factor_milli")?,
        };
        Ok((row.try_get("id")?, unit))
    };
    rows.iter().map(unit).collect()
}

pub(in super::super) async fn insert_units(
    connection: &mut PgConnection,
    new: &[Unit],
) -> Result<(), sqlx::Error> {
    q("INSERT INTO units (code, base, factor_milli) SELECT * FROM UNNEST($1::text[], $2::int[], $3::bigint[])
        ON CONFLICT (code) DO NOTHING")
    .bind(new.iter().map(|one| one.code.as_str()).collect::<Vec<_>>())
    .bind(new.iter().map(|one| one.base).collect::<Vec<_>>())
    .bind(new.iter().map(|one| one.factor_milli).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}

pub(in super::super) async fn update_unit(
    connection: &mut PgConnection,
    id: i32,
    unit: &Unit,
) -> Result<(), sqlx::Error> {
    q("UPDATE units SET base = $2, factor_milli = $3 WHERE id = $1")
        .bind(id)
        .bind(unit.base)
        .bind(unit.factor_milli)
        .execute(connection)
        .await?;
    Ok(())
}

pub(in super::super) async fn regions(
    connection: &mut PgConnection,
    country: &str,
    names: &[String],
) -> Result<Vec<(i32, String)>, sqlx::Error> {
    let rows = q("SELECT id, name FROM regions WHERE country = $1 AND name = ANY($2)")
        .bind(country)
        .bind(names)
        .fetch_all(connection)
        .await?;
    rows.iter().map(|row| Ok((row.try_get("id")?, row.try_get("name")?))).collect()
}

pub(in super::super) async fn insert_regions(
    connection: &mut PgConnection,
    country: &str,
    names: &[String],
) -> Result<(), sqlx::Error> {
    q("INSERT INTO regions (country, name) SELECT $1, name FROM UNNEST($2::text[]) AS name
        ON CONFLICT (country, name) DO NOTHING")
    .bind(country)
    .bind(names)
    .execute(connection)
    .await?;
    Ok(())
}

/// Keeps pairs of neighbours, both ways round.
pub(in super::super) async fn insert_neighbours(
    connection: &mut PgConnection,
    ones: &[i32],
    others: &[i32],
) -> Result<(), sqlx::Error> {
    q("INSERT INTO region_neighbours (region_id, neighbour_id)
        SELECT one, other FROM UNNEST($1::int[], $2::int[]) AS pair (one, other)
        UNION SELECT other, one FROM UNNEST($1::int[], $2::int[]) AS pair (one, other)
        ON CONFLICT DO NOTHING")
    .bind(ones)
    .bind(others)
    .execute(connection)
    .await?;
    Ok(())
}

pub(in super::super) async fn markets(
    connection: &mut PgConnection,
    country: &str,
    names: &[String],
) -> Result<Vec<(i32, String, Place)>, sqlx::Error> {
    let rows = q("SELECT id, name, region_id, district, latitude_e5, longitude_e5
        FROM markets WHERE country = $1 AND name = ANY($2)")
    .bind(country)
    .bind(names)
    .fetch_all(connection)
    .await?;
    let market = |row: &sqlx::postgres::PgRow| {
        let (latitude, longitude): (Option<i32>, Option<i32>) =
            (row.try_get("latitude_e5")?, row.try_get("longitude_e5")?);
        let coordinates = latitude
            .zip(longitude)
            .map(|(latitude_e5, longitude_e5)| Coordinates { latitude_e5, longitude_e5 });
        let place =
            Place { region_id: row.try_get("region_id")?, district: row.try_get("district")?, coordinates };
        Ok((row.try_get("id")?, row.try_get("name")?, place))
    };
    rows.iter().map(market).collect()
}

pub(in super::super) async fn insert_markets(
    connection: &mut PgConnection,
    country: &str,
    new: &[(String, Place)],
) -> Result<(), sqlx::Error> {
    q("INSERT INTO markets (country, name, region_id, district, latitude_e5, longitude_e5)
        SELECT $1, * FROM UNNEST($2::text[], $3::int[], $4::text[], $5::int[], $6::int[])
        ON CONFLICT (country, name) DO NOTHING")
    .bind(country)
    .bind(new.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>())
    .bind(new.iter().map(|(_, place)| place.region_id).collect::<Vec<_>>())
    .bind(new.iter().map(|(_, place)| place.district.as_str()).collect::<Vec<_>>())
    .bind(new.iter().map(|(_, place)| place.coordinates.map(|at| at.latitude_e5)).collect::<Vec<_>>())
    .bind(new.iter().map(|(_, place)| place.coordinates.map(|at| at.longitude_e5)).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}

pub(in super::super) async fn update_market(
    connection: &mut PgConnection,
    id: i32,
    place: &Place,
) -> Result<(), sqlx::Error> {
    q("UPDATE markets SET region_id = $2, district = $3, latitude_e5 = $4, longitude_e5 = $5 WHERE id = $1")
        .bind(id)
        .bind(place.region_id)
        .bind(&place.district)
        .bind(place.coordinates.map(|at| at.latitude_e5))
        .bind(place.coordinates.map(|at| at.longitude_e5))
        .execute(connection)
        .await?;
    Ok(())
}

/// What a series is of: market, commodity, unit, price type.
pub(in super::super) type SeriesOf = (i32, i32, i32, String);

/// Ids of the series that are there.
pub(in super::super) async fn series(
    connection: &mut PgConnection,
    of: &[SeriesOf],
    currency: &str,
    source: &str,
) -> Result<Vec<(i32, SeriesOf)>, sqlx::Error> {
    let rows = q("SELECT s.id, s.market_id, s.commodity_id, s.unit_id, s.price_type
        FROM UNNEST($1::int[], $2::int[], $3::int[], $4::text[]) AS of (market_id, commodity_id, unit_id, price_type)
        JOIN price_series s USING (market_id, commodity_id, unit_id, price_type)
        WHERE s.currency = $5 AND s.source = $6")
    .bind(of.iter().map(|one| one.0).collect::<Vec<_>>())
    .bind(of.iter().map(|one| one.1).collect::<Vec<_>>())
    .bind(of.iter().map(|one| one.2).collect::<Vec<_>>())
    .bind(of.iter().map(|one| one.3.as_str()).collect::<Vec<_>>())
    .bind(currency)
    .bind(source)
    .fetch_all(connection)
    .await?;
    let series = |row: &sqlx::postgres::PgRow| {
        let of = (
            row.try_get("market_id")?,
            row.try_get("commodity_id")?,
            row.try_get("unit_id")?,
            row.try_get("price_type")?,
        );
        Ok((row.try_get("id")?, of))
    };
    rows.iter().map(series).collect()
}

/// Adds series, each with its newest month.
pub(in super::super) async fn insert_series(
    connection: &mut PgConnection,
    new: &[(SeriesOf, i32)],
    currency: &str,
    source: &str,
) -> Result<(), sqlx::Error> {
    q("INSERT INTO price_series (market_id, commodity_id, unit_id, price_type, newest_month, currency, source)
        SELECT *, $6, $7 FROM UNNEST($1::int[], $2::int[], $3::int[], $4::text[], $5::int[])
        ON CONFLICT ON CONSTRAINT price_series_key DO NOTHING")
    .bind(new.iter().map(|(of, _)| of.0).collect::<Vec<_>>())
    .bind(new.iter().map(|(of, _)| of.1).collect::<Vec<_>>())
    .bind(new.iter().map(|(of, _)| of.2).collect::<Vec<_>>())
    .bind(new.iter().map(|(of, _)| of.3.as_str()).collect::<Vec<_>>())
    .bind(new.iter().map(|(_, newest_month)| *newest_month).collect::<Vec<_>>())
    .bind(currency)
    .bind(source)
    .execute(connection)
    .await?;
    Ok(())
}
