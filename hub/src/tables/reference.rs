//! `commodities`, `units`, `regions` and `markets`: what prices and listings are of. Imports write them (`market/prices/import/db/`).

use super::keys::Keys;
use super::table::{Catalogue, Loaded, Standings, Table, View, ints, put_all, stand};
use super::wanted::Wanted;
use crate::db::{Cells, any_of, misfit, q};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::{CommodityId, MarketId, RegionId, UnitId};
use sync_protocol::market::{Commodity, Market, Region, Unit, UnitBase, WorkingSet};
use sync_protocol::row::Key;

/// The columns that [`Table::read`] reads of a [`Commodity`], of `commodities t`. The others below are the same of their tables.
macro_rules! commodity_columns {
    () => {
        "t.id, t.name, t.category, t.name_sw, t.name_ny, t.name_fr, t.on_menus"
    };
}
macro_rules! unit_columns {
    () => {
        "t.id, t.code, t.base, t.factor_milli"
    };
}
macro_rules! region_columns {
    () => {
        "t.id, t.name, t.country"
    };
}
macro_rules! market_columns {
    () => {
        "t.id, t.name, t.country, t.region_id, t.district, t.latitude_e5, t.longitude_e5"
    };
}
pub(crate) use {commodity_columns, market_columns, region_columns, unit_columns};

impl Table for Commodity {
    const TABLE: &'static str = "commodities";
    const KEYS: Keys = Keys::Int("SELECT id FROM commodities WHERE id > $1 ORDER BY id LIMIT $2");
    const CATALOGUE: Catalogue = Catalogue::Nothing;

    fn read(cells: &Cells<'_>) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: CommodityId(cells.number(0)?),
            name: cells.get(1)?,
            category: cells.get(2)?,
            name_sw: cells.get(3)?,
            name_ny: cells.get(4)?,
            name_fr: cells.get(5)?,
            on_menus: cells.get(6)?,
        })
    }

    async fn standing(conn: &mut PgConnection, _: View, keys: &[Key]) -> Standings {
        let sql = concat!("SELECT ", commodity_columns!(), " FROM commodities t WHERE t.id = ANY($1)");
        stand::<Self>(&q(sql).bind(ints(keys)).fetch_all(conn).await?, |_| Bucket::Global)
    }
}

impl Loaded for Commodity {
    async fn load(conn: &mut PgConnection, wanted: &Wanted, set: &mut WorkingSet) -> Result<(), sqlx::Error> {
        let ids = wanted.ints::<Self>();
        if ids.is_empty() {
            return Ok(());
        }
        let sql =
            concat!("SELECT ", commodity_columns!(), " FROM commodities t WHERE t.id = ", any_of!(1, "int"));
        put_all::<Self>(&q(sql).bind(ids).fetch_all(conn).await?, set)
    }
}

impl Table for Unit {
    const TABLE: &'static str = "units";
    const KEYS: Keys = Keys::Int("SELECT id FROM units WHERE id > $1 ORDER BY id LIMIT $2");
    const CATALOGUE: Catalogue = Catalogue::Nothing;

    fn read(cells: &Cells<'_>) -> Result<Self, sqlx::Error> {
        unit_of(UnitId(cells.number(0)?), cells, 1)
    }

    async fn standing(conn: &mut PgConnection, _: View, keys: &[Key]) -> Standings {
        let sql = concat!("SELECT ", unit_columns!(), " FROM units t WHERE t.id = ANY($1)");
        stand::<Self>(&q(sql).bind(ints(keys)).fetch_all(conn).await?, |_| Bucket::Global)
    }
}

/// A unit of which `code, base, factor_milli` stand from a column on.
pub(super) fn unit_of(id: UnitId, cells: &Cells<'_>, at: usize) -> Result<Unit, sqlx::Error> {
    Ok(Unit {
        id,
        code: cells.get(at)?,
        base: UnitBase::from_code(cells.number(at + 1)?),
        factor_milli: cells.get(at + 2)?,
    })
}

/// The steps in which the unit of a row can be had, in thousandths, by the columns `base` and `factor_milli`; `None` where there is no unit.
pub(crate) fn step_milli(row: &PgRow) -> Result<Option<i64>, sqlx::Error> {
    let (base, factor): (Option<i32>, Option<i64>) = (row.try_get("base")?, row.try_get("factor_milli")?);
    let (Some(base), Some(factor)) = (base, factor) else { return Ok(None) };
    let base = u32::try_from(base).map_err(|_| misfit("units", "base"))?;
    Ok(Some(UnitBase::from_code(base).step_milli(factor)))
}

impl Loaded for Unit {
    async fn load(conn: &mut PgConnection, wanted: &Wanted, set: &mut WorkingSet) -> Result<(), sqlx::Error> {
        let ids = wanted.ints::<Self>();
        if ids.is_empty() {
            return Ok(());
        }
        let sql = concat!("SELECT ", unit_columns!(), " FROM units t WHERE t.id = ", any_of!(1, "int"));
        put_all::<Self>(&q(sql).bind(ids).fetch_all(conn).await?, set)
    }
}

impl Table for Region {
    const TABLE: &'static str = "regions";
    const KEYS: Keys = Keys::Int("SELECT id FROM regions WHERE id > $1 ORDER BY id LIMIT $2");
    const CATALOGUE: Catalogue = Catalogue::Nothing;

    fn read(cells: &Cells<'_>) -> Result<Self, sqlx::Error> {
        Ok(Self { id: RegionId(cells.number(0)?), name: cells.get(1)?, country: cells.country(2)? })
    }

    async fn standing(conn: &mut PgConnection, _: View, keys: &[Key]) -> Standings {
        let sql = concat!("SELECT ", region_columns!(), " FROM regions t WHERE t.id = ANY($1)");
        let rows = q(sql).bind(ints(keys)).fetch_all(conn).await?;
        stand::<Self>(&rows, |region| Bucket::Country(region.country))
    }
}

impl Table for Market {
    const TABLE: &'static str = "markets";
    const KEYS: Keys = Keys::Int("SELECT id FROM markets WHERE id > $1 ORDER BY id LIMIT $2");
    const CATALOGUE: Catalogue = Catalogue::Nothing;

    fn read(cells: &Cells<'_>) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: MarketId(cells.number(0)?),
            name: cells.get(1)?,
            country: cells.country(2)?,
            region: cells.number_or_null(3)?.map(RegionId),
            district: cells.get(4)?,
            latitude_e5: cells.get::<Option<i32>>(5)?.map(i64::from),
            longitude_e5: cells.get::<Option<i32>>(6)?.map(i64::from),
        })
    }

    async fn standing(conn: &mut PgConnection, _: View, keys: &[Key]) -> Standings {
        let sql = concat!("SELECT ", market_columns!(), " FROM markets t WHERE t.id = ANY($1)");
        let rows = q(sql).bind(ints(keys)).fetch_all(conn).await?;
        stand::<Self>(&rows, |market| market.region.map_or(Bucket::Country(market.country), Bucket::Region))
    }
}
