//! An office to test: a real edge on a SQLite file with a sample market, its whole router, and a caller that speaks HTTP with it.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use mizili_edge::config::Config;
use mizili_edge::serve::router::router;
use mizili_edge::staff::password::{hashed, store};
use mizili_edge::state::AppState;
use mizili_edge::sync::run::SyncHandle;
pub(crate) use mizili_edge::testing::CLERK_PHONE;
use mizili_edge::testing::{COOP, TestEdge, clerk_of, live};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering};
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::CooperativeId;
use sync_protocol::market::{OfficeRole, OfficeUser};
use tower::ServiceExt;

pub(crate) const PASSWORD: &str = "chimanga 2026";

/// An office with its market fetched.
pub(crate) struct Office {
    pub(crate) edge: TestEdge,
    pub(crate) app: Router,
    pub(crate) token: String,
    keys: AtomicU32,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) json: Value,
    pub(crate) text: String,
}

impl Answer {
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert!(self.status.is_success(), "{} {}", self.status, self.text);
        self.json
    }

    /// Status and problem code, with what every problem has checked.
    #[track_caller]
    pub(crate) fn problem(&self) -> (u16, &str) {
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/problem+json", "{}", self.text);
        assert_eq!(self.json["status"], self.status.as_u16());
        assert!(self.json["detail"].as_str().is_some_and(|detail| detail.len() > 5), "{}", self.text);
        let code = self.json["code"].as_str().unwrap();
        assert_eq!(self.json["type"], format!("/api/docs/problems#{code}"));
        (self.status.as_u16(), code)
    }

    /// The pointers of a 422 or of a wrong parameter, sorted.
    #[track_caller]
    pub(crate) fn pointers(&self) -> Vec<&str> {
        self.problem();
        let mut list: Vec<&str> =
            self.json["errors"].as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap()).collect();
        list.sort_unstable();
        list
    }
}

const CONFIG: &str = "country = \"MWI\"\n[[gateway]]\nkind = \"africastalking\"\nname = \"test\"\nsecret = \"0123456789abcdef\"\n";

pub(crate) fn config() -> Config {
    Config::parse(CONFIG).unwrap()
}

/// The router as a program that has just started serves it.
pub(crate) fn started(edge: &TestEdge) -> Router {
    router(state(edge, config()))
}

/// What a program that has just started with these settings has in hand.
pub(crate) fn state(edge: &TestEdge, config: Config) -> AppState {
    AppState::new(edge.db().clone(), edge.deps().clone(), config, SyncHandle::idle())
}

impl Office {
    /// With somebody signed in as `office`.
    pub(crate) async fn open() -> Self {
        let mut office = Self::closed(TestEdge::with_market()).await;
        office.token = office.sign_in("office", PASSWORD).await.ok()["token"].as_str().unwrap().to_owned();
        office
    }

    /// With a password and nobody signed in.
    pub(crate) async fn closed(edge: TestEdge) -> Self {
        let app = started(&edge);
        let office = Self { edge, app, token: String::new(), keys: AtomicU32::new(0) };
        office.set_password(PASSWORD).await;
        office
    }

    /// The program starts again, with these further settings.
    pub(crate) fn set_config(&mut self, first_lines: &str) {
        let text = format!("{first_lines}\n{CONFIG}");
        self.app = router(state(&self.edge, Config::parse(&text).unwrap()));
    }

    pub(crate) async fn set_password(&self, password: &str) {
        let hash = hashed(password, self.edge.deps()).await.unwrap();
        self.edge.write(move |tx| store(tx, "office", &hash, 0));
    }

    /// Somebody of a cooperative with an office password.
    pub(crate) async fn person(&self, phone: u64, cooperative: CooperativeId, disabled: bool) {
        let password_hash = hashed(PASSWORD, self.edge.deps()).await.unwrap();
        let role = OfficeRole::Manager;
        let person = OfficeUser { phone, role, disabled, ..clerk_of(cooperative, password_hash) };
        self.edge.feed(Bucket::Coop(COOP), vec![live(&person)]);
    }

    pub(crate) async fn sign_in(&self, user: &str, password: &str) -> Answer {
        self.send("POST", "/api/v1/office/login", &[], Some(json!({ "user": user, "password": password })))
            .await
    }

    /// Any request.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let mut request = Request::builder().method(Method::from_bytes(method.as_bytes()).unwrap()).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = match body {
            Some(Value::String(raw)) => Body::from(raw),
            Some(json) => Body::from(json.to_string()),
            None => Body::empty(),
        };
        let request =
            request.header("host", "box:8090").header("content-type", "application/json").body(body).unwrap();
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = to_bytes(response.into_body(), 1 << 24).await.unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Answer { status, headers, json: serde_json::from_slice(&bytes).unwrap_or(Value::Null), text }
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.token)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[("authorization", &self.bearer())], None).await
    }

    /// Looks without having signed in.
    pub(crate) async fn look(&self, path: &str) -> Answer {
        self.send("GET", path, &[], None).await
    }

    /// A write with a new key.
    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        let key = format!("key-{}", self.keys.fetch_add(1, Ordering::Relaxed));
        self.post_as(&key, path, body).await
    }

    pub(crate) async fn post_as(&self, key: &str, path: &str, body: Value) -> Answer {
        self.send("POST", path, &[("authorization", &self.bearer()), ("idempotency-key", key)], Some(body))
            .await
    }

    pub(crate) async fn patch(&self, path: &str, tag: &str, body: Value) -> Answer {
        self.send("PATCH", path, &[("authorization", &self.bearer()), ("if-match", tag)], Some(body)).await
    }

    /// From here on the disk takes no more than a few pages.
    pub(crate) fn fill_disk(&self) {
        self.edge.write(|tx| -> Result<(), mizili_edge::db::DbError> {
            let now: i64 = tx.query_row("PRAGMA page_count", [], |row| row.get(0))?;
            let _: i64 = tx.query_row(&format!("PRAGMA max_page_count = {now}"), [], |row| row.get(0))?;
            Ok(())
        });
    }

    /// A product of so many kilograms of maize, by the API. Gives its id.
    pub(crate) async fn offer(&self, kilograms: u32) -> String {
        let body = json!({ "commodity_id": 51, "unit_id": 5, "quantity": kilograms.to_string(), "price": { "amount": 45_000, "currency": "MWK" } });
        self.post("/api/v1/products", body).await.ok()["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn order(&self, product: &str, kilograms: u32) -> Answer {
        let body =
            json!({ "product_id": product, "quantity": kilograms.to_string(), "buyer_name": "Walk-in" });
        self.post("/api/v1/orders", body).await
    }
}

/// The `id`s of a list's items.
pub(crate) fn ids(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect()
}

/// A body with another value in one place.
pub(crate) fn with(mut body: Value, pointer: &str, value: Value) -> Value {
    *body.pointer_mut(pointer).unwrap() = value;
    body
}
