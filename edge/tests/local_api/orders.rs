//! The list of orders: what is said of each, and in which order they stand.

use crate::support::{Office, ids};
use mizili_edge::db::DbError;
use mizili_edge::testing::{COOP, live, web_order};
use serde_json::{Value, json};
use sync_protocol::bucket::Bucket;
use sync_protocol::market::{Entity as _, Order};
use sync_protocol::row::Key;
use sync_protocol::verdict::{Reject, RejectCode, Verdict};

const ORDERS: &str = "/api/v1/orders";

fn feed(office: &Office, orders: &[&Order]) {
    office.edge.feed(Bucket::Coop(COOP), orders.iter().map(|order| live(*order)).collect());
}

#[tokio::test]
async fn an_order_of_somebody_whose_number_nobody_confirmed_is_marked_until_somebody_has() {
    let office = Office::open().await;
    let order = |buyer_unconfirmed| Order { buyer_unconfirmed, ..web_order(71) };
    let id = order(true).id;
    let seen = async || office.get(&format!("{ORDERS}/{}", id.0)).await.ok()["buyer_unconfirmed"].clone();
    feed(&office, &[&order(true)]);
    assert_eq!(seen().await, true);
    let list = office.get(ORDERS).await.ok();
    assert_eq!(list["items"][0]["buyer_unconfirmed"], true, "{list}");
    feed(&office, &[&order(false)]);
    assert_eq!(seen().await, Value::Null, "left out where there is nothing to say");
}

#[tokio::test]
async fn orders_stand_as_the_hub_recorded_them_whatever_the_clocks_of_boxes_said() {
    let office = Office::open().await;
    // One box is in 2040, another in 1970; this one's own order has not reached the hub.
    let first = Order { placed_at_s: 2_208_988_800, recorded_at_s: Some(1_700_000_000), ..web_order(71) };
    let second = Order { placed_at_s: 5, recorded_at_s: Some(1_700_000_001), ..web_order(72) };
    // An older hub did not say when it recorded one.
    let old = Order { placed_at_s: 1_600_000_000, recorded_at_s: None, ..web_order(73) };
    feed(&office, &[&second, &old, &first]);
    let product = office.offer(50).await;
    let mut here = Vec::new();
    for _ in 0..2 {
        here.push(office.order(&product, 1).await.ok()["id"].as_str().unwrap().to_owned());
    }
    let recorded = [second.id, first.id, old.id].map(|id| id.0.to_string());
    let wanted: Vec<String> = here.into_iter().rev().chain(recorded).collect();
    assert_eq!(ids(&office.get(ORDERS).await.ok()), wanted);
    // Page by page too.
    let mut seen = Vec::new();
    let mut next = Some(format!("{ORDERS}?limit=2"));
    while let Some(path) = next {
        let page = office.get(&path).await.ok();
        seen.extend(ids(&page).into_iter().map(str::to_owned));
        next = page["next"].as_str().map(str::to_owned);
    }
    assert_eq!(seen, wanted);
}

#[tokio::test]
async fn an_order_whose_listing_and_words_are_gone_is_priced_in_the_offices_own_currency() {
    let office = Office::open().await;
    let product = office.offer(50).await;
    let asked = office.order(&product, 40).await.ok();
    let path = format!("{ORDERS}/{}", asked["id"].as_str().unwrap());
    let forget = "UPDATE command SET thing = NULL; DELETE FROM local_row WHERE entity = 13; DELETE FROM replica WHERE entity = 13";
    office.edge.write(move |tx| Ok::<_, DbError>(tx.execute_batch(forget)?));
    assert_eq!(office.get(&path).await.ok()["total"], json!({ "amount": 1_800_000, "currency": "MWK" }));
    office.edge.verdict(1, Verdict::Rejected(Reject::new(RejectCode::NotFound)), &[]);
    office.edge.verdict(2, Verdict::Rejected(Reject::new(RejectCode::NotFound)), &[]);
    let order = office.get(&path).await.ok();
    assert_eq!(order["status"], "refused");
    assert_eq!(order["unit_price"], json!({ "amount": 45_000, "currency": "MWK" }));
    assert_eq!(order["total"], json!({ "amount": 1_800_000, "currency": "MWK" }));
}

#[tokio::test]
async fn one_order_that_cannot_be_read_keeps_nobody_from_the_others() {
    let office = Office::open().await;
    let (good, bad) = (web_order(71), web_order(72));
    feed(&office, &[&good, &bad]);
    let product = office.offer(50).await;
    let here = office.order(&product, 1).await.ok()["id"].as_str().unwrap().to_owned();
    office.order(&product, 2).await.ok();
    office.edge.write(move |tx| -> Result<(), DbError> {
        // Of one the row, of another the key under which it waits.
        let sql = "UPDATE replica SET payload = x'05FF' WHERE entity = ?1 AND id = ?2";
        assert_eq!(tx.execute(sql, (Order::NUMBER, &*Key::Uuid(bad.id.0).to_bytes()))?, 1);
        let sql = "UPDATE local_row SET id = x'FF' WHERE entity = ?1 AND seq = 3";
        assert_eq!(tx.execute(sql, [Order::NUMBER])?, 1);
        Ok(())
    });
    assert_eq!(ids(&office.get(ORDERS).await.ok()), [here, good.id.0.to_string()]);
}
