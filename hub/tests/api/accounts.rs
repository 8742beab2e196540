//! Accounts: registering, logging in, the life of tokens.

use crate::guessing::ELSEWHERE;
use crate::noun::{Noun, OPEN, SIGNED_IN};
use crate::support::{Answer, TestHub, Who};
use axum::http::{Method, header};
use mizili_hub::testing::locks::until_waiting;
use serde_json::{Value, json};
use std::time::Duration;

pub(crate) const NOUN: Noun = Noun {
    routes: &[
        (Method::POST, "/api/v1/users", [201; 6]),
        (Method::GET, "/api/v1/users/me", SIGNED_IN),
        // Signed in, and none shows the right one: these accounts have none.
        (Method::POST, "/api/v1/users/me/password", [401, 422, 422, 422, 422, 422]),
        (Method::POST, "/api/v1/auth/login", OPEN),
        (Method::POST, "/api/v1/auth/refresh", OPEN),
        (Method::POST, "/api/v1/auth/logout", [204; 6]),
    ],
    fill: |hub| Box::pin(fill(hub)),
    body: |hub, _, who, operation| Box::pin(body(hub, who, operation)),
    country: "
        INSERT INTO users (id, phone, name, role, password_hash)
            SELECT gen_random_uuid(), 265880000000 + n, 'N', 'buyer', '' FROM generate_series(1, 5000) n;
        INSERT INTO idempotency_keys (user_id, key, route, body_hash, status, response)
            SELECT id, 'key', 'route', '', 201, '' FROM users;
        INSERT INTO refresh_tokens (hash, user_id, family, expires_at) SELECT uuid_send(id), id, id, now() FROM users;
        INSERT INTO login_attempts (phone, failures, blocked_until, changed_at) SELECT phone, 1, now(), now() FROM users;",
    ..Noun::NOTHING
};

/// Somebody with a password. Accounts have no list, and nobody sees one by its id.
async fn fill(hub: &TestHub) -> String {
    hub.post("/api/v1/users").json(&new_user()).send().await.is(201);
    String::new()
}

async fn body(hub: &TestHub, who: Who, operation: &str) -> Option<Value> {
    Some(match operation {
        "register" => json!({
            "phone": format!("0888 123 45{}", who as u8), "country": "MWI", "password": "correct horse",
            "name": "Grace", "language": "ny", "role": "buyer",
        }),
        "log_in" => json!({ "phone": "0999 123 456", "country": "MWI", "password": "correct horse" }),
        "refresh_tokens" | "log_out" => {
            let tokens = login(hub, "correct horse").await.is(200).json();
            json!({ "refresh_token": tokens["refresh_token"] })
        }
        "change_own_password" => {
            json!({ "current_password": "correct horse", "new_password": "battery staple" })
        }
        _ => return None,
    })
}

pub(crate) const PHONE: &str = "+265999123456";

pub(crate) fn new_user() -> Value {
    json!({ "phone": PHONE, "password": "correct horse", "name": "Grace Banda" })
}

pub(crate) async fn login(hub: &TestHub, password: &str) -> Answer {
    hub.post("/api/v1/auth/login").json(&json!({ "phone": PHONE, "password": password })).send().await
}

async fn refresh(hub: &TestHub, token: &Value) -> Answer {
    hub.post("/api/v1/auth/refresh").json(&json!({ "refresh_token": token })).send().await
}

#[tokio::test]
async fn register_log_in_and_be_known() {
    let hub = TestHub::with_market().await;
    let made = hub.post("/api/v1/users").json(&new_user()).send().await.is(201).json();
    assert_eq!((made["role"].as_str(), made["phone"].as_str()), (Some("buyer"), Some(PHONE)));
    assert!(!made.to_string().contains("argon2"));
    // Written as at home, with the country.
    let at_home = json!({ "phone": "0999 123 456", "country": "MWI", "password": "correct horse" });
    let answer = hub.post("/api/v1/auth/login").json(&at_home).send().await.is(200);
    assert_eq!(answer.header(header::CACHE_CONTROL), "no-store");
    let tokens = answer.json();
    let me = hub
        .get("/api/v1/users/me")
        .token(tokens["access_token"].as_str().unwrap())
        .send()
        .await
        .is(200)
        .json();
    assert_eq!(me, made);
    hub.post("/api/v1/users").json(&new_user()).send().await.problem(409, "phone_taken");
    let kept = hub.ask("SELECT password_hash FROM users WHERE phone = 265999123456").await;
    assert!(kept.starts_with("$argon2id$"), "{kept}");
}

