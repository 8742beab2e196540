//! A thousand changed prices, fetched in one exchange on an open connection, as a connected office does it.

use crate::aims::{CHANGED_BY_PROCESS_S, CHANGED_PRICE_BYTES};
use crate::change;
use crate::frames::Tally;
use crate::report::{Aim, Figure};
use crate::stage::Stage;
use crate::tell;
use anyhow::{Result, ensure};
use std::time::Instant;

/// Prices that change.
const COUNT: u32 = 1_000;

pub(super) async fn measure(stage: &mut Stage, runs: usize) -> Result<Vec<Figure>> {
    stage.synced(1).await?;
    let (mut each, mut trips) = (Vec::new(), Vec::new());
    let (mut seconds, mut as_process) = (Vec::new(), Vec::new());
    if let Some(office) = stage.offices.first() {
        let connected = office.connected().await?;
        for _ in 0..runs {
            change::prices(&stage.opened.db, COUNT).await?;
            let (report, seen) = connected.exchange().await?;
            let tally = Tally::of(&seen)?;
            ensure!(tally.prices() == u64::from(COUNT), "{} prices came: {report:?}", tally.prices());
            ensure!(report.digests_equal, "office and hub differ: {report:?}");
            tell(&format!("  bytes up: {}; down: {} ({})", seen.up, seen.down, tally.words()));
            each.push(seen.bytes() as f64 / f64::from(COUNT));
            trips.push(report.round_trips as f64);
            seconds.push(report.seconds);
        }
        drop(connected);
        for _ in 0..runs {
            change::prices(&stage.opened.db, COUNT).await?;
            let began = Instant::now();
            let (report, _) = office.sync().await?;
            as_process.push(began.elapsed().as_secs_f64());
            ensure!(report["rows"].as_u64() >= Some(u64::from(COUNT)), "not all came: {report}");
        }
    }
    Ok(vec![
        Figure::new("1,000 changed prices: each", "bytes", each)
            .aim(Aim::AtMost(CHANGED_PRICE_BYTES))
            .against("both ways, heads and digests of the exchange included"),
        Figure::new("1,000 changed prices: round trips", "", trips).aim(Aim::AtMost(1.0)),
        Figure::new("1,000 changed prices: whole", "s", seconds),
        Figure::new("1,000 changed prices by `sync --once`", "s", as_process)
            .aim(Aim::AtMost(CHANGED_BY_PROCESS_S))
            .against("a process of its own, from its start to its end"),
    ])
}
