//! Exchanges by hand: what an edge says is checked where it comes in, and what it may have is looked at again while it is sent.

use crate::support::{KG, MAIZE, OWN, TestHub};
use axum::body::Body;
use axum::http::{HeaderName, Request};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer, SigningKey};
use futures_util::StreamExt;
use mizili_hub::db::Db;
use mizili_hub::sync::edges;
use mizili_node::testing::wait::until;
use serde_json::{Value, json};
use std::collections::HashMap;
use sync_protocol::bucket::{Bucket, CountryCode};
use sync_protocol::ids::{CommodityId, CooperativeId, EdgeId, ListingId, RegionId, UnitId, hub_born};
use sync_protocol::market::{Entity, Listing, ListingStatus};
use sync_protocol::row::{Key, Row, slot};
use sync_protocol::session::identity::{edge_session, enrolment};
use sync_protocol::session::{BucketCursor, EXCHANGE_PATH, Link, MINOR_VERSION, TOKEN_HEADER};
use sync_protocol::units::Currency;
use sync_protocol::wire::frame::{self, FrameReader};
use sync_protocol::wire::message::{
    Audit, Hello, Message, RefusalCode, StuckSms, cursors_to_bytes, scope_hash,
};
use sync_protocol::wire::rows::{Reach, Rows};
use tower::ServiceExt;

pub(crate) const REGION: Bucket = Bucket::Region(RegionId(1));
/// Enough for dozens of the smallest frames.
pub(crate) const ROWS: u64 = 6_000;

/// A box that was enrolled and has signed in.
#[derive(Clone)]
pub(crate) struct Signed {
    token: String,
    link: Link,
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn bytes<const N: usize>(text: &Value) -> [u8; N] {
    URL_SAFE_NO_PAD.decode(text.as_str().unwrap()).unwrap().try_into().unwrap()
}

pub(crate) fn scope() -> Vec<Bucket> {
    let country = Bucket::Country(CountryCode::new("MWI").unwrap());
    let coop = Bucket::Coop(CooperativeId(OWN));
    vec![Bucket::Edge(EdgeId(1)), Bucket::Global, country, REGION, Bucket::Catalogue(RegionId(1)), coop]
}

/// At the head of everything but the region, of which this much is there.
pub(crate) async fn cursors(hub: &TestHub, region: u64) -> Vec<u8> {
    cursors_with(hub, BucketCursor { upto: region, ..BucketCursor::new(REGION) }).await
}

/// At the head of everything but the region.
pub(crate) async fn cursors_with(hub: &TestHub, region: BucketCursor) -> Vec<u8> {
    let mut cursors = vec![region];
    for bucket in scope().into_iter().filter(|bucket| *bucket != REGION) {
        let head = format!("SELECT coalesce((SELECT version FROM buckets WHERE name = '{bucket}'), 0)");
        let upto = hub.ask(&head).await.parse().unwrap();
        cursors.push(BucketCursor { upto, ..BucketCursor::new(bucket) });
    }
    cursors.sort_by_key(|cursor| scope().iter().position(|bucket| *bucket == cursor.bucket));
    cursors_to_bytes(&cursors)
}

impl Signed {
    /// Enrols the first one, which signs it in.
    pub(crate) async fn enrolled(hub: &TestHub) -> Self {
        let code = edges::add(&hub.state.db, &hub.state.deps, OWN, false).await.unwrap().code;
        let key = SigningKey::from_bytes(&[5; 32]);
        let public = key.verifying_key().to_bytes();
        let asked = json!({
            "code": code, "public_key": encode(&public), "bundle_key": encode(&[6; 32]),
            "signature": encode(&key.sign(&enrolment(&code, &public)).to_bytes()), "software": "test",
        });
        let given = hub.post("/sync/v1/enrol").json(&asked).send().await.is(200).json();
        let link = &given["link"];
        let link = Link { number: 0, random: bytes(&link["random"]), mac: bytes(&link["mac"]) };
        Self { token: given["session"].as_str().unwrap().to_owned(), link }
    }

