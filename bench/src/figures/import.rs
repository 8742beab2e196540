//! The import of a real price file into a hub that has none: prices, series and the feed's rows in one go.

use crate::aims::IMPORT_ROWS_S;
use crate::nodes::{ask, number};
use crate::report::{Aim, Figure, median};
use crate::{bench_dir, fill, limits};
use anyhow::{Context as _, Result};
use std::path::Path;

/// Rows of one transaction of the bare insert beside it: as many as an import's.
const ROWS_A_TRANSACTION: usize = 5_000;

pub(super) async fn measure(home: &Path, runs: usize) -> Result<Vec<Figure>> {
    let file = bench_dir().join("../hub/data/prices/wfp_food_prices_ken.csv");
    let file = file.to_str().context("a path that is no text")?;
    let (mut rates, mut seconds, mut limit) = (Vec::new(), Vec::new(), Vec::new());
    for run in 0..runs {
        let hub_dir = home.join(format!("import-{run}"));
        // Started beforehand, so that making a database cluster is not in the import's time.
        let opened = fill::open(&hub_dir).await?;
        let report = ask("mizili-hub", &hub_dir, &["prices", "import", "--source", "wfp", file]).await;
        let rows = match &report {
            Ok(report) => number(report, "read")?,
            Err(_) => 0.0,
        };
        let bare = limits::postgres_rows_s(&opened.db, rows as usize, ROWS_A_TRANSACTION).await;
        opened.close().await?;
        let took = number(&report?, "seconds")?;
        limit.push(bare?);
        rates.push(rows / took);
        seconds.push(took);
    }
    let of_limit = median(&rates) / median(&limit);
    Ok(vec![
        Figure::new("import of the Kenya file", "rows/s", rates)
            .aim(Aim::AtLeast(IMPORT_ROWS_S))
            .against(format!("{of_limit:.2} of a bare Postgres insert; rows of the feed included")),
        Figure::new("import of the Kenya file: whole", "s", seconds).against("as the hub counts"),
    ])
}
