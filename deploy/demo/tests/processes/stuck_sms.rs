//! SMS that wait at an office without an account to send them with: the office says so, and so does the hub, to whose operator the
//! office turns. Once there is an account, nobody says it any more.

use crate::market::{Market, in_a_market};
use anyhow::{Context, Result, ensure};
use mizili_demo::answer::{count, text};
use serde_json::Value;

/// Nobody listens there: what is sent waits to be sent again, which is no longer in vain.
const ACCOUNT: &str =
    "username = \"coop\"\napi_key = \"key-1\"\napi_url = \"http://127.0.0.1:9/version1/messaging\"\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sms_that_wait_without_an_account_are_said_at_the_office_and_at_the_hub() {
    in_a_market("sms_that_wait_without_an_account", async |market, _| {
        let cooperative = market.cooperative.clone();
        let hub = format!("http://{}", market.nodes.hub_address);
        market.enrol(&market.nodes, &cooperative, &hub).await?;
        exchange(market).await?;
        let edge = listed(market).await?;
        ensure!(edge["stuck_sms"] == 0 && edge["stuck_sms_since"].is_null(), "{edge}");

        market.nodes.start_edge().await?;
        market.phone("+265888123401").await?.text("PRICE MAIZE LILONGWE").await?;
        market.nodes.kill_edge().await?;
        let status = market.nodes.ask("mizili-edge", &["status"], "").await?;
        ensure!(status["sms_stuck"] == 1, "{status}");
        count(&status, "sms_stuck_age_s")?;
        exchange(market).await?;
        let edge = listed(market).await?;
        ensure!(edge["stuck_sms"] == 1, "{edge}");
        text(&edge, "stuck_sms_since")?;

        let settings = market.nodes.data_dir("mizili-edge").join("edge.toml");
        let before = std::fs::read_to_string(&settings)?;
        let with_account: String = before
            .lines()
            .filter(|line| !["username", "api_key", "api_url"].iter().any(|word| line.starts_with(word)))
            .map(|line| format!("{line}\n"))
            .collect();
        std::fs::write(&settings, with_account + ACCOUNT)?;
        exchange(market).await?;
        let edge = listed(market).await?;
        ensure!(edge["stuck_sms"] == 0 && edge["stuck_sms_since"].is_null(), "{edge}");
        let status = market.nodes.ask("mizili-edge", &["status"], "").await?;
        ensure!(status["sms_stuck"] == 0 && status["sms_stuck_age_s"].is_null(), "{status}");
        Ok(())
    })
    .await;
}

async fn exchange(market: &Market) -> Result<()> {
    market.nodes.ask("mizili-edge", &["sync", "--once"], "").await.map(|_| ())
}

/// The office as `mizili-hub edge list` shows it.
async fn listed(market: &Market) -> Result<Value> {
    market.nodes.run("mizili-hub", &["edge", "list"], "").await?.pop().context("no edge is listed")
}
