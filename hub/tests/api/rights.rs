//! Who may do what, for each route of the router. A route without a case here fails the test.

use crate::support::{Answer, KG, MAIZE, OWN, TestHub, Who};
use axum::http::{Method, header};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A hub with one thing of each kind in it.
struct World {
    hub: TestHub,
    product: String,
    order: String,
}

impl World {
    async fn new() -> Self {
        let hub = TestHub::with_market().await;
        let product = hub.maize(OWN, 1_000).await;
        // By the buyer, of the clerk's cooperative.
        let order = hub.order(Who::Buyer, &product, 1).await;
        let user = json!({ "phone": "+265999123456", "password": "correct horse", "name": "Grace" });
        hub.post("/api/v1/users").json(&user).send().await.is(201);
        Self { hub, product, order }
    }

    async fn get(&self, who: Who, path: &str) -> Answer {
        self.hub.get(path).by(who).send().await
    }

    async fn post(&self, who: Who, path: &str, body: &Value) -> Answer {
        let key = self.hub.state.deps.ids.uuid_v7().to_string();
        self.hub.post(path).by(who).key(&key).json(body).send().await
    }

    async fn login(&self) -> Value {
        let body = json!({ "phone": "+265999123456", "password": "correct horse" });
        self.hub.post("/api/v1/auth/login").json(&body).send().await.is(200).json()
    }
}

/// Statuses for [`Who::ALL`] in its order: nobody, buyer, farmer, clerk, clerk of another cooperative, admin.
type Statuses = [u16; 6];

const OPEN: Statuses = [200; 6];
const SIGNED_IN: Statuses = [401, 200, 200, 200, 200, 200];

/// The routes, and what each kind of caller gets there.
fn cases() -> Vec<(Method, &'static str, Statuses)> {
    let (get, post, patch) = (Method::GET, Method::POST, Method::PATCH);
    vec![
        (get.clone(), "/healthz", OPEN),
        (get.clone(), "/readyz", OPEN),
        (post.clone(), "/api/v1/users", [201; 6]),
        (get.clone(), "/api/v1/users/me", SIGNED_IN),
        // Signed in, and none shows the right one: these accounts have none.
        (post.clone(), "/api/v1/users/me/password", [401, 422, 422, 422, 422, 422]),
        (post.clone(), "/api/v1/auth/login", OPEN),
        (post.clone(), "/api/v1/auth/refresh", OPEN),
        (post.clone(), "/api/v1/auth/logout", [204; 6]),
        (get.clone(), "/api/v1/products", OPEN),
        (get.clone(), "/api/v1/products/{id}", OPEN),
        // For cooperative 1.
        (post.clone(), "/api/v1/products", [401, 403, 201, 201, 403, 201]),
        // Of cooperative 1, and not the farmer's own.
        (patch, "/api/v1/products/{id}", [401, 403, 403, 200, 403, 200]),
        (get.clone(), "/api/v1/orders", SIGNED_IN),
        (post.clone(), "/api/v1/orders", [401, 201, 201, 201, 201, 201]),
        // The buyer's own, sold by cooperative 1.
        (get.clone(), "/api/v1/orders/{id}", [401, 200, 404, 200, 404, 200]),
        (post, "/api/v1/orders/{id}/cancel", [401, 200, 404, 200, 404, 200]),
        (get.clone(), "/api/v1/market-prices", OPEN),
        (get.clone(), "/api/v1/commodities", OPEN),
        (get.clone(), "/api/v1/commodities/{id}", OPEN),
        (get.clone(), "/api/v1/units", OPEN),
        (get.clone(), "/api/v1/units/{id}", OPEN),
        (get.clone(), "/api/v1/markets", OPEN),
        (get.clone(), "/api/v1/markets/{id}", OPEN),
        (get.clone(), "/api/v1/regions", OPEN),
        (get.clone(), "/api/v1/regions/{id}", OPEN),
        (get.clone(), "/api/v1/cooperatives", OPEN),
        (get, "/api/v1/cooperatives/{id}", OPEN),
    ]
}

