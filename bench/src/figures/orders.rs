//! Ten thousand orders written at an office without a line, then pushed: each checked by the hub's one application function and
//! answered with a verdict, and the rows of it back at the office.

use crate::aims::{JSON_POLL_PUSH_BYTES, ORDERS_S, ORDERS_TIMES_POSTGRES};
use crate::frames::Tally;
use crate::nodes::number;
use crate::report::{Aim, Figure, median};
use crate::stage::{Stage, until_settled};
use crate::{limits, orders, tell};
use anyhow::{Result, ensure};

/// Orders of one push.
const COUNT: u32 = 10_000;
/// Rows of the bare insert beside it.
const LIMIT_ROWS: usize = 2_000;

pub(super) async fn measure(stage: &mut Stage, runs: usize) -> Result<Vec<Figure>> {
    stage.synced(runs).await?;
    let (mut rates, mut bytes, mut seconds, mut limit) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for office in &stage.offices[..runs] {
        until_settled(&stage.opened.db).await?;
        limit.push(limits::postgres_rows_s(&stage.opened.db, LIMIT_ROWS, 1).await?);
        tokio::task::block_in_place(|| orders::register_members(&office.dir))?;
        office.sync().await?;
        tokio::task::block_in_place(|| orders::write(&office.dir, COUNT))?;
        let (report, seen) = office.sync().await?;
        let applied = number(&report, "applied")?;
        ensure!(applied == f64::from(COUNT), "not every order was applied: {report}");
        let tally = Tally::of(&seen)?;
        let span = seen.span().as_secs_f64();
        tell(&format!("  {span:.2} s on the line; up: {}; down: {} ({})", seen.up, seen.down, tally.words()));
        let took = number(&report, "seconds")?;
        rates.push(f64::from(COUNT) / span);
        seconds.push(took);
        bytes.push(seen.bytes() as f64);
    }
    let part = median(&bytes) / JSON_POLL_PUSH_BYTES;
    let times: Vec<f64> = rates.iter().zip(&limit).map(|(ours, bare)| ours / bare).collect();
    Ok(vec![
        Figure::new("10,000 orders pushed and answered", "orders/s", rates)
            .aim(Aim::AtLeast(ORDERS_S))
            .against("first byte to last"),
        Figure::new("10,000 orders, times a bare Postgres insert", "", times)
            .aim(Aim::AtLeast(ORDERS_TIMES_POSTGRES))
            .against("one a transaction, in the same run"),
        Figure::new("10,000 orders: bytes both ways", "bytes", bytes)
            .aim(Aim::AtMost(JSON_POLL_PUSH_BYTES / 3.0))
            .against(format!(
                "{part:.2} of json-poll's, which checks nothing; verdicts and rows back included"
            )),
        Figure::new("10,000 orders: whole", "s", seconds)
            .against("as the edge counts: a recount of its whole disk before, the last write after"),
        Figure::new("limit: bare Postgres insert", "rows/s", limit)
            .against("one a transaction, one after the other, synced, nothing checked"),
    ])
}
