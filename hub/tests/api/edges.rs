//! Edges as the operator handles them: a code turns one box into an edge, a revoked one is out, the list shows how each is doing.

use crate::support::{OTHER, OWN, TestHub};
use axum::http::HeaderName;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer, SigningKey};
use mizili_hub::keys::HubKeys;
use mizili_hub::market::cooperatives::app::{self as cooperatives, NewCooperative};
use mizili_hub::sync::edges::{self, EdgeState};
use mizili_hub::sync::{doors, trust};
use mizili_node::problem::Kind;
use mizili_node::testing::log::Log;
use serde_json::{Value, json};
use std::time::Duration;
use sync_protocol::bucket::{Bucket, CountryCode};
use sync_protocol::ids::{CooperativeId, EdgeId, RegionId};
use sync_protocol::session::identity::{edge_session, enrolment};
use sync_protocol::session::{BucketCursor, TOKEN_HEADER};
use sync_protocol::wire::message::{cursors_to_bytes, scope_hash};
use tracing::Level;

/// What a box asks with. Its key is made of `seed`, so that two boxes can be told apart.
fn enrolment_of(seed: u8, code: &str) -> Value {
    let key = SigningKey::from_bytes(&[seed; 32]);
    let public = key.verifying_key().to_bytes();
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    json!({
        "code": code, "public_key": encode(&public), "bundle_key": encode(&[6; 32]),
        "signature": encode(&key.sign(&enrolment(code, &public)).to_bytes()), "software": "test",
    })
}

fn enrolment_with(code: &str) -> Value {
    enrolment_of(5, code)
}

async fn list(hub: &TestHub) -> Vec<EdgeState> {
    edges::list(&hub.state.db, hub.state.deps.clock.now()).await.unwrap()
}

/// As after a table was put back by hand.
#[tokio::test]
async fn a_counter_that_stands_behind_its_table_hands_out_nobody_elses_number() {
    let hub = TestHub::with_market().await;
    let (db, deps) = (&hub.state.db, &hub.state.deps);
    // Two of each: a number more is not enough to be past them.
    edges::add(db, deps, OWN, false).await.unwrap();
    let last = edges::add(db, deps, OWN, false).await.unwrap();
    hub.sql("SELECT setval(pg_get_serial_sequence('edges', 'id'), 1, false)").await;
    hub.sql("SELECT setval(pg_get_serial_sequence('cooperatives', 'id'), 1, false)").await;
    let code = "SELECT md5(code_hash) FROM enrolment_codes WHERE edge_id = 1";
    let (before, names) = (hub.ask(code).await, "SELECT string_agg(name, ',' ORDER BY id) FROM cooperatives");
    let cooperatives = hub.ask(names).await;

    assert_eq!(edges::add(db, deps, OTHER, false).await.unwrap().id, last.id + 1, "behind the table");
    assert_eq!(hub.ask(code).await, before, "the first one's code stands");
    assert_eq!(edges::add(db, deps, OTHER, false).await.unwrap().id, last.id + 2);

    let new =
        NewCooperative { name: "New".into(), country: "MWI".into(), region: None, hub_share_percent: 50 };
    let made = cooperatives::add(db, deps, &new).await.unwrap();
    assert_eq!((made.id, hub.ask(names).await), (OTHER + 1, format!("{cooperatives},New")));
}

#[tokio::test]
async fn a_code_works_once_and_a_new_one_replaces_it() {
    let hub = TestHub::with_market().await;
    let (db, deps) = (&hub.state.db, &hub.state.deps);
    let first = edges::add(db, deps, OWN, false).await.unwrap();
    let second = edges::new_code(db, deps, first.id).await.unwrap();
    assert_ne!(first.code, second.code);
    let enrol = async |code: &str| hub.post("/sync/v1/enrol").json(&enrolment_with(code)).send().await;
    enrol(&first.code).await.problem(401, "code");
    // As somebody hears it on the telephone.
    let spoken = second.code.to_lowercase().replace('-', " ").replace('0', "o");
    assert_eq!(enrol(&spoken).await.is(200).json()["cooperative"]["name"], "Kasungu Growers");
    let other_box = hub.post("/sync/v1/enrol").json(&enrolment_of(6, &second.code)).send().await;
    other_box.problem(401, "code");
    let late = edges::new_code(db, deps, first.id).await.unwrap();
    hub.clock.advance(Duration::from_secs(8 * 24 * 60 * 60));
    enrol(&late.code).await.problem(401, "code");
    // Its settings stand in its own bucket.
    assert_eq!(hub.ask("SELECT count(*) FROM sync_rows WHERE bucket = 'edge:1' AND NOT deleted").await, "1");
}

