//! Orders: placing, repeating, seeing, cancelling. Never more is sold than there is.

use crate::counted::Statements;
use crate::exchange::Signed;
use crate::noun::{Noun, SIGNED_IN, Walk};
use crate::support::{OTHER, OWN, TestHub, Who};
use axum::http::{Method, header};
use futures_util::future::join_all;
use mizili_hub::testing::locks::until_waiting;
use mizili_node::idempotency::REPLAY_HEADER;
use mizili_node::testing::wait::in_time;
use serde_json::{Value, json};

pub(crate) const NOUN: Noun = Noun {
    routes: &[
        (Method::GET, "/api/v1/orders", SIGNED_IN),
        (Method::POST, "/api/v1/orders", [401, 201, 201, 201, 201, 201]),
        // The buyer's own, sold by cooperative 1.
        (Method::GET, "/api/v1/orders/{id}", [401, 200, 404, 200, 404, 200]),
        (Method::POST, "/api/v1/orders/{id}/cancel", [401, 200, 404, 200, 404, 200]),
    ],
    fill: |hub| Box::pin(fill(hub)),
    body: |hub, order, who, operation| Box::pin(body(hub, order, who, operation)),
    country: "
        INSERT INTO orders (id, listing_id, cooperative_id, quantity_milli, unit_price_minor, currency, holder, buyer_phone, buyer_name,
                status, channel, placed_at_s)
            SELECT gen_random_uuid(), id, cooperative_id, 1000, 100, 'MWK', 0, 265990000000 + row_number() OVER (), '', 0, 0, 0 FROM listings;",
    walks: &[
        walk(Who::Admin, "FROM orders WHERE true ORDER", "orders_recorded"),
        walk(Who::Clerk, "FROM orders WHERE cooperative_id = $1 ORDER", "orders_cooperative_recorded"),
        walk(Who::Buyer, "FROM orders WHERE buyer_user_id = $1 ORDER", "orders_buyer_user_recorded"),
    ],
    ..Noun::NOTHING
};

/// The list goes by who asks for it.
const fn walk(who: Who, part: &'static str, index: &'static str) -> Walk {
    Walk { who, address: "/api/v1/orders", part, index }
}

/// Of products of their own: what is done to others says nothing about orders.
async fn fill(hub: &TestHub) -> String {
    let product = hub.maize(OWN, 1_000).await;
    hub.order(Who::Buyer, &product, 1).await;
    hub.order(Who::Buyer, &product, 1).await
}

async fn body(hub: &TestHub, order: &str, who: Who, operation: &str) -> Option<Value> {
    if operation != "place_order" {
        return None;
    }
    let product = hub.ask(&format!("SELECT listing_id FROM orders WHERE id = '{order}'")).await;
    let price = json!({ "amount": 50_000, "currency": "MWK" });
    let mut order = json!({ "product_id": product, "quantity": "1", "unit_price": price });
    if matches!(who, Who::Clerk | Who::OtherClerk | Who::Admin) {
        // Others order for themselves alone.
        order["buyer_phone"] = json!("0991 234 567");
    }
    Some(order)
}

fn of(product: &str, quantity: &str) -> Value {
    json!({ "product_id": product, "quantity": quantity })
}

#[tokio::test]
async fn an_order_is_confirmed_and_the_next_is_told_what_is_left() {
    let hub = TestHub::with_market().await;
    let product = hub.maize(OWN, 25).await;
    let order = hub
        .post("/api/v1/orders")
        .by(Who::Buyer)
        .key("a")
        .json(&of(&product, "20"))
        .send()
        .await
        .is(201)
        .json();
    assert_eq!(order["status"], "confirmed");
    assert_eq!(order["total"], json!({ "amount": 1_000_000, "currency": "MWK" }));
    assert_eq!(order["buyer_name"], "Buyer");
    let refused = hub.post("/api/v1/orders").by(Who::Buyer).key("b").json(&of(&product, "10")).send().await;
    let problem = refused.problem(409, "not_enough");
    assert_eq!(problem["detail"], "Only 5 KG are left.");
    assert_eq!(problem["available"], "5");
    assert_eq!(hub.ask("SELECT count(*) FROM orders").await, "1");
    assert_eq!(
        hub.ask("SELECT buyer_user_id = '00000000-0000-0000-0000-000000000001' FROM orders").await,
        "true"
    );
}

