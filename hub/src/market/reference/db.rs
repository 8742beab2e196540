//! SQL of the reference lists. A list and a single thing are the same query, the latter narrowed to an id.

use crate::db::{misfit, q};
use crate::error::{ApiError, Problem};
use mizili_node::lists::PlaceFilter;
use mizili_node::page::Slice;
use mizili_node::query::IdOrName;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{PgConnection, Postgres, Row};
use sync_protocol::api::prices::{Commodity, Market, Region, Unit};
use sync_protocol::entity::UnitBase;
use sync_protocol::units::Quantity;

/// What a list is narrowed to; each list takes what concerns it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub(crate) id: Option<i32>,
    pub(crate) place: PlaceFilter,
    /// The id after which a page begins.
    pub(crate) after: Option<i32>,
    pub(crate) limit: i64,
}

impl Filter {
    /// For a page.
    pub(crate) fn page(place: PlaceFilter, slice: &Slice<u32>) -> Self {
        // Nothing comes after an id that no column can hold.
        let after = slice.after.map(|after| i32::try_from(after).unwrap_or(i32::MAX));
        Self { id: None, place, after, limit: slice.fetch() }
    }

    /// For one thing.
    pub(crate) fn one(id: i32) -> Self {
        Self { id: Some(id), limit: 1, ..Self::default() }
    }
}

/// An id that was asked for, as Postgres keeps it. One that no column can hold becomes one that nothing has.
pub(crate) fn id(wanted: Option<&IdOrName>) -> Option<i32> {
    IdOrName::id(wanted).map(|id| i32::try_from(id).unwrap_or(-1))
}

type Pg<'q> = Query<'q, Postgres, PgArguments>;

/// Binds `$1` id, `$2` after, `$3` words, `$4` limit, which every list takes.
fn common<'q>(sql: &'static str, filter: &'q Filter) -> Pg<'q> {
    q(sql).bind(filter.id).bind(filter.after).bind(filter.place.words.clone()).bind(filter.limit)
}

/// Binds `$5` country, `$6` region's id, `$7` region's name.
fn placed<'q>(query: Pg<'q>, filter: &'q Filter) -> Pg<'q> {
    let region = filter.place.region.as_ref();
    query.bind(filter.place.country.clone()).bind(id(region)).bind(IdOrName::name(region).map(str::to_owned))
}

fn number(row: &PgRow, column: &str) -> Result<u32, sqlx::Error> {
    Ok(row.try_get::<i32, _>(column)?.cast_unsigned())
}

/// Commodities.
pub(crate) async fn commodities(
    conn: &mut PgConnection,
    filter: &Filter,
) -> Result<Vec<Commodity>, sqlx::Error> {
    let sql = "SELECT id, name, category, name_sw, name_ny, name_fr FROM commodities
               WHERE ($1::int IS NULL OR id = $1) AND ($2::int IS NULL OR id > $2)
                 AND ($3::text IS NULL OR strpos(lower(concat_ws(' ', name, name_sw, name_ny, name_fr)), lower($3)) > 0)
               ORDER BY id LIMIT $4";
    let of = |row: &PgRow| {
        let mut names = std::collections::BTreeMap::new();
        for (language, column) in [("sw", "name_sw"), ("ny", "name_ny"), ("fr", "name_fr")] {
            let name: String = row.try_get(column)?;
            if !name.is_empty() {
                names.insert(language.to_owned(), name);
            }
        }
        Ok(Commodity {
            id: number(row, "id")?,
            name: row.try_get("name")?,
            category: row.try_get("category")?,
            names,
        })
    };
    common(sql, filter).fetch_all(conn).await?.iter().map(of).collect()
}

/// Units.
pub(crate) async fn units(conn: &mut PgConnection, filter: &Filter) -> Result<Vec<Unit>, sqlx::Error> {
    let sql = "SELECT id, code, base, factor_milli FROM units
               WHERE ($1::int IS NULL OR id = $1) AND ($2::int IS NULL OR id > $2)
                 AND ($3::text IS NULL OR strpos(lower(code), lower($3)) > 0)
               ORDER BY id LIMIT $4";
    let of = |row: &PgRow| {
        let base = u32::try_from(row.try_get::<i32, _>("base")?).map_err(|_| misfit("units", "base"))?;
        let factor: i64 = row.try_get("factor_milli")?;
        Ok(Unit {
            id: number(row, "id")?,
            code: row.try_get("code")?,
            base: UnitBase::from_code(base).as_str().to_owned(),
            factor: Some(Quantity(factor).to_string()).filter(|_| factor > 0),
        })
    };
    common(sql, filter).fetch_all(conn).await?.iter().map(of).collect()
}

