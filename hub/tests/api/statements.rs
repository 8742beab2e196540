//! Tables' columns change while the hub serves: what was prepared before is outdated, and nobody who asks notices.

use crate::exchange::Signed;
use crate::support::{CONNECTIONS, OWN, TestHub, Who};
use futures_util::future::join_all;
use mizili_node::testing::wait;
use serde_json::json;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// People and offices who ask at once.
const ASKERS: usize = 9;

/// Asks in turn for everything that reads or writes the tables, until told to stop; counts the answers. One of all is the box that
/// exchanges.
async fn ask(
    hub: &TestHub,
    product: &str,
    signed: &Signed,
    who: usize,
    answers: &AtomicU32,
    stop: &AtomicBool,
) {
    let mut signed = signed.clone();
    for n in who.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        match n % 7 {
            0 => drop(hub.get("/api/v1/products").send().await.is(200)),
            1 => drop(hub.get(&format!("/api/v1/products/{product}")).send().await.is(200)),
            2 => drop(hub.get("/api/v1/orders").by(Who::Buyer).send().await.is(200)),
            3 => signs_in_and_out(hub, who).await,
            4 => signed.hears(hub).await,
            5 if who == 0 => signed.is_welcomed(hub).await,
            5 => drop(Signed::signed_in(hub).await),
            _ => {
                let order = json!({ "product_id": product, "quantity": "1" });
                let post = hub.post("/api/v1/orders").by(Who::Buyer).key(&format!("{who}-{n}"));
                post.json(&order).send().await.is(201);
            }
        }
        answers.fetch_add(1, Ordering::Relaxed);
    }
}

/// Each has an account of their own: whoever guesses at one at the same time has to wait.
fn phone(who: usize) -> String {
    format!("+26599912345{who}")
}

async fn signs_in_and_out(hub: &TestHub, who: usize) {
    let post = async |what: &str, body| hub.post(&format!("/api/v1/auth/{what}")).json(&body).send().await;
    let first = post("login", json!({ "phone": phone(who), "password": "correct horse" })).await.is(200);
    let first = json!({ "refresh_token": first.json()["refresh_token"] });
    let second = post("refresh", first.clone()).await.is(200);
    assert_eq!(post("refresh", first).await.is(200).body, second.body);
    post("logout", json!({ "refresh_token": second.json()["refresh_token"] })).await.is(204);
}

#[tokio::test]
async fn columns_that_change_their_type_under_load_fail_nobody() {
    let _alone = CONNECTIONS.lock().await;
    let hub = TestHub::with_market().await;
    hub.confirm(Who::Buyer).await;
    let product = hub.maize(OWN, 100_000).await;
    let signed = Signed::enrolled(&hub).await;
    for who in 0..ASKERS {
        let account = json!({ "phone": phone(who), "password": "correct horse", "name": "Grace Banda" });
        hub.post("/api/v1/users").json(&account).send().await.is(201);
    }
    let (answers, stop) = (AtomicU32::new(0), AtomicBool::new(false));
    let until = async |more: u32| {
        let from = answers.load(Ordering::Relaxed);
        wait::until(async || answers.load(Ordering::Relaxed) >= from + more).await;
    };
    let change = async {
        until(150).await;
        hub.sql(
            "ALTER TABLE listings ALTER title TYPE varchar(500);
             ALTER TABLE users ALTER name TYPE varchar(500);
             ALTER TABLE cooperatives ALTER country TYPE varchar(3)",
        )
        .await;
        until(150).await;
        stop.store(true, Ordering::Relaxed);
    };
    let asking = join_all((0..ASKERS).map(|who| ask(&hub, &product, &signed, who, &answers, &stop)));
    tokio::join!(asking, change);
    assert!(mizili_hub::db::statements::are_named(), "they were prepared, and still are");
    let sold = "SELECT 100000 - sum(quantity_milli) / 1000 FROM stock_entries WHERE holder = 0";
    let orders = "SELECT count(*) FROM orders";
    assert_eq!(
        hub.ask(sold).await.split('.').next(),
        Some(hub.ask(orders).await.as_str()),
        "each order once"
    );
}
