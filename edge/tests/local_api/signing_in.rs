//! Who may act: passwords, sessions and how they end, cookies and other sites, tokens of the hub.

use crate::support::{CLERK_PHONE, Office, PASSWORD, config, started, state};
use mizili_edge::db::DbError;
use mizili_edge::serve::router::{gateways_only, router};
use mizili_edge::testing::{COOP, OTHER_COOP, TestEdge};
use mizili_node::testing::log::Log;
use mizili_node::testing::wait::until;
use serde_json::json;
use std::task::Poll;
use std::time::Duration;

const SESSION: &str = "/api/v1/office/session";

#[tokio::test]
async fn the_office_password_opens_a_session_for_browsers_and_programs() {
    let office = Office::closed(TestEdge::with_market()).await;
    let answer = office.sign_in(" Office ", PASSWORD).await;
    let cookie = answer.headers["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.contains("; HttpOnly; SameSite=Strict") && cookie.contains("Path=/"), "{cookie}");
    let session = answer.ok();
    assert_eq!(session["person"], json!({ "user": "office", "name": "office", "role": "office" }));
    assert_eq!(session["idle_s"], 1800);
    let token = session["token"].as_str().unwrap();
    let by_token = office.send("GET", SESSION, &[("authorization", &format!("Bearer {token}"))], None).await;
    assert_eq!(by_token.ok()["user"], "office");
    let pair = cookie.split(';').next().unwrap();
    let by_cookie = office.send("GET", SESSION, &[("cookie", pair)], None).await;
    assert_eq!(by_cookie.ok()["user"], "office");
    let kept: (i64, bool) = office.edge.read(|conn| {
        Ok::<_, DbError>(conn.query_row(
            "SELECT count(*), max(instr(hash, ?1)) > 0 FROM office_session",
            [token],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?)
    });
    assert_eq!(kept, (1, false), "the token itself is nowhere on disk");
}

#[tokio::test]
async fn wrong_passwords_are_refused_and_make_the_next_try_wait_longer() {
    let office = Office::closed(TestEdge::with_market()).await;
    for user in ["office", "nobody", "0991000001"] {
        for _ in 0..4 {
            assert_eq!(office.sign_in(user, "wrong").await.problem(), (401, "bad_credentials"), "{user}");
        }
        let waiting = office.sign_in(user, PASSWORD).await;
        assert_eq!(waiting.problem(), (429, "too_many_attempts"), "{user}: also the right one has to wait");
        assert_eq!(waiting.headers["retry-after"], "2");
    }
    office.edge.clock().advance(Duration::from_secs(2));
    assert_eq!(office.sign_in("office", "wrong").await.problem(), (401, "bad_credentials"));
    assert_eq!(office.sign_in("office", PASSWORD).await.headers["retry-after"], "4");
    office.edge.clock().advance(Duration::from_secs(4));
    office.sign_in("office", PASSWORD).await.ok();
    assert_eq!(office.sign_in("office", "wrong").await.problem(), (401, "bad_credentials"), "forgiven");
    assert_eq!(office.sign_in("", "x").await.pointers(), ["/user"]);
    let long = "x".repeat(10_000);
    assert_eq!(office.sign_in("office", &long).await.problem(), (401, "bad_credentials"));
}

#[tokio::test]
async fn people_whom_the_hub_knows_sign_in_by_number_at_their_own_office_only() {
    let office = Office::closed(TestEdge::with_market()).await;
    assert_eq!(
        office.sign_in("0991 000 001", PASSWORD).await.problem().1,
        "bad_credentials",
        "no password was set"
    );
    office.person(CLERK_PHONE, COOP, false).await;
    let session = office.sign_in("0991 000 001", PASSWORD).await.ok();
    assert_eq!(
        session["person"],
        json!({ "user": "+265991000001", "name": "Chisomo Phiri", "role": "manager" })
    );
    let bearer = format!("Bearer {}", session["token"].as_str().unwrap());
    office.send("GET", SESSION, &[("authorization", &bearer)], None).await.ok();
    office.person(CLERK_PHONE, COOP, true).await;
    let closed = office.send("GET", SESSION, &[("authorization", &bearer)], None).await;
    assert_eq!(closed.problem(), (401, "unauthorized"), "the account was closed");
    assert_eq!(office.sign_in("+265991000001", PASSWORD).await.problem().1, "bad_credentials");
    office.person(CLERK_PHONE, OTHER_COOP, false).await;
    assert_eq!(office.sign_in("+265991000001", PASSWORD).await.problem().1, "bad_credentials");
}

#[tokio::test]
async fn a_session_ends_when_left_alone_at_a_restart_at_sign_out_and_with_the_password() {
    let mut office = Office::open().await;
    let idle = Duration::from_secs(30 * 60);
    office.edge.clock().advance(idle - Duration::from_secs(1));
    office.get(SESSION).await.ok();
    office.edge.clock().advance(idle - Duration::from_secs(1));
    office.edge.clock().set_wall_s(0);
    office.get(SESSION).await.ok();
    office.edge.clock().advance(idle);
    assert_eq!(office.get(SESSION).await.problem(), (401, "unauthorized"), "left alone");

    let again = async |office: &mut Office, password: &str| {
        office.token = office.sign_in("office", password).await.ok()["token"].as_str().unwrap().to_owned();
        office.get(SESSION).await.ok();
    };
    again(&mut office, PASSWORD).await;
    office.app = started(&office.edge);
    assert_eq!(office.get(SESSION).await.problem(), (401, "unauthorized"), "the program started again");

    again(&mut office, PASSWORD).await;
    let out = office.post("/api/v1/office/logout", json!({})).await;
    assert_eq!(out.status, 204);
    assert!(out.headers["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(office.get(SESSION).await.problem(), (401, "unauthorized"), "signed out");

    again(&mut office, PASSWORD).await;
    // What `mizili-edge password` does beside the running program.
    office.edge.write(|tx| -> Result<(), DbError> {
        tx.execute("DELETE FROM office_session WHERE user = 'office'", [])?;
        Ok(())
    });
    assert_eq!(office.get(SESSION).await.problem(), (401, "unauthorized"), "taken off the record");
    again(&mut office, PASSWORD).await;
    office.set_password("nyemba 2026").await;
    assert_eq!(office.get(SESSION).await.problem(), (401, "unauthorized"), "another password");
    assert_eq!(office.sign_in("office", PASSWORD).await.problem().1, "bad_credentials");
    again(&mut office, "nyemba 2026").await;
}

#[tokio::test]
async fn a_page_of_another_site_cannot_act_with_the_cookie() {
    let office = Office::open().await;
    let product = office.offer(50).await;
    let cookie = format!("mizili_office={}", office.token);
    let body = json!({ "product_id": product, "quantity": "1" });
    let place = async |headers: &[(&str, &str)]| {
        let mut all = vec![("cookie", cookie.as_str()), ("idempotency-key", "k")];
        all.extend_from_slice(headers);
        office.send("POST", "/api/v1/orders", &all, Some(body.clone())).await
    };
    for headers in [
        &[][..],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "http://evil.example")],
        &[("origin", "null")],
        &[("origin", "http://box:9999")],
    ] {
        assert_eq!(place(headers).await.problem(), (403, "cross_site"), "{headers:?}");
    }
    assert!(office.get("/api/v1/orders").await.ok()["items"].as_array().unwrap().is_empty());
    assert_eq!(place(&[("origin", "http://box:8090")]).await.status, 201);
    assert_eq!(place(&[("sec-fetch-site", "same-origin")]).await.headers["idempotent-replay"], "true");
    let login = json!({ "user": "office", "password": PASSWORD });
    let forced =
        office.send("POST", "/api/v1/office/login", &[("origin", "http://evil.example")], Some(login)).await;
    assert_eq!(forced.problem(), (403, "cross_site"), "nor sign somebody in");
}

#[tokio::test]
async fn tokens_of_the_hub_are_told_where_to_go() {
    let office = Office::open().await;
    let hub = office
        .send("GET", SESSION, &[("authorization", "Bearer eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl")], None)
        .await;
    assert_eq!(hub.problem(), (401, "hub_token"));
    assert!(hub.json["detail"].as_str().unwrap().contains("/api/v1/office/login"));
    assert_eq!(hub.headers["www-authenticate"], "Bearer");
    let none = office.look(SESSION).await;
    assert_eq!(none.problem(), (401, "unauthorized"));
}

#[tokio::test]
async fn with_a_full_disk_people_still_sign_in_and_read_and_nothing_is_taken() {
    let office = Office::open().await;
    let product = office.offer(50).await;
    office.fill_disk();
    // A few pages may still have room; then nothing is taken any more, and each answer says so.
    let mut refused = None;
    for _ in 0..200 {
        let answer = office.order(&product, 1).await;
        if answer.status != 201 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.unwrap();
    assert_eq!(refused.problem(), (507, "disk_full"));
    assert!(refused.json["detail"].as_str().unwrap().contains("not taken"));
    let before = office.get("/api/v1/orders?limit=100").await.ok();
    assert_eq!(office.order(&product, 1).await.problem(), (507, "disk_full"));
    assert_eq!(office.get("/api/v1/orders?limit=100").await.ok(), before, "nothing of it is there");
    let token = office.sign_in("office", PASSWORD).await.ok()["token"].as_str().unwrap().to_owned();
    office.send("GET", SESSION, &[("authorization", &format!("Bearer {token}"))], None).await.ok();
    office.look("/readyz").await.ok();
}

#[tokio::test]
async fn where_the_office_signed_in_before_it_is_put_off_and_never_refused() {
    let office = Office::closed(TestEdge::with_market()).await;
    office.sign_in("office", PASSWORD).await.ok();
    for _ in 0..20 {
        assert_eq!(office.sign_in("office", "wrong").await.problem(), (401, "bad_credentials"));
    }
    office.sign_in("office", PASSWORD).await.ok();
    // Also after the program has started again; and somebody else is refused as before.
    for _ in 0..4 {
        assert_eq!(office.sign_in("nobody", "wrong").await.problem(), (401, "bad_credentials"));
    }
    assert_eq!(office.sign_in("nobody", "wrong").await.problem(), (429, "too_many_attempts"));
}

#[tokio::test]
async fn the_office_password_is_changed_by_showing_the_old_one() {
    const PATH: &str = "/api/v1/office/password";
    let office = Office::open().await;
    let change = async |current: &str, new: &str| {
        office.post(PATH, json!({ "current_password": current, "new_password": new })).await
    };
    assert_eq!(change("wrong", "battery staple").await.pointers(), ["/current_password"]);
    assert_eq!(change(PASSWORD, "office123").await.pointers(), ["/new_password"]);
    let other = office.sign_in("office", PASSWORD).await.ok()["token"].as_str().unwrap().to_owned();
    let next = change(PASSWORD, "battery staple").await.ok()["token"].as_str().unwrap().to_owned();
    for old in [&other, &office.token] {
        let asked = office.send("GET", SESSION, &[("authorization", &format!("Bearer {old}"))], None).await;
        assert_eq!(asked.problem(), (401, "unauthorized"));
    }
    office.send("GET", SESSION, &[("authorization", &format!("Bearer {next}"))], None).await.ok();
    assert_eq!(office.sign_in("office", PASSWORD).await.problem(), (401, "bad_credentials"));
    office.sign_in("office", "battery staple").await.ok();
    // A person's is kept at the hub.
    office.person(CLERK_PHONE, COOP, false).await;
    let person = office.sign_in("0991000001", PASSWORD).await.ok()["token"].as_str().unwrap().to_owned();
    let body = json!({ "current_password": PASSWORD, "new_password": "battery staple" });
    let refused =
        office.send("POST", PATH, &[("authorization", &format!("Bearer {person}"))], Some(body)).await;
    assert_eq!(refused.problem(), (403, "not_allowed"));
    assert!(refused.text.contains("hub"), "{}", refused.text);
}

#[tokio::test]
async fn the_public_address_is_the_offices_own_and_other_names_are_not() {
    let mut office = Office::closed(TestEdge::with_market()).await;
    let login = json!({ "user": "office", "password": PASSWORD });
    let page = [("origin", "https://office.example.org"), ("x-forwarded-host", "office.example.org")];
    let sign_in = "/api/v1/office/login";
    assert_eq!(office.send("POST", sign_in, &page, Some(login.clone())).await.problem(), (403, "cross_site"));
    office.set_config("public_url = \"https://office.example.org\"");
    office.send("POST", sign_in, &page, Some(login.clone())).await.ok();
    let evil = [("origin", "https://evil.example")];
    assert_eq!(office.send("POST", sign_in, &evil, Some(login)).await.problem(), (403, "cross_site"));
    office.look("/healthz").await.ok();
    office.set_config("hosts = [\"office.local\"]");
    for path in ["/", "/healthz", "/api/v1/products", "/api/docs/"] {
        assert_eq!(office.look(path).await.problem(), (421, "other_host"), "{path}");
    }
    office.set_config("hosts = [\"BOX\"]");
    office.look("/healthz").await.ok();
}

#[tokio::test]
async fn what_the_internet_reaches_is_gateways_alone() {
    let mut office = Office::closed(TestEdge::with_market()).await;
    office.app = gateways_only(state(&office.edge, config()));
    for path in
        ["/", "/healthz", "/api/v1/products", "/api/v1/office/session", "/api/docs/", "/assets/app.js"]
    {
        assert_eq!(office.look(path).await.status, 404, "{path}");
    }
    let form = serde_json::Value::String("sessionId=a&phoneNumber=%2B265991234567&text=".to_owned());
    let call = office.send("POST", "/gateway/africastalking/0123456789abcdef/ussd", &[], Some(form)).await;
    assert!(call.status.is_success() && call.text.starts_with("CON "), "{}", call.text);
}

#[tokio::test]
async fn a_sign_in_whose_caller_hung_up_does_not_count_as_wrong() {
    let mut office = Office::closed(TestEdge::with_market()).await;
    let state = state(&office.edge, config());
    office.app = router(state.clone());
    // Hung up on at every step of its way.
    for polls in 1..200 {
        {
            let mut try_it = std::pin::pin!(office.sign_in("office", PASSWORD));
            for _ in 0..polls {
                std::future::poll_fn(|cx| Poll::Ready(try_it.as_mut().poll(cx).is_ready())).await;
                if state.staff.throttle.is_any_under_way() {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        until(async || !state.staff.throttle.is_any_under_way()).await;
    }
    office.sign_in("office", PASSWORD).await.ok();
}

#[tokio::test]
async fn a_failed_sign_in_is_one_line_without_the_number_or_the_password() {
    const SECRET: &str = "chimanga-not-this";
    let office = Office::closed(TestEdge::with_market()).await;
    office.person(CLERK_PHONE, COOP, false).await;
    let log = Log::default();
    let _here = log.here();
    let says = |code: &str, who: &str| {
        let (code, who) = (format!("code=\"{code}\""), format!("phone=\"{who}\""));
        let parts = ["a sign-in failed", &code, &who, "address=0.0.0.0"];
        let line = log.says("mizili_edge::local_api::login", tracing::Level::WARN, &parts);
        assert!(!line.contains(SECRET) && !line.contains("991000001"), "{line}");
    };
    let too_long = SECRET.repeat(100);
    for (user, who) in [("0991 000 001", "+265•••••001"), ("office", "no number"), (SECRET, "no number")]
    {
        for password in [SECRET, &too_long] {
            assert_eq!(office.sign_in(user, password).await.problem(), (401, "bad_credentials"), "{user}");
            says("bad_credentials", who);
        }
    }
    let evil = [("origin", "http://evil.example")];
    let login = json!({ "user": "office", "password": PASSWORD });
    let forced = office.send("POST", "/api/v1/office/login", &evil, Some(login)).await;
    assert_eq!(forced.problem(), (403, "cross_site"));
    says("cross_site", "no number");
    for _ in 0..3 {
        office.sign_in("0991000001", SECRET).await;
        says("bad_credentials", "+265•••••001");
    }
    assert_eq!(office.sign_in("0991000001", SECRET).await.problem(), (429, "too_many_attempts"));
    says("too_many_attempts", "+265•••••001");
    let session = office.sign_in("office", PASSWORD).await.ok();
    assert!(!log.take().contains("a sign-in failed"));
    // Nor is the change of a password told otherwise.
    let bearer = format!("Bearer {}", session["token"].as_str().unwrap());
    let change = json!({ "current_password": SECRET, "new_password": "battery staple" });
    let change =
        office.send("POST", "/api/v1/office/password", &[("authorization", &bearer)], Some(change)).await;
    assert_eq!(change.pointers(), ["/current_password"]);
    let parts = ["change of the office password was refused", "code=\"bad_credentials\"", "address=0.0.0.0"];
    let line = log.says("mizili_edge::local_api::change", tracing::Level::WARN, &parts);
    assert!(!line.contains(SECRET) && !line.contains("battery"), "{line}");
}
