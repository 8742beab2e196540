//! What whoever looks after the hub reads of those who did not get in: one line for each, which holds nothing to get in with.

use crate::support::{TestHub, Who};
use mizili_node::testing::log::Log;
use serde_json::json;
use tracing::Level;

const PHONE: &str = "+265999123456";
const PASSWORD: &str = "gift of rain";
const SECRET: &str = "chimanga-not-this";

#[tokio::test]
async fn a_failed_sign_in_is_one_line_without_the_number_or_the_password() {
    let hub = TestHub::with_market().await;
    let new = json!({ "phone": PHONE, "password": PASSWORD, "name": "Grace Banda" });
    hub.post("/api/v1/users").json(&new).send().await.is(201);
    let log = Log::default();
    let _here = log.here();
    let login = async |phone: &str, password: &str| {
        let body = json!({ "phone": phone, "password": password });
        hub.post("/api/v1/auth/login").from("203.0.113.5").json(&body).send().await
    };
    let says = |code: &str, who: &str| {
        let (code, who) = (format!("code=\"{code}\""), format!("phone=\"{who}\""));
        let parts = ["a sign-in failed", &code, &who, "address=203.0.113.5"];
        let line = log.says("mizili_hub::auth::app", Level::WARN, &parts);
        assert!(!line.contains(SECRET) && !line.contains("99123456"), "{line}");
    };
    let too_long = SECRET.repeat(100);
    for (phone, who) in [(PHONE, "+265•••••456"), ("+254712123456", "+254•••••456")] {
        for password in [SECRET, &too_long] {
            login(phone, password).await.problem(401, "bad_credentials");
            says("bad_credentials", who);
        }
    }
    login(PHONE, PASSWORD).await.is(200);
    assert!(!log.take().contains("a sign-in failed"));
    for _ in 0..4 {
        login("+254712123456", SECRET).await;
        log.take();
    }
    login("+254712123456", SECRET).await.problem(429, "too_many_attempts");
    says("too_many_attempts", "+254•••••456");
}

#[tokio::test]
async fn a_refused_change_of_ones_own_password_is_one_line_too() {
    let hub = TestHub::with_market().await;
    let log = Log::default();
    let _here = log.here();
    let change = json!({ "current_password": SECRET, "new_password": "gift of sunshine" });
    let change = async || {
        let call = hub.post("/api/v1/users/me/password").by(Who::Buyer).from("203.0.113.5");
        call.json(&change).send().await
    };
    let says = |code: &str| {
        let (who, code) = (format!("user={}", Who::Buyer.id()), format!("code=\"{code}\""));
        let parts = ["a change of password was refused", &who, &code, "address=203.0.113.5"];
        let line = log.says("mizili_hub::market::users::care", Level::WARN, &parts);
        assert!(!line.contains(SECRET) && !line.contains("gift of sunshine"), "{line}");
    };
    for _ in 0..4 {
        change().await.invalid(&["/current_password"]);
        says("invalid");
    }
    change().await.problem(429, "too_many_attempts");
    says("too_many_attempts");
}