#[tokio::test]
async fn a_name_and_a_password_are_the_same_however_they_are_written() {
    let hub = TestHub::with_market().await;
    for name in ["\u{200b}", "\u{202e}\u{3164}", " "] {
        let mut new = new_user();
        new["name"] = json!(name);
        hub.post("/api/v1/users").json(&new).send().await.invalid(&["/name"]);
    }
    let mut new = new_user();
    (new["name"], new["password"]) =
        (json!("\u{202b}Re\u{301}ne\u{200b}  Banda\u{202c}"), json!("cafe\u{301} au lait"));
    let made = hub.post("/api/v1/users").json(&new).send().await.is(201).json();
    assert_eq!(made["name"], "Réne Banda");
    for password in ["café au lait", "cafe\u{301} au lait"] {
        login(&hub, password).await.is(200);
    }
    login(&hub, "cafe au lait").await.problem(401, "bad_credentials");
    // The same number in any dress is one account.
    for phone in [
        "\u{202a}+265999123456\u{202c}",
        "\u{2068}+265 999 123 456\u{2069}",
        "+265999123456\u{fe0f}",
        "+2650999123456",
    ] {
        let mut again = new_user();
        again["phone"] = json!(phone);
        hub.post("/api/v1/users").json(&again).send().await.problem(409, "phone_taken");
    }
}

#[tokio::test]
async fn a_farmer_may_name_a_cooperative() {
    let hub = TestHub::with_market().await;
    let farmer = |cooperative: u32| {
        let mut new = new_user();
        (new["role"], new["cooperative_id"]) = (json!("farmer"), json!(cooperative));
        new
    };
    hub.post("/api/v1/users").json(&farmer(99)).send().await.invalid(&["/cooperative_id"]);
    hub.post("/api/v1/users").json(&farmer(u32::MAX)).send().await.invalid(&["/cooperative_id"]);
    let made = hub.post("/api/v1/users").json(&farmer(1)).send().await.is(201).json();
    assert_eq!((made["role"].as_str(), made["cooperative_id"].as_u64()), (Some("farmer"), Some(1)));
    assert_eq!(made["phone_confirmed"], false);
}

#[tokio::test]
async fn every_wrong_field_of_a_registration_is_pointed_at() {
    let hub = TestHub::with_market().await;
    let post = async |body: Value| hub.post("/api/v1/users").json(&body).send().await;
    let wrong = json!({ "phone": "not a number", "password": "short", "name": " ", "language": "xx", "cooperative_id": 1 });
    post(wrong).await.invalid(&["/cooperative_id", "/language", "/name", "/password", "/phone"]);
    for role in ["clerk", "admin"] {
        let mut new = new_user();
        new["role"] = json!(role);
        post(new).await.invalid(&["/role"]);
    }
    let mut new = new_user();
    new["role"] = json!("king");
    post(new).await.invalid(&["/role"]);
    let mut local = new_user();
    local["phone"] = json!("0999123456");
    post(local).await.invalid(&["/phone"]);
    let mut abroad = new_user();
    (abroad["phone"], abroad["country"]) = (json!("0999123456"), json!("XXX"));
    post(abroad).await.invalid(&["/country"]);
}

/// Lets the database's clock run on for what was used before.
async fn after_s(hub: &TestHub, seconds: u32) {
    hub.sql(&format!("UPDATE refresh_tokens SET used_at = used_at - interval '{seconds} s'")).await;
}

#[tokio::test]
async fn a_refresh_whose_answer_was_lost_gets_it_again_byte_for_byte() {
    let hub = TestHub::with_market().await;
    hub.post("/api/v1/users").json(&new_user()).send().await.is(201);
    let first = login(&hub, "correct horse").await.is(200).json();
    let second = refresh(&hub, &first["refresh_token"]).await.is(200);
    assert_ne!(second.json()["refresh_token"], first["refresh_token"]);
    assert_ne!(second.json()["access_token"], first["access_token"]);
    // The hub's own clock does not count, nor does what came meanwhile.
    hub.clock.advance(Duration::from_secs(300));
    after_s(&hub, 58).await;
    assert_eq!(refresh(&hub, &first["refresh_token"]).await.is(200).body, second.body);
    let third = refresh(&hub, &second.json()["refresh_token"]).await.is(200);
    assert_eq!(refresh(&hub, &second.json()["refresh_token"]).await.is(200).body, third.body);
    // Nothing in the database is a token.
    let kept = hub.ask("SELECT string_agg(encode(successor, 'base64'), ' ') FROM refresh_tokens").await;
    let token = third.json()["refresh_token"].as_str().unwrap().replace('-', "+").replace('_', "/");
    assert!(!kept.contains(&token[..40]), "{kept}");
    assert_eq!(hub.ask("SELECT count(*) FROM refresh_tokens").await, "3", "a repeat makes no further token");
}

