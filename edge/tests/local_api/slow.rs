//! Bodies that stop or trickle: the caller is told so in time, whichever door they come to, and nothing of them is done.

use crate::support::{Office, PASSWORD, config, state};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use futures_util::{StreamExt as _, stream};
use mizili_edge::outbox;
use mizili_edge::serve::router::{gateways_only, router};
use mizili_edge::state::{AppState, Shared};
use mizili_edge::testing::{CALLER_PHONE, TestEdge};
use mizili_node::patience::Patience;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tower::ServiceExt as _;

const LONG: Duration = Duration::from_secs(600);
const SOON: Duration = Duration::from_millis(20);
/// So that a door that waits for ever fails a test, and does not stop it.
const FAR_TOO_LONG: Duration = Duration::from_secs(60);
const GATEWAY: &str = "/gateway/africastalking/0123456789abcdef";

/// The office and its door for gateways, with so little patience.
fn doors(state: &AppState, change: impl Fn(Patience) -> Patience) -> [Router; 2] {
    let patient = Patience { silence: LONG, body: LONG, answer: LONG, whole: LONG, ..state.patience };
    let state = AppState::from(Shared { patience: change(patient), ..Shared::clone(state) });
    [router(state.clone()), gateways_only(state)]
}

/// A body that begins like this and then goes on without an end, or not at all.
fn body(begins: &str, trickles: bool) -> Body {
    let begins = stream::iter([begins.to_owned()]);
    let trickle = stream::repeat("0".to_owned()).then(|piece| async move {
        tokio::time::sleep(Duration::from_millis(1)).await;
        piece
    });
    match trickles {
        true => Body::from_stream(begins.chain(trickle).map(Ok::<_, Infallible>)),
        false => Body::from_stream(begins.chain(stream::pending()).map(Ok::<_, Infallible>)),
    }
}

/// Status, body, and whether the connection ends with the answer.
async fn answer(door: &Router, request: Request<Body>) -> (u16, String, bool) {
    let answer = tokio::time::timeout(FAR_TOO_LONG, door.clone().oneshot(request)).await;
    let answer = answer.unwrap_or_else(|_| panic!("it waits for ever")).unwrap();
    let (status, ends) = (answer.status().as_u16(), answer.headers().contains_key("connection"));
    (status, String::from_utf8(to_bytes(answer.into_body(), 10_000).await.unwrap().to_vec()).unwrap(), ends)
}

#[tokio::test]
async fn a_slow_body_is_the_callers_408_at_the_office_and_at_the_gateways_doors() {
    let mut office = Office::closed(TestEdge::with_market()).await;
    let state = state(&office.edge, config());
    office.app = router(state.clone());
    let session = office.sign_in("office", PASSWORD).await.ok();
    let bearer = format!("Bearer {}", session["token"].as_str().unwrap());
    for trickles in [false, true] {
        let [office_door, gateway_door] = doors(&state, |patience| match trickles {
            true => Patience { body: SOON, ..patience },
            false => Patience { silence: SOON, ..patience },
        });
        for path in ["/api/v1/office/login", "/api/v1/products", "/api/v1/office/phone"] {
            let begins = format!("{{\"user\": \"office\", \"password\": \"{PASSWORD}\", \"x\": ");
            let request =
                Request::post(path).header("content-type", "application/json").header("host", "box:8090");
            let request = request.header("authorization", &bearer).header("idempotency-key", "k");
            let (status, text, ends) =
                answer(&office_door, request.body(body(&begins, trickles)).unwrap()).await;
            assert_eq!((status, ends), (408, true), "{path}: {text}");
            assert!(text.contains("\"code\":\"too_slow\""), "{path}: {text}");
        }
        for door in [&office_door, &gateway_door] {
            // What comes again is told that it did not come whole; a call ends with a sentence.
            for (path, begins) in [
                ("sms", "id=x2&text=STOP&from=%2B265888000111&to=21512"),
                ("sms/delivery", "id=x2&status=Success"),
                ("sms/opt-out", "senderId=MIZILI&phoneNumber=%2B265888000111"),
            ] {
                let request =
                    Request::post(format!("{GATEWAY}/{path}")).body(body(begins, trickles)).unwrap();
                let (status, text, ends) = answer(door, request).await;
                assert_eq!((status, ends), (408, true), "{path}: {text}");
            }
            let begins = "sessionId=a&phoneNumber=%2B265888000111&text=";
            let request = Request::post(format!("{GATEWAY}/ussd")).body(body(begins, trickles)).unwrap();
            let (status, text, _) = answer(door, request).await;
            assert!(status == 200 && text.starts_with("END We could not understand"), "{status} {text}");
        }
    }
    assert!(!office.edge.read(|conn| outbox::has_opted_out(conn, CALLER_PHONE)), "half a text is none");
}

#[tokio::test]
async fn nothing_of_a_slow_body_is_read_of_whoever_has_no_secret() {
    let office = Office::closed(TestEdge::with_market()).await;
    let read = Arc::new(AtomicBool::new(false));
    let body = || {
        let read = read.clone();
        let pieces = stream::iter(["id=1"]).chain(stream::pending());
        Body::from_stream(
            pieces.map(Ok::<_, Infallible>).inspect(move |_| read.store(true, Ordering::Relaxed)),
        )
    };
    for door in doors(&state(&office.edge, config()), |patience| Patience { silence: SOON, ..patience }) {
        for path in ["ussd", "ussd/end", "sms", "sms/delivery", "sms/opt-out"] {
            let request = Request::post(format!("/gateway/africastalking/0123456789abcdee/{path}"));
            let (status, text, _) = answer(&door, request.body(body()).unwrap()).await;
            assert_eq!((status, text.as_str()), (404, ""), "{path}");
            assert!(!read.load(Ordering::Relaxed), "{path} read what a stranger wrote");
        }
    }
    // That it would be seen if it were read: by whoever has the secret it is.
    let [door, _] = doors(&state(&office.edge, config()), |patience| Patience { silence: SOON, ..patience });
    let request = Request::post(format!("{GATEWAY}/sms"));
    assert_eq!(answer(&door, request.body(body()).unwrap()).await.0, 408);
    assert!(read.load(Ordering::Relaxed));
}
