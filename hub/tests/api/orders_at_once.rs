//! Orders that wait at the same moment are placed together. Each is judged as if it were alone, and none is in another's way.

use crate::support::{Answer, OTHER, OWN, TestHub, Who};
use axum::http::StatusCode;
use futures_util::future::join_all;
use mizili_hub::feed::check::compare_all;
use mizili_hub::testing::locks::until_waiting;
use mizili_node::idempotency::REPLAY_HEADER;
use serde_json::json;

async fn order(hub: &TestHub, who: Who, key: &str, product: &str, quantity: &str) -> Answer {
    let body = json!({ "product_id": product, "quantity": quantity, "buyer_name": key });
    hub.post("/api/v1/orders").by(who).key(key).json(&body).send().await
}

/// How many answers had this status.
fn with(status: u16, answers: &[Answer]) -> usize {
    answers.iter().filter(|answer| answer.status.as_u16() == status).count()
}

#[tokio::test]
async fn orders_at_once_share_a_transaction_and_each_gets_its_own_answer() {
    let hub = TestHub::with_market().await;
    hub.confirm(Who::Buyer).await;
    let (maize, elsewhere) = (hub.maize(OWN, 100).await, hub.maize(OTHER, 4).await);
    let nowhere = "00000000-0000-0000-0000-000000000099";
    hub.sql(
        "UPDATE listings SET seller_id = '00000000-0000-0000-0000-0000000000aa' WHERE cooperative_id = 1",
    )
    .await;
    hub.sql("UPDATE users SET phone = 265991000002 WHERE name = 'Farmer'").await;
    // What the market was made of went past the feed.
    compare_all(&hub.state.db, &hub.state.deps).await.unwrap();
    order(&hub, Who::Buyer, "known", &maize, "1").await.is(201);
    let keys: Vec<String> = (0..40).map(|n| format!("k{n}")).collect();
    let good = join_all(keys.iter().map(|key| order(&hub, Who::Buyer, key, &maize, "2")));
    let others = async {
        tokio::join!(
            order(&hub, Who::Buyer, "none", nowhere, "1"),
            order(&hub, Who::Farmer, "own", &maize, "1"),
            order(&hub, Who::Clerk, "much", &elsewhere, "5"),
            order(&hub, Who::Buyer, "part", &maize, "0.0001"),
            order(&hub, Who::Buyer, "known", &maize, "1"),
            order(&hub, Who::Buyer, "k0", &maize, "3"),
        )
    };
    let (mut good, (none, own, much, part, known, mut other_body)) = tokio::join!(good, others);
    // Either may have come first.
    let other_came_first = other_body.status == 201;
    if other_came_first {
        std::mem::swap(&mut other_body, &mut good[0]);
    }
    let said: Vec<_> = good.iter().filter(|answer| answer.status != 201).map(Answer::json).collect();
    assert!(said.is_empty(), "{said:?}");
    for (key, answer) in keys.iter().zip(&good) {
        let quantity = if other_came_first && key == "k0" { "3" } else { "2" };
        assert_eq!(
            (&answer.json()["buyer_name"], &answer.json()["quantity"]),
            (&json!(key), &json!(quantity))
        );
    }
    none.problem(404, "not_found");
    own.invalid(&["/product_id"]);
    assert_eq!(much.problem(409, "not_enough")["available"], "4");
    part.invalid(&["/quantity"]);
    assert_eq!(known.is(201).header(REPLAY_HEADER), "true");
    other_body.problem(422, "idempotency_key_reused");
    assert_eq!(hub.ask("SELECT count(*) FROM orders").await, "41");
    assert_eq!(
        hub.ask("SELECT sum(quantity_milli) FROM stock_entries WHERE cooperative_id = 1").await,
        if other_came_first { "18000" } else { "19000" }
    );
    // Kept: those that were placed, and the one that the market's rules refused.
    assert_eq!(hub.ask("SELECT count(*) FROM idempotency_keys WHERE route LIKE '%orders'").await, "42");
    let transactions: u32 = hub.ask("SELECT count(DISTINCT xmin::text) FROM orders").await.parse().unwrap();
    assert!(transactions <= 20, "41 orders took {transactions} transactions");
    let report = compare_all(&hub.state.db, &hub.state.deps).await.unwrap();
    assert_eq!(report.differences(), 0, "{report:?}");
}

/// More than the hub has connections, one of them again and again under its key.
#[tokio::test]
async fn who_waits_for_a_product_that_somebody_holds_keeps_nobody_else_waiting() {
    let hub = TestHub::with_market().await;
    hub.confirm(Who::Buyer).await;
    let (held, free) = (hub.maize(OWN, 100).await, hub.maize(OTHER, 100).await);
    let mut holds = hub.state.db.begin().await.unwrap();
    sqlx::query("SELECT 1 FROM listings WHERE cooperative_id = 1 FOR UPDATE")
        .execute(&mut *holds)
        .await
        .unwrap();
    let of = |name: &'static str, n: u32| (0..n).map(move |n| format!("{name}{n}")).collect::<Vec<_>>();
    let waiting = [of("held", 30), vec!["again".to_owned(); 10]].concat();
    let waiting = join_all(waiting.iter().map(|key| order(&hub, Who::Buyer, key, &held, "1")));
    let others = async {
        for round in 0..3 {
            let keys = of(["a", "b", "c"][round], 10);
            let answers = join_all(keys.iter().map(|key| order(&hub, Who::Buyer, key, &free, "1"))).await;
            assert_eq!(with(201, &answers), 10);
            hub.get("/api/v1/products").send().await.is(200);
            hub.get("/readyz").send().await.is(200);
        }
        let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        assert_eq!(hub.ask(waits).await, "0");
        holds.rollback().await.unwrap();
    };
    let (waited, ()) = tokio::join!(waiting, others);
    assert_eq!(with(201, &waited), 40);
    assert_eq!(hub.ask("SELECT count(*) FROM orders WHERE cooperative_id = 1").await, "31");
}

