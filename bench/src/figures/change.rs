//! A thousand changed prices, fetched in one exchange on an open connection, as a connected office does it.

use crate::aims::CHANGED_PRICE_BYTES;
use crate::change;
use crate::frames::Tally;
use crate::report::{Aim, Figure};
use crate::stage::Stage;
use crate::tell;
use anyhow::{Result, ensure};

/// Prices that change.
const COUNT: u32 = 1_000;

pub(super) async fn measure(stage: &mut Stage, runs: usize) -> Result<Vec<Figure>> {
    stage.synced(1).await?;
    let (mut each, mut trips, mut seconds) = (Vec::new(), Vec::new(), Vec::new());
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
    }
    Ok(vec![
        Figure::new("1,000 changed prices: each", "bytes", each)
            .aim(Aim::AtMost(CHANGED_PRICE_BYTES))
            .against("both ways, heads and digests of the exchange included"),
        Figure::new("1,000 changed prices: round trips", "", trips).aim(Aim::AtMost(1.0)),
        Figure::new("1,000 changed prices: whole", "s", seconds),
    ])
}