#[tokio::test]
async fn a_repeat_gets_the_first_answer_and_another_body_is_refused() {
    let hub = TestHub::with_market().await;
    hub.confirm(Who::Buyer).await;
    let product = hub.maize(OWN, 25).await;
    let send = async |key: &str, body: String| {
        hub.post("/api/v1/orders").by(Who::Buyer).key(key).raw(body).send().await
    };
    let first = send("a", of(&product, "20").to_string()).await.is(201);
    assert!(first.headers.get(&REPLAY_HEADER).is_none());
    // Written otherwise, the same request.
    let again =
        send("a", format!("{{ \"quantity\" : 20.0,\n \"product_id\": \"{product}\" }}")).await.is(201);
    assert_eq!(again.header(REPLAY_HEADER), "true");
    assert_eq!(first.json(), again.json());
    assert_eq!(first.header(axum::http::header::LOCATION), again.header(axum::http::header::LOCATION));
    send("a", of(&product, "1").to_string()).await.problem(422, "idempotency_key_reused");
    // A refusal is an answer too.
    let refused = send("b", of(&product, "10").to_string()).await.problem(409, "not_enough");
    let again = send("b", of(&product, "10").to_string()).await;
    assert_eq!(again.header(REPLAY_HEADER), "true");
    assert_eq!(again.problem(409, "not_enough"), refused);
    // What was wrong by itself is not kept: the same key is good for the corrected request.
    send("c", of(&product, "0").to_string()).await.invalid(&["/quantity"]);
    send("c", of(&product, "5").to_string()).await.is(201);
    // Another person's key is another key.
    let other = hub.post("/api/v1/orders").by(Who::Farmer).key("a").json(&of(&product, "1")).send().await;
    other.problem(409, "not_enough");
    assert_eq!(hub.ask("SELECT count(*) FROM orders").await, "2");
}

#[tokio::test]
async fn a_comma_is_refused_by_name_and_pieces_are_whole() {
    let hub = TestHub::with_market().await;
    let product = hub.maize(OWN, 5_000).await;
    let order = async |product: &str, quantity: &str| {
        hub.post("/api/v1/orders").by(Who::Buyer).key(quantity).json(&of(product, quantity)).send().await
    };
    for quantity in ["1,000", "2,5", "1 000", "+5", "5.", " 5"] {
        order(&product, quantity).await.invalid(&["/quantity"]);
    }
    assert!(order(&product, "1,000").await.text().contains("comma"));
    let bunches = json!({
        "commodity_id": 1, "unit_id": 3, "quantity": "0.5", "price": { "amount": 50_000, "currency": "MWK" },
    });
    let post = async |body: &Value| hub.post("/api/v1/products").by(Who::Clerk).json(body).send().await;
    post(&bunches).await.invalid(&["/quantity"]);
    let mut whole = bunches.clone();
    whole["quantity"] = json!("6");
    let product = post(&whole).await.is(201).json()["id"].as_str().unwrap().to_owned();
    order(&product, "0.5").await.invalid(&["/quantity"]);
    let made = order(&product, "2").await.is(201).json();
    assert!(made.get("flag").is_none(), "{made}");
    // What an office of an earlier version has sold stands, and is flagged.
    hub.sql("UPDATE orders SET quantity_milli = 1500").await;
    let path = format!("/api/v1/orders/{}", made["id"].as_str().unwrap());
    assert_eq!(hub.get(&path).by(Who::Buyer).send().await.is(200).json()["flag"], "quantity");
}

#[tokio::test]
async fn a_key_is_needed_and_must_be_printable() {
    let hub = TestHub::with_market().await;
    let product = hub.maize(OWN, 5).await;
    let post = || hub.post("/api/v1/orders").by(Who::Buyer).json(&of(&product, "1"));
    post().send().await.problem(400, "idempotency_key_required");
    post().key("").send().await.problem(400, "invalid_header");
    post().key(&"x".repeat(201)).send().await.problem(400, "invalid_header");
    post().key("two words").send().await.problem(400, "invalid_header");
}