#[tokio::test]
async fn any_hub_gives_the_same_answer_again() {
    let hub = TestHub::with_market().await;
    hub.post("/api/v1/users").json(&new_user()).send().await.is(201);
    let first = login(&hub, "correct horse").await.is(200).json();
    let second = refresh(&hub, &first["refresh_token"]).await.is(200);
    let other = hub.another(7);
    let again = other
        .post("/api/v1/auth/refresh")
        .json(&json!({ "refresh_token": first["refresh_token"] }))
        .send()
        .await;
    assert_eq!(again.is(200).body, second.body);
}

#[tokio::test]
async fn a_refresh_token_that_comes_later_ends_the_session() {
    let hub = TestHub::with_market().await;
    hub.post("/api/v1/users").json(&new_user()).send().await.is(201);
    let first = login(&hub, "correct horse").await.is(200).json();
    let elsewhere = login(&hub, "correct horse").await.is(200).json();
    let second = refresh(&hub, &first["refresh_token"]).await.is(200).json();
    after_s(&hub, 61).await;
    refresh(&hub, &first["refresh_token"]).await.problem(401, "token_reused");
    refresh(&hub, &second["refresh_token"]).await.problem(401, "unauthorized");
    // Another sign-in of the same person goes on.
    let next = refresh(&hub, &elsewhere["refresh_token"]).await.is(200).json();
    refresh(&hub, &json!("nonsense")).await.problem(401, "unauthorized");
    // What a hub of before has used has no answer to give again.
    hub.sql("UPDATE refresh_tokens SET successor = NULL").await;
    refresh(&hub, &elsewhere["refresh_token"]).await.problem(401, "token_reused");
    refresh(&hub, &next["refresh_token"]).await.problem(401, "unauthorized");
}

#[tokio::test]
async fn tokens_end_by_the_hubs_clock_and_by_logging_out() {
    let hub = TestHub::with_market().await;
    hub.post("/api/v1/users").json(&new_user()).send().await.is(201);
    let tokens = login(&hub, "correct horse").await.is(200).json();
    let access = tokens["access_token"].as_str().unwrap();
    hub.clock.advance(Duration::from_secs(15 * 60));
    hub.get("/api/v1/users/me").token(access).send().await.problem(401, "token_expired");
    let next = refresh(&hub, &tokens["refresh_token"]).await.is(200).json();
    hub.post("/api/v1/auth/logout")
        .json(&json!({ "refresh_token": next["refresh_token"] }))
        .send()
        .await
        .is(204);
    refresh(&hub, &next["refresh_token"]).await.problem(401, "unauthorized");
    hub.post("/api/v1/auth/logout").json(&json!({ "refresh_token": "unknown" })).send().await.is(204);
    let tokens = login(&hub, "correct horse").await.is(200).json();
    hub.clock.advance(Duration::from_secs(61 * 24 * 60 * 60));
    refresh(&hub, &tokens["refresh_token"]).await.problem(401, "unauthorized");
    let mut tx = hub.state.db.begin().await.unwrap();
    assert_eq!(mizili_hub::auth::db::prune(&mut tx, hub.state.deps.clock.now()).await.unwrap(), 1);
    tx.commit().await.unwrap();
    assert_eq!(hub.ask("SELECT count(*) FROM refresh_tokens").await, "0");
}

#[tokio::test]
async fn a_closed_account_ends_at_once() {
    let hub = TestHub::with_market().await;
    hub.post("/api/v1/users").json(&new_user()).send().await.is(201);
    let tokens = login(&hub, "correct horse").await.is(200).json();
    hub.sql("UPDATE users SET disabled = true").await;
    hub.get("/api/v1/users/me")
        .token(tokens["access_token"].as_str().unwrap())
        .send()
        .await
        .problem(401, "unauthorized");
    refresh(&hub, &tokens["refresh_token"]).await.problem(401, "unauthorized");
    login(&hub, "correct horse").await.problem(401, "bad_credentials");
}

#[tokio::test]
async fn what_is_no_access_token_is_told_why() {
    let hub = TestHub::with_market().await;
    let with =
        async |value: &str| hub.get("/api/v1/users/me").header(header::AUTHORIZATION, value).send().await;
    hub.get("/api/v1/users/me").send().await.problem(401, "unauthorized");
    for wrong in ["Bearer", "Basic dXNlcjpwYXNz", "Bearer a.b.c", "nonsense"] {
        let answer = with(wrong).await;
        assert_eq!(answer.header(header::WWW_AUTHENTICATE), "Bearer");
        answer.problem(401, "unauthorized");
    }
    let problem = with("Bearer AAECAwQFBgcICQoLDA0ODw").await.problem(401, "edge_token");
    assert!(problem["title"].as_str().unwrap().contains("not accepted here"));
    // Somebody whom another hub signed in.
    let other = mizili_hub::token::TokenKey::new(&[1; 32]);
    let foreign = other
        .issue(sync_protocol::ids::UserId(Who::Admin.id()), hub.state.deps.clock.now_s(), uuid::Uuid::nil())
        .unwrap();
    with(&format!("Bearer {foreign}")).await.problem(401, "unauthorized");
}

