//! Power cuts at the office while people act: what they were told was on the disk before they were told.

use crate::audit::{self, Told};
use crate::chance::Chance;
use crate::clients::{Crowd, Office};
use crate::disk::{Disk, Scraps};
use crate::farmers::join;
use crate::kills::goods;
use crate::market::{Market, in_a_market};
use anyhow::{Context, Result, ensure};
use mizili_demo::line::Line;
use reqwest::{Method, StatusCode};
use serde_json::json;
use std::sync::Arc;

/// Power cuts, beside the one on a disk that lies.
const ROUNDS: u32 = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_people_were_told_is_there_after_a_power_cut() {
    in_a_market("power_cut", async |market, seed| {
        let mut chance = Chance::new(seed);
        let disk = Disk::new(market.home(), &market.nodes.data_dir("mizili-edge"))?;
        market.nodes.edge_variables = disk.variables();
        let line = Line::lay(market.nodes.hub_address.clone()).await?;
        let cooperative = market.cooperative.clone();
        let password = market.enrol(&market.nodes, &cooperative, &line.address).await?;
        // An office that was enrolled and lost power at once is enrolled.
        disk.power_cut(Scraps::None, &mut chance)?;
        let (goods, taken_in) = goods(market).await?;
        market.nodes.start_edge().await?;
        audit::settle(&market.nodes).await?;
        let office = Arc::new(Office::new(&market.nodes.edge_address, &password));
        a_lying_disk_is_found_out(market, &disk, &line, &office, &goods.plenty[0].0, &mut chance).await?;
        let mut crowd = Crowd::new(goods);
        let phone = market.phone("+265888123401").await?;
        join(&phone, "Esnart Mvula").await?;
        crowd.farmer(phone, chance.fork());
        crowd.clerk(&office, "clerk-1", chance.fork());
        crowd.clerk(&office, "clerk-2", chance.fork());
        for round in 0..ROUNDS {
            let scraps = if round % 2 == 0 { Scraps::None } else { Scraps::Some };
            crowd.act(10 + chance.below(30) as usize).await?;
            tokio::time::sleep(chance.moment(40)).await;
            market.nodes.kill_edge().await?;
            // What the hub has heard of must not come back from there.
            line.cut();
            let told = crowd.ledger.copy();
            disk.power_cut(scraps, &mut chance)?;
            market
                .nodes
                .start_edge()
                .await
                .with_context(|| format!("after a power cut, scraps: {scraps:?}"))?;
            audit::office_remembers(&office, &told, &crowd.ledger)
                .await
                .with_context(|| format!("scraps: {scraps:?}"))?;
            if chance.once_in(2) {
                crowd.act(10).await?;
            }
            line.mend();
        }
        crowd.go_home().await?;
        audit::settle(&market.nodes).await?;
        let told = crowd.ledger.copy();
        audit::office_remembers(&office, &told, &crowd.ledger).await?;
        audit::all_is_as_told(market, &[Told { office: &office, told }], &taken_in).await
    })
    .await;
}

/// The test would notice: on a disk that says "synced" and is not, an order that somebody was told of is gone.
async fn a_lying_disk_is_found_out(
    market: &mut Market,
    disk: &Disk,
    line: &Line,
    office: &Office,
    product: &str,
    chance: &mut Chance,
) -> Result<()> {
    line.cut();
    disk.lie(true)?;
    let order = json!({"product_id": product, "quantity": "1"});
    let order = office.sign_in().await?.post("/orders", order, Some("on-a-lying-disk")).await?;
    ensure!(order["status"] == "confirmed", "{order}");
    market.nodes.kill_edge().await?;
    disk.lie(false)?;
    disk.power_cut(Scraps::None, chance)?;
    market.nodes.start_edge().await?;
    let path = format!("/orders/{}", order["id"].as_str().context("no id")?);
    office.sign_out().await;
    let (status, body) = office.sign_in().await?.send(Method::GET, &path, None, None).await?;
    ensure!(status == StatusCode::NOT_FOUND, "what was never synced is there: {status} {body}");
    line.mend();
    Ok(())
}