#[tokio::test]
async fn twenty_buyers_at_once_share_what_there_is_and_no_more() {
    let hub = TestHub::with_market().await;
    let product = hub.maize(OWN, 5).await;
    let keys: Vec<String> = (0..20).map(|n| format!("k{n}")).collect();
    let calls = keys
        .iter()
        .map(|key| hub.post("/api/v1/orders").by(Who::Buyer).key(key).json(&of(&product, "1")).send());
    let answers = join_all(calls).await;
    let confirmed = answers.iter().filter(|a| a.status == 201).count();
    let refused = answers.iter().filter(|a| a.status == 409).count();
    assert_eq!((confirmed, refused), (5, 15));
    assert_eq!(hub.ask("SELECT sum(quantity_milli) FROM stock_entries").await, "0");
}

#[tokio::test]
async fn one_request_sent_many_times_at_once_is_one_order() {
    let hub = TestHub::with_market().await;
    let product = hub.maize(OWN, 25).await;
    let calls = (0..10)
        .map(|_| hub.post("/api/v1/orders").by(Who::Buyer).key("same").json(&of(&product, "2")).send());
    let answers = join_all(calls).await;
    let first = answers[0].json();
    assert!(answers.iter().all(|a| a.status == 201 && a.json() == first));
    assert_eq!(answers.iter().filter(|a| a.headers.contains_key(&REPLAY_HEADER)).count(), 9);
    assert_eq!(hub.ask("SELECT count(*) FROM orders").await, "1");
}

#[tokio::test]
async fn an_order_takes_so_many_round_trips_and_no_more() {
    let hub = TestHub::with_market().await;
    hub.confirm(Who::Buyer).await;
    let product = hub.maize(OWN, 25).await;
    let statements = Statements::counted();
    let mut fewest = u64::MAX;
    for _ in 0..4 {
        statements.take();
        hub.order(Who::Buyer, &product, 1).await;
        // Names are looked at now and then, whoever asks.
        fewest = fewest.min(statements.take());
    }
    // The account; BEGIN; the key, the product and its stock; order and entry; the bucket and what stands in it; the answer; COMMIT.
    assert_eq!(fewest, 10);
}

#[tokio::test]
async fn a_posting_takes_so_many_round_trips_and_no_more() {
    let hub = TestHub::with_market().await;
    let statements = Statements::counted();
    let mut fewest = u64::MAX;
    for _ in 0..4 {
        statements.take();
        hub.maize(OWN, 25).await;
        fewest = fewest.min(statements.take());
    }
    // Nobody is asked who else might bring a product that is new.
    assert_eq!(fewest, 17);
}

#[tokio::test]
async fn a_price_that_was_seen_must_still_hold() {
    let hub = TestHub::with_market().await;
    let product = hub.maize(OWN, 5).await;
    let with_price = |amount: i64, currency: &str| json!({ "product_id": product, "quantity": "1", "unit_price": { "amount": amount, "currency": currency } });
    let post = async |key: &str, body: Value| {
        hub.post("/api/v1/orders").by(Who::Buyer).key(key).json(&body).send().await
    };
    let problem = post("a", with_price(49_999, "MWK")).await.problem(409, "price_changed");
    assert_eq!(problem["unit_price"], json!({ "amount": 50_000, "currency": "MWK" }));
    post("b", with_price(50_000, "KES")).await.invalid(&["/unit_price/currency"]);
    post("c", with_price(-1, "MWK")).await.invalid(&["/unit_price/amount"]);
    post("d", with_price(50_000, "mwk")).await.is(201);
}

#[tokio::test]
async fn what_is_off_sale_or_unknown_cannot_be_ordered() {
    let hub = TestHub::with_market().await;
    let product = hub.maize(OWN, 5).await;
    let withdraw = json!({ "status": "withdrawn" });
    let path = format!("/api/v1/products/{product}");
    hub.patch(&path)
        .by(Who::Clerk)
        .header(axum::http::header::IF_MATCH, "*")
        .json(&withdraw)
        .send()
        .await
        .is(200);
    hub.post("/api/v1/orders")
        .by(Who::Buyer)
        .key("a")
        .json(&of(&product, "1"))
        .send()
        .await
        .problem(409, "withdrawn");
    let nothing = "018f3e6a-7c1b-7d2a-9e30-5a6b7c8d9e0f";
    hub.post("/api/v1/orders")
        .by(Who::Buyer)
        .key("b")
        .json(&of(nothing, "1"))
        .send()
        .await
        .problem(404, "not_found");
}

