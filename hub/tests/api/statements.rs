//! A table's columns change while the hub serves: what was prepared before is outdated, and nobody who asks notices.

use crate::support::{OWN, TestHub, Who};
use futures_util::future::join_all;
use serde_json::json;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// Asks in turn for everything that reads or writes the table, until told to stop; counts the answers.
async fn ask(hub: &TestHub, product: &str, who: usize, answers: &AtomicU32, stop: &AtomicBool) {
    for n in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let answer = match n % 4 {
            0 => hub.get("/api/v1/products").send().await,
            1 => hub.get(&format!("/api/v1/products/{product}")).send().await,
            2 => hub.get("/api/v1/orders").by(Who::Buyer).send().await,
            _ => {
                let order = json!({ "product_id": product, "quantity": "1" });
                hub.post("/api/v1/orders").by(Who::Buyer).key(&format!("{who}-{n}")).json(&order).send().await
            }
        };
        assert!(answer.status.is_success(), "{}: {}", answer.status, answer.text());
        answers.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn a_column_that_changes_its_type_under_load_fails_nobody() {
    let hub = TestHub::with_market().await;
    hub.confirm(Who::Buyer).await;
    let product = hub.maize(OWN, 100_000).await;
    let (answers, stop) = (AtomicU32::new(0), AtomicBool::new(false));
    let until = async |more: u32| {
        let from = answers.load(Ordering::Relaxed);
        while answers.load(Ordering::Relaxed) < from + more {
            tokio::task::yield_now().await;
        }
    };
    let change = async {
        until(100).await;
        hub.sql("ALTER TABLE listings ALTER title TYPE varchar(500)").await;
        until(100).await;
        stop.store(true, Ordering::Relaxed);
    };
    let asking = join_all((0..6).map(|who| ask(&hub, &product, who, &answers, &stop)));
    tokio::join!(asking, change);
    assert!(mizili_hub::db::statements::are_named(), "they were prepared, and still are");
    let sold = "SELECT 100000 - sum(quantity_milli) / 1000 FROM stock_entries";
    let orders = "SELECT count(*) FROM orders";
    assert_eq!(
        hub.ask(sold).await.split('.').next(),
        Some(hub.ask(orders).await.as_str()),
        "each order once"
    );
}
