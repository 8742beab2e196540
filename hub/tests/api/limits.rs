//! Requests that come too slowly, that stop, or that never end: each is over in time and in bytes, and what came whole before stays.

use crate::exchange::Signed;
use crate::support::{KG, MAIZE, OWN, TestHub};
use axum::body::{Body, to_bytes};
use axum::http::Request;
use futures_util::{Stream, StreamExt as _, stream};
use mizili_hub::limits::Limits;
use mizili_node::patience::Patience;
use serde_json::Value;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use sync_protocol::ids::{CommandId, hub_born};
use sync_protocol::market::{Actor, ActorKind, Body as CommandBody, Command, ListingPost};
use sync_protocol::session::{BucketCursor, EXCHANGE_PATH, NEWS_PATH};
use sync_protocol::wire::frame;
use sync_protocol::wire::message::{Hello, Message, cursors_to_bytes};
use tower::ServiceExt as _;

const LONG: Duration = Duration::from_secs(600);
const SOON: Duration = Duration::from_millis(20);
/// So that a door that waits for ever fails a test, and does not stop it.
const FAR_TOO_LONG: Duration = Duration::from_secs(60);
/// No message of any version.
const NO_KIND: u8 = 99;

fn patient(late: Patience) -> Patience {
    Patience { silence: LONG, body: LONG, answer: LONG, whole: LONG, ..late }
}

/// A hub with all the time in the world, to be made less patient, and a box that has signed in.
async fn hub() -> (TestHub, Signed) {
    let mut hub = TestHub::with_market().await;
    let Limits { people, exchange, .. } = Limits::default();
    let limits = Limits { people: patient(people), exchange: patient(exchange), ..Limits::default() };
    hub.set_limits(limits);
    let asks = Signed::enrolled(&hub).await;
    (hub, asks)
}

fn hello(asks: &Signed) -> Hello {
    Hello {
        highest_seq: 1,
        ..asks.hello(7, cursors_to_bytes(&[BucketCursor::new(sync_protocol::bucket::Bucket::Global)]))
    }
}

/// The beginning of an exchange: who asks, and one command.
fn beginning(asks: &Signed) -> Vec<u8> {
    let post = ListingPost {
        listing: hub_born(50),
        commodity: MAIZE,
        unit: KG,
        title: String::new(),
        quantity_milli: 10_000,
        price_minor: 50_000,
        currency: "MWK".into(),
        seller: None,
        hub_milli: None,
    };
    let actor = Actor { kind: ActorKind::Office, id: Some(hub_born(900)), phone: 265_991_000_900 };
    let body = CommandBody::from(post).to_raw();
    let command = Command { id: CommandId(hub_born(1_000)), seq: 1, made_at_s: 0, actor, body };
    let mut bytes = Message::Hello(hello(asks)).to_bytes();
    Message::Commands(vec![command]).write(&mut bytes);
    bytes
}

fn in_pieces(pieces: impl Stream<Item = Vec<u8>> + Send + 'static) -> Body {
    Body::from_stream(pieces.map(Ok::<_, Infallible>))
}

/// Status and code of the answer, and whether the connection ends with it.
async fn refused(hub: &TestHub, request: Request<Body>) -> (u16, String, bool) {
    let answer = tokio::time::timeout(FAR_TOO_LONG, hub.router.clone().oneshot(request)).await;
    let answer = answer.unwrap_or_else(|_| panic!("it waits for ever")).unwrap();
    let (status, ends) = (answer.status().as_u16(), answer.headers().contains_key("connection"));
    let problem: Value =
        serde_json::from_slice(&to_bytes(answer.into_body(), 10_000).await.unwrap()).unwrap();
    (status, problem["code"].as_str().unwrap().to_owned(), ends)
}

fn too_slow() -> (u16, String, bool) {
    (408, "too_slow".to_owned(), true)
}

/// What arrived whole was taken, nothing else, and the box goes on from there.
async fn goes_on(hub: &TestHub, asks: &Signed) {
    assert_eq!(hub.ask("SELECT string_agg(seq || ' ' || verdict, ',') FROM commands").await, "1 applied");
    assert_eq!(hub.ask("SELECT count(*) FROM listings").await, "1");
    assert_eq!(hub.ask(&format!("SELECT count(*) FROM listings WHERE cooperative_id = {OWN}")).await, "1");
    // The answer with its next link was lost, so it is asked to prove that it has not got it.
    let ask = async |hello: Hello| {
        let mut bytes = Message::Hello(hello).to_bytes();
        Message::End.write(&mut bytes);
        asks.send(hub, Body::from(bytes)).await.rest().await
    };
    let first = ask(hello(asks)).await;
    let [Message::Prove(proof)] = first.as_slice() else { panic!("{first:?}") };
    let next = ask(Hello { proof: proof.to_vec(), ..hello(asks) }).await;
    assert!(matches!(next.last(), Some(Message::Close(_))), "{next:?}");
    assert!(next.iter().any(|message| matches!(message, Message::Verdicts(verdicts) if verdicts.len() == 1)));
}