    /// Signs the first one in; its token.
    pub(crate) async fn signed_in(hub: &TestHub) -> String {
        let key = SigningKey::from_bytes(&[5; 32]);
        let asked = hub.post("/sync/v1/challenge").json(&json!({ "edge": 1, "incarnation": 1 })).send().await;
        let challenge = asked.is(200).json()["challenge"].as_str().unwrap().to_owned();
        let signed = key.sign(&edge_session(1, 1, &URL_SAFE_NO_PAD.decode(&challenge).unwrap())).to_bytes();
        let answer =
            json!({ "edge": 1, "incarnation": 1, "challenge": challenge, "signature": encode(&signed) });
        let session = hub.post("/sync/v1/session").json(&answer).send().await.is(200).json();
        session["token"].as_str().unwrap().to_owned()
    }

    /// An exchange by a box that knows nothing of its buckets: it is told which they are.
    pub(crate) async fn is_welcomed(&mut self, hub: &TestHub) {
        let answer = self.ask(hub, 7, cursors_to_bytes(&[BucketCursor::new(REGION)])).await.rest().await;
        let [Message::Welcome(_), Message::Close(close)] = answer.as_slice() else { panic!("{answer:?}") };
        self.link = close.link.clone();
    }

    /// A long poll by a box that was never told its buckets: there is news.
    pub(crate) async fn hears(&self, hub: &TestHub) {
        let poll = hub.get("/sync/v1/news?scope=7&cursors=&verdicts=0");
        poll.header(HeaderName::from_static(TOKEN_HEADER), &self.token).send().await.is(200);
    }

    pub(crate) fn hello(&self, scope: u32, cursors: Vec<u8>) -> Hello {
        Hello {
            minor: MINOR_VERSION,
            incarnation: 1,
            link: self.link.clone(),
            highest_seq: 0,
            verdicts_upto: 0,
            epoch: 1,
            scope,
            cursors,
            clock_s: 0,
            room_bytes: 1 << 20,
            // The smallest: so there are many.
            frame_bytes: 0,
            want_points: false,
            proof: Vec::new(),
            stuck_sms: None,
            refused_left: None,
        }
    }

    /// A request to where edges call.
    pub(crate) fn post(&self, path: &str, body: Body) -> Request<Body> {
        Request::post(path).header(TOKEN_HEADER, &self.token).body(body).unwrap()
    }

    pub(crate) fn send(&self, hub: &TestHub, body: Body) -> impl Future<Output = Answer> + Send + 'static {
        let request = self.post(EXCHANGE_PATH, body);
        let router = hub.router.clone();
        async move {
            let answer = router.oneshot(request).await.unwrap();
            assert_eq!(answer.status(), 200);
            Answer { body: answer.into_body().into_data_stream(), frames: FrameReader::default() }
        }
    }

    pub(crate) async fn ask(&self, hub: &TestHub, scope: u32, cursors: Vec<u8>) -> Answer {
        let mut body = Message::Hello(self.hello(scope, cursors)).to_bytes();
        Message::End.write(&mut body);
        self.send(hub, Body::from(body)).await
    }
}

/// An answer as it comes.
pub(crate) struct Answer {
    body: axum::body::BodyDataStream,
    frames: FrameReader,
}

impl Answer {
    pub(crate) async fn next(&mut self) -> Option<Message> {
        loop {
            if let Some(frame) = self.frames.next_frame().unwrap() {
                return Some(Message::from_frame(&frame).unwrap());
            }
            self.frames.push(&self.body.next().await?.unwrap());
        }
    }

    pub(crate) async fn rest(mut self) -> Vec<Message> {
        let mut all = Vec::new();
        while let Some(message) = self.next().await {
            all.push(message);
        }
        all
    }
}

