//! Products: looking, offering, changing.

use crate::noun::{Noun, OPEN, Walk};
use crate::support::{KG, MAIZE, OTHER, OWN, SEED, TestHub, Who};
use axum::http::{Method, header};
use serde_json::{Value, json};

pub(crate) const NOUN: Noun = Noun {
    routes: &[
        (Method::GET, "/api/v1/products", OPEN),
        (Method::GET, "/api/v1/products/{id}", OPEN),
        // For cooperative 1.
        (Method::POST, "/api/v1/products", [401, 403, 201, 201, 403, 201]),
        // Of cooperative 1, and not the farmer's own.
        (Method::PATCH, "/api/v1/products/{id}", [401, 403, 403, 200, 403, 200]),
    ],
    fill: |hub| Box::pin(fill(hub)),
    body: |hub, product, who, operation| Box::pin(body(hub, product, who, operation)),
    country: "
        INSERT INTO listings (id, cooperative_id, commodity_id, unit_id, title, price_minor, currency, status, posted_at_s, recorded_at)
            SELECT ('00000000-0000-8000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 1 + (n * 7) % 2000, 1 + n % 60, 1, '', 100, 'MWK', 0, 0,
                now() - n * interval '1 minute' FROM generate_series(1, 20000) n;
        INSERT INTO stock_entries (of_id, step, listing_id, cooperative_id, holder, quantity_milli, kind)
            SELECT id, 0, id, cooperative_id, 0, 1000000, 0 FROM listings ON CONFLICT DO NOTHING;
        INSERT INTO listing_prices (listing_id, price_minor) SELECT id, price_minor FROM listings ON CONFLICT DO NOTHING;",
    walks: &[
        Walk::open(
            "/api/v1/products?limit=20&commodity=5&region=7",
            "l.commodity_id = $1 AND l.region_id = $2",
            "listings_by_crop_and_region",
        ),
        Walk::open(
            "/api/v1/products?limit=20&commodity=Crop 5",
            "l.status = 0 AND l.commodity_id = $1 ORDER",
            "listings_by_crop",
        ),
        Walk::open(
            "/api/v1/products?limit=20&region=Region 7",
            "l.status = 0 AND l.region_id = $1 ORDER",
            "listings_by_region",
        ),
        Walk::open(
            "/api/v1/products?limit=20&cooperative=7",
            "l.status = 0 AND l.cooperative_id = $1",
            "listings_by_cooperative",
        ),
        Walk::open("/api/v1/products?limit=20", "WHERE l.status = 0 ORDER", "listings_recorded"),
        Walk::open(
            "/api/v1/products?limit=20",
            "FROM listings l WHERE l.status = 0 ORDER",
            "stock_entries_listing",
        ),
    ],
    ..Noun::NOTHING
};

async fn fill(hub: &TestHub) -> String {
    hub.maize(OWN, 5).await;
    hub.maize(OWN, 1_000).await
}

async fn body(hub: &TestHub, product: &str, who: Who, operation: &str) -> Option<Value> {
    let price = json!({ "amount": 50_000, "currency": "MWK" });
    Some(match operation {
        "offer_product" => json!({
            "commodity_id": MAIZE, "unit_id": KG, "quantity": "5", "price": price, "cooperative_id": OWN,
        }),
        "change_product" => {
            // Whoever changed it before has withdrawn it.
            hub.sql(&format!("UPDATE listings SET status = 0 WHERE id = '{product}'")).await;
            json!({ "price": price, "title": format!("By {who:?}"), "status": "withdrawn" })
        }
        _ => return None,
    })
}

fn new_product() -> Value {
    json!({ "commodity_id": MAIZE, "unit_id": KG, "quantity": "50", "price": { "amount": 50_000, "currency": "MWK" } })
}

#[tokio::test]
async fn a_clerk_offers_and_everybody_sees_it() {
    let hub = TestHub::with_market().await;
    let made = hub.post("/api/v1/products").by(Who::Clerk).json(&new_product()).send().await.is(201);
    let product = made.json();
    assert_eq!(
        made.header(header::LOCATION),
        format!("/api/v1/products/{}", product["id"].as_str().unwrap())
    );
    assert_eq!(product["cooperative_id"], OWN);
    assert_eq!((product["available"].as_str(), product["total"].as_str()), (Some("50"), Some("50")));
    let seen = hub.get(made.header(header::LOCATION)).send().await.is(200);
    assert_eq!(seen.json(), product);
    let list = hub.get("/api/v1/products").send().await.is(200).json();
    assert_eq!(list["items"], json!([product]));
    // The feed has it too, in the cooperative's bucket.
    assert_eq!(
        hub.ask("SELECT count(*) FROM sync_rows WHERE bucket = 'coop:1' AND entity IN (12, 13)").await,
        "2"
    );
}

#[tokio::test]
async fn a_cooperative_with_an_office_gets_its_share_there() {
    let hub = TestHub::with_market().await;
    hub.sql("INSERT INTO edges (cooperative_id, enrolled_at, incarnation) VALUES (1, now(), 1)").await;
    let product =
        hub.post("/api/v1/products").by(Who::Clerk).json(&new_product()).send().await.is(201).json();
    assert_eq!((product["available"].as_str(), product["total"].as_str()), (Some("25"), Some("50")));
}

#[tokio::test]
async fn lists_are_narrowed_and_paged() {
    let hub = TestHub::with_market().await;
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(hub.maize(if n < 3 { OWN } else { OTHER }, 10).await);
    }
    let seed = json!({ "commodity_id": SEED, "unit_id": KG, "quantity": "5", "price": { "amount": 90_000, "currency": "MWK" }, "title": "Hybrid seed" });
    hub.post("/api/v1/products").by(Who::Clerk).json(&seed).send().await.is(201);
    let count = async |query: &str| {
        let json = hub.get(&format!("/api/v1/products?{query}")).send().await.is(200).json();
        json["items"].as_array().unwrap().len()
    };
    assert_eq!(count("").await, 6);
    assert_eq!(count("commodity=Maize").await, 5);
    assert_eq!(count("commodity=CHIMANGA").await, 5);
    assert_eq!(count("commodity=1").await, 5);
    assert_eq!(count("crop=mai").await, 6);
    assert_eq!(count("crop=mahi").await, 5);
    assert_eq!(count("region=central%20region").await, 4);
    assert_eq!(count("region=2").await, 2);
    assert_eq!(count("cooperative=2&crop=maize").await, 2);
    assert_eq!(count("q=hybrid").await, 1);
    assert_eq!(count("q=mzuzu").await, 2);
    assert_eq!(count("q=100%25").await, 0);
    assert_eq!(count("country=KEN").await, 0);
    assert_eq!(count("status=withdrawn").await, 0);
    assert_eq!(count("status=any").await, 6);

    let mut seen = Vec::new();
    let mut at = "/api/v1/products?crop=maize&limit=4".to_owned();
    loop {
        let page = hub.get(&at).send().await.is(200);
        let json = page.json();
        seen.extend(json["items"].as_array().unwrap().iter().map(|p| p["id"].as_str().unwrap().to_owned()));
        let Some(next) = json["next"].as_str() else {
            assert!(page.headers.get(header::LINK).is_none());
            break;
        };
        assert_eq!(page.header(header::LINK), format!("<{next}>; rel=\"next\""));
        // Somebody offers something meanwhile: pages stay whole.
        hub.maize(OWN, 1).await;
        at = next.to_owned();
    }
    assert_eq!(seen.len(), 6);
    seen.dedup();
    assert_eq!(seen.len(), 6);
    assert_eq!(seen[1..].iter().rev().cloned().collect::<Vec<_>>(), ids, "newest first");
}