#[tokio::test]
async fn an_office_orders_for_somebody_and_takes_it_back() {
    let hub = TestHub::with_market().await;
    let product = hub.maize(OTHER, 5).await;
    let body = json!({ "product_id": product, "quantity": "2", "buyer_phone": "+254 712 345 678", "buyer_name": "Asha" });
    let order = hub.post("/api/v1/orders").by(Who::Clerk).key("a").json(&body).send().await.is(201).json();
    assert_eq!(
        (order["buyer_phone"].as_str(), order["buyer_name"].as_str()),
        (Some("+254712345678"), Some("Asha"))
    );
    // As the neighbour says it, in the country of the office.
    let home = json!({ "product_id": product, "quantity": "1", "buyer_phone": "0999 000 111" });
    let local =
        hub.post("/api/v1/orders").by(Who::Clerk).key("local").json(&home).send().await.is(201).json();
    assert_eq!(local["buyer_phone"], "+265999000111");
    let path = format!("/api/v1/orders/{}/cancel", order["id"].as_str().unwrap());
    assert_eq!(hub.post(&path).by(Who::Clerk).send().await.is(200).json()["status"], "cancelled");
    hub.post("/api/v1/orders").by(Who::Buyer).key("b").json(&body).send().await.invalid(&["/buyer_phone"]);
}

#[tokio::test]
async fn nobody_buys_what_he_offers_himself() {
    let hub = TestHub::with_market().await;
    let new = json!({ "commodity_id": 1, "unit_id": 1, "quantity": "50", "price": { "amount": 50_000, "currency": "MWK" } });
    let made = hub.post("/api/v1/products").by(Who::Farmer).json(&new).send().await.is(201).json();
    let body = of(made["id"].as_str().unwrap(), "5");
    let order = async |who, key: &str, body: &Value| {
        hub.post("/api/v1/orders").by(who).key(key).json(body).send().await
    };
    let own = order(Who::Farmer, "a", &body).await.invalid(&["/product_id"]);
    assert_eq!(own["errors"][0]["detail"], "This is the buyer's own offer.");
    // Nor does an office for him; for others it does, and so does everybody else.
    let farmer = hub.ask("SELECT phone FROM members WHERE id = '00000000-0000-0000-0000-0000000000aa'").await;
    let for_farmer =
        json!({ "product_id": body["product_id"], "quantity": "5", "buyer_phone": format!("+{farmer}") });
    order(Who::Clerk, "a", &for_farmer).await.invalid(&["/buyer_phone"]);
    order(Who::Clerk, "b", &body).await.is(201);
    order(Who::Buyer, "a", &body).await.is(201);
}

#[tokio::test]
async fn a_cancelled_order_gives_its_units_back_once() {
    let hub = TestHub::with_market().await;
    let product = hub.maize(OWN, 5).await;
    let order = hub.order(Who::Buyer, &product, 4).await;
    let path = format!("/api/v1/orders/{order}/cancel");
    for _ in 0..2 {
        assert_eq!(hub.post(&path).by(Who::Buyer).send().await.is(200).json()["status"], "cancelled");
    }
    assert_eq!(hub.get(&format!("/api/v1/products/{product}")).send().await.json()["available"], "5");
    hub.sql("UPDATE orders SET status = 4").await;
    hub.post(&path).by(Who::Buyer).send().await.problem(409, "too_late");
}