/// A hub whose region has many rows, and a box of that region.
pub(crate) async fn with_rows() -> (TestHub, Signed) {
    let hub = TestHub::with_market().await;
    hub.maize(OWN, 10).await;
    let asks = Signed::enrolled(&hub).await;
    hub.sql(&format!(
        "INSERT INTO buckets (name, version) VALUES ('region:1', {ROWS});
         INSERT INTO sync_rows (bucket, entity, id, version, deleted, hash, payload)
         SELECT 'region:1', s.entity, '\\x03'::bytea || uuid_send(gen_random_uuid()), n, false, s.hash, s.payload
         FROM (SELECT * FROM sync_rows WHERE bucket = 'coop:1' AND entity = 13 LIMIT 1) AS s, generate_series(1, {ROWS}) AS n"
    ))
    .await;
    (hub, asks)
}

pub(crate) fn rows(messages: &[Message]) -> usize {
    messages.iter().map(|m| if let Message::Rows(rows) = m { rows.rows.len() } else { 0 }).sum()
}

#[tokio::test]
async fn cursors_that_are_none_are_refused_by_name_and_not_kept() {
    let hub = TestHub::with_market().await;
    let mut asks = Signed::enrolled(&hub).await;
    let own = scope_hash(&scope());
    for (scope, cursors) in [
        (own, vec![1]),
        (own, cursors_to_bytes(&[BucketCursor::new(REGION)])),
        (own, vec![0xff; 12]),
        (7, vec![1]),
        (7, vec![0; 2 * 4_097]),
    ] {
        let answer = asks.ask(&hub, scope, cursors).await.rest().await;
        let [Message::Refusal(refusal)] = answer.as_slice() else { panic!("{answer:?}") };
        assert_eq!(refusal.code, RefusalCode::Malformed);
    }
    assert_eq!(hub.ask("SELECT count(*) FROM edge_streams WHERE heard_cursors IS NOT NULL").await, "0");
    // Its link was not used up, and what does fit is taken: also cursors of buckets that it had before.
    asks.is_welcomed(&hub).await;
}

#[tokio::test]
async fn what_only_a_hub_says_is_passed_over_unread() {
    let hub = TestHub::with_market().await;
    let asks = Signed::enrolled(&hub).await;
    let mut body = Message::Hello(asks.hello(scope_hash(&scope()), cursors(&hub, 0).await)).to_bytes();
    for kind in [16, 17, 18, 19, 20, 21, 22, 23, 99] {
        frame::write(&mut body, kind, b"not such a message", 3);
    }
    Message::End.write(&mut body);
    let answer = asks.send(&hub, Body::from(body)).await.rest().await;
    assert!(matches!(answer.last(), Some(Message::Close(_))), "{answer:?}");
}

/// However many a box opens, and however it leaves them behind.
#[tokio::test]
async fn an_exchange_beyond_the_bound_of_one_edge_is_told_to_come_back() {
    const AT_ONCE: usize = 16;
    let hub = TestHub::with_market().await;
    let mut asks = Signed::enrolled(&hub).await;
    let status = |body| {
        let (request, router) = (asks.post(EXCHANGE_PATH, body), hub.router.clone());
        async move { router.oneshot(request).await.unwrap() }
    };
    let mut lines = Vec::new();
    for _ in 0..AT_ONCE {
        assert_eq!(status(Body::empty()).await.status(), 400, "nothing came");
        let (line, mut sent) = tokio::sync::mpsc::unbounded_channel::<Result<Vec<u8>, std::io::Error>>();
        let (begins, has_begun) = tokio::sync::oneshot::channel();
        let mut begins = Some(begins);
        let body = futures_util::stream::poll_fn(move |cx| {
            // Whoever looks for the first byte has let the exchange in.
            let _ = begins.take().map(|begins| begins.send(()));
            sent.poll_recv(cx)
        });
        let under_way = tokio::spawn(status(Body::from_stream(body)));
        has_begun.await.unwrap();
        lines.push((line, under_way));
    }
    let beyond = status(Body::empty()).await;
    assert_eq!(beyond.status(), 503);
    assert!(beyond.headers().contains_key("retry-after"), "{:?}", beyond.headers());
    let (line, under_way) = lines.pop().unwrap();
    drop(line);
    assert_eq!(under_way.await.unwrap().status(), 400);
    asks.is_welcomed(&hub).await;
}

