//! Accounts whose number nobody has confirmed: what they order is marked for the seller, and cannot take everything.

use crate::support::{OWN, TestHub, Who};
use mizili_hub::feed::check::compare_all;
use mizili_hub::feed::read;
use mizili_hub::market::users::{app as users, care};
use serde_json::json;
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::CooperativeId;
use sync_protocol::market::{Entity, Order};

#[tokio::test]
async fn an_unconfirmed_account_is_marked_for_the_seller_and_cannot_take_everything() {
    let hub = TestHub::with_market().await;
    let product = hub.maize(1, 100).await;
    let order = async |who: Who, key: &str, quantity: &str| {
        let body = json!({ "product_id": product, "quantity": quantity });
        hub.post("/api/v1/orders").by(who).key(key).json(&body).send().await
    };
    order(Who::Buyer, "a", "51").await.problem(403, "unconfirmed");
    let placed = order(Who::Buyer, "b", "30").await.is(201).json();
    assert_eq!(placed["buyer_unconfirmed"], true);
    order(Who::Buyer, "c", "21").await.problem(403, "unconfirmed");
    let seen = hub.get("/api/v1/orders").by(Who::Clerk).send().await.is(200).json();
    assert_eq!(seen["items"][0]["buyer_unconfirmed"], true);
    for n in 0..9 {
        order(Who::Buyer, &format!("d{n}"), "1").await.is(201);
    }
    order(Who::Buyer, "e", "1").await.problem(403, "unconfirmed");
    // Whom somebody vouched for may take it all.
    let rest = order(Who::Farmer, "f", "61").await.is(201).json();
    assert!(rest.get("buyer_unconfirmed").is_none(), "{rest}");
}

#[tokio::test]
async fn accounts_that_cost_nothing_do_not_take_everything_together() {
    let hub = TestHub::with_market().await;
    let product = hub.maize(1, 60).await;
    hub.sql(
        "INSERT INTO users (id, phone, name, role, language, password_hash, office_password_hash)
         SELECT ('00000000-0000-0000-0000-0000000009' || lpad(n::text, 2, '0'))::uuid, 265997000000 + n, 'Nobody', 'buyer', 'en', '', ''
         FROM generate_series(1, 5) n",
    )
    .await;
    let order = async |n: u128, quantity: &str| {
        let key = &hub.state.auth.key;
        let user = sync_protocol::ids::UserId(uuid::Uuid::from_u128(0x900 + n));
        let token = key.issue(user, hub.state.deps.clock.now_s(), uuid::Uuid::nil()).unwrap();
        let body = json!({ "product_id": product, "quantity": quantity });
        hub.post("/api/v1/orders").token(&token).key(&format!("k{n}")).json(&body).send().await
    };
    for n in 1..=3 {
        order(n, "10").await.is(201);
    }
    let refused = order(4, "10").await.problem(403, "unconfirmed");
    assert!(refused["detail"].as_str().unwrap().contains("at most 30 of this product"), "{refused}");
    hub.sql("UPDATE users SET phone_confirmed = true WHERE id = '00000000-0000-0000-0000-000000000905'")
        .await;
    order(5, "10").await.is(201);
}

/// The last order in the feed of the cooperative that sells, as its office gets it.
async fn at_the_office(hub: &TestHub) -> Order {
    let coop = Bucket::Coop(CooperativeId(OWN));
    let mut tx = hub.state.db.begin_snapshot().await.unwrap();
    let rows = read::page_up(&mut tx, coop, 0, u64::MAX >> 1, 1_000).await.unwrap();
    let last = rows.into_iter().rfind(|row| row.entity == Order::NUMBER).unwrap();
    Order::from_fields(last.key, &last.body.unwrap()).unwrap()
}

#[tokio::test]
async fn an_office_sees_whose_number_nobody_confirmed_until_somebody_does() {
    let hub = TestHub::with_market().await;
    let product = hub.maize(1, 100).await;
    // What the market was made of went past the feed.
    compare_all(&hub.state.db, &hub.state.deps).await.unwrap();
    let body = json!({ "product_id": product, "quantity": "2" });
    hub.post("/api/v1/orders").by(Who::Buyer).key("a").json(&body).send().await.is(201);
    assert!(at_the_office(&hub).await.buyer_unconfirmed);
    let phone = hub.ask("SELECT '+' || phone FROM users u JOIN orders o ON o.buyer_user_id = u.id").await;
    users::confirm(&hub.state.db, &hub.state.deps, &phone, None).await.unwrap();
    assert!(!at_the_office(&hub).await.buyer_unconfirmed);
    // The number turns out to be another's: what was ordered under it is nobody's word any more.
    let (db, deps, phone) = (&hub.state.db, &hub.state.deps, care::number(&phone, None).unwrap());
    let standing = care::standing(db, &phone).await.unwrap();
    care::release(db, deps, &phone, standing.agreed(false)).await.unwrap();
    assert!(at_the_office(&hub).await.buyer_unconfirmed);
    let report = compare_all(&hub.state.db, &hub.state.deps).await.unwrap();
    assert_eq!(report.differences(), 0, "{report:?}");
    // An office's own order and a confirmed buyer's bear no mark.
    for (who, key) in [(Who::Farmer, "b"), (Who::Clerk, "c")] {
        hub.post("/api/v1/orders").by(who).key(key).json(&body).send().await.is(201);
        assert!(!at_the_office(&hub).await.buyer_unconfirmed, "{key}");
    }
}
