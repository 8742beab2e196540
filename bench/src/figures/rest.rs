//! The hub's REST API: a list of products, the latest price, an order. Each beside pgbench, which sends the statements that the hub
//! keeps to the same Postgres and makes nothing of the answers.

use crate::aims::{REST_ORDER_OF_PGBENCH, REST_READ_OF_PGBENCH};
use crate::limits;
use crate::report::{Aim, Figure, median};
use crate::rest::{self, Scenario};
use crate::stage::Stage;
use crate::tell;
use anyhow::{Context as _, Result};
use std::path::Path;

/// Each with its words and the part of pgbench's rate that it should reach.
const SCENARIOS: [(Scenario, &str, f64); 3] = [
    (Scenario::Products, "20 of the products by crop and region", REST_READ_OF_PGBENCH),
    (Scenario::Price, "latest price of a crop in a market", REST_READ_OF_PGBENCH),
    (Scenario::Order, "order placed over REST", REST_ORDER_OF_PGBENCH),
];

pub(super) async fn measure(
    stage: &mut Stage,
    home: &Path,
    data_dir: &Path,
    runs: usize,
    seconds: u32,
) -> Result<Vec<Figure>> {
    if !limits::has_load_tools() || !rest::has_pgbench() {
        tell("  wrk or pgbench is not installed (deploy/setup bench): the REST API is left out");
        return Ok(Vec::new());
    }
    let tokens = home.join("tokens.txt");
    let mut figures = Vec::new();
    for (scenario, words, aim) in SCENARIOS {
        // Fresh ones: they are good for a quarter of an hour.
        std::fs::write(&tokens, rest::tokens(&stage.opened.db, &stage.hub_dir()).await?)?;
        let load = |seconds| rest::load(&stage.hub.address, scenario, data_dir, &tokens, seconds);
        load(1).await.context("warming up")?;
        let (mut ours, mut p99, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..runs {
            let seen = load(seconds).await?;
            tell(&format!("  {words}: {:.0}/s, p50 {:.2} ms, p99 {:.2} ms", seen.rps, seen.p50, seen.p99));
            ours.push(seen.rps);
            p99.push(seen.p99);
            theirs.push(rest::pgbench(&stage.opened.db, scenario, &stage.data, home, seconds).await?);
        }
        let part: Vec<f64> = ours.iter().zip(&theirs).map(|(ours, theirs)| ours / theirs).collect();
        let beside = format!("pgbench {:.0}/s in the same run, 8 connections", median(&theirs));
        figures.extend([
            Figure::new(words, "answers/s", ours)
                .against("16 connections on this machine's cores, wrk among them"),
            Figure::new(format!("{words}, part of pgbench's"), "", part)
                .aim(Aim::AtLeast(aim))
                .against(beside),
            Figure::new(format!("{words}: p99"), "ms", p99).against("16 connections"),
        ]);
    }
    Ok(figures)
}
