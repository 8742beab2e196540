//! What is sent wrongly, on every road: each gets a problem that says what to do, and nothing is changed.

use crate::noun::{World, document};
use crate::support::{OWN, TestHub, Who};
use axum::http::{Method, header};
use mizili_node::testing::document::operations;
use serde_json::json;

#[tokio::test]
async fn quantities_and_prices_that_are_none_are_pointed_at() {
    let hub = TestHub::with_market().await;
    let product = hub.maize(OWN, 5).await;
    for quantity in ["0", "-1", "1e30", "1.2345", "9999999999", "ten", ""] {
        let body = json!({ "product_id": product, "quantity": quantity });
        hub.post("/api/v1/orders").by(Who::Buyer).key("k").json(&body).send().await.invalid(&["/quantity"]);
    }
    for quantity in ["1e30", "-5", "0", "0.0001", "true", "null", "[]", "{}"] {
        let body = format!("{{\"product_id\": \"{product}\", \"quantity\": {quantity}}}");
        hub.post("/api/v1/orders").by(Who::Buyer).key("k").raw(body).send().await.invalid(&["/quantity"]);
    }
    // All at once, also across kinds of mistakes.
    let body = json!({ "product_id": "x", "quantity": "1e30", "unit_price": { "amount": "5", "currency": "MWK" }, "extra": 1 });
    let answer = hub.post("/api/v1/orders").by(Who::Buyer).key("k").json(&body).send().await;
    answer.invalid(&["/extra", "/product_id", "/quantity", "/unit_price/amount"]);
    assert_eq!(hub.ask("SELECT count(*) FROM orders").await, "0");
}

#[tokio::test]
async fn phone_numbers_that_are_none_are_pointed_at() {
    let hub = TestHub::with_market().await;
    let product = hub.maize(OWN, 5).await;
    for phone in ["hello", "", "12", "+", "0991234567", "+265 99", "1e30", "+26599123456789012"] {
        // Whoever orders has a country already, which completes a number that is dialled at home.
        let phone_of_buyer = if phone == "0991234567" { "099123456" } else { phone };
        let order = json!({ "product_id": product, "quantity": "1", "buyer_phone": phone_of_buyer });
        hub.post("/api/v1/orders")
            .by(Who::Clerk)
            .key("k")
            .json(&order)
            .send()
            .await
            .invalid(&["/buyer_phone"]);
        let user = json!({ "phone": phone, "password": "correct horse", "name": "Grace" });
        hub.post("/api/v1/users").json(&user).send().await.invalid(&["/phone"]);
        let login = json!({ "phone": phone, "password": "correct horse" });
        hub.post("/api/v1/auth/login").json(&login).send().await.invalid(&["/phone"]);
    }
}

#[tokio::test]
async fn bodies_that_are_no_json_are_refused_as_such() {
    let hub = TestHub::with_market().await;
    let post = |body: Vec<u8>| hub.post("/api/v1/auth/login").raw(body).send();
    post(Vec::new()).await.problem(400, "malformed_json");
    post(b"{\"phone\": ".to_vec()).await.problem(400, "malformed_json");
    post(vec![0xff, 0x00]).await.problem(400, "malformed_json");
    post("[".repeat(50_000).into_bytes()).await.problem(400, "malformed_json");
    post(b"[1, 2]".to_vec()).await.invalid(&[""]);
    post(vec![b' '; 70_000]).await.problem(413, "too_large");
    let plain = hub.post("/api/v1/auth/login").header(header::CONTENT_TYPE, "text/plain");
    plain.send().await.problem(415, "unsupported_media_type");
    hub.post("/api/v1/auth/login").send().await.problem(415, "unsupported_media_type");
    let nul = json!({ "phone": "+265999123456", "password": "correct\u{0000}horse", "name": "a\u{0000}b" });
    hub.post("/api/v1/users").json(&nul).send().await.invalid(&["/name"]);
}

#[tokio::test]
async fn parameters_that_are_not_known_are_named() {
    let world = World::new().await;
    let document = document();
    let looks = operations(&document).filter(|(_, method, _)| *method == "get");
    let mut asked = 0;
    for (path, _, operation) in looks {
        let address = path.replace("{id}", world.id_at(&Method::GET, path));
        let answer = world.hub.get(&format!("{address}?comodity=1")).by(Who::Admin).send().await;
        let problem = answer.problem(400, "unknown_parameter");
        assert_eq!(problem["parameter"], "comodity", "{path}");
        let detail = problem["detail"].as_str().unwrap();
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap();
            assert!(parameter["in"] != "query" || detail.contains(name), "{path} {name}: {problem}");
        }
        asked += 1;
    }
    assert!(asked >= 18, "{asked}");
}

#[tokio::test]
async fn paths_and_methods_that_are_none_are_problems_too() {
    let hub = TestHub::with_market().await;
    hub.get("/api/v1/produce").send().await.problem(404, "not_found");
    hub.get("/api/v1/products/not-an-id").send().await.problem(404, "not_found");
    let answer = hub.call(Method::DELETE, "/api/v1/products").send().await;
    assert_eq!(answer.header(header::ALLOW), "GET,HEAD,POST");
    answer.problem(405, "method_not_allowed");
    hub.get("/api/v1/auth/login").send().await.problem(405, "method_not_allowed");
}

#[tokio::test]
async fn headers_only_is_answered_without_a_body() {
    let hub = TestHub::with_market().await;
    let answer = hub.call(Method::HEAD, "/api/v1/units").send().await.is(200);
    assert!(answer.body.is_empty());
}

#[tokio::test]
async fn what_an_edge_sends_wrongly_gets_a_problem_too() {
    let hub = TestHub::with_market().await;
    for path in ["/sync/v1/enrol", "/sync/v1/challenge", "/sync/v1/session"] {
        hub.post(path).raw("{").send().await.problem(400, "malformed_json");
        hub.post(path).send().await.problem(415, "unsupported_media_type");
        hub.post(path).raw(vec![b' '; 70_000]).send().await.problem(413, "too_large");
        let missing = hub.post(path).raw("{}").send().await.problem(422, "invalid");
        assert!(missing["errors"].as_array().is_some_and(|errors| errors.len() > 1), "{missing}");
    }
    let body = json!({ "edge": -1, "incarnation": "1" });
    hub.post("/sync/v1/challenge").json(&body).send().await.invalid(&["/edge", "/incarnation"]);
    for (query, name) in [
        ("", "`scope`"),
        ("?scope=x&cursors=&verdicts=0", "`scope`"),
        ("?scope=1&verdicts=0", "`cursors`"),
        ("?scope=1&cursors=&verdicts=-1", "`verdicts`"),
        ("?scope=1&scope=1&cursors=&verdicts=0", "`scope`"),
    ] {
        let problem =
            hub.get(&format!("/sync/v1/news{query}")).send().await.problem(400, "invalid_parameter");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(name)), "{query}: {problem}");
    }
    // What a newer edge says beyond it is let through, as far as the session.
    let newer = hub.get("/sync/v1/news?scope=1&cursors=&verdicts=0&later=1").send().await;
    newer.problem(401, "edge_session");
}

/// A column that is gone is no fault of who asks: they are told to come back, not that they found a bug.
#[tokio::test]
async fn a_database_that_is_out_of_order_is_no_fault_of_the_request() {
    let hub = TestHub::with_market().await;
    hub.sql("ALTER TABLE listings RENAME title TO elsewhere").await;
    hub.get("/api/v1/products").send().await.problem(503, "unavailable");
    hub.sql("ALTER TABLE listings RENAME elsewhere TO title").await;
    hub.get("/api/v1/products").send().await.is(200);
}
