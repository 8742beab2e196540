//! News: who waits hears of what is theirs, at this hub and at another, and nobody else is asked about anything.

use crate::counted::Statements;
use crate::support::{Answer, OTHER, OWN, TestHub, Who};
use axum::Router;
use axum::http::{HeaderName, Request};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http_body_util::BodyExt;
use jiff::Timestamp;
use mizili_hub::bad_rows::BadRows;
use mizili_hub::commands::stream;
use mizili_hub::db::Db;
use mizili_hub::market::cooperatives::app::NewCooperative;
use mizili_hub::news::{Asker, Looked};
use mizili_hub::room::Room;
use mizili_hub::router::router;
use mizili_hub::state::{AppState, Shared};
use mizili_hub::sync::{edges, look};
use mizili_node::testing::wait::until;
use std::time::Duration;
use sync_protocol::bucket::{Bucket, CountryCode};
use sync_protocol::ids::{CooperativeId, EdgeId, RegionId, Stream};
use sync_protocol::limits::{NEWS_BODY_MAX_BYTES, SCOPE_BUCKETS_MAX};
use sync_protocol::session::{BucketCursor, NEWS_PATH, TOKEN_HEADER};
use sync_protocol::wire::frame;
use sync_protocol::wire::message::{Message, Standing, cursors_to_bytes, scope_hash};
use tokio::task::JoinHandle;
use tower::ServiceExt;

/// An office of [`OWN`] that stands where its buckets do.
struct Office {
    edge: u32,
    token: String,
    path: String,
    standing: Standing,
}

/// Makes edges `1..=count` of [`OWN`], signed in.
async fn offices(hub: &TestHub, count: u32) -> Vec<Office> {
    hub.sql(&format!(
        "INSERT INTO edges (cooperative_id, enrolled_at, incarnation) SELECT {OWN}, now(), 1 FROM generate_series(1, {count});
         INSERT INTO edge_streams (edge_id, incarnation, link_random) SELECT id, 1, '' FROM edges"
    ))
    .await;
    let hashes: Vec<String> = (1..=count)
        .map(|edge| format!("({edge}, '\\x{}'::bytea)", blake3::hash(&token(edge)).to_hex()))
        .collect();
    hub.sql(&format!(
        "INSERT INTO edge_sessions (token_hash, edge_id, incarnation, expires_at)
         SELECT hash, edge, 1, '2100-01-01' FROM (VALUES {}) AS t (edge, hash)",
        hashes.join(",")
    ))
    .await;
    let heads = heads(hub).await;
    (1..=count).map(|edge| Office::at(&heads, edge, &scope(edge))).collect()
}

async fn heads(hub: &TestHub) -> String {
    hub.ask("SELECT coalesce(string_agg(name || '=' || version, ','), '') FROM buckets").await
}

fn token(edge: u32) -> [u8; 16] {
    (u128::from(edge) << 64).to_le_bytes()
}

fn country() -> Bucket {
    Bucket::Country(CountryCode::new("MWI").unwrap())
}

fn region(n: u32) -> [Bucket; 2] {
    [Bucket::Region(RegionId(n)), Bucket::Catalogue(RegionId(n))]
}

fn scope(edge: u32) -> Vec<Bucket> {
    let [region, catalogue] = region(1);
    vec![
        Bucket::Edge(EdgeId(edge)),
        Bucket::Global,
        country(),
        region,
        catalogue,
        Bucket::Coop(CooperativeId(OWN)),
    ]
}

impl Office {
    async fn of(hub: &TestHub, edge: u32, scope: &[Bucket]) -> Self {
        Self::at(&heads(hub).await, edge, scope)
    }