/// Markets.
pub(crate) async fn markets(conn: &mut PgConnection, filter: &Filter) -> Result<Vec<Market>, sqlx::Error> {
    let sql = "SELECT m.id, m.name, m.country, r.name AS region, m.district, m.latitude_e5, m.longitude_e5
               FROM markets m LEFT JOIN regions r ON r.id = m.region_id
               WHERE ($1::int IS NULL OR m.id = $1) AND ($2::int IS NULL OR m.id > $2)
                 AND ($3::text IS NULL OR strpos(lower(m.name), lower($3)) > 0)
                 AND ($5::text IS NULL OR m.country = $5) AND ($6::int IS NULL OR m.region_id = $6)
                 AND ($7::text IS NULL OR lower(r.name) = lower($7))
               ORDER BY m.id LIMIT $4";
    let degrees = |e5: Option<i32>| e5.map(|e5| f64::from(e5) / 1e5);
    let of = |row: &PgRow| {
        Ok(Market {
            id: number(row, "id")?,
            name: row.try_get("name")?,
            country: row.try_get("country")?,
            region: row.try_get("region")?,
            district: Some(row.try_get("district")?).filter(|district: &String| !district.is_empty()),
            latitude: degrees(row.try_get("latitude_e5")?),
            longitude: degrees(row.try_get("longitude_e5")?),
        })
    };
    placed(common(sql, filter), filter).fetch_all(conn).await?.iter().map(of).collect()
}

/// Regions.
pub(crate) async fn regions(conn: &mut PgConnection, filter: &Filter) -> Result<Vec<Region>, sqlx::Error> {
    let sql = "SELECT id, name, country FROM regions
               WHERE ($1::int IS NULL OR id = $1) AND ($2::int IS NULL OR id > $2)
                 AND ($3::text IS NULL OR strpos(lower(name), lower($3)) > 0) AND ($5::text IS NULL OR country = $5)
               ORDER BY id LIMIT $4";
    let of = |row: &PgRow| {
        Ok(Region { id: number(row, "id")?, name: row.try_get("name")?, country: row.try_get("country")? })
    };
    common(sql, filter).bind(filter.place.country.clone()).fetch_all(conn).await?.iter().map(of).collect()
}

/// Checks that what a filter names is there at all.
///
/// # Errors
/// Names the parameter that names nothing.
pub(crate) async fn must_be_known(
    conn: &mut PgConnection,
    commodity: Option<&IdOrName>,
    market: Option<&IdOrName>,
    region: Option<&IdOrName>,
) -> Result<(), ApiError> {
    let sql = "SELECT EXISTS (SELECT FROM commodities WHERE id = $1 OR lower($2) IN (lower(name), lower(name_sw), lower(name_ny), lower(name_fr))),
                      EXISTS (SELECT FROM markets WHERE id = $3 OR lower(name) = lower($4)),
                      EXISTS (SELECT FROM regions WHERE id = $5 OR lower(name) = lower($6))";
    let query = q(sql).bind(id(commodity)).bind(IdOrName::name(commodity));
    let query = query.bind(id(market)).bind(IdOrName::name(market));
    let row = query.bind(id(region)).bind(IdOrName::name(region)).fetch_one(conn).await?;
    let named = [
        ("commodity", commodity, "commodities"),
        ("market", market, "markets"),
        ("region", region, "regions"),
    ];
    for (at, (parameter, given, list)) in named.into_iter().enumerate() {
        if let Some(given) = given.filter(|_| row.try_get(at).is_ok_and(|there: bool| !there)) {
            let detail = format!("nothing has {given}. See /api/v1/{list}.");
            return Err(Problem::parameter(parameter, detail).into());
        }
    }
    Ok(())
}
