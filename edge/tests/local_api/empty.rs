//! Texts that the document does not let be empty, sent empty: each is refused by name, whether it may be left out or not.

use crate::support::{Office, PASSWORD};
use mizili_edge::serve::router::document;
use mizili_node::testing::empty::filled;
use serde_json::{Value, json};

/// What each operation would take.
fn body(operation: &str, product: &str) -> Value {
    let price = json!({ "amount": 45_000, "currency": "MWK" });
    match operation {
        "sign_in" => json!({ "user": "office", "password": PASSWORD }),
        "change_office_password" => json!({ "current_password": PASSWORD, "new_password": "battery staple" }),
        "walk_menus" => json!({ "call": "6f1f2a", "phone": "0991 234 567", "text": "" }),
        "adjust_stock" => {
            json!({ "product_id": product, "kind": "counted", "quantity": "48", "expected": "50", "unheard": "1", "undoes": product })
        }
        "place_order" => {
            json!({ "product_id": product, "quantity": "1", "unit_price": price, "buyer_phone": "0991 234 567" })
        }
        "offer_product" => json!({ "commodity_id": 51, "unit_id": 5, "quantity": "50", "price": price }),
        "change_product" => json!({ "price": price, "status": "withdrawn" }),
        other => panic!("say what {other} takes"),
    }
}

#[tokio::test]
async fn what_the_document_does_not_let_be_empty_is_refused_empty() {
    let office = Office::open().await;
    let product = office.offer(50).await;
    let before = office.get(&format!("/api/v1/products/{product}")).await.ok();
    let bearer = format!("Bearer {}", office.token);
    let all = filled(&serde_json::to_value(document()).unwrap());
    assert!(all.len() >= 60, "{all:#?}");
    let mut taken = Vec::new();
    for one in &all {
        let asked = one.asked(&product, |operation| body(operation, &product));
        let mut headers = vec![("authorization", bearer.as_str())];
        headers.extend(asked.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let answer = office.send(&one.method, &asked.path, &headers, asked.body).await;
        if !one.is_refused(answer.status.as_u16(), &answer.json) {
            taken.push(format!("{} {:?}: {} {}", one.operation, one.stands, answer.status, answer.text));
        }
    }
    assert!(taken.is_empty(), "{taken:#?}");
    assert_eq!(office.get(&format!("/api/v1/products/{product}")).await.ok(), before, "nothing was done");
}