    fn at(heads: &str, edge: u32, scope: &[Bucket]) -> Self {
        let head = |bucket: &Bucket| {
            let mut heads = heads.split(',');
            heads.find_map(|head| head.strip_prefix(&format!("{bucket}="))).map_or(0, |n| n.parse().unwrap())
        };
        let cursors: Vec<_> = scope
            .iter()
            .map(|bucket| BucketCursor { upto: head(bucket), ..BucketCursor::new(*bucket) })
            .collect();
        let standing =
            Standing { scope: scope_hash(scope), cursors: cursors_to_bytes(&cursors), verdicts_upto: 0 };
        let text = URL_SAFE_NO_PAD.encode(&standing.cursors);
        let path = format!("/sync/v1/news?scope={}&cursors={text}&verdicts=0", standing.scope);
        Self { edge, token: URL_SAFE_NO_PAD.encode(token(edge)), path, standing }
    }

    /// It was here a moment ago, and nothing has moved since.
    fn was_here(&self, hub: &TestHub) {
        let waiting = hub.state.db.news().waiting();
        let asker =
            Asker { token: *blake3::hash(&token(self.edge)).as_bytes(), standing: self.standing.clone() };
        let session_ends = Timestamp::MAX;
        let looked = Looked { edge: EdgeId(self.edge), buckets: scope(self.edge), session_ends };
        drop(waiting.watch().sit(waiting.arrive(), asker, looked));
    }

    /// Begins a poll; it waits when this is done.
    async fn poll(&self, state: &AppState) -> JoinHandle<Answer> {
        self.poll_by(&router(state.clone()), state).await
    }

    async fn poll_by(&self, router: &Router, at: &AppState) -> JoinHandle<Answer> {
        let waiting = at.db.news().waiting().arrive();
        let (router, path, token) = (router.clone(), self.path.clone(), self.token.clone());
        let poll = tokio::spawn(async move {
            let request = Request::builder().uri(path).header(HeaderName::from_static(TOKEN_HEADER), token);
            let answer = router.oneshot(request.body(axum::body::Body::empty()).unwrap()).await.unwrap();
            let (parts, body) = answer.into_parts();
            let body = body.collect().await.unwrap().to_bytes().to_vec();
            Answer { status: parts.status, headers: parts.headers, body }
        });
        let newest = || at.db.news().waiting().newest(EdgeId(self.edge));
        until(async || poll.is_finished() || newest() > Some(waiting)).await;
        poll
    }
}

#[tokio::test]
async fn an_order_asks_the_database_the_same_however_many_offices_wait() {
    let hub = TestHub::with_market().await;
    hub.confirm(Who::Buyer).await;
    let product = hub.maize(OTHER, 1_000).await;
    let offices = offices(&hub, 2_000).await;
    let statements = Statements::counted();
    let orders = async || {
        for _ in 0..5 {
            hub.order(Who::Buyer, &product, 1).await;
        }
        statements.take()
    };
    orders().await;
    let alone = orders().await;
    let mut polls = Vec::new();
    for office in &offices {
        office.was_here(&hub);
        polls.push(office.poll_by(&hub.router, &hub.state).await);
    }
    assert_eq!(hub.state.db.news().waiting().polls(), 2_000);
    statements.take();
    let with_all = orders().await;
    assert!(alone >= 20, "{alone} statements were seen");
    assert_eq!(with_all, alone, "of {alone} statements without a waiter");
    assert!(polls.iter().all(|poll| !poll.is_finished()), "nothing was news for them");
    // What is theirs they do hear.
    polls.drain(3..).for_each(|poll| poll.abort());
    hub.maize(OWN, 10).await;
    for poll in polls {
        poll.await.unwrap().is(200);
    }
}

#[tokio::test]
async fn whoever_says_the_same_again_waits_on_without_the_database() {
    let hub = TestHub::with_market().await;
    let office = offices(&hub, 1).await.remove(0);
    let statements = Statements::counted();
    let first = office.poll(&hub.state).await;
    assert!(statements.take() > 0);
    let second = office.poll(&hub.state).await;
    assert_eq!(statements.take(), 0);
    first.await.unwrap().is(204);
    assert!(!second.is_finished(), "the newer of two polls stays");
    // Nor is what moved between two polls forgotten.
    second.abort();
    hub.maize(OWN, 10).await;
    office.poll(&hub.state).await.await.unwrap().is(200);
}

