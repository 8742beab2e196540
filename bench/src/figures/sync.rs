//! The first sync into an empty edge: how many of the data set's prices and products a second, and in how many bytes.

use crate::aims::{
    JSON_POLL_SYNC_BYTES, JSON_POLL_SYNC_ROWS_S, PRICE_ROW_BYTES, PRODUCT_ROW_BYTES, SYNC_OF_SQLITE,
    SYNC_TIMES_JSON_POLL,
};
use crate::frames::{PRICES, PRODUCTS, Tally};
use crate::limits;
use crate::nodes::number;
use crate::report::{Aim, Figure, median};
use crate::stage::Stage;
use crate::tell;
use anyhow::{Result, ensure};
use std::path::Path;

pub(super) async fn measure(stage: &mut Stage, home: &Path, runs: usize) -> Result<Vec<Figure>> {
    let (mut rates, mut bytes, mut price, mut product) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut limit, mut narrow, mut seconds, mut trips) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let wanted = (stage.data.prices.len() as u64, stage.data.products.len() as u64);
    for _ in 0..runs {
        limit.push(limits::sqlite_rows_s(home, &stage.data.prices, &stage.data.products)?);
        narrow.push(limits::sqlite_rows_s(home, &stage.data.prices, &[])?);
        let office = stage.enrol(false).await?;
        let (report, seen) = office.sync().await?;
        let tally = Tally::of(&seen)?;
        // Its own cooperative's products come a second time, with what only an office sees.
        let came = (tally.prices(), tally.products());
        ensure!(came.0 == wanted.0 && came.1 >= wanted.1, "of {wanted:?} rows there came {came:?}");
        tell(&format!("  bytes down: {}", tally.words()));
        let took = number(&report, "seconds")?;
        rates.push((wanted.0 + wanted.1) as f64 / took);
        seconds.push(took);
        trips.push(number(&report, "round_trips")?);
        bytes.push(seen.bytes() as f64);
        price.push(tally.bytes_of(PRICES) as f64 / wanted.0 as f64);
        product.push(tally.bytes_of(PRODUCTS) as f64 / wanted.1 as f64);
        stage.offices.push(office);
    }
    let part_of = |limit: &[f64]| rates.iter().zip(limit).map(|(ours, bare)| ours / bare).collect::<Vec<_>>();
    let (of_limit, of_narrow) = (part_of(&limit), part_of(&narrow));
    let times = median(&rates) / JSON_POLL_SYNC_ROWS_S;
    let part = median(&bytes) / JSON_POLL_SYNC_BYTES;
    let least = SYNC_TIMES_JSON_POLL * JSON_POLL_SYNC_ROWS_S;
    Ok(vec![
        Figure::new("first sync: prices and products", "rows/s", rates)
            .aim(Aim::AtLeast(least))
            .against(format!("{times:.1} times json-poll")),
        Figure::new("first sync, part of a bare SQLite insert's", "", of_limit)
            .aim(Aim::AtLeast(SYNC_OF_SQLITE))
            .against("of the same rows, in the same run"),
        Figure::new("first sync, part of such an insert of prices", "", of_narrow)
            .against("whose rows are three numbers; ours bring the products too"),
        Figure::new("first sync: bytes both ways", "bytes", bytes)
            .aim(Aim::AtMost(JSON_POLL_SYNC_BYTES / 2.0))
            .against(format!("{part:.2} of json-poll's, gzip'd")),
        Figure::new("first sync: a price row", "bytes", price)
            .aim(Aim::AtMost(PRICE_ROW_BYTES))
            .against("its share of series and markets included"),
        Figure::new("first sync: a product row", "bytes", product)
            .aim(Aim::AtMost(PRODUCT_ROW_BYTES))
            .against("its share of cooperatives' names included"),
        Figure::new("first sync: whole", "s", seconds).against("as the edge counts, from an empty database"),
        Figure::new("first sync: round trips", "", trips)
            .against("one that brings all, one that says so; who enrols is signed in"),
        Figure::new("limit: bare SQLite insert", "rows/s", limit).against("one transaction, synced"),
    ])
}