#[tokio::test]
async fn wrong_codes_slow_down_whoever_types_them_and_end_no_code() {
    let hub = TestHub::with_market().await;
    let edge = edges::add(&hub.state.db, &hub.state.deps, OWN, false).await.unwrap();
    let wrong = format!("{}0000-0000", &edge.code[..5]);
    let enrol = async |from: &str, code: &str| {
        hub.post("/sync/v1/enrol").from(from).json(&enrolment_with(code)).send().await
    };
    for _ in 0..4 {
        enrol("203.0.113.1", &wrong).await.problem(401, "code");
    }
    let early = enrol("203.0.113.1", &edge.code).await;
    assert_eq!(early.header(axum::http::header::RETRY_AFTER), "2");
    early.problem(429, "too_many_attempts");
    hub.clock.advance(Duration::from_secs(2));
    enrol("203.0.113.1", &wrong).await.problem(401, "code");
    // What is no code at all was not looked at.
    enrol("203.0.113.1", "hello").await.problem(401, "code");
    for n in 2..100 {
        enrol(&format!("203.0.113.{n}"), &wrong).await.problem(401, "code");
    }
    enrol("192.0.2.7", &edge.code).await.is(200);
}

#[tokio::test]
async fn the_list_says_that_a_code_is_dead_and_how_to_make_another() {
    let hub = TestHub::with_market().await;
    let (db, deps) = (&hub.state.db, &hub.state.deps);
    let edge = edges::add(db, deps, OWN, false).await.unwrap();
    assert_eq!(list(&hub).await[0].reason, None, "a code that works is no reason");
    // The same edge, other codes, from all over the world.
    let wrong = format!("{}0000-0000", &edge.code[..5]);
    for n in 0..10 {
        let guess = hub.post("/sync/v1/enrol").from(&format!("203.0.113.{n}")).json(&enrolment_with(&wrong));
        guess.send().await.problem(401, "code");
    }
    let guessed = "10 wrong codes were tried that begin like this one's. It works all the same.";
    let shown = list(&hub).await.remove(0);
    assert_eq!((shown.state, shown.reason.as_deref()), ("waiting", Some(guessed)));
    let fresh = edges::new_code(db, deps, edge.id).await.unwrap();
    assert_eq!(list(&hub).await[0].reason, None);
    hub.clock.advance(Duration::from_secs(8 * 24 * 60 * 60));
    let expired = "Its code has expired. Make a new one with `mizili-hub edge code 1`.";
    assert_eq!(list(&hub).await[0].reason.as_deref(), Some(expired));
    let last = edges::new_code(db, deps, edge.id).await.unwrap();
    assert_ne!(fresh.code, last.code);
    hub.post("/sync/v1/enrol").json(&enrolment_with(&last.code)).send().await.is(200);
    hub.clock.advance(Duration::from_secs(8 * 24 * 60 * 60));
    let shown = list(&hub).await.remove(0);
    assert_eq!((shown.state, shown.reason), ("enrolled", None), "a used code has done its work");
}

/// Where what is refused to edges is logged.
const REFUSALS: &str = "mizili_hub::sync::refusals";

/// Answers a challenge as edge 1's first incarnation, with the key that is made of `seed`.
async fn session_by(hub: &TestHub, seed: u8) -> crate::support::Answer {
    session_after(hub, seed, 0).await
}