#[tokio::test]
async fn a_name_that_names_nothing_is_said() {
    let hub = TestHub::with_market().await;
    let problem = hub.get("/api/v1/products?commodity=maiz").send().await.problem(400, "invalid_parameter");
    assert_eq!(problem["errors"][0]["pointer"], "?commodity");
    hub.get("/api/v1/products?region=99").send().await.problem(400, "invalid_parameter");
    assert_eq!(hub.get("/api/v1/products?commodity=beans").send().await.is(200).json()["items"], json!([]));
}

#[tokio::test]
async fn a_copy_that_is_fresh_costs_no_body() {
    let hub = TestHub::with_market().await;
    let path = format!("/api/v1/products/{}", hub.maize(OWN, 10).await);
    let first = hub.get(&path).send().await.is(200);
    let tag = first.header(header::ETAG).to_owned();
    let again = hub.get(&path).header(header::IF_NONE_MATCH, &tag).send().await.is(304);
    assert!(again.body.is_empty());
    assert_eq!(again.header(header::ETAG), tag);
    hub.order(Who::Buyer, path.rsplit('/').next().unwrap(), 1).await;
    let changed = hub.get(&path).header(header::IF_NONE_MATCH, &tag).send().await.is(200);
    assert_ne!(changed.header(header::ETAG), tag);
    assert_eq!(changed.json()["available"], "9");
}

