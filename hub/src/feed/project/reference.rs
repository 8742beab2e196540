//! Projections of reference data: commodities, units, regions, markets, price series and prices.

use super::{Standing, Standings};
use crate::db::q;
use crate::rows::Cells;
use sqlx::PgConnection;
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::{CommodityId, MarketId, RegionId, SeriesId, UnitId};
use sync_protocol::market::{Commodity, Market, Price, PriceFlags, PriceSeries, Region, Unit, UnitBase};
use sync_protocol::row::Key;
use sync_protocol::units::Month;

pub(super) async fn commodities(conn: &mut PgConnection, ids: &[i32]) -> Standings {
    let rows = q(
        "SELECT id, name, category, name_sw, name_ny, name_fr, on_menus FROM commodities WHERE id = ANY($1)",
    )
    .bind(ids)
    .fetch_all(conn)
    .await?;
    let standing = |row| {
        let cells = Cells::of("commodities", row);
        let commodity = Commodity {
            id: CommodityId(cells.number(0)?),
            name: cells.get(1)?,
            category: cells.get(2)?,
            name_sw: cells.get(3)?,
            name_ny: cells.get(4)?,
            name_fr: cells.get(5)?,
            on_menus: cells.get(6)?,
        };
        Ok(Standing::new(Bucket::Global, &commodity))
    };
    rows.iter().map(standing).collect()
}

pub(super) async fn units(conn: &mut PgConnection, ids: &[i32]) -> Standings {
    let rows = q("SELECT id, code, base, factor_milli FROM units WHERE id = ANY($1)")
        .bind(ids)
        .fetch_all(conn)
        .await?;
    let standing = |row| {
        let cells = Cells::of("units", row);
        let unit = Unit {
            id: UnitId(cells.number(0)?),
            code: cells.get(1)?,
            base: UnitBase::from_code(cells.number(2)?),
            factor_milli: cells.get(3)?,
        };
        Ok(Standing::new(Bucket::Global, &unit))
    };
    rows.iter().map(standing).collect()
}

pub(super) async fn regions(conn: &mut PgConnection, ids: &[i32]) -> Standings {
    let rows =
        q("SELECT id, name, country FROM regions WHERE id = ANY($1)").bind(ids).fetch_all(conn).await?;
    let standing = |row| {
        let cells = Cells::of("regions", row);
        let country = cells.country(2)?;
        let region = Region { id: RegionId(cells.number(0)?), name: cells.get(1)?, country };
        Ok(Standing::new(Bucket::Country(country), &region))
    };
    rows.iter().map(standing).collect()
}

pub(super) async fn markets(conn: &mut PgConnection, ids: &[i32]) -> Standings {
    let rows = q("SELECT id, name, country, region_id, district, latitude_e5, longitude_e5 FROM markets WHERE id = ANY($1)")
        .bind(ids)
        .fetch_all(conn)
        .await?;
    let standing = |row| {
        let cells = Cells::of("markets", row);
        let market = Market {
            id: MarketId(cells.number(0)?),
            name: cells.get(1)?,
            country: cells.country(2)?,
            region: cells.number_or_null(3)?.map(RegionId),
            district: cells.get(4)?,
            latitude_e5: cells.get::<Option<i32>>(5)?.map(i64::from),
            longitude_e5: cells.get::<Option<i32>>(6)?.map(i64::from),
        };
        Ok(Standing::new(cells.place(3, 2)?, &market))
    };
    rows.iter().map(standing).collect()
}

pub(super) async fn price_series(conn: &mut PgConnection, ids: &[i32]) -> Standings {
    let rows = q("SELECT s.id, s.market_id, s.commodity_id, s.unit_id, s.price_type, s.currency, m.region_id, m.country
        FROM price_series s JOIN markets m ON m.id = s.market_id WHERE s.id = ANY($1)")
    .bind(ids)
    .fetch_all(conn)
    .await?;
    let standing = |row| {
        let cells = Cells::of("price_series", row);
        let series = PriceSeries {
            id: SeriesId(cells.number(0)?),
            market: MarketId(cells.number(1)?),
            commodity: CommodityId(cells.number(2)?),
            unit: UnitId(cells.number(3)?),
            price_type: cells.get(4)?,
            currency: cells.currency(5)?,
        };
        Ok(Standing::new(cells.place(6, 7)?, &series))
    };
    rows.iter().map(standing).collect()
}

/// Only the newest months of each series stand in the feed, counted from the series' own newest month.
pub(super) async fn prices(conn: &mut PgConnection, keys: &[Key]) -> Standings {
    let pair = |key: &Key| match key {
        Key::Pair(series, month) => i32::try_from(*series).ok().zip(i32::try_from(*month).ok()),
        _ => None,
    };
    let (series, months): (Vec<i32>, Vec<i32>) = keys.iter().filter_map(pair).unzip();
    let rows = q("SELECT p.series_id, p.month, p.price_minor, p.flags, m.region_id, m.country
        FROM unnest($1::int[], $2::int[]) AS k (series_id, month)
        JOIN prices p ON p.series_id = k.series_id AND p.month = k.month
        JOIN price_series s ON s.id = p.series_id
        JOIN markets m ON m.id = s.market_id
        WHERE p.month > s.newest_month - (SELECT price_history_months FROM hub)")
    .bind(series)
    .bind(months)
    .fetch_all(conn)
    .await?;
    let standing = |row| {
        let cells = Cells::of("prices", row);
        let price = Price {
            at: (SeriesId(cells.number(0)?), Month(cells.number(1)?)),
            price_minor: cells.get(2)?,
            flags: PriceFlags(cells.number(3)?),
        };
        Ok(Standing::new(cells.place(4, 5)?, &price))
    };
    rows.iter().map(standing).collect()
}