#[tokio::test]
async fn an_office_hears_of_all_that_is_its_own_and_of_nothing_else() {
    let hub = TestHub::with_market().await;
    let (db, deps) = (&hub.state.db, &hub.state.deps);
    let product = hub.maize(OTHER, 100).await;
    offices(&hub, 2).await;
    hub.sql(
        "UPDATE edges SET national = true WHERE id = 2;
         INSERT INTO commands (edge_id, incarnation, seq, id, made_at_s, actor_kind, actor_phone, kind, body, body_hash, verdict, verdict_number)
         VALUES (1, 1, 1, gen_random_uuid(), 0, 0, 0, 99, '', '', 'quarantined', 1);
         UPDATE edge_streams SET last_verdict = 1, applied_seq = 1",
    )
    .await;
    let fresh = async || {
        let mut office = Office::of(&hub, 1, &scope(1)).await;
        office.path = office.path.replace("verdicts=0", "verdicts=1");
        office
    };
    let poll = fresh().await.poll(&hub.state).await;
    hub.order(Who::Buyer, &product, 1).await;
    assert!(!poll.is_finished());
    hub.maize(OWN, 10).await;
    poll.await.unwrap().is(200);
    // Another verdict.
    let poll = fresh().await.poll(&hub.state).await;
    let stream = Stream { edge: EdgeId(1), incarnation: 1 };
    assert_eq!(stream::dismiss(db, deps, stream, 1).await.unwrap(), 1);
    poll.await.unwrap().is(200);
    // Another scope: the national node has one cooperative more.
    let [[r1, c1], [r2, c2]] = [region(1), region(2)];
    let coops = [OWN, OTHER].map(|n| Bucket::Coop(CooperativeId(n)));
    let national =
        [&[Bucket::Edge(EdgeId(2)), Bucket::Global, country(), r1, c1, r2, c2][..], &coops].concat();
    let mut office = Office::of(&hub, 2, &national).await;
    office.path = office.path.replace("verdicts=0", "verdicts=1");
    let poll = office.poll(&hub.state).await;
    assert!(!poll.is_finished());
    let new =
        NewCooperative { name: "New".into(), country: "MWI".into(), region: None, hub_share_percent: 50 };
    mizili_hub::market::cooperatives::app::add(db, deps, &new).await.unwrap();
    poll.await.unwrap().is(200);
    // The end.
    hub.sql("UPDATE edge_streams SET last_verdict = 1").await;
    let poll = fresh().await.poll(&hub.state).await;
    assert!(!poll.is_finished());
    edges::revoke(db, deps, 1).await.unwrap();
    poll.await.unwrap().problem(401, "edge_session");
}