#[tokio::test]
async fn an_exchange_that_stops_in_the_middle_is_ended_and_goes_on_where_it_was() {
    let (mut hub, asks) = hub().await;
    let limits = hub.state.limits;
    hub.set_limits(Limits { exchange: Patience { silence: SOON, ..limits.exchange }, ..limits });
    let mut first = beginning(&asks);
    // The head of another batch, and no more.
    first.extend([2, 100]);
    let pieces = stream::iter([first]).chain(stream::pending());
    assert_eq!(refused(&hub, asks.post(EXCHANGE_PATH, in_pieces(pieces))).await, too_slow());
    hub.set_limits(limits);
    goes_on(&hub, &asks).await;
}

#[tokio::test]
async fn an_exchange_that_comes_byte_by_byte_ends_with_its_time() {
    let (mut hub, asks) = hub().await;
    let limits = hub.state.limits;
    hub.set_limits(Limits { exchange: Patience { body: SOON, ..limits.exchange }, ..limits });
    // A frame of a million bytes, which takes a quarter of an hour: it is never silent and never whole.
    let bytes = [NO_KIND, 0xc0, 0x84, 0x3d].into_iter().chain(std::iter::repeat(b'x'));
    let trickle = stream::iter(bytes).then(|byte| async move {
        tokio::time::sleep(Duration::from_millis(1)).await;
        vec![byte]
    });
    let pieces = stream::iter([Message::Hello(hello(&asks)).to_bytes()]).chain(trickle);
    assert_eq!(refused(&hub, asks.post(EXCHANGE_PATH, in_pieces(pieces))).await, too_slow());
    // Its place is free for the next one.
    hub.set_limits(limits);
    let mut again = beginning(&asks);
    Message::End.write(&mut again);
    asks.send(&hub, Body::from(again)).await.rest().await;
}

#[tokio::test]
async fn an_exchange_without_end_is_refused_at_its_bound_in_bytes() {
    let (mut hub, asks) = hub().await;
    let limits = hub.state.limits;
    let most = 50_000;
    hub.set_limits(Limits { exchange_max_bytes: most, ..limits });
    let mut frame = Vec::new();
    frame::write(&mut frame, NO_KIND, &[0; 900], 0);
    let piece = frame.len();
    let read = Arc::new(AtomicUsize::new(0));
    let counted = read.clone();
    // Whoever reads on is stopped there, and not for ever by a test that waits with it.
    let pieces = stream::iter([beginning(&asks)]).chain(stream::repeat(frame)).inspect(move |piece| {
        let all = counted.fetch_add(piece.len(), Ordering::Relaxed);
        assert!(all < 2 * most, "it reads on far beyond its bound");
    });
    let (status, code, _) = refused(&hub, asks.post(EXCHANGE_PATH, in_pieces(pieces))).await;
    assert_eq!((status, code.as_str()), (413, "too_large"));
    let read = read.load(Ordering::Relaxed);
    assert!((most + 1..=most + piece).contains(&read), "nothing is read after the byte too many: {read}");
    goes_on(&hub, &asks).await;
}

#[tokio::test]
async fn a_request_of_just_so_many_bytes_is_taken() {
    let (mut hub, asks) = hub().await;
    let mut whole = beginning(&asks);
    Message::End.write(&mut whole);
    for (exchange_max_bytes, status) in [(whole.len() - 1, 413), (whole.len(), 200)] {
        hub.set_limits(Limits { exchange_max_bytes, ..hub.state.limits });
        let proven = asks.post(EXCHANGE_PATH, Body::from(whole.clone()));
        assert_eq!(hub.router.clone().oneshot(proven).await.unwrap().status(), status);
    }
}

#[tokio::test]
async fn a_body_that_stops_is_the_callers_408_whoever_reads_it() {
    let (mut hub, asks) = hub().await;
    let limits = hub.state.limits;
    hub.set_limits(Limits { people: Patience { silence: SOON, ..limits.people }, ..limits });
    for path in [
        "/sync/v1/enrol",
        "/sync/v1/challenge",
        "/sync/v1/session",
        NEWS_PATH,
        "/api/v1/auth/login",
        "/api/v1/users",
    ] {
        let pieces = stream::iter([b"{\"na".to_vec()]).chain(stream::pending());
        let mut request = asks.post(path, in_pieces(pieces));
        request.headers_mut().insert("content-type", "application/json".parse().unwrap());
        assert_eq!(refused(&hub, request).await, too_slow(), "{path}");
    }
}
