//! `price_series` and `prices`: what was paid where. Imports write them (`market/prices/import/db/`).

use super::keys::Keys;
use super::table::{Catalogue, Standing, Standings, Table, View, ints};
use crate::db::{Cells, q};
use sqlx::PgConnection;
use sqlx::postgres::PgRow;
use sync_protocol::ids::{CommodityId, MarketId, SeriesId, UnitId};
use sync_protocol::market::{Price, PriceFlags, PriceSeries};
use sync_protocol::row::Key;
use sync_protocol::units::Month;

/// The columns that [`Table::read`] reads of a [`PriceSeries`], of `price_series s`.
macro_rules! series_columns {
    () => {
        "s.id, s.market_id, s.commodity_id, s.unit_id, s.price_type, s.currency"
    };
}
/// How many these are.
const SERIES_WIDTH: usize = 6;

/// The columns that [`Table::read`] reads of a [`Price`], of `prices p`.
macro_rules! price_columns {
    () => {
        "p.series_id, p.month, p.price_minor, p.flags"
    };
}
/// How many these are.
const PRICE_WIDTH: usize = 4;

/// The columns that [`priced`] reads.
macro_rules! priced_columns {
    () => {
        concat!($crate::tables::series_columns!(), ", ", $crate::tables::price_columns!())
    };
}
pub(crate) use {price_columns, priced_columns, series_columns};

/// A price and its series.
pub(crate) fn priced(row: &PgRow) -> Result<(PriceSeries, Price), sqlx::Error> {
    let series = PriceSeries::read(&Cells::of(PriceSeries::TABLE, row))?;
    Ok((series, Price::read(&Cells::of(Price::TABLE, row).after(SERIES_WIDTH))?))
}

impl Table for PriceSeries {
    const TABLE: &'static str = "price_series";
    const KEYS: Keys = Keys::Int("SELECT id FROM price_series WHERE id > $1 ORDER BY id LIMIT $2");
    const CATALOGUE: Catalogue = Catalogue::Nothing;

    fn read(cells: &Cells<'_>) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: SeriesId(cells.number(0)?),
            market: MarketId(cells.number(1)?),
            commodity: CommodityId(cells.number(2)?),
            unit: UnitId(cells.number(3)?),
            price_type: cells.get(4)?,
            currency: cells.currency(5)?,
        })
    }

    async fn standing(conn: &mut PgConnection, _: View, keys: &[Key]) -> Standings {
        let rows = q(concat!(
            "SELECT ",
            series_columns!(),
            ", m.region_id, m.country FROM price_series s JOIN markets m ON m.id = s.market_id WHERE s.id = ANY($1)"
        ))
        .bind(ints(keys))
        .fetch_all(conn)
        .await?;
        let standing = |row| {
            let cells = Cells::of(Self::TABLE, row);
            Ok(Standing::new(cells.place(SERIES_WIDTH, SERIES_WIDTH + 1)?, &Self::read(&cells)?))
        };
        rows.iter().map(standing).collect()
    }
}

impl Table for Price {
    const TABLE: &'static str = "prices";
    const KEYS: Keys = Keys::Pair(
        "SELECT p.series_id, p.month FROM prices p JOIN price_series s ON s.id = p.series_id
            WHERE (p.series_id, p.month) > ($1, $2) AND p.month > s.newest_month - (SELECT price_history_months FROM hub)
            ORDER BY p.series_id, p.month LIMIT $3",
    );
    const CATALOGUE: Catalogue = Catalogue::Nothing;

    fn read(cells: &Cells<'_>) -> Result<Self, sqlx::Error> {
        Ok(Self {
            at: (SeriesId(cells.number(0)?), Month(cells.number(1)?)),
            price_minor: cells.get(2)?,
            flags: PriceFlags(cells.number(3)?),
        })
    }

    /// Only the newest months of each series stand in the feed, counted from the series' own newest month.
    async fn standing(conn: &mut PgConnection, _: View, keys: &[Key]) -> Standings {
        let pair = |key: &Key| match key {
            Key::Pair(series, month) => i32::try_from(*series).ok().zip(i32::try_from(*month).ok()),
            _ => None,
        };
        let (series, months): (Vec<i32>, Vec<i32>) = keys.iter().filter_map(pair).unzip();
        let rows = q(concat!(
            "SELECT ",
            price_columns!(),
            ", m.region_id, m.country
            FROM unnest($1::int[], $2::int[]) AS k (series_id, month)
            JOIN prices p ON p.series_id = k.series_id AND p.month = k.month
            JOIN price_series s ON s.id = p.series_id
            JOIN markets m ON m.id = s.market_id
            WHERE p.month > s.newest_month - (SELECT price_history_months FROM hub)"
        ))
        .bind(series)
        .bind(months)
        .fetch_all(conn)
        .await?;
        let standing = |row| {
            let cells = Cells::of(Self::TABLE, row);
            Ok(Standing::new(cells.place(PRICE_WIDTH, PRICE_WIDTH + 1)?, &Self::read(&cells)?))
        };
        rows.iter().map(standing).collect()
    }
}