#[tokio::test]
async fn lists_hold_what_the_caller_may_see() {
    let hub = TestHub::with_market().await;
    let (own, other) = (hub.maize(OWN, 50).await, hub.maize(OTHER, 50).await);
    let by_buyer = hub.order(Who::Buyer, &own, 1).await;
    let by_farmer = hub.order(Who::Farmer, &other, 2).await;
    let by_clerk = hub.order(Who::Clerk, &other, 3).await;
    // Made by phone, under the numbers of the buyer and of the farmer.
    for (n, phone) in [(1, "265991000001"), (2, "265991000002")] {
        hub.sql(&format!(
            "INSERT INTO orders (id, listing_id, cooperative_id, quantity_milli, unit_price_minor, currency, holder, buyer_phone, buyer_name, status, channel, placed_at_s)
             VALUES ('00000000-0000-7000-8000-00000000000{n}', '{other}', 2, 1000, 50000, 'MWK', 0, {phone}, '', 0, 1, 0)"
        ))
        .await;
    }
    let seen = async |who: Who, query: &str| {
        let json = hub.get(&format!("/api/v1/orders{query}")).by(who).send().await.is(200).json();
        json["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|o| o["id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        seen(Who::Buyer, "").await,
        [by_buyer.as_str()],
        "a number that was not confirmed shows nothing"
    );
    let phoned = "00000000-0000-7000-8000-000000000002".to_owned();
    // Recorded last, whatever its id and the office's clock say.
    assert_eq!(seen(Who::Farmer, "").await, [phoned.clone(), by_farmer.clone()]);
    assert_eq!(seen(Who::Clerk, "").await, [by_clerk.clone(), by_buyer.clone()]);
    assert_eq!(seen(Who::OtherClerk, "").await.len(), 4);
    assert_eq!(seen(Who::Admin, "").await.len(), 5);
    assert_eq!(seen(Who::Admin, "?cooperative=1").await, [by_buyer.as_str()]);
    assert_eq!(seen(Who::Admin, &format!("?product={other}&status=confirmed")).await.len(), 4);
    assert_eq!(seen(Who::Admin, "?status=cancelled").await.len(), 0);
    let first = hub.get("/api/v1/orders?limit=2").by(Who::Admin).send().await.json();
    let next = hub.get(first["next"].as_str().unwrap()).by(Who::Admin).send().await.json();
    assert_eq!(next["items"].as_array().unwrap().len(), 2);
    assert_ne!(first["items"], next["items"]);
    // One by one: what is not in the list is not there.
    hub.get(&format!("/api/v1/orders/{by_farmer}")).by(Who::Buyer).send().await.problem(404, "not_found");
    let not_own = "/api/v1/orders/00000000-0000-7000-8000-000000000001";
    hub.get(not_own).by(Who::Buyer).send().await.problem(404, "not_found");
    hub.post(&format!("{not_own}/cancel")).by(Who::Buyer).send().await.problem(404, "not_found");
    hub.get(&format!("/api/v1/orders/{phoned}")).by(Who::Farmer).send().await.is(200);
}

#[tokio::test]
async fn an_order_whose_caller_hung_up_at_its_commit_is_told_all_the_same() {
    let hub = TestHub::with_market().await;
    let product = hub.maize(1, 100).await;
    hub.sql(
        "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NULL; END $$;
         CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON orders DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait()",
    )
    .await;
    let mut held = hub.state.db.begin().await.unwrap();
    sqlx::query("SELECT pg_advisory_xact_lock(1)").execute(&mut *held).await.unwrap();
    let mut told = hub.state.db.news().cooperatives();
    told.mark_unchanged();
    let body = json!({ "product_id": product, "quantity": "1" });
    let order = async { hub.post("/api/v1/orders").by(Who::Buyer).key("a").json(&body).send().await };
    tokio::select! {
        answer = order => panic!("it did not wait: {answer:?}"),
        () = until_waiting(&hub.state.db, 1) => {}
    }
    held.commit().await.unwrap();
    in_time(told.changed()).await.expect("nobody was told");
    assert_eq!(hub.ask("SELECT count(*) FROM orders").await, "1");
}

#[tokio::test]
async fn goods_whose_office_is_awaited_are_a_503_that_is_kept_under_no_key_and_are_sold_when_it_has_come() {
    let hub = TestHub::with_market().await;
    let mut office = Signed::enrolled(&hub).await;
    let (product, elsewhere) = (hub.maize(OWN, 25).await, hub.maize(OTHER, 25).await);
    // As after a restore: nobody knows what this cooperative's office has sold since.
    hub.sql("INSERT INTO awaited_offices (edge_id, cooperative_id) SELECT id, cooperative_id FROM edges")
        .await;
    let order = async |key: &str, product: &str| {
        hub.post("/api/v1/orders").by(Who::Buyer).key(key).json(&of(product, "2")).send().await
    };
    for _ in 0..2 {
        let answer = order("a", &product).await;
        let after = answer.header(header::RETRY_AFTER).parse::<u64>();
        assert!(after.is_ok_and(|after_s| after_s > 0));
        assert!(answer.headers.get(&REPLAY_HEADER).is_none(), "it is asked anew each time");
        let problem = answer.problem(503, "unavailable");
        assert!(problem["detail"].as_str().unwrap().contains("try again later"), "{problem}");
    }
    assert_eq!(hub.ask("SELECT count(*) FROM orders").await, "0");
    assert_eq!(hub.ask("SELECT count(*) FROM idempotency_keys WHERE key = 'a'").await, "0");
    order("b", &elsewhere).await.is(201);
    // What is wrong by itself is said at once, whoever is awaited.
    order("c", "00000000-0000-0000-0000-000000000099").await.problem(404, "not_found");
    // An order that is not known here may be one that was forgotten, and stand again: nobody is told that there is nothing to take back.
    let cancel = "/api/v1/orders/00000000-0000-0000-0000-000000000099/cancel";
    hub.post(cancel).by(Who::Buyer).send().await.problem(503, "unavailable");
    office.is_welcomed(&hub).await;
    hub.post(cancel).by(Who::Buyer).send().await.problem(404, "not_found");
    // Its own command lies here undecided.
    hub.sql("INSERT INTO commands (edge_id, incarnation, seq, id, made_at_s, actor_kind, actor_phone, kind, body, body_hash, verdict, verdict_number)
            VALUES (1, 1, 99, '00000000-0000-0000-0000-000000000099', 0, 1, 0, 5, '', '', 'held', 99)")
        .await;
    let problem = hub.post(cancel).by(Who::Buyer).send().await.problem(503, "unavailable");
    assert!(problem["detail"].as_str().unwrap().contains("waits here to be decided"), "{problem}");
    hub.sql("UPDATE commands SET verdict = 'rejected' WHERE seq = 99").await;
    hub.post(cancel).by(Who::Buyer).send().await.problem(404, "not_found");
    let placed = order("a", &product).await.is(201);
    assert!(placed.headers.get(&REPLAY_HEADER).is_none());
    let again = order("a", &product).await.is(201);
    assert_eq!((again.header(REPLAY_HEADER), again.json()), ("true", placed.json()));
    assert_eq!(hub.ask("SELECT count(*) FROM orders").await, "2");
}

/// Between looking for the order and asking whether anybody may bring it.
#[tokio::test]
async fn a_cancel_whose_order_comes_at_that_very_moment_is_asked_again_and_not_told_of_nothing() {
    let hub = TestHub::with_market().await;
    let product = hub.maize(OWN, 25).await;
    let placed = hub.post("/api/v1/orders").by(Who::Buyer).key("a").json(&of(&product, "2")).send().await;
    let cancel = format!("/api/v1/orders/{}/cancel", placed.is(201).json()["id"].as_str().unwrap());
    hub.sql("CREATE TABLE elsewhere AS TABLE orders").await;
    hub.sql("DELETE FROM orders").await;
    let mut brings = hub.state.db.begin().await.unwrap();
    sqlx::raw_sql("LOCK TABLE awaited_offices").execute(&mut *brings).await.unwrap();
    let brought = async {
        // It asks whether somebody may bring it.
        until_waiting(&hub.state.db, 1).await;
        sqlx::raw_sql("INSERT INTO orders SELECT * FROM elsewhere").execute(&mut *brings).await.unwrap();
        brings.commit().await.unwrap();
    };
    let (answer, ()) = tokio::join!(hub.post(&cancel).by(Who::Buyer).send(), brought);
    answer.problem(503, "unavailable");
    let again = hub.post(&cancel).by(Who::Buyer).send().await.is(200).json();
    assert_eq!(again["status"], "cancelled");
}
