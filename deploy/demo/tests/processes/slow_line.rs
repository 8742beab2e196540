//! A first sync over a slow line that breaks all the time: it gets there, from where it was, and what came first is of use before
//! the rest has come.

use crate::audit;
use crate::bad_line::{BadLine, Quality};
use crate::chance::Chance;
use crate::clients::Office;
use crate::farmers::join;
use crate::market::{Market, add_cooperative, all, in_a_market};
use anyhow::{Context, Result, ensure};
use mizili_demo::answer::PATIENCE;
use mizili_demo::phone::Phone;
use serde_json::json;
use std::time::{Duration, Instant};

const SLOW: Quality =
    Quality { latency: Duration::from_millis(300), bytes_per_s: 8_000, cut_every_bytes: Some(7_000) };
/// The same way without a cut, and fast, for comparison: the bytes are the same.
const GOOD: Quality = Quality { latency: Duration::ZERO, bytes_per_s: 8_000_000, cut_every_bytes: None };

/// What may go over the broken line for each byte that goes over a good one: smaller frames compress less, and the speed is learnt by
/// what is lost.
const MORE: u64 = 2;
/// A frame at this speed: a third of a second.
const FRAME_BYTES: u64 = SLOW.bytes_per_s / 3;
/// Frames that each cut may cost beside asking again: the one that it fell into, and one that was on its way behind it.
const LOST_FRAMES: u64 = 2;

/// What is carried at once, where the test looks at what is there in between.
const SIP_BYTES: u64 = 6_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_sync_gets_there_over_a_line_that_breaks_all_the_time() {
    in_a_market("slow_line", async |market, seed| {
        let mut chance = Chance::new(seed);
        let uncut = over_a_good_line(market, chance.fork()).await?;
        let cooperative = market.cooperative.clone();
        let product = market.offer("Gold", 1_000).await?;
        let line = BadLine::lay(&market.nodes.hub_address, SLOW, chance.fork()).await?;
        let password = market.enrol(&market.nodes, &cooperative, &line.address).await?;
        line.carry_only(0);
        market.nodes.start_edge().await?;
        let office = Office::new(&market.nodes.edge_address, &password);
        let farmer = market.phone("+265888123401").await?;
        let (before, connections, cuts) = (line.carried(), line.connections(), line.cuts());
        let early = prices_come_before_the_rest(market, &line, &farmer).await?;
        // The office works meanwhile.
        join(&farmer, "Esnart Mvula").await?;
        let order = json!({"product_id": product, "quantity": "7"});
        let order = office.sign_in().await?.post("/orders", order, Some("meanwhile")).await?;
        line.carry_only(u64::MAX);
        line.break_at_random();
        audit::settle(&market.nodes).await?;
        let (carried, connections, cuts) =
            (line.carried() - before, line.connections() - connections, line.cuts() - cuts);
        ensure!(cuts >= 3, "the line was cut {cuts} times only");
        let most =
            uncut.bytes * MORE + connections * uncut.asking_bytes + cuts * LOST_FRAMES * FRAME_BYTES;
        let told = format!(
            "{carried} bytes (at most {most}) with {cuts} cuts and {connections} connections, {early} before the first price; {uncut:?}"
        );
        ensure!(carried <= most, "begun anew instead of gone on with: {told}");
        let orders = all(&market.admin, "/orders?limit=100").await?;
        ensure!(orders.len() == 1 && orders[0]["id"] == order["id"], "one order, once: {orders:?}");
        ensure!(orders[0]["status"] == "confirmed" && orders[0]["quantity"] == "7", "{}", orders[0]);
        Ok(())
    })
    .await;
}

/// A first sync without a cut.
#[derive(Debug)]
struct Uncut {
    bytes: u64,

    /// What it takes to open a connection, ask, and hear that there is nothing.
    asking_bytes: u64,
}

/// The same first sync without a cut, of another office nearby.
async fn over_a_good_line(market: &Market, chance: Chance) -> Result<Uncut> {
    let home = tempfile::tempdir()?;
    let other = market.nodes.another_office(home.path())?;
    let line = BadLine::lay(&market.nodes.hub_address, GOOD, chance).await?;
    let cooperative = add_cooperative(&market.nodes, "Tiyende Farmers").await?;
    market.enrol(&other, &cooperative, &line.address).await?;
    let before = line.carried();
    let report = other.ask("mizili-edge", &["sync", "--once"], "").await?;
    ensure!(report["digests_equal"] == true, "{report}");
    let first = line.carried();
    // On a connection of its own, with nothing new on either side.
    other.ask("mizili-edge", &["sync", "--once"], "").await?;
    Ok(Uncut { bytes: first - before, asking_bytes: line.carried() - first })
}

/// Lets the line carry a little at a time until a phone gets a price; gives the bytes that it took. The rest is still to come then.
async fn prices_come_before_the_rest(market: &Market, line: &BadLine, farmer: &Phone) -> Result<u64> {
    let (begun, before) = (Instant::now(), line.carried());
    loop {
        line.carry_only(SIP_BYTES);
        // It ends where the line does.
        let sipped = market.nodes.ask("mizili-edge", &["sync", "--once"], "").await;
        let status = market.nodes.ask("mizili-edge", &["status"], "").await?;
        ensure!(sipped.is_err() && status["complete"] == false, "all was there before a price was looked at");
        let screen = price(farmer).await?;
        if screen.contains("WFP") {
            return Ok(line.carried() - before);
        }
        ensure!(begun.elapsed() < 2 * PATIENCE, "no price came, only: {screen}");
    }
}

/// The screen with the price of maize in Lilongwe, or as far as the way there leads.
async fn price(farmer: &Phone) -> Result<String> {
    let mut call = farmer.dial().await.context("a call")?;
    for wanted in ["Prices", "Maize", "Lilongwe"] {
        let is_there = call.key_of(wanted).is_some() || call.more_key().is_some();
        if !is_there || call.choose(wanted).await.is_err() {
            break;
        }
    }
    Ok(call.screen.clone())
}
