//! The outbox as the office sees it.

use crate::support::Office;
use mizili_edge::db::DbError;
use serde_json::{Value, json};

const MESSAGES: &str = "/api/v1/office/messages";

fn texts(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|item| item["text"].as_str().unwrap()).collect()
}

async fn order(office: &Office, product: &str, kilograms: u32, buyer: &str) {
    let body = json!({ "product_id": product, "quantity": kilograms.to_string(), "buyer_phone": buyer });
    assert_eq!(office.post("/api/v1/orders", body).await.status, 201);
}

#[tokio::test]
async fn the_buyer_of_an_order_that_is_sure_gets_a_receipt_that_waits_for_a_gateway() {
    let office = Office::open().await;
    assert!(texts(&office.get(MESSAGES).await.ok()).is_empty());
    let product = office.offer(50).await;
    order(&office, &product, 20, "0888000111").await;
    let list = office.get(MESSAGES).await.ok();
    assert_eq!(texts(&list), ["Your order is CONFIRMED: 20 kg Maize. To pay: MWK 9,000."]);
    let message = &list["items"][0];
    assert_eq!(message["to"], "+265888000111");
    assert_eq!((&message["state"], &message["kind"]), (&json!("queued"), &json!("receipt")));
    assert_eq!((&message["note"], &message["segments"]), (&json!("no gateway to send with"), &json!(1)));
    // One that is only asked for gets none, nor does a buyer whose number nobody knows.
    order(&office, &product, 30, "0888000111").await;
    assert_eq!(office.order(&product, 1).await.status, 201);
    assert_eq!(texts(&office.get(MESSAGES).await.ok()).len(), 1);
}

#[tokio::test]
async fn messages_come_in_pages_and_by_state() {
    let office = Office::open().await;
    let product = office.offer(50).await;
    for kilograms in 1..=3 {
        order(&office, &product, kilograms, "0888000111").await;
    }
    let first = office.get(&format!("{MESSAGES}?limit=2&state=queued")).await.ok();
    assert!(texts(&first)[0].contains(": 3 kg") && texts(&first)[1].contains(": 2 kg"), "{first}");
    let next = office.get(first["next"].as_str().unwrap()).await.ok();
    assert!(texts(&next)[0].contains(": 1 kg") && next["next"].is_null(), "{next}");
    assert!(texts(&office.get(&format!("{MESSAGES}?state=sent")).await.ok()).is_empty());
    assert_eq!(office.get(&format!("{MESSAGES}?state=lost")).await.problem(), (400, "invalid_parameter"));
    assert_eq!(office.look(MESSAGES).await.problem(), (401, "unauthorized"));
}

#[tokio::test]
async fn a_message_that_cannot_be_read_hides_none_of_the_others() {
    let office = Office::open().await;
    let product = office.offer(50).await;
    for kilograms in 1..=4 {
        order(&office, &product, kilograms, "0888000111").await;
    }
    office.edge.write(|tx| -> Result<(), DbError> {
        Ok(tx.execute("UPDATE sms_out SET kind = 'song' WHERE text LIKE '%: 3 kg%'", []).map(|_| ())?)
    });
    let first = office.get(&format!("{MESSAGES}?limit=2")).await.ok();
    assert!(texts(&first)[0].contains(": 4 kg") && texts(&first)[1].contains(": 2 kg"), "{first}");
    let next = office.get(first["next"].as_str().unwrap()).await.ok();
    assert!(texts(&next)[0].contains(": 1 kg") && next["next"].is_null(), "{next}");
}