async fn ask(world: &World, method: &Method, path: &str, who: Who) -> Answer {
    let product = json!({
        "commodity_id": MAIZE, "unit_id": KG, "quantity": "5", "cooperative_id": OWN, "price": { "amount": 1, "currency": "MWK" },
    });
    match (method.as_str(), path) {
        ("POST", "/api/v1/users") => {
            let phone = format!("+26588812345{}", who as u8);
            world
                .post(who, path, &json!({ "phone": phone, "password": "correct horse", "name": "Grace" }))
                .await
        }
        ("POST", "/api/v1/users/me/password") => {
            let change = json!({ "current_password": "correct horse", "new_password": "battery staple" });
            world.post(who, path, &change).await
        }
        ("POST", "/api/v1/auth/login") => {
            world.post(who, path, &json!({ "phone": "+265999123456", "password": "correct horse" })).await
        }
        ("POST", "/api/v1/auth/refresh" | "/api/v1/auth/logout") => {
            let tokens = world.login().await;
            world.post(who, path, &json!({ "refresh_token": tokens["refresh_token"] })).await
        }
        ("POST", "/api/v1/products") => world.post(who, path, &product).await,
        ("PATCH", _) => {
            let path = path.replace("{id}", &world.product);
            let call = world.hub.patch(&path).by(who).header(header::IF_MATCH, "*");
            call.json(&json!({ "title": format!("By {who:?}") })).send().await
        }
        ("POST", "/api/v1/orders") => {
            world.post(who, path, &json!({ "product_id": world.product, "quantity": "1" })).await
        }
        ("POST", "/api/v1/orders/{id}/cancel") => {
            world.hub.post(&path.replace("{id}", &world.order)).by(who).send().await
        }
        ("GET", "/api/v1/products/{id}") => world.get(who, &path.replace("{id}", &world.product)).await,
        ("GET", "/api/v1/orders/{id}") => world.get(who, &path.replace("{id}", &world.order)).await,
        ("GET", _) => world.get(who, &path.replace("{id}", "1")).await,
        other => panic!("no request for {other:?}"),
    }
}

#[tokio::test]
async fn each_kind_of_caller_gets_what_it_may_and_no_more() {
    let world = World::new().await;
    world.hub.sql("INSERT INTO markets (country, name, region_id) VALUES ('MWI', 'Lilongwe', 1)").await;
    for (method, path, statuses) in cases() {
        for (who, expected) in Who::ALL.into_iter().zip(statuses) {
            let answer = ask(&world, &method, path, who).await;
            assert_eq!(answer.status.as_u16(), expected, "{method} {path} by {who:?}: {}", answer.text());
        }
    }
}

#[test]
fn no_route_is_without_a_case() {
    let document = serde_json::to_value(mizili_hub::router::document()).unwrap();
    let mut routes = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys() {
            routes.insert((method.to_uppercase(), path.clone()));
        }
    }
    let cases: BTreeSet<_> =
        cases().into_iter().map(|(method, path, _)| (method.to_string(), path.to_owned())).collect();
    assert_eq!(routes, cases, "each route of the router has one case here, and no other");
    assert!(routes.len() >= 26);
}

#[test]
fn routes_are_made_in_the_router_alone() {
    // The router's list is what the document and the test above are made of: nothing may be routed beside it but what edges
    // call, the document itself and its pages.
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
    let mut found = Vec::new();
    let mut folders = vec![std::path::PathBuf::from(source)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if std::fs::read_to_string(&path).unwrap().contains(".route(") {
                found.push(path.strip_prefix(source).unwrap().display().to_string());
            }
        }
    }
    found.sort();
    assert_eq!(found, ["docs.rs", "router.rs", "sync/mod.rs"]);
    let docs = std::fs::read_to_string(format!("{source}/docs.rs")).unwrap();
    let elsewhere: Vec<_> =
        docs.lines().filter(|line| line.contains(".route(") && !line.contains("DOCS_PATH")).collect();
    assert!(elsewhere.is_empty(), "only pages of the document: {elsewhere:?}");
    let router = std::fs::read_to_string(format!("{source}/router.rs")).unwrap();
    let lines: Vec<_> = router.lines().filter(|line| line.contains(".route(")).map(str::trim).collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[0].contains("\"/\"") && lines[0].contains("Redirect"), "{lines:?}");
    assert!(lines[1].contains("DOCUMENT_PATH") && lines[2].contains("/problems"), "{lines:?}");
}
