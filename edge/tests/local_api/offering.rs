//! Offers at the office and their changes: done once, looked at before, and whatever is wrong with them or with a quantity is pointed at.

use crate::support::{Answer, Office, PASSWORD, ids, with};
use mizili_edge::testing::{COOP, TestEdge, live, web_order};
use serde_json::{Value, json};
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::{ListingId, UnitId};
use sync_protocol::market::{Order, Unit, UnitBase};
use sync_protocol::units::Quantity;

const PRODUCTS: &str = "/api/v1/products";

const ORDERS: &str = "/api/v1/orders";

fn new_product() -> Value {
    json!({ "commodity_id": 51, "unit_id": 5, "quantity": "50", "price": { "amount": 45_000, "currency": "MWK" } })
}

#[tokio::test]
async fn an_offer_is_shared_with_the_hub_and_done_once() {
    let office = Office::open().await;
    let first = office.post_as("a", PRODUCTS, new_product()).await;
    assert_eq!(first.status, 201);
    let id = first.json["id"].as_str().unwrap().to_owned();
    assert_eq!(first.headers["location"], format!("{PRODUCTS}/{id}"));
    assert_eq!(
        (&first.json["available"], &first.json["total"], &first.json["name"]),
        (&json!("25"), &json!("50"), &json!("Maize"))
    );
    let again = office.post_as("a", PRODUCTS, new_product()).await;
    assert_eq!((&again.json, again.headers["idempotent-replay"].as_bytes()), (&first.json, &b"true"[..]));
    let other = office.post_as("a", PRODUCTS, with(new_product(), "/quantity", json!("51"))).await;
    assert_eq!(other.problem(), (422, "idempotency_key_reused"));
    assert_eq!(office.get(PRODUCTS).await.ok()["items"].as_array().unwrap().len(), 2);
    let bearer = format!("Bearer {}", office.token);
    let without = office.send("POST", PRODUCTS, &[("authorization", &bearer)], Some(new_product())).await;
    assert_ne!(without.ok()["id"], id.as_str(), "without a key each is another");
}

#[tokio::test]
async fn everything_wrong_with_an_offer_is_pointed_at_at_once() {
    let office = Office::open().await;
    for (pointer, value, expected) in [
        ("/quantity", json!("0"), "/quantity"),
        ("/quantity", json!("-1"), "/quantity"),
        ("/quantity", json!(1e30), "/quantity"),
        ("/quantity", json!("1.2345"), "/quantity"),
        ("/price/amount", json!(-5), "/price/amount"),
        ("/price/amount", json!(1.5), "/price/amount"),
        ("/price/currency", json!("KES"), "/price/currency"),
        ("/price/currency", json!("kwacha"), "/price/currency"),
        ("/commodity_id", json!(999), "/commodity_id"),
        ("/unit_id", json!(999), "/unit_id"),
    ] {
        let answer = office.post(PRODUCTS, with(new_product(), pointer, value.clone())).await;
        assert_eq!((answer.status.as_u16(), answer.pointers()), (422, vec![expected]), "{pointer} {value}");
    }
    let many = json!({ "commodity_id": 999, "unit_id": 999, "quantity": "0", "price": { "amount": 0, "currency": "KES" } });
    let answer = office.post(PRODUCTS, many).await;
    assert_eq!(
        answer.pointers(),
        ["/commodity_id", "/price/amount", "/price/currency", "/quantity", "/unit_id"]
    );
    let foreign = json!({ "commodity_id": 51, "unit_id": 5, "quantity": "5", "price": { "amount": 1, "currency": "MWK" }, "cooperative_id": 13 });
    assert_eq!(office.post(PRODUCTS, foreign).await.problem(), (403, "not_allowed"));
    assert_eq!(office.post(PRODUCTS, Value::String("{".into())).await.problem(), (400, "malformed_json"));
    let bearer = format!("Bearer {}", office.token);
    let large = Value::String("x".repeat(100_000));
    let answer = office.send("POST", PRODUCTS, &[("authorization", &bearer)], Some(large)).await;
    assert_eq!(answer.problem(), (413, "too_large"));
    assert_eq!(office.get(PRODUCTS).await.ok()["items"].as_array().unwrap().len(), 1, "none was taken");
}

/// A unit that is counted: heads of cabbage.
fn with_heads() -> TestEdge {
    let edge = TestEdge::with_market();
    let head = Unit { id: UnitId(9), code: "Head".to_owned(), base: UnitBase::Piece, factor_milli: 1_000 };
    edge.feed(Bucket::Global, vec![live(&head)]);
    edge
}

#[tokio::test]
async fn a_comma_is_refused_by_name_wherever_a_quantity_is_written() {
    let office = Office::open().await;
    let product = office.offer(2000).await;
    let order = json!({ "product_id": product, "quantity": "1,000" });
    let count = |quantity: &str, expected: &str| {
        let kind = "counted";
        json!({ "product_id": product, "kind": kind, "quantity": quantity, "expected": expected })
    };
    for (path, body, pointer) in [
        (PRODUCTS, with(new_product(), "/quantity", json!("1,000")), "/quantity"),
        (PRODUCTS, with(new_product(), "/quantity", json!("2,5")), "/quantity"),
        (ORDERS, order, "/quantity"),
        ("/api/v1/office/stock/adjust", count("1,990", "2000"), "/quantity"),
        ("/api/v1/office/stock/adjust", count("1990", "2,000"), "/expected"),
    ] {
        let answer = office.post(path, body).await;
        assert_eq!((answer.status.as_u16(), answer.pointers()), (422, vec![pointer]), "{path}");
        assert!(answer.text.contains("comma"), "{}", answer.text);
    }
    let stock = office.get(&format!("/api/v1/office/stock?product={product}")).await.ok();
    assert_eq!(stock["items"][0]["expected"], "2000", "nothing was counted");
}

