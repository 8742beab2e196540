//! SQL of the reference lists. A list and a single thing are the same query, the latter narrowed to an id.

use crate::db::{Narrowed, misfit};
use mizili_node::api::prices::{Commodity, Market, Region, Unit};
use mizili_node::lists::PlaceFilter;
use mizili_node::page::Slice;
use mizili_node::query::IdOrName;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use sync_protocol::market::UnitBase;
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

/// Goes on with what every list is narrowed to: one thing, what comes after an id, words of some columns.
pub(crate) fn common(begun: Narrowed, filter: &Filter, words: &'static str) -> Narrowed {
    begun
        .maybe(" AND t.id = ?", filter.id)
        .maybe(" AND t.id > ?", filter.after)
        .rarely(words, filter.place.words.as_deref())
}

/// Goes on with the country and the region of what has both; regions are joined as `r`.
pub(crate) fn placed(begun: Narrowed, filter: &Filter) -> Narrowed {
    let region = filter.place.region.as_ref();
    begun
        .maybe(" AND t.country = ?", filter.place.country.as_deref())
        .maybe(" AND t.region_id = ?", id(region))
        .maybe(" AND lower(r.name) = lower(?)", IdOrName::name(region))
}

/// Ends it with a page.
pub(crate) fn page(begun: Narrowed, filter: &Filter) -> Narrowed {
    begun.at_least(" ORDER BY t.id LIMIT", filter.limit)
}

fn number(row: &PgRow, column: &str) -> Result<u32, sqlx::Error> {
    Ok(row.try_get::<i32, _>(column)?.cast_unsigned())
}

/// Commodities.
pub(crate) async fn commodities(
    conn: &mut PgConnection,
    filter: &Filter,
) -> Result<Vec<Commodity>, sqlx::Error> {
    let begun = Narrowed::of(
        "SELECT t.id, t.name, t.category, t.name_sw, t.name_ny, t.name_fr FROM commodities t WHERE true",
    );
    let words = " AND strpos(lower(concat_ws(' ', t.name, t.name_sw, t.name_ny, t.name_fr)), lower(?)) > 0";
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
    page(common(begun, filter, words), filter).fetch_all(conn).await?.iter().map(of).collect()
}

/// Units.
pub(crate) async fn units(conn: &mut PgConnection, filter: &Filter) -> Result<Vec<Unit>, sqlx::Error> {
    let begun = Narrowed::of("SELECT t.id, t.code, t.base, t.factor_milli FROM units t WHERE true");
    let words = " AND strpos(lower(t.code), lower(?)) > 0";
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
    page(common(begun, filter, words), filter).fetch_all(conn).await?.iter().map(of).collect()
}

/// Markets.
pub(crate) async fn markets(conn: &mut PgConnection, filter: &Filter) -> Result<Vec<Market>, sqlx::Error> {
    let begun = Narrowed::of(
        "SELECT t.id, t.name, t.country, r.name AS region, t.district, t.latitude_e5, t.longitude_e5
         FROM markets t LEFT JOIN regions r ON r.id = t.region_id WHERE true",
    );
    let words = " AND strpos(lower(t.name), lower(?)) > 0";
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
    let list = page(placed(common(begun, filter, words), filter), filter);
    list.fetch_all(conn).await?.iter().map(of).collect()
}

/// Regions.
pub(crate) async fn regions(conn: &mut PgConnection, filter: &Filter) -> Result<Vec<Region>, sqlx::Error> {
    let begun = Narrowed::of("SELECT t.id, t.name, t.country FROM regions t WHERE true");
    let words = " AND strpos(lower(t.name), lower(?)) > 0";
    let of = |row: &PgRow| {
        Ok(Region { id: number(row, "id")?, name: row.try_get("name")?, country: row.try_get("country")? })
    };
    let list = common(begun, filter, words).maybe(" AND t.country = ?", filter.place.country.as_deref());
    page(list, filter).fetch_all(conn).await?.iter().map(of).collect()
}