#[tokio::test]
async fn offices_are_listed_whatever_one_says_of_itself() {
    let hub = TestHub::with_market().await;
    let asks = Signed::enrolled(&hub).await;
    let far = |bucket: &Bucket| BucketCursor { bucket: *bucket, upto: 0, reached: Some(u64::MAX - 1) };
    let cursors: Vec<_> = scope().iter().map(far).collect();
    asks.ask(&hub, scope_hash(&scope()), cursors_to_bytes(&cursors)).await.rest().await;
    let list = edges::list(&hub.state.db, hub.state.deps.clock.now()).await.unwrap();
    assert_eq!(list.len(), 1);
}

/// From the first row on, and after some are there: by pages, and in one snapshot.
const BEGINNINGS: [u64; 2] = [0, 1];

#[tokio::test]
async fn whoever_is_revoked_in_the_middle_of_an_answer_gets_no_more_of_it() {
    for begins in BEGINNINGS {
        let (hub, asks) = with_rows().await;
        let mut answer = asks.ask(&hub, scope_hash(&scope()), cursors(&hub, begins).await).await;
        assert!(matches!(answer.next().await, Some(Message::Rows(_))));
        edges::revoke(&hub.state.db, &hub.state.deps, 1).await.unwrap();
        let rest = answer.rest().await;
        assert!(rows(&rest) < ROWS as usize / 2, "{} rows came after it", rows(&rest));
        let Some(Message::Refusal(last)) = rest.last() else { panic!("{:?}", rest.last()) };
        assert_eq!(last.code, RefusalCode::Revoked);
        assert!(!rest.iter().any(|m| matches!(m, Message::Complete(_) | Message::Close(_))));
    }
}

#[tokio::test]
async fn whose_buckets_change_in_the_middle_of_an_answer_is_told_to_ask_again() {
    for begins in BEGINNINGS {
        let (hub, mut asks) = with_rows().await;
        let mut answer = asks.ask(&hub, scope_hash(&scope()), cursors(&hub, begins).await).await;
        assert!(matches!(answer.next().await, Some(Message::Rows(_))));
        hub.sql("UPDATE cooperatives SET region_id = 2 WHERE id = 1").await;
        let rest = answer.rest().await;
        assert!(rows(&rest) < ROWS as usize / 2, "{} rows came after it", rows(&rest));
        let Some(Message::Close(close)) = rest.last() else { panic!("{:?}", rest.last()) };
        assert!(close.more && !rest.iter().any(|m| matches!(m, Message::Complete(_))));
        asks.link = close.link.clone();
        let next = asks.ask(&hub, scope_hash(&scope()), cursors(&hub, begins).await).await.rest().await;
        assert!(matches!(next.as_slice(), [Message::Welcome(_), Message::Close(_)]), "{next:?}");
    }
}