/// The same; the hub that gets the answer has a clock that is so many seconds after that of the one which gave the challenge.
async fn session_after(hub: &TestHub, seed: u8, seconds: i64) -> crate::support::Answer {
    let asked = hub.post("/sync/v1/challenge").json(&json!({ "edge": 1, "incarnation": 1 })).send().await;
    let challenge = asked.is(200).json()["challenge"].as_str().unwrap().to_owned();
    let message = edge_session(1, 1, &URL_SAFE_NO_PAD.decode(&challenge).unwrap());
    let signature = SigningKey::from_bytes(&[seed; 32]).sign(&message).to_bytes();
    let body = json!({
        "edge": 1, "incarnation": 1, "challenge": challenge, "signature": URL_SAFE_NO_PAD.encode(signature),
    });
    hub.clock.set_wall_s(hub.state.deps.clock.now_s() + seconds);
    hub.post("/sync/v1/session").json(&body).send().await
}

/// Two hubs behind one address never agree on the second.
#[tokio::test]
async fn a_challenge_is_taken_by_a_hub_whose_clock_is_a_little_behind_or_ahead() {
    let hub = TestHub::with_market().await;
    let edge = edges::add(&hub.state.db, &hub.state.deps, OWN, false).await.unwrap();
    hub.post("/sync/v1/enrol").json(&enrolment_with(&edge.code)).send().await.is(200);
    for seconds in [-1, -60, -120, 1, 240] {
        session_after(&hub, 5, seconds).await.is(200);
    }
    for seconds in [-121, 301, 1_000_000_000] {
        session_after(&hub, 5, seconds).await.problem(401, "challenge_expired");
    }
}

#[tokio::test]
async fn a_refused_enrolment_is_logged_once_without_the_code() {
    let hub = TestHub::with_market().await;
    let edge = edges::add(&hub.state.db, &hub.state.deps, OWN, false).await.unwrap();
    let log = Log::default();
    let _here = log.here();
    let enrol = async |seed, code: &str| {
        hub.post("/sync/v1/enrol").json(&enrolment_of(seed, code)).send().await;
    };
    let wrong = format!("{}0000-0000", &edge.code[..5]);
    enrol(5, &wrong).await;
    let line = log.says(
        REFUSALS,
        Level::WARN,
        &["code=\"code\"", "no such code", "from 0.0.0.0", "the code of edge 1"],
    );
    assert!(!line.contains(&wrong), "{line}");
    enrol(5, "hello").await;
    assert!(!log.says(REFUSALS, Level::WARN, &["code=\"code\"", "is no code"]).contains("hello"));
    hub.post("/sync/v1/enrol").json(&enrolment_with(&edge.code)).send().await.is(200);
    assert!(!log.take().contains("WARN"));
    enrol(6, &edge.code).await;
    let line = log.says(REFUSALS, Level::WARN, &["edge=1", "code=\"code\"", "was used before"]);
    assert!(!line.contains(&edge.code), "{line}");
    let late = edges::new_code(&hub.state.db, &hub.state.deps, edge.id).await.unwrap();
    hub.clock.advance(Duration::from_secs(8 * 24 * 60 * 60));
    enrol(5, &late.code).await;
    let line = log.says(REFUSALS, Level::WARN, &["edge=1", "code=\"code\"", "has expired"]);
    assert!(!line.contains(&late.code), "{line}");
    hub.post("/sync/v1/enrol").raw("{\"code\": \"SECRET").send().await.problem(400, "malformed_json");
    assert!(!log.says(REFUSALS, Level::WARN, &["code=\"malformed_json\""]).contains("SECRET"));
}

