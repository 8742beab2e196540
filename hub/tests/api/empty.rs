//! Texts that the document does not let be empty, sent empty: each is refused by name, whether it may be left out or not.

use crate::support::{KG, MAIZE, OWN, TestHub, Who};
use axum::http::{HeaderName, Method};
use mizili_hub::router::document;
use mizili_node::testing::empty::filled;
use serde_json::{Value, json};

/// What each operation would take, but for who asks.
fn body(operation: &str, product: &str) -> Value {
    let price = json!({ "amount": 50_000, "currency": "MWK" });
    let account = json!({ "phone": "0991 234 567", "country": "MWI", "password": "correct horse" });
    match operation {
        "log_in" => account,
        "register" => {
            let mut account = account;
            account["name"] = "Grace".into();
            account["language"] = "ny".into();
            account["role"] = "buyer".into();
            account
        }
        "log_out" | "refresh_tokens" => json!({ "refresh_token": "abc" }),
        "change_own_password" => {
            json!({ "current_password": "correct horse", "new_password": "battery staple" })
        }
        "place_order" => {
            json!({ "product_id": product, "quantity": "1", "unit_price": price, "buyer_phone": "0991 234 567" })
        }
        "offer_product" => {
            json!({ "commodity_id": MAIZE, "unit_id": KG, "quantity": "5", "price": price, "cooperative_id": OWN })
        }
        "change_product" => json!({ "price": price, "status": "withdrawn" }),
        other => panic!("say what {other} takes"),
    }
}

#[tokio::test]
async fn what_the_document_does_not_let_be_empty_is_refused_empty() {
    let hub = TestHub::with_market().await;
    let product = hub.maize(OWN, 5).await;
    let all = filled(&serde_json::to_value(document()).unwrap());
    assert!(all.len() >= 50, "{all:#?}");
    let mut taken = Vec::new();
    for one in &all {
        let asked = one.asked(&product, |operation| body(operation, &product));
        let method = Method::from_bytes(one.method.as_bytes()).unwrap();
        let mut call = hub.call(method, &asked.path).by(Who::Admin);
        for (name, value) in &asked.headers {
            call = call.header(name.parse::<HeaderName>().unwrap(), value);
        }
        let answer = match &asked.body {
            Some(body) => call.json(body).send().await,
            None => call.send().await,
        };
        if !one.is_refused(answer.status.as_u16(), &serde_json::from_slice(&answer.body).unwrap()) {
            taken.push(format!("{} {:?}: {} {}", one.operation, one.stands, answer.status, answer.text()));
        }
    }
    assert!(taken.is_empty(), "{taken:#?}");
    assert_eq!(hub.ask("SELECT count(*) FROM orders").await, "0");
    assert_eq!(hub.ask("SELECT count(*) FROM listings").await, "1");
}