#[tokio::test]
async fn a_change_can_be_looked_at_before_it_is_made() {
    let office = Office::open().await;
    let product = office.offer(50).await;
    let check = "/api/v1/office/stock/adjust?check=true";
    let change =
        |quantity: &str| json!({ "product_id": product, "kind": "written_off", "quantity": quantity });
    assert_eq!(office.post(check, change("5000")).await.problem(), (409, "not_enough"));
    let seen = office.post(check, change("20")).await.ok();
    assert_eq!((seen["expected"].as_str(), seen["last_change"].is_null()), (Some("50"), true), "{seen}");
    let stock = format!("/api/v1/office/stock?product={product}");
    assert_eq!(office.get(&stock).await.ok()["items"][0], seen, "nothing was changed");
    let done = office.post("/api/v1/office/stock/adjust", change("20")).await.ok();
    assert_eq!(done["expected"], "30");
}

#[tokio::test]
async fn what_is_counted_in_pieces_is_whole() {
    let mut office = Office::closed(with_heads()).await;
    office.token = office.sign_in("office", PASSWORD).await.ok()["token"].as_str().unwrap().to_owned();
    let heads = with(new_product(), "/unit_id", json!(9));
    let half = with(heads.clone(), "/quantity", json!("0.5"));
    assert_eq!(office.post(PRODUCTS, half).await.pointers(), ["/quantity"]);
    let product = office.post(PRODUCTS, heads).await.ok()["id"].clone();
    let order = |quantity: &str| json!({ "product_id": product, "quantity": quantity });
    assert_eq!(office.post(ORDERS, order("0.5")).await.pointers(), ["/quantity"]);
    assert_eq!(office.post(ORDERS, order("3")).await.ok()["status"], "confirmed");
    for kind in ["taken_in", "written_off"] {
        let change = json!({ "product_id": product, "kind": kind, "quantity": "1.5" });
        assert_eq!(
            office.post("/api/v1/office/stock/adjust", change).await.pointers(),
            ["/quantity"],
            "{kind}"
        );
    }
    let count = json!({ "product_id": product, "kind": "counted", "quantity": "46.5", "expected": "50" });
    assert_eq!(office.post("/api/v1/office/stock/adjust", count).await.pointers(), ["/quantity"]);
    // What was sold by an office of an earlier version stands, and is flagged.
    let listing = ListingId(product.as_str().unwrap().parse().unwrap());
    let quantity = Quantity(1_500);
    office.edge.feed(Bucket::Coop(COOP), vec![live(&Order { listing, quantity, ..web_order(70) })]);
    let path = format!("{ORDERS}/{}", web_order(70).id.0);
    assert_eq!(office.get(&path).await.ok()["flag"], "quantity");
}

#[tokio::test]
async fn a_change_needs_the_state_that_was_seen() {
    let office = Office::open().await;
    let path = format!("{PRODUCTS}/{}", office.offer(50).await);
    let tag = |answer: &Answer| answer.headers["etag"].to_str().unwrap().to_owned();
    let seen = tag(&office.get(&path).await);
    let price = |amount: i64| json!({ "price": { "amount": amount, "currency": "MWK" } });
    let bearer = format!("Bearer {}", office.token);
    let blind = office.send("PATCH", &path, &[("authorization", &bearer)], Some(price(1))).await;
    assert_eq!(blind.problem(), (428, "precondition_required"));
    office.order(path.rsplit('/').next().unwrap(), 1).await.ok();
    let changed = office.patch(&path, &seen, price(50_000)).await;
    let now = tag(&changed);
    assert_eq!(changed.ok()["price"]["amount"], 50_000, "a sale in between does no harm");
    assert_eq!(office.patch(&path, &seen, price(60_000)).await.problem(), (412, "precondition_failed"));
    assert_eq!(office.patch(&path, &now, price(0)).await.pointers(), ["/price/amount"]);
    assert_eq!(office.patch(&path, &now, json!({})).await.pointers(), [""]);
    assert_eq!(office.patch(&path, &now, json!({ "status": "active" })).await.pointers(), ["/status"]);
    let gone =
        office.patch(&path, &now, json!({ "title": "Maize grade A", "status": "withdrawn" })).await.ok();
    assert_eq!((&gone["name"], &gone["status"]), (&json!("Maize grade A"), &json!("withdrawn")));
    assert_eq!(office.patch(&path, "*", price(60_000)).await.problem(), (409, "withdrawn"));
    let order = json!({ "product_id": path.rsplit('/').next().unwrap(), "quantity": "1" });
    assert_eq!(office.post(ORDERS, order).await.problem(), (409, "withdrawn"));
    let other = office.get(PRODUCTS).await.ok();
    let foreign = format!("{PRODUCTS}/{}", ids(&other)[0]);
    assert_eq!(office.patch(&foreign, "*", price(1)).await.problem(), (403, "not_allowed"));
}