#[tokio::test]
async fn a_refused_edge_is_logged_once_with_its_number_and_why() {
    let hub = TestHub::with_market().await;
    let edge = edges::add(&hub.state.db, &hub.state.deps, OWN, false).await.unwrap();
    hub.post("/sync/v1/enrol").json(&enrolment_with(&edge.code)).send().await.is(200);
    let log = Log::default();
    let _here = log.here();
    session_by(&hub, 6).await.problem(401, "edge_unknown");
    log.says(REFUSALS, Level::WARN, &["edge=1", "code=\"edge_unknown\"", "wrong signature"]);
    let token = session_by(&hub, 5).await.is(200).json()["token"].as_str().unwrap().to_owned();
    let news = "/sync/v1/news?scope=1&cursors=&verdicts=0";
    let header = HeaderName::from_static(TOKEN_HEADER);
    let by_token = async |token: &str| {
        let poll = hub.get(news).header(header.clone(), token).send().await;
        let polled = log.line_of(REFUSALS);
        let exchange =
            hub.post("/sync/v1/exchange").header(header.clone(), token).raw(vec![3, 255, 255]).send();
        (poll, polled, exchange.await)
    };
    // A frame that is none, under a token that is one.
    let exchange =
        hub.post("/sync/v1/exchange").header(header.clone(), &token).raw(vec![255; 40]).send().await;
    exchange.problem(400, "malformed");
    log.says(REFUSALS, Level::WARN, &["edge=1", "code=\"malformed\""]);
    let empty = hub.post("/sync/v1/exchange").header(header.clone(), &token).raw(Vec::new()).send().await;
    // A line that was cut before anything came.
    empty.problem(400, "truncated");
    log.says(REFUSALS, Level::INFO, &["edge=1", "code=\"truncated\""]);
    let wrong = URL_SAFE_NO_PAD.encode([1; 16]);
    let (poll, polled, exchange) = by_token(&wrong).await;
    poll.problem(401, "edge_session");
    exchange.problem(401, "edge_session");
    assert!(
        polled.contains("INFO") && polled.contains("edge_session") && !polled.contains(&wrong),
        "{polled}"
    );
    assert!(!log.says(REFUSALS, Level::INFO, &["code=\"edge_session\""]).contains(&wrong));
    // Revoked, with a session that still stands.
    hub.sql("UPDATE edges SET revoked_at = now()").await;
    let (poll, polled, exchange) = by_token(&token).await;
    poll.problem(403, "edge_revoked");
    exchange.problem(403, "edge_revoked");
    assert!(polled.contains("WARN") && polled.contains("edge=1") && !polled.contains(&token), "{polled}");
    assert!(!log.says(REFUSALS, Level::WARN, &["edge=1", "code=\"edge_revoked\""]).contains(&token));
    session_by(&hub, 5).await.problem(403, "edge_revoked");
    log.says(REFUSALS, Level::WARN, &["edge=1", "code=\"edge_revoked\""]);
    // Enrolled again since.
    hub.sql("UPDATE edges SET revoked_at = NULL, incarnation = 2").await;
    let (poll, _, exchange) = by_token(&token).await;
    poll.problem(403, "edge_replaced");
    exchange.problem(403, "edge_replaced");
    log.says(REFUSALS, Level::WARN, &["edge=1", "code=\"edge_replaced\""]);
    session_by(&hub, 5).await.problem(403, "edge_replaced");
    log.says(REFUSALS, Level::WARN, &["edge=1", "code=\"edge_replaced\""]);
}

#[tokio::test]
async fn a_box_whose_enrolment_answer_was_lost_gets_it_again() {
    let hub = TestHub::with_market().await;
    let edge = edges::add(&hub.state.db, &hub.state.deps, OWN, false).await.unwrap();
    let enrol = async || hub.post("/sync/v1/enrol").json(&enrolment_with(&edge.code)).send().await;
    let (mut first, again) = (enrol().await.is(200).json(), enrol().await.is(200).json());
    let session = first.as_object_mut().unwrap().remove("session");
    assert!(session.is_some() && again.get("session").is_none(), "whoever says it again shows no key");
    assert_eq!(first, again, "same incarnation, same link");
    // Once it has spoken with what it was given, the code is spent for it as well.
    hub.sql("UPDATE edge_streams SET link_number = 1").await;
    enrol().await.problem(401, "code");
}