async fn change(hub: &TestHub, token: &Value, current: &str, new: &str) -> Answer {
    let body = json!({ "current_password": current, "new_password": new });
    hub.post("/api/v1/users/me/password").token(token.as_str().unwrap()).json(&body).send().await
}

#[tokio::test]
async fn ones_own_password_is_changed_by_showing_the_old_one_and_ends_every_other_session() {
    let hub = TestHub::with_market().await;
    hub.post("/api/v1/users").json(&new_user()).send().await.is(201);
    let here = login(&hub, "correct horse").await.is(200).json();
    let elsewhere = login(&hub, "correct horse").await.is(200).json();
    change(&hub, &here["access_token"], "wrong horse", "battery staple")
        .await
        .invalid(&["/current_password"]);
    for weak in ["short", "password1", "0999123456"] {
        change(&hub, &here["access_token"], "correct horse", weak).await.invalid(&["/new_password"]);
    }
    let next = change(&hub, &here["access_token"], "correct horse", "battery staple").await.is(200);
    assert_eq!(next.header(header::CACHE_CONTROL), "no-store");
    for old in [&here, &elsewhere] {
        refresh(&hub, &old["refresh_token"]).await.problem(401, "unauthorized");
    }
    refresh(&hub, &next.json()["refresh_token"]).await.is(200);
    login(&hub, "correct horse").await.problem(401, "bad_credentials");
    login(&hub, "battery staple").await.is(200);
    // Guessing by a stolen token is slowed down like any other.
    for _ in 0..4 {
        change(&hub, &next.json()["access_token"], "wrong horse", "gift of rain").await;
    }
    let guess = hub.another(2);
    let body = json!({ "current_password": "wrong horse", "new_password": "gift of rain" });
    let token = next.json()["access_token"].as_str().unwrap().to_owned();
    let early = guess.post("/api/v1/users/me/password").from(ELSEWHERE).token(&token);
    early.json(&body).send().await.invalid(&["/current_password"]);
}

#[tokio::test]
async fn common_passwords_and_the_own_number_are_refused_at_registration() {
    let hub = TestHub::with_market().await;
    for weak in ["password", "12345678", "qwertyuiop", "malawi2026", "+265999123456", "0999 123 456"] {
        let mut new = new_user();
        new["password"] = json!(weak);
        hub.post("/api/v1/users").json(&new).send().await.invalid(&["/password"]);
    }
}

#[tokio::test]
async fn a_session_that_goes_on_while_the_password_is_changed_ends_with_the_others() {
    let hub = TestHub::with_market().await;
    hub.post("/api/v1/users").json(&new_user()).send().await.is(201);
    let tokens = login(&hub, "correct horse").await.is(200).json();
    hub.sql(
        "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NEW; END $$;
         CREATE TRIGGER wait BEFORE INSERT ON refresh_tokens FOR EACH ROW EXECUTE FUNCTION wait()",
    )
    .await;
    let mut held = hub.state.db.begin().await.unwrap();
    sqlx::query("SELECT pg_advisory_xact_lock(1)").execute(&mut *held).await.unwrap();
    let access = tokens["access_token"].as_str().unwrap();
    let change = json!({ "current_password": "correct horse", "new_password": "battery staple" });
    let (refreshed, changed, ()) = tokio::join!(
        refresh(&hub, &tokens["refresh_token"]),
        async {
            until_waiting(&hub.state.db, 1).await;
            hub.post("/api/v1/users/me/password").token(access).json(&change).send().await
        },
        async {
            until_waiting(&hub.state.db, 2).await;
            held.commit().await.unwrap();
        },
    );
    let (refreshed, changed) = (refreshed.is(200).json(), changed.is(200).json());
    refresh(&hub, &refreshed["refresh_token"]).await.problem(401, "unauthorized");
    let me = async |tokens: &Value| {
        hub.get("/api/v1/users/me").token(tokens["access_token"].as_str().unwrap()).send().await
    };
    for old in [&tokens, &refreshed] {
        me(old).await.problem(401, "unauthorized");
    }
    me(&changed).await.is(200);
    refresh(&hub, &changed["refresh_token"]).await.is(200);
}