#[tokio::test]
async fn whoever_is_revoked_while_it_still_asks_gets_nothing() {
    let (hub, asks) = with_rows().await;
    let (asking, mut asked) = tokio::sync::mpsc::unbounded_channel::<Result<Vec<u8>, std::io::Error>>();
    let body = futures_util::stream::poll_fn(move |cx| asked.poll_recv(cx));
    let hello = asks.hello(scope_hash(&scope()), cursors(&hub, 0).await);
    asking.send(Ok(Message::Hello(hello).to_bytes())).unwrap();
    let answer = tokio::spawn(asks.send(&hub, Body::from_stream(body)));
    until(async || hub.ask("SELECT max(exchange) FROM edge_streams").await == "1").await;
    edges::revoke(&hub.state.db, &hub.state.deps, 1).await.unwrap();
    asking.send(Ok(Message::End.to_bytes())).unwrap();
    let answer = answer.await.unwrap().rest().await;
    let [Message::Refusal(refusal)] = answer.as_slice() else { panic!("{} messages", answer.len()) };
    assert_eq!(refusal.code, RefusalCode::Revoked);
}

/// One connection is enough for an answer, and a slow line keeps none while it takes what was read.
#[tokio::test]
async fn verdicts_for_a_slow_line_hold_no_connection() {
    let mut hub = TestHub::with_market().await;
    let asks = Signed::enrolled(&hub).await;
    hub.sql(
        "INSERT INTO commands (edge_id, incarnation, seq, id, made_at_s, actor_kind, actor_phone, kind, body, body_hash, verdict, verdict_number, code)
         SELECT 1, 1, n, gen_random_uuid(), 0, 2, 0, 5, '', '', 'rejected', n, 'not_found' FROM generate_series(1, 12000) n;
         UPDATE edge_streams SET last_verdict = 12000",
    )
    .await;
    let url = hub.state.db.direct_url().to_owned();
    let db = Db::connect_with(&url, &url, 1).await.unwrap();
    hub.change(|shared| shared.db = db);
    let mut answer = asks.ask(&hub, scope_hash(&scope()), cursors(&hub, 0).await).await;
    let Some(Message::Verdicts(first)) = answer.next().await else { panic!("no verdicts") };
    // The only connection is there for others, though most of the answer is still to be sent.
    assert_eq!(hub.ask("SELECT 1").await, "1");
    let rest = answer.rest().await;
    let verdicts =
        rest.iter().filter_map(|m| if let Message::Verdicts(v) = m { Some(v.len()) } else { None });
    let verdicts: Vec<usize> = verdicts.collect();
    assert!(verdicts.len() >= 3, "{verdicts:?}");
    assert_eq!(first.len() + verdicts.iter().sum::<usize>(), 12_000);
}

#[tokio::test]
async fn sms_that_wait_at_an_office_are_listed_until_it_says_nothing_of_them() {
    let hub = TestHub::with_market().await;
    let mut asks = Signed::enrolled(&hub).await;
    let listed = async || edges::list(&hub.state.db, hub.state.deps.clock.now()).await.unwrap().remove(0);
    for (said, count, age_s) in [
        (Some(StuckSms { count: 12, age_s: 3_600 }), 12, Some(3_600)),
        // No clock reaches back so far.
        (Some(StuckSms { count: 1, age_s: u64::MAX }), 1, Some(hub.state.deps.clock.now_s())),
        (Some(StuckSms { count: 0, age_s: 5 }), 0, None),
        (None, 0, None),
    ] {
        let hello = Hello { stuck_sms: said, ..asks.hello(scope_hash(&scope()), cursors(&hub, 0).await) };
        let mut body = Message::Hello(hello).to_bytes();
        Message::End.write(&mut body);
        let answer = asks.send(&hub, Body::from(body)).await.rest().await;
        let Some(Message::Close(close)) = answer.last() else { panic!("{:?}", answer.last()) };
        asks.link = close.link.clone();
        let since = age_s.map(|age_s| mizili_node::text::rfc3339(hub.state.deps.clock.now_s() - age_s));
        let edge = listed().await;
        assert_eq!((edge.stuck_sms, edge.stuck_sms_since), (count, since), "{said:?}");
    }
}