#[tokio::test]
async fn a_revoked_edge_gets_no_code_and_stays_revoked() {
    let hub = TestHub::with_market().await;
    let (db, deps) = (&hub.state.db, &hub.state.deps);
    let edge = edges::add(db, deps, OWN, false).await.unwrap();
    let at = edges::revoke(db, deps, edge.id).await.unwrap();
    hub.clock.advance(Duration::from_secs(60));
    assert_eq!(edges::revoke(db, deps, edge.id).await.unwrap(), at);
    assert_eq!(edges::new_code(db, deps, edge.id).await.unwrap_err().kind(), Kind::EdgeRevoked);
    let answer = hub.post("/sync/v1/enrol").json(&enrolment_with(&edge.code)).send().await;
    assert!(answer.status == 401 || answer.status == 403);
    for unknown in [0, 99, u32::MAX] {
        assert_eq!(edges::revoke(db, deps, unknown).await.unwrap_err().kind(), Kind::NotFound);
        assert_eq!(edges::add(db, deps, unknown, false).await.unwrap_err().kind(), Kind::NotFound);
    }
}

#[tokio::test]
async fn the_list_begins_with_what_needs_somebody() {
    let hub = TestHub::with_market().await;
    let (db, deps) = (&hub.state.db, &hub.state.deps);
    for _ in 0..5 {
        edges::add(db, deps, OWN, false).await.unwrap();
    }
    hub.sql(
        "UPDATE edges SET enrolled_at = now(), incarnation = 1, last_contact_at = '2026-02-01T00:00:00Z'::timestamptz + id * interval '1 day'
         WHERE id < 5;
         INSERT INTO edge_streams (edge_id, incarnation, link_random) SELECT id, 1, '' FROM edges WHERE id < 5;
         UPDATE edge_streams SET halted_reason = 'a number came twice' WHERE edge_id = 3;
         UPDATE edges SET revoked_at = now() WHERE id = 1;
         INSERT INTO commands (edge_id, incarnation, seq, id, made_at_s, actor_kind, actor_phone, kind, body, body_hash, verdict, verdict_number)
         SELECT 2, 1, n, gen_random_uuid(), 0, 0, 0, 5, '', '', v, n
         FROM (VALUES (1, 'applied'), (2, 'rejected'), (3, 'rejected'), (4, 'held')) AS c (n, v)",
    )
    .await;
    let edges = list(&hub).await;
    let shown: Vec<_> = edges.iter().map(|e| (e.id, e.state)).collect();
    assert_eq!(shown, [(3, "stopped"), (2, "enrolled"), (4, "enrolled"), (5, "waiting"), (1, "revoked")]);
    assert_eq!((edges[1].refused, edges[1].pending), (2, 1));
    // What the office has dealt with it says, of what it has heard of.
    for (left, heard, refused) in [(1, 2, 2), (1, 4, 1), (0, 4, 0)] {
        hub.sql(&format!(
            "UPDATE edges SET refused_left = {left} WHERE id = 2; UPDATE edge_streams SET verdicts_acked = {heard} WHERE edge_id = 2"
        ))
        .await;
        assert_eq!(list(&hub).await[1].refused, refused, "{left} left of those up to {heard}");
    }
    assert_eq!(edges[1].last_contact.as_deref(), Some("2026-02-03T00:00:00Z"));
    let why = edges[0].reason.as_deref().unwrap();
    assert!(why.contains("a number came twice") && why.contains("mizili-hub edge resume 3"), "{why}");
    assert_eq!(edges[1].lag, None, "no cursor of it was heard");
}

fn scope_of(edge: u32) -> [Bucket; 6] {
    [
        Bucket::Edge(EdgeId(edge)),
        Bucket::Global,
        Bucket::Country(CountryCode::new("MWI").unwrap()),
        Bucket::Region(RegionId(1)),
        Bucket::Catalogue(RegionId(1)),
        Bucket::Coop(CooperativeId(OWN)),
    ]
}

const ENROLLED: &str = "UPDATE edges SET enrolled_at = now(), incarnation = 1;
    INSERT INTO edge_streams (edge_id, incarnation, link_random) VALUES (1, 1, '')";

