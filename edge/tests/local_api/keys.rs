//! Keys of requests: one at two offices is two, and the same request again is never a second act, however long ago the first was and
//! whatever became of the box since.

use crate::support::Office;
use mizili_edge::db::DbError;
use mizili_edge::testing::{COOP, TestEdge, entry, live};
use serde_json::{Value, json};
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::{CommandId, Holder, ListingId, OrderId, derived};
use sync_protocol::market::{Actor, ActorKind, Channel, EntryId, EntryKind, Order, OrderPlace, Source};
use sync_protocol::verdict::{Reject, RejectCode, Verdict};
use uuid::Uuid;

const ORDERS: &str = "/api/v1/orders";
const PRODUCTS: &str = "/api/v1/products";
const KEY: &str = "INV-0001";

fn order(product: &str, kilograms: u32) -> Value {
    json!({ "product_id": product, "quantity": kilograms.to_string(), "buyer_name": "Walk-in" })
}

fn id_of(json: &Value) -> Uuid {
    json["id"].as_str().unwrap().parse().unwrap()
}

/// A statement on the box's disk.
fn sql(edge: &TestEdge, sql: &'static str) {
    edge.write(move |tx| Ok::<_, DbError>(tx.execute_batch(sql)?));
}

/// The log has forgotten all, as pruning does in time.
fn forget(edge: &TestEdge) {
    sql(edge, "DELETE FROM local_row; DELETE FROM local_index; DELETE FROM command;");
}

#[tokio::test]
async fn one_key_at_two_offices_is_two_orders() {
    let (a, b) = (Office::open().await, Office::open().await);
    sql(&b.edge, "UPDATE node SET value = 4 WHERE key = 'edge'");
    let product = json!({ "commodity_id": 51, "unit_id": 5, "quantity": "50", "price": { "amount": 45_000, "currency": "MWK" } });
    let mut made = Vec::new();
    for office in [&a, &b] {
        let product = office.post_as(KEY, PRODUCTS, product.clone()).await.ok();
        let first = office.post_as(KEY, ORDERS, order(product["id"].as_str().unwrap(), 2)).await.ok();
        let again = office.post_as(KEY, ORDERS, order(product["id"].as_str().unwrap(), 2)).await;
        assert_eq!(again.headers["idempotent-replay"], "true");
        assert_eq!(id_of(&again.json), id_of(&first));
        made.push((id_of(&product), id_of(&first)));
    }
    assert_ne!(made[0].0, made[1].0, "what the two offer");
    assert_ne!(made[0].1, made[1].1, "what the two sold");
}