/// Three listings of one slot, each with a title of so many letters that nothing shortens, in the region's bucket at its head.
async fn one_slot(hub: &TestHub, letters: usize) -> [u8; 2] {
    let mut by_slot: HashMap<[u8; 2], Vec<ListingId>> = HashMap::new();
    let (of, ids) = (0..)
        .find_map(|n| {
            let (id, of) = (ListingId(hub_born(n)), slot(Listing::NUMBER, Key::Uuid(hub_born(n))));
            let ids = by_slot.entry(of).or_default();
            ids.push(id);
            (ids.len() == 3).then(|| (of, ids.clone()))
        })
        .unwrap();
    hub.sql("INSERT INTO buckets (name, version) VALUES ('region:1', 3)").await;
    for (version, id) in (1..).zip(ids) {
        let mut title = vec![0; letters / 4 * 3];
        blake3::Hasher::new().update(&[version as u8]).finalize_xof().fill(&mut title);
        let listing = Listing {
            id,
            cooperative: CooperativeId(OWN),
            commodity: CommodityId(MAIZE),
            unit: UnitId(KG),
            title: encode(&title),
            price_minor: 50_000,
            currency: Currency::new("MWK").unwrap(),
            seller: None,
            status: ListingStatus::Active,
            posted_at_s: 0,
            available: None,
        };
        let row =
            Row { entity: Listing::NUMBER, key: listing.key(), version, body: Some(listing.to_fields()) };
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let (key, payload) = (row.key.to_bytes(), row.body.as_ref().unwrap().canonical());
        let (key, hash, payload) = (hex(&key), hex(&row.hash().unwrap().0.to_le_bytes()), hex(payload));
        hub.sql(&format!(
            "INSERT INTO sync_rows (bucket, entity, id, version, deleted, hash, payload)
             VALUES ('region:1', {}, '\\x{key}', {version}, false, '\\x{hash}', '\\x{payload}')",
            Listing::NUMBER
        ))
        .await;
    }
    of
}

/// Parts of a slot are a form of minor 2. An edge that knows none gets the slot as ever, or where that is too much for it all the
/// rest of the answer.
#[tokio::test]
async fn an_edge_of_minor_1_is_sent_a_slot_in_the_older_form_alone() {
    for (letters, minor, parts) in
        [(1_600, 1, 1), (1_600, MINOR_VERSION, 3), (500_000, 1, 0), (500_000, MINOR_VERSION, 3)]
    {
        let hub = TestHub::with_market().await;
        let asks = Signed::enrolled(&hub).await;
        let of = one_slot(&hub, letters).await;
        let hello = Hello { minor, ..asks.hello(scope_hash(&scope()), cursors(&hub, 3).await) };
        let mut body = Message::Hello(hello).to_bytes();
        for question in [&of[..], &of[..1]] {
            let audit = Audit { bucket: REGION, entity: Listing::NUMBER, slot: question.to_vec() };
            Message::Audit(audit).write(&mut body);
        }
        Message::End.write(&mut body);
        let answer = asks.send(&hub, Body::from(body)).await.rest().await;
        let told: Vec<&Rows> = answer
            .iter()
            .filter_map(|m| if let Message::Rows(rows) = m { Some(rows) } else { None })
            .collect();
        assert_eq!(told.len(), parts, "{letters} letters, minor {minor}");
        for rows in &told {
            assert_eq!(rows.reach, Reach::Repair { entity: Listing::NUMBER, slot: of, head: 3 });
            let is_whole = (rows.after, rows.upto) == (0, 3);
            assert_eq!(is_whole, parts == 1, "{} to {}", rows.after, rows.upto);
        }
        assert_eq!(told.iter().map(|rows| rows.rows.len()).sum::<usize>(), if parts == 0 { 0 } else { 3 });
        let sums = answer.iter().filter(|m| matches!(m, Message::SlotSums(sums) if sums.of.slot == of[..1]));
        assert_eq!(sums.count(), 1, "the other question is answered in any case");
        assert!(matches!(answer.last(), Some(Message::Close(_))), "{:?}", answer.last());
    }
}