#[tokio::test]
async fn lag_counts_the_rows_that_were_not_confirmed() {
    let hub = TestHub::with_market().await;
    let edge = edges::add(&hub.state.db, &hub.state.deps, OWN, false).await.unwrap();
    hub.maize(OWN, 10).await;
    let scope = scope_of(edge.id);
    hub.sql(ENROLLED).await;
    let mut cursors = scope.map(BucketCursor::new);
    let hear = async |cursors: &[BucketCursor], hash: u32| {
        let bytes: String = cursors_to_bytes(cursors).iter().map(|b| format!("{b:02x}")).collect();
        hub.sql(&format!(
            "UPDATE edge_streams SET heard_scope = {}, heard_cursors = '\\x{bytes}'",
            hash.cast_signed()
        ))
        .await;
        list(&hub).await[0].lag
    };
    // A settings row, a listing and its stock entry.
    assert_eq!(hear(&cursors, scope_hash(&scope)).await, Some(3));
    cursors[5].upto = 2;
    assert_eq!(hear(&cursors, scope_hash(&scope)).await, Some(1));
    // Cursors of another set of buckets say nothing: everything counts.
    assert_eq!(hear(&cursors, 7).await, Some(3));
}

#[tokio::test]
async fn a_hub_whose_keys_were_replaced_while_it_serves_speaks_to_no_edge_any_more() {
    let hub = TestHub::with_market().await;
    let (db, deps) = (&hub.state.db, &hub.state.deps);
    trust::compare(db, &hub.state.keys).await.unwrap();
    let edge = edges::add(db, deps, OWN, false).await.unwrap();
    hub.post("/sync/v1/enrol").json(&enrolment_with(&edge.code)).send().await.is(200);
    session_by(&hub, 5).await.is(200);
    let dir = tempfile::tempdir().unwrap();
    let others = HubKeys::load(None, dir.path(), |secret| secret.fill(77)).unwrap();
    trust::replace(db, deps, &others, &hub.state.keys.fingerprint()).await.unwrap();
    let log = Log::default();
    let _here = log.here();
    session_by(&hub, 5).await.problem(503, "unavailable");
    let said = log.take();
    for part in ["ALARM", &hub.state.keys.fingerprint(), &others.fingerprint(), "mizili-hub keys replace"] {
        assert!(said.contains(part), "no {part} in {said}");
    }
    let next = edges::add(db, deps, OWN, false).await.unwrap();
    hub.post("/sync/v1/enrol").json(&enrolment_with(&next.code)).send().await.problem(503, "unavailable");
    trust::replace(db, deps, &hub.state.keys, &others.fingerprint()).await.unwrap();
    session_by(&hub, 5).await.is(200);
}

#[tokio::test]
async fn a_hub_says_once_whose_keys_it_notes_and_how_that_is_taken_back() {
    const TRUST: &str = "mizili_hub::sync::trust";
    let dir = tempfile::tempdir().unwrap();
    let others = HubKeys::load(None, dir.path(), |secret| secret.fill(77)).unwrap();
    let log = Log::default();
    let _here = log.here();
    for edges in [0, 2] {
        let hub = TestHub::with_market().await;
        hub.sql(&format!(
            "INSERT INTO edges (cooperative_id, incarnation) SELECT 1, 1 FROM generate_series(1, {edges})"
        ))
        .await;
        log.take();
        let (db, keys) = (&hub.state.db, &hub.state.keys);
        trust::check(db, keys, "the file hub-keys").await.unwrap();
        let fingerprint = keys.fingerprint();
        let from = ["the file hub-keys", &fingerprint];
        match edges {
            // Nobody trusts any others yet: nothing to take back.
            0 => log.says(TRUST, Level::INFO, &from),
            _ => log.says(TRUST, Level::WARN, &[&from[..], &["edges=2", "mizili-hub keys replace"]].concat()),
        };
        trust::check(db, keys, "the file hub-keys").await.unwrap();
        assert_eq!(log.take(), "", "once");
        let why = trust::check(db, &others, "MIZILI_HUB_KEYS").await.unwrap_err().to_string();
        for part in [&fingerprint, &others.fingerprint(), "does not serve", "mizili-hub keys replace --new"] {
            assert!(why.contains(part), "no {part} in {why}");
        }
    }
}