#[tokio::test]
async fn what_no_hint_told_the_regular_look_finds_for_all_in_one_transaction() {
    let hub = TestHub::with_market().await;
    let mut all = offices(&hub, 4).await;
    hub.sql("INSERT INTO buckets (name, version) VALUES ('edge:2', 1), ('region:1', 0)").await;
    all[1] = Office::of(&hub, 2, &scope(2)).await;
    let mut polls = Vec::new();
    for office in &all {
        polls.push(office.poll(&hub.state).await);
    }
    // By other hands than a hub's: nothing is told.
    hub.sql(
        "UPDATE buckets SET version = 2 WHERE name = 'edge:2';
         UPDATE edges SET revoked_at = now() WHERE id = 3;
         UPDATE edge_streams SET last_verdict = 1 WHERE edge_id = 4",
    )
    .await;
    let statements = Statements::counted();
    look::all(&hub.state, &mut BadRows::of("test")).await.unwrap();
    let asked = statements.take();
    assert!((4..=10).contains(&asked), "{asked} statements: a few, however many wait");
    let first = polls.remove(0);
    for (poll, status) in polls.into_iter().zip([200, 403, 200]) {
        poll.await.unwrap().is(status);
    }
    assert!(!first.is_finished(), "there was nothing for it");
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_counted_and_keeps_nobody_else_from_news() {
    let hub = TestHub::with_market().await;
    let mut all = offices(&hub, 4).await;
    hub.sql("UPDATE edges SET cooperative_id = 2 WHERE id = 2; INSERT INTO buckets (name, version) VALUES ('edge:3', 1), ('edge:4', 1)").await;
    let [region, catalogue] = region(2);
    let theirs = [
        Bucket::Edge(EdgeId(2)),
        Bucket::Global,
        country(),
        region,
        catalogue,
        Bucket::Coop(CooperativeId(OTHER)),
    ];
    all[1] = Office::of(&hub, 2, &theirs).await;
    for edge in [3, 4] {
        all[edge as usize - 1] = Office::of(&hub, edge, &scope(edge)).await;
    }
    let mut polls = Vec::new();
    for office in &all {
        polls.push(office.poll(&hub.state).await);
    }
    assert!(polls.iter().all(|poll| !poll.is_finished()));
    // No program wrote the first two.
    hub.sql(
        "UPDATE cooperatives SET country = '???' WHERE id = 2;
         UPDATE buckets SET version = -1 WHERE name = 'edge:3';
         UPDATE buckets SET version = 2 WHERE name = 'edge:4'",
    )
    .await;
    let mut bad = BadRows::of("test");
    look::all(&hub.state, &mut bad).await.unwrap();
    assert_eq!(bad.count(), 2);
    let first = polls.remove(0);
    for (poll, status) in polls.into_iter().zip([500, 500, 200]) {
        poll.await.unwrap().is(status);
    }
    assert!(!first.is_finished(), "there was nothing for it");
    look::all(&hub.state, &mut bad).await.unwrap();
    assert!(!first.is_finished());
}

#[tokio::test]
async fn an_office_that_only_waits_was_heard_all_the_same() {
    let hub = TestHub::with_market().await;
    let office = offices(&hub, 2).await.remove(0);
    let heard = async || {
        let list = edges::list(&hub.state.db, hub.state.deps.clock.now()).await.unwrap();
        let of = |edge| list.iter().find(|e| e.id == edge).unwrap().last_contact.clone();
        (of(1), of(2))
    };
    assert_eq!(heard().await, (None, None));
    let poll = office.poll(&hub.state).await;
    look::all(&hub.state, &mut BadRows::of("test")).await.unwrap();
    assert_eq!(heard().await, (Some("2026-03-01T08:00:00Z".into()), None));
    // Also when the poll has ended, as most have in between.
    hub.clock.advance(Duration::from_secs(180));
    poll.abort();
    let _ = poll.await;
    look::all(&hub.state, &mut BadRows::of("test")).await.unwrap();
    let (last, _) = heard().await;
    assert_eq!(last.as_deref(), Some("2026-03-01T08:00:00Z"), "nothing came since");
    office.poll(&hub.state).await.abort();
    look::all(&hub.state, &mut BadRows::of("test")).await.unwrap();
    assert_eq!(heard().await.0.as_deref(), Some("2026-03-01T08:03:00Z"));
}

#[tokio::test]
async fn a_full_hub_says_when_to_come_back() {
    let hub = TestHub::with_market().await;
    let offices = offices(&hub, 2).await;
    let state = AppState::from(Shared { room: Room::of(1, 0), ..Shared::clone(&hub.state) });
    let waits = offices[0].poll(&state).await;
    let full = offices[1].poll(&state).await.await.unwrap();
    let after: u32 = full.header(axum::http::header::RETRY_AFTER).parse().unwrap();
    assert!((60..=120).contains(&after), "{after}");
    full.problem(503, "busy");
    let exchange = Request::post("/sync/v1/exchange").header(TOKEN_HEADER, &offices[1].token);
    let answer =
        router(state.clone()).oneshot(exchange.body(axum::body::Body::empty()).unwrap()).await.unwrap();
    assert_eq!(answer.status(), 503);
    assert!(answer.headers().contains_key("retry-after"));
    waits.abort();
    let _ = waits.await;
    let poll = offices[1].poll(&state).await;
    assert!(!poll.is_finished(), "there is room again");
}

/// A second hub on the same database.
async fn another(hub: &TestHub) -> AppState {
    let url = hub.state.db.direct_url();
    Shared { db: Db::connect_with(url, url, 3).await.unwrap(), ..Shared::clone(&hub.state) }.into()
}

#[tokio::test]
async fn news_goes_from_hub_to_hub_and_from_an_operators_command_to_all() {
    let hub = TestHub::with_market().await;
    let office = offices(&hub, 1).await.remove(0);
    let other = another(&hub).await;
    let carried = tokio::spawn(other.db.news().clone().carry(other.db.direct_url().to_owned()));
    let also = tokio::spawn(hub.state.db.news().clone().carry(hub.state.db.direct_url().to_owned()));
    let listens =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'";
    until(async || hub.ask(listens).await == "2").await;
    let poll = office.poll(&other).await;
    hub.maize(OWN, 10).await;
    poll.await.unwrap().is(200);
    // Where the listener was away, everybody looks once.
    let office = Office::of(&hub, 1, &scope(1)).await;
    let poll = office.poll(&other).await;
    hub.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%';
             UPDATE buckets SET version = version + 1 WHERE name = 'coop:1'").await;
    poll.await.unwrap().is(200);
    // A command is a process of its own, which ends as soon as it has done its work.
    let office = Office::of(&hub, 1, &scope(1)).await;
    let poll = office.poll(&other).await;
    let command = another(&hub).await;
    edges::revoke(&command.db, &command.deps, 1).await.unwrap();
    command.db.close().await;
    poll.await.unwrap().problem(401, "edge_session");
    carried.abort();
    also.abort();
}

#[tokio::test]
async fn a_long_poll_does_not_keep_the_hub_from_stopping() {
    let hub = TestHub::with_market().await;
    let office = offices(&hub, 1).await.remove(0);
    let poll = office.poll(&hub.state).await;
    hub.state.db.news().end();
    poll.await.unwrap().is(204);
}

#[tokio::test]
async fn a_poll_says_where_it_stands_in_a_body_or_in_the_address() {
    let hub = TestHub::with_market().await;
    let office = offices(&hub, 1).await.remove(0);
    let by_address = office.poll(&hub.state).await;
    let header = HeaderName::from_static(TOKEN_HEADER);
    let by_body = async |body: Vec<u8>| {
        let request = Request::post(NEWS_PATH).header(&header, &office.token);
        let request = request.body(axum::body::Body::from(body)).unwrap();
        let answer = hub.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    };
    let stands = Message::News(office.standing.clone()).to_bytes();
    let newer = async {
        let answer = by_body(stands.clone()).await;
        answer.is(200);
    };
    let meanwhile = async {
        by_address.await.unwrap().is(204);
        hub.maize(OWN, 10).await;
    };
    tokio::join!(newer, meanwhile);
    for wrong in [Vec::new(), vec![5], Message::End.to_bytes(), [stands.clone(), stands.clone()].concat()] {
        by_body(wrong).await.problem(400, "malformed");
    }
    by_body(vec![0; NEWS_BODY_MAX_BYTES + 1]).await.problem(413, "too_large");
    // What only a hub says is not even decoded: verdicts unfold to far more than they take.
    let mut verdicts = Vec::new();
    frame::write(&mut verdicts, 17, b"none", 3);
    let refused = by_body(verdicts).await;
    assert!(refused.json()["detail"].as_str().unwrap().contains("malformed news"), "{}", refused.json());
    // Nor is anything that comes without a token.
    let request = Request::post(NEWS_PATH).body(axum::body::Body::from(vec![5])).unwrap();
    assert_eq!(hub.router.clone().oneshot(request).await.unwrap().status(), 401);
    // The largest that there is fits.
    let all =
        vec![
            BucketCursor { upto: u64::MAX, reached: Some(u64::MAX - 1), ..BucketCursor::new(country()) };
            SCOPE_BUCKETS_MAX
        ];
    let largest = Standing { scope: u32::MAX, cursors: cursors_to_bytes(&all), verdicts_upto: u64::MAX };
    let largest = Message::News(largest).to_bytes();
    assert!(largest.len() <= NEWS_BODY_MAX_BYTES);
    by_body(largest).await.is(200);
}
