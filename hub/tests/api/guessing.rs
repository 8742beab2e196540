//! Guessing at passwords: it takes longer and longer for whoever guesses, and keeps nobody out who knows his own.

use crate::accounts::{PHONE, login, new_user};
use crate::support::{Answer, TestHub};
use axum::http::header;
use mizili_node::password::Passwords;
use mizili_node::testing::wait::until;
use serde_json::json;
use std::task::Poll;
use std::time::Duration;

/// A sign-in from an address.
async fn login_from(hub: &TestHub, address: &str, password: &str) -> Answer {
    hub.post("/api/v1/auth/login")
        .from(address)
        .json(&json!({ "phone": PHONE, "password": password }))
        .send()
        .await
}

const HOME: &str = "192.0.2.7";
pub(crate) const ELSEWHERE: &str = "198.51.100.1";

#[tokio::test]
async fn guessing_takes_longer_and_longer_for_whoever_guesses_and_nobody_else() {
    let hub = TestHub::with_market().await;
    hub.post("/api/v1/users").json(&new_user()).send().await.is(201);
    for _ in 0..4 {
        login_from(&hub, ELSEWHERE, "wrong horse").await.problem(401, "bad_credentials");
    }
    // Even the right one has to wait there now, and that does not count.
    for _ in 0..5 {
        let early = login_from(&hub, ELSEWHERE, "correct horse").await;
        assert_eq!(early.header(header::RETRY_AFTER), "2");
        early.problem(429, "too_many_attempts");
    }
    login_from(&hub, HOME, "correct horse").await.is(200);
    hub.clock.advance(Duration::from_secs(2));
    login_from(&hub, ELSEWHERE, "wrong horse").await.problem(401, "bad_credentials");
    assert_eq!(login_from(&hub, ELSEWHERE, "correct horse").await.header(header::RETRY_AFTER), "4");
    hub.clock.advance(Duration::from_secs(4));
    login_from(&hub, ELSEWHERE, "correct horse").await.is(200);
    // A number without an account is slowed down alike: it does not tell that it has none.
    let unknown = json!({ "phone": "+265888000000", "password": "wrong horse" });
    for _ in 0..4 {
        hub.post("/api/v1/auth/login").json(&unknown).send().await.problem(401, "bad_credentials");
    }
    hub.post("/api/v1/auth/login").json(&unknown).send().await.problem(429, "too_many_attempts");
    hub.clock.advance(Duration::from_secs(25 * 60 * 60));
    hub.post("/api/v1/auth/login").json(&unknown).send().await.problem(401, "bad_credentials");
}

#[tokio::test]
async fn where_somebody_signed_in_before_they_are_put_off_and_never_refused() {
    let hub = TestHub::with_market().await;
    hub.post("/api/v1/users").json(&new_user()).send().await.is(201);
    login_from(&hub, HOME, "correct horse").await.is(200);
    for _ in 0..30 {
        login_from(&hub, HOME, "wrong horse").await.problem(401, "bad_credentials");
    }
    let before = hub.state.deps.clock.monotonic();
    login_from(&hub, HOME, "correct horse").await.is(200);
    assert_eq!(
        (hub.state.deps.clock.monotonic() - before).as_secs(),
        10,
        "it was put off, by a bounded time"
    );
    // The same at another hub, which knows it from the database.
    let other = hub.another(3);
    for _ in 0..6 {
        login_from(&other, HOME, "wrong horse").await.problem(401, "bad_credentials");
    }
    login_from(&other, HOME, "correct horse").await.is(200);
}

#[tokio::test]
async fn many_who_guess_together_lock_nobody_out() {
    let hub = TestHub::with_market().await;
    hub.post("/api/v1/users").json(&new_user()).send().await.is(201);
    for n in 0..30 {
        login_from(&hub, &format!("203.0.113.{n}"), "wrong horse").await.problem(401, "bad_credentials");
    }
    // By now a stranger has one try, not four.
    login_from(&hub, "203.0.113.99", "wrong horse").await.problem(401, "bad_credentials");
    login_from(&hub, "203.0.113.99", "wrong horse").await.problem(429, "too_many_attempts");
    login_from(&hub, HOME, "correct horse").await.is(200);
}

#[tokio::test]
async fn a_try_that_nobody_looked_at_is_no_wrong_password() {
    let mut hub = TestHub::with_market().await;
    hub.post("/api/v1/users").json(&new_user()).send().await.is(201);
    let passwords = hub.state.auth.passwords.clone();
    hub.set_passwords(Passwords::new(1).with_queue(0, 5));
    for _ in 0..20 {
        login_from(&hub, ELSEWHERE, "wrong horse").await.problem(503, "busy");
    }
    hub.set_passwords(passwords);
    for _ in 0..4 {
        login_from(&hub, ELSEWHERE, "wrong horse").await.problem(401, "bad_credentials");
    }
    login_from(&hub, ELSEWHERE, "wrong horse").await.problem(429, "too_many_attempts");
}

#[tokio::test]
async fn a_clock_that_stood_in_2040_locks_nobody_out() {
    let hub = TestHub::with_market().await;
    hub.post("/api/v1/users").json(&new_user()).send().await.is(201);
    hub.clock.set_wall_s(2_208_988_800);
    for _ in 0..4 {
        login_from(&hub, ELSEWHERE, "wrong horse").await.problem(401, "bad_credentials");
    }
    hub.clock.set_wall_s(1_772_352_000);
    login_from(&hub, ELSEWHERE, "correct horse").await.is(200);
}

#[tokio::test]
async fn a_sign_in_whose_caller_hung_up_is_looked_at_and_does_not_count_as_wrong() {
    let hub = TestHub::with_market().await;
    hub.post("/api/v1/users").json(&new_user()).send().await.is(201);
    // Others are before it, so that it is under way for a while.
    let others: Vec<_> = (0..8)
        .map(|_| {
            let state = hub.state.clone();
            tokio::spawn(async move { state.auth.passwords.verify("x", None).await })
        })
        .collect();
    {
        let mut try_it = std::pin::pin!(login(&hub, "correct horse"));
        let mut is_pending =
            async || std::future::poll_fn(|cx| Poll::Ready(try_it.as_mut().poll(cx).is_pending())).await;
        let counted = "SELECT count(*)::text FROM sign_in_tries WHERE failures > 0";
        until(async || !is_pending().await || hub.ask(counted).await != "0").await;
    }
    for other in others {
        let _ = other.await.unwrap();
    }
    until(async || !hub.state.auth.under_way.is_any()).await;
    assert_eq!(hub.ask("SELECT count(*)::text FROM sign_in_tries").await, "0");
}