/// Every one of these publishes: whoever waits hears of it at once, here and at other hubs.
#[tokio::test]
async fn whatever_an_operator_does_to_an_edge_is_told() {
    let hub = TestHub::with_market().await;
    let (db, deps) = (&hub.state.db, &hub.state.deps);
    let news = db.news();
    let told = async |what: &str| {
        assert!(!news.is_said(), "{what} was not told");
        let mut tx = db.begin().await.unwrap();
        news.say(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        assert!(news.is_said());
    };
    let edge = edges::add_named(db, deps, OWN, false, "Store").await.unwrap().id;
    told("adding").await;
    assert_eq!(list(&hub).await[0].name, "Store");
    edges::rename(db, deps, edge, "Market store").await.unwrap();
    told("naming").await;
    hub.sql(
        "UPDATE edges SET incarnation = 1; INSERT INTO edge_streams (edge_id, incarnation, link_random, halted_reason)
         VALUES (1, 1, '', 'somebody asked')",
    )
    .await;
    doors::resume(db, deps, edge).await.unwrap();
    told("resuming").await;
    let product = hub.maize(1, 10).await;
    told("posting").await;
    // Ten units are at the edge that is gone; of another product it sold two more than it had.
    let short = hub.maize(2, 10).await;
    told("posting").await;
    hub.sql(&format!(
        "INSERT INTO stock_entries (of_id, step, listing_id, cooperative_id, holder, quantity_milli, kind, recorded_at)
         VALUES (gen_random_uuid(), 1, '{product}', 1, 1, 10000, 6, now()), (gen_random_uuid(), 1, '{short}', 1, 1, -2000, 6, now())"
    ))
    .await;
    edges::revoke(db, deps, edge).await.unwrap();
    told("revoking").await;
    let reason = list(&hub).await[0].reason.clone().unwrap();
    assert!(reason.contains("units of 1 product:") && reason.contains("edge write-off 1"), "{reason}");
    let written = doors::write_off(db, deps, edge).await.unwrap();
    told("writing off").await;
    let mut lines: Vec<_> = written.iter().map(|w| (w.quantity.as_str(), w.written_off)).collect();
    lines.sort_unstable();
    assert_eq!(lines, [("-2", false), ("10", true)]);
    let left = "SELECT string_agg(sum::text, ' ' ORDER BY sum) FROM (SELECT sum(quantity_milli) FROM stock_entries WHERE holder = 1 GROUP BY listing_id) s";
    assert_eq!(hub.ask(left).await, "-2000 0", "no units appeared from nothing");
    let again = doors::write_off(db, deps, edge).await.unwrap();
    assert!(again.iter().all(|line| !line.written_off), "{again:?}");
    assert_eq!(list(&hub).await[0].reason, None);
}

#[tokio::test]
async fn an_edge_that_cannot_be_read_is_named_among_the_others() {
    let hub = TestHub::with_market().await;
    let (db, deps) = (&hub.state.db, &hub.state.deps);
    for _ in 0..3 {
        edges::add(db, deps, OWN, false).await.unwrap();
    }
    hub.sql(
        "UPDATE edges SET incarnation = 1; UPDATE buckets SET digests = '\\xff' WHERE name = 'edge:2';
         INSERT INTO edge_streams (edge_id, incarnation, link_random, heard_scope, heard_cursors)
         SELECT n, 1, '', 0, '' FROM generate_series(1, 3) n",
    )
    .await;
    let list = list(&hub).await;
    assert_eq!(list.len(), 3);
    let bad: Vec<_> = list.iter().filter(|edge| edge.state == "unreadable").collect();
    assert_eq!((bad.len(), bad[0].id, bad[0].cooperative.as_str()), (1, 2, "Kasungu Growers"));
    assert!(bad[0].reason.as_ref().unwrap().contains("buckets.digests"), "{bad:?}");
}
