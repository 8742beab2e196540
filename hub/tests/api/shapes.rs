//! The public JSON shapes, as clients see them. A change here is a change for every client.

use crate::support::{KG, MAIZE, OWN, TestHub, Who};
use axum::http::{Method, header};
use serde_json::{Value, json};

fn pretty(json: &Value) -> String {
    serde_json::to_string_pretty(json).unwrap()
}

#[tokio::test]
async fn accounts() {
    let hub = TestHub::with_market().await;
    let new = json!({ "phone": "+265999123456", "password": "correct horse", "name": "Grace Banda", "role": "farmer", "cooperative_id": 1 });
    insta::assert_snapshot!(
        "user",
        pretty(&hub.post("/api/v1/users").json(&new).send().await.is(201).json())
    );
    let login = json!({ "phone": "+265999123456", "password": "correct horse" });
    let mut tokens = hub.post("/api/v1/auth/login").json(&login).send().await.is(200).json();
    for token in ["access_token", "refresh_token"] {
        assert!(tokens[token].as_str().unwrap().len() > 40);
        tokens[token] = json!("…");
    }
    insta::assert_snapshot!("tokens", pretty(&tokens));
}

#[tokio::test]
async fn products_and_orders() {
    let hub = TestHub::with_market().await;
    let new = json!({ "commodity_id": MAIZE, "unit_id": KG, "quantity": 2.5, "title": "Maize grade A", "price": { "amount": 52_050, "currency": "MWK" } });
    let product = hub.post("/api/v1/products").by(Who::Clerk).json(&new).send().await.is(201).json();
    insta::assert_snapshot!("product", pretty(&product));
    let order = json!({ "product_id": product["id"], "quantity": "1.5", "buyer_name": "Asha" });
    let order = hub.post("/api/v1/orders").by(Who::Buyer).key("k").json(&order).send().await.is(201).json();
    insta::assert_snapshot!("order", pretty(&order));
    let more = json!({ "product_id": product["id"], "quantity": "1.5" });
    let refused = hub.post("/api/v1/orders").by(Who::Buyer).key("l").json(&more).send().await.is(409).json();
    insta::assert_snapshot!("problem_not_enough", pretty(&refused));
    let wrong = json!({ "product_id": product["id"], "quantity": "-1", "buyer_phone": "x" });
    let invalid = hub.post("/api/v1/orders").by(Who::Clerk).key("m").json(&wrong).send().await.is(422).json();
    insta::assert_snapshot!("problem_invalid", pretty(&invalid));
}

#[tokio::test]
async fn lists() {
    let hub = TestHub::with_market().await;
    hub.maize(OWN, 1).await;
    hub.maize(OWN, 2).await;
    let page = hub.get("/api/v1/products?limit=1").send().await.is(200).json();
    let mut shape = page.clone();
    shape["items"] = json!("…");
    // The cursor holds the database's time.
    let (path, _) = page["next"].as_str().unwrap().split_once("cursor=").unwrap();
    shape["next"] = json!(format!("{path}cursor=…"));
    insta::assert_snapshot!("page", pretty(&shape));
    for noun in ["commodities", "units", "regions", "cooperatives"] {
        let one = hub.get(&format!("/api/v1/{noun}/1")).send().await.is(200).json();
        insta::assert_snapshot!(noun, pretty(&one));
    }
    hub.sql("INSERT INTO markets (country, name, region_id, latitude_e5, longitude_e5) VALUES ('MWI', 'Lilongwe', 1, -1398333, 3378333)").await;
    insta::assert_snapshot!("markets", pretty(&hub.get("/api/v1/markets/1").send().await.is(200).json()));
}

#[tokio::test]
async fn a_web_app_from_anywhere_may_ask() {
    let hub = TestHub::with_market().await;
    let origin = "https://app.example.org";
    let asked = hub
        .call(Method::OPTIONS, "/api/v1/orders")
        .header(header::ORIGIN, origin)
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
        .header(header::ACCESS_CONTROL_REQUEST_HEADERS, "authorization,content-type,idempotency-key")
        .send()
        .await
        .is(200);
    let allowed = asked.header(header::ACCESS_CONTROL_ALLOW_HEADERS).to_lowercase();
    for name in ["authorization", "content-type", "idempotency-key", "if-match", "if-none-match"] {
        assert!(allowed.split(',').any(|allowed| allowed.trim() == name), "{name}: {allowed}");
    }
    let answer = hub.get("/api/v1/products").header(header::ORIGIN, origin).send().await.is(200);
    assert_eq!(answer.header(header::ACCESS_CONTROL_ALLOW_ORIGIN), "*");
    let seen = answer.header(header::ACCESS_CONTROL_EXPOSE_HEADERS).to_lowercase();
    assert!(seen.contains("etag") && seen.contains("retry-after"), "{seen}");
    let problem = hub.get("/api/v1/orders").header(header::ORIGIN, origin).send().await;
    assert_eq!(problem.header(header::ACCESS_CONTROL_ALLOW_ORIGIN), "*", "a problem can be read too");
    problem.problem(401, "unauthorized");
}
