//! An exchange without news on an open connection: of an office with an ordinary number of buckets, and of the one that has all
//! regions of the data set, whose cursors alone are many.

use crate::aims::QUIET_BYTES;
use crate::report::{Aim, Figure};
use crate::stage::{Office, Stage};
use crate::tell;
use anyhow::{Result, ensure};
use std::time::Duration;

/// Between two exchanges: in the same second a hub's `date` header would cost a byte, as it never does in an office.
const APART: Duration = Duration::from_millis(1_100);

pub(super) async fn measure(stage: &mut Stage, runs: usize) -> Result<Vec<Figure>> {
    stage.synced(1).await?;
    let ordinary = stage.enrol(true).await?;
    ordinary.sync().await?;
    let ordinary = bytes(&ordinary, runs).await?;
    let all = match stage.offices.first() {
        Some(office) => bytes(office, runs).await?,
        None => Vec::new(),
    };
    Ok(vec![
        Figure::new("exchange without news", "bytes", ordinary)
            .aim(Aim::AtMost(QUIET_BYTES))
            .against("both ways, HTTP heads included; an office with its own region and 4 neighbours"),
        Figure::new("exchange without news, all regions", "bytes", all).against(format!(
            "at the bench's office with all {} regions, which none has",
            stage.data.regions.len()
        )),
    ])
}

async fn bytes(office: &Office, runs: usize) -> Result<Vec<f64>> {
    let connected = office.connected().await?;
    let mut bytes = Vec::new();
    for _ in 0..runs {
        tokio::time::sleep(APART).await;
        let (report, seen) = connected.exchange().await?;
        ensure!(report.rows == 0 && report.round_trips == 1, "there was news: {report:?}");
        tell(&format!("  bytes up: {}; down: {}", seen.up, seen.down));
        bytes.push(seen.bytes() as f64);
    }
    Ok(bytes)
}
