//! SQL of the reference lists. A list and a single thing are the same query, the latter narrowed to an id.

use crate::db::{Cells, Narrowed};
use crate::tables::{Table, commodity_columns, market_columns, read_all, region_columns, unit_columns};
use mizili_node::market::reference::{Commodity, Market, PlaceFilter, Region, Unit};
use mizili_node::page::Slice;
use mizili_node::query::IdOrName;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use sync_protocol::market;
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

/// Commodities.
pub(crate) async fn commodities(
    conn: &mut PgConnection,
    filter: &Filter,
) -> Result<Vec<Commodity>, sqlx::Error> {
    let begun = Narrowed::of(concat!("SELECT ", commodity_columns!(), " FROM commodities t WHERE true"));
    let words = " AND strpos(lower(concat_ws(' ', t.name, t.name_sw, t.name_ny, t.name_fr)), lower(?)) > 0";
    let of = |row: market::Commodity| {
        let names = [("sw", row.name_sw), ("ny", row.name_ny), ("fr", row.name_fr)];
        let names = names.into_iter().filter(|(_, name)| !name.is_empty());
        let names = names.map(|(language, name)| (language.to_owned(), name)).collect();
        Commodity { id: row.id.0, name: row.name, category: row.category, names }
    };
    shown(page(common(begun, filter, words), filter).fetch_all(conn).await?, of)
}

/// Units.
pub(crate) async fn units(conn: &mut PgConnection, filter: &Filter) -> Result<Vec<Unit>, sqlx::Error> {
    let begun = Narrowed::of(concat!("SELECT ", unit_columns!(), " FROM units t WHERE true"));
    let words = " AND strpos(lower(t.code), lower(?)) > 0";
    let of = |row: market::Unit| Unit {
        id: row.id.0,
        code: row.code,
        base: row.base.as_str().to_owned(),
        factor: Some(Quantity(row.factor_milli).to_string()).filter(|_| row.factor_milli > 0),
    };
    shown(page(common(begun, filter, words), filter).fetch_all(conn).await?, of)
}

/// Markets.
pub(crate) async fn markets(conn: &mut PgConnection, filter: &Filter) -> Result<Vec<Market>, sqlx::Error> {
    let begun = Narrowed::of(concat!(
        "SELECT ",
        market_columns!(),
        ", r.name AS region FROM markets t LEFT JOIN regions r ON r.id = t.region_id WHERE true"
    ));
    let words = " AND strpos(lower(t.name), lower(?)) > 0";
    let degrees = |e5: Option<i64>| e5.map(|e5| e5 as f64 / 1e5);
    let of = |row: &PgRow| {
        let market = market::Market::read(&Cells::of(market::Market::TABLE, row))?;
        Ok(Market {
            id: market.id.0,
            name: market.name,
            country: market.country.as_str().to_owned(),
            region: row.try_get("region")?,
            district: Some(market.district).filter(|district| !district.is_empty()),
            latitude: degrees(market.latitude_e5),
            longitude: degrees(market.longitude_e5),
        })
    };
    let list = page(placed(common(begun, filter, words), filter), filter);
    list.fetch_all(conn).await?.iter().map(of).collect()
}

/// Regions.
pub(crate) async fn regions(conn: &mut PgConnection, filter: &Filter) -> Result<Vec<Region>, sqlx::Error> {
    let begun = Narrowed::of(concat!("SELECT ", region_columns!(), " FROM regions t WHERE true"));
    let words = " AND strpos(lower(t.name), lower(?)) > 0";
    let of = |row: market::Region| Region {
        id: row.id.0,
        name: row.name,
        country: row.country.as_str().to_owned(),
    };
    let list = common(begun, filter, words).maybe(" AND t.country = ?", filter.place.country.as_deref());
    shown(page(list, filter).fetch_all(conn).await?, of)
}

/// Rows of one table, as they are shown.
fn shown<E: Table, T>(rows: Vec<PgRow>, show: impl Fn(E) -> T) -> Result<Vec<T>, sqlx::Error> {
    read_all(&rows).map(|row| row.map(&show)).collect()
}