#[tokio::test]
async fn a_change_needs_what_was_read_to_be_still_so() {
    let hub = TestHub::with_market().await;
    let id = hub.maize(OWN, 10).await;
    let path = format!("/api/v1/products/{id}");
    let tag = hub.get(&path).send().await.header(header::ETAG).to_owned();
    let price = |amount| json!({ "price": { "amount": amount, "currency": "MWK" } });
    hub.patch(&path).by(Who::Clerk).json(&price(60_000)).send().await.problem(428, "precondition_required");
    // A sale in between is no obstacle.
    hub.order(Who::Buyer, &id, 1).await;
    let edited = hub
        .patch(&path)
        .by(Who::Clerk)
        .header(header::IF_MATCH, &tag)
        .json(&price(60_000))
        .send()
        .await
        .is(200);
    assert_eq!(edited.json()["price"]["amount"], 60_000);
    // Another edit in between is.
    hub.patch(&path)
        .by(Who::Clerk)
        .header(header::IF_MATCH, &tag)
        .json(&price(70_000))
        .send()
        .await
        .problem(412, "precondition_failed");
    assert_eq!(hub.get(&path).send().await.json()["price"]["amount"], 60_000);
    // The ETag of the answer is good for the next change.
    let tag = edited.header(header::ETAG).to_owned();
    let both = json!({ "title": " Maize grade A ", "status": "withdrawn" });
    let withdrawn = hub
        .patch(&path)
        .by(Who::Clerk)
        .header(header::IF_MATCH, &tag)
        .json(&both)
        .send()
        .await
        .is(200)
        .json();
    assert_eq!(
        (withdrawn["name"].as_str(), withdrawn["status"].as_str()),
        (Some("Maize grade A"), Some("withdrawn"))
    );
    hub.patch(&path)
        .by(Who::Clerk)
        .header(header::IF_MATCH, "*")
        .json(&price(1))
        .send()
        .await
        .problem(409, "withdrawn");
    assert_eq!(hub.get("/api/v1/products").send().await.json()["items"], json!([]));
}

#[tokio::test]
async fn a_farmer_sells_as_a_member_and_only_the_own() {
    let hub = TestHub::with_market().await;
    let made = hub.post("/api/v1/products").by(Who::Farmer).json(&new_product()).send().await.is(201).json();
    assert_eq!(made["seller_id"], "00000000-0000-0000-0000-0000000000aa");
    let path = format!("/api/v1/products/{}", made["id"].as_str().unwrap());
    let title = json!({ "title": "Mine" });
    hub.patch(&path).by(Who::Farmer).header(header::IF_MATCH, "*").json(&title).send().await.is(200);
    let other = format!("/api/v1/products/{}", hub.maize(OWN, 5).await);
    hub.patch(&other)
        .by(Who::Farmer)
        .header(header::IF_MATCH, "*")
        .json(&title)
        .send()
        .await
        .problem(403, "not_allowed");
    // A number that anybody could have typed is nobody's membership.
    hub.sql("UPDATE users SET phone_confirmed = false WHERE role = 'farmer'").await;
    hub.post("/api/v1/products")
        .by(Who::Farmer)
        .json(&new_product())
        .send()
        .await
        .problem(403, "not_allowed");
    hub.patch(&path)
        .by(Who::Farmer)
        .header(header::IF_MATCH, "*")
        .json(&title)
        .send()
        .await
        .problem(403, "not_allowed");
}

#[tokio::test]
async fn an_offer_sent_twice_with_one_key_is_taken_in_once() {
    let hub = TestHub::with_market().await;
    let send = || hub.post("/api/v1/products").by(Who::Clerk).key("intake-7").json(&new_product()).send();
    let (first, again) = (send().await.is(201), send().await.is(201));
    assert_eq!(first.json(), again.json());
    assert_eq!(again.header(mizili_node::idempotency::REPLAY_HEADER), "true");
    assert_eq!(hub.ask("SELECT count(*) FROM listings").await, "1");
}

#[tokio::test]
async fn every_wrong_field_of_an_offer_is_pointed_at() {
    let hub = TestHub::with_market().await;
    let post = async |who, body: Value| hub.post("/api/v1/products").by(who).json(&body).send().await;
    let wrong = json!({
        "commodity_id": 999, "unit_id": 999, "quantity": "0", "price": { "amount": -5, "currency": "KES" }, "title": "x".repeat(81),
    });
    let pointers = ["/commodity_id", "/price/amount", "/price/currency", "/quantity", "/title", "/unit_id"];
    post(Who::Clerk, wrong).await.invalid(&pointers);
    post(Who::Admin, new_product()).await.invalid(&["/cooperative_id"]);
    let mut nowhere = new_product();
    nowhere["cooperative_id"] = json!(99);
    post(Who::Admin, nowhere).await.invalid(&["/cooperative_id"]);
    let mut odd = new_product();
    odd["price"]["currency"] = json!("dollars");
    post(Who::Clerk, odd).await.invalid(&["/price/currency"]);
    assert_eq!(hub.ask("SELECT count(*) FROM listings").await, "0");
}

#[tokio::test]
async fn every_wrong_field_of_a_change_is_pointed_at() {
    let hub = TestHub::with_market().await;
    let path = format!("/api/v1/products/{}", hub.maize(OWN, 5).await);
    let patch = async |body: Value| {
        hub.patch(&path).by(Who::Clerk).header(header::IF_MATCH, "*").json(&body).send().await
    };
    patch(json!({})).await.invalid(&[""]);
    patch(json!({ "status": "active" })).await.invalid(&["/status"]);
    patch(json!({ "price": { "amount": 0, "currency": "KES" }, "title": "a\u{0007}b" })).await.invalid(&[
        "/price/amount",
        "/price/currency",
        "/title",
    ]);
    patch(json!({ "quantity": "5" })).await.invalid(&["/quantity"]);
}