#[tokio::test]
async fn an_order_made_under_the_old_form_of_ids_is_found_after_the_upgrade() {
    let office = Office::open().await;
    let product = office.offer(50).await;
    let old = derived(&format!("POST {ORDERS} {KEY}"), derived("office", Uuid::nil()));
    let body = OrderPlace {
        listing: product.parse().unwrap(),
        quantity_milli: 2_000,
        unit_price_minor: 45_000,
        source: Source::Ask,
        buyer_phone: 0,
        buyer_name: "Walk-in".to_owned(),
        channel: Channel::Office.code(),
    };
    // Taken by the program of before; its answer was lost.
    let actor = Actor { kind: ActorKind::Office, id: None, phone: 0 };
    office.edge.submit_as(CommandId(old), actor, true, body).unwrap();
    let again = office.post_as(KEY, ORDERS, order(&product, 2)).await;
    assert_eq!((id_of(&again.json), again.headers["idempotent-replay"].as_bytes()), (old, &b"true"[..]));
    assert_eq!(
        office.post_as(KEY, ORDERS, order(&product, 3)).await.problem(),
        (422, "idempotency_key_reused")
    );
    assert_eq!(office.get(ORDERS).await.ok()["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_box_that_was_replaced_finds_its_order_at_the_hub() {
    let office = Office::open().await;
    let product = office.offer(50).await;
    let first = office.post_as(KEY, ORDERS, order(&product, 2)).await.ok();
    let key = OrderId(id_of(&first));
    let (listing, sold): (_, Order) = office.edge.read(|conn| {
        let listing = mizili_edge::replica::all::<sync_protocol::market::Listing>(conn)?;
        let order = mizili_edge::replica::get::<Order>(conn, sync_protocol::row::Key::Uuid(key.0))?;
        Ok::<_, DbError>((listing, order.unwrap()))
    });
    // It went to the hub; then the disk broke, and the box was enrolled anew: the rows came back, the log did not.
    let ours: Vec<_> = listing.iter().filter(|l| l.cooperative == COOP).map(live).collect();
    office.edge.feed(Bucket::Coop(COOP), ours);
    office.edge.feed(Bucket::Coop(COOP), vec![live(&sold)]);
    sql(&office.edge, "UPDATE node SET value = 2 WHERE key = 'incarnation'");
    forget(&office.edge);
    sql(&office.edge, "DELETE FROM known_command");
    let again = office.post_as(KEY, ORDERS, order(&product, 2)).await;
    assert_eq!(again.headers["idempotent-replay"], "true", "{}", again.text);
    assert_eq!(id_of(&again.json), key.0);
    assert_eq!(
        office.post_as(KEY, ORDERS, order(&product, 3)).await.problem(),
        (422, "idempotency_key_reused")
    );
    let at_the_hub = entry(
        product.parse().unwrap(),
        EntryId::RECEIVED,
        ListingId(product.parse().unwrap()),
        Holder::Hub,
        25,
        EntryKind::Transfer,
    );
    office.edge.feed(Bucket::Coop(COOP), vec![live(&at_the_hub)]);
    let other = office.post_as("INV-0002", ORDERS, order(&product, 1)).await.ok();
    assert_ne!(id_of(&other), key.0);
}

#[tokio::test]
async fn what_the_log_has_forgotten_is_not_done_again() {
    let office = Office::open().await;
    let product = office.offer(50).await;
    let asked = office.post_as(KEY, ORDERS, order(&product, 40)).await.ok();
    assert_eq!(asked["status"], "asked");
    let adjust = json!({ "product_id": product, "kind": "taken_in", "quantity": "5", "reason": "" });
    office.post_as(KEY, "/api/v1/office/stock/adjust", adjust.clone()).await.ok();
    office.edge.verdict(2, Verdict::Rejected(Reject::with(RejectCode::NotEnough, ["25".to_owned()])), &[]);
    let ours: Vec<_> = office
        .edge
        .read(mizili_edge::replica::all::<sync_protocol::market::Listing>)
        .iter()
        .filter(|l| l.cooperative == COOP)
        .map(live)
        .collect();
    office.edge.feed(Bucket::Coop(COOP), ours);
    forget(&office.edge);
    let again = office.post_as(KEY, ORDERS, order(&product, 40)).await;
    assert_eq!(
        again.problem(),
        (409, "duplicate"),
        "it was refused long ago; nobody may be told now that it was sold"
    );
    assert_eq!(
        office.post_as(KEY, ORDERS, order(&product, 1)).await.problem(),
        (422, "idempotency_key_reused")
    );
    let adjusted = office.post_as(KEY, "/api/v1/office/stock/adjust", adjust.clone()).await;
    assert_eq!(adjusted.headers["idempotent-replay"], "true", "{}", adjusted.text);
    let mut other = adjust;
    other["quantity"] = json!("6");
    let other = office.post_as(KEY, "/api/v1/office/stock/adjust", other).await;
    assert_eq!(other.problem(), (422, "idempotency_key_reused"));
    assert_eq!(office.edge.read(|conn| mizili_edge::commands::pending(conn, 0, 9)).len(), 0);
    // A call that comes back to its draft after all that time, too.
    let (order, _) =
        office.edge.place_order(sync_protocol::ids::ListingId(product.parse().unwrap()), 40).unwrap();
    forget(&office.edge);
    let body = mizili_edge::testing::order_of(sync_protocol::ids::ListingId(product.parse().unwrap()), 40);
    let again = office.edge.submit_as(CommandId(order.0), mizili_edge::testing::caller(), false, body);
    assert_eq!(again.unwrap_err(), mizili_edge::commands::SubmitError::Forgotten { was_the_same: true });
}