#[tokio::test]
async fn a_product_that_stays_held_is_said_to_be_busy_and_nothing_is_kept() {
    let hub = TestHub::with_market().await;
    let product = hub.maize(OWN, 100).await;
    let before = hub.order(Who::Buyer, &product, 1).await;
    let mut holds = hub.state.db.begin().await.unwrap();
    sqlx::query("SELECT 1 FROM listings FOR UPDATE").execute(&mut *holds).await.unwrap();
    order(&hub, Who::Buyer, "a", &product, "1").await.problem(503, "busy");
    order(&hub, Who::Buyer, "b", "00000000-0000-0000-0000-000000000099", "1").await.problem(404, "not_found");
    // What else needs it waits no longer either, though it was placed before.
    let cancel = format!("/api/v1/orders/{before}/cancel");
    hub.post(&cancel).by(Who::Buyer).send().await.problem(503, "unavailable");
    holds.rollback().await.unwrap();
    let placed = order(&hub, Who::Buyer, "a", &product, "1").await.is(201);
    assert!(placed.headers.get(&REPLAY_HEADER).is_none());
    hub.post(&cancel).by(Who::Buyer).send().await.is(200);
}

#[tokio::test]
async fn an_order_that_the_database_refuses_leaves_the_others_alone() {
    let hub = TestHub::with_market().await;
    hub.confirm(Who::Buyer).await;
    let product = hub.maize(OWN, 100).await;
    hub.sql(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN IF new.buyer_name = 'k5' THEN RAISE 'not this one'; END IF; RETURN new; END $$;
         CREATE TRIGGER refuse BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION refuse()",
    )
    .await;
    let keys: Vec<String> = (0..10).map(|n| format!("k{n}")).collect();
    let answers = join_all(keys.iter().map(|key| order(&hub, Who::Buyer, key, &product, "1"))).await;
    assert_eq!(with(201, &answers), 9);
    assert_eq!(answers[5].status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(hub.ask("SELECT sum(quantity_milli) FROM stock_entries").await, "91000");
    assert_eq!(hub.ask("SELECT count(*) FROM idempotency_keys").await, "9");
}

#[tokio::test]
async fn accounts_that_nobody_confirmed_do_not_take_more_at_once_than_one_after_the_other() {
    let hub = TestHub::with_market().await;
    let product = hub.maize(OWN, 100).await;
    // Half of what there is: two of four.
    let keys: Vec<String> = (0..4).map(|n| format!("half{n}")).collect();
    let answers = join_all(keys.iter().map(|key| order(&hub, Who::Buyer, key, &product, "25"))).await;
    assert_eq!((with(201, &answers), with(403, &answers)), (2, 2));
    // Ten orders at most, of whatever.
    let other = hub.maize(OTHER, 100).await;
    let keys: Vec<String> = (0..12).map(|n| format!("many{n}")).collect();
    let answers = join_all(keys.iter().map(|key| order(&hub, Who::Buyer, key, &other, "1"))).await;
    assert_eq!((with(201, &answers), with(403, &answers)), (8, 4));
}

/// No answer came in time, and the same was sent to another hub while the first worked at it still.
#[tokio::test]
async fn what_is_placed_at_one_hub_is_no_refusal_at_another_that_was_sent_it_too() {
    let hub = TestHub::with_market().await;
    let second = hub.another(2);
    let product = hub.maize(OWN, 100).await;
    for n in 0..9 {
        order(&hub, Who::Buyer, &format!("k{n}"), &product, "1").await.is(201);
    }
    let mut holds = hub.state.db.begin().await.unwrap();
    sqlx::query("SELECT 1 FROM buckets FOR UPDATE").execute(&mut *holds).await.unwrap();
    let released = async {
        // One waits for the bucket, and the other for that one.
        until_waiting(&hub.state.db, 2).await;
        holds.rollback().await.unwrap();
    };
    // The tenth is the last that the account may have.
    let (one, other, ()) = tokio::join!(
        order(&hub, Who::Buyer, "tenth", &product, "1"),
        order(&second, Who::Buyer, "tenth", &product, "1"),
        released
    );
    let (one, other) = (one.is(201), other.is(201));
    assert_eq!(one.json(), other.json());
    let replayed = [&one, &other].iter().filter(|answer| answer.headers.contains_key(&REPLAY_HEADER)).count();
    assert_eq!(replayed, 1);
    assert_eq!(hub.ask("SELECT count(*) FROM orders").await, "10");
}
