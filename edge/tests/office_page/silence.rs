//! Answers that are lost on the way back: what was asked for is done, and the page does not know it. Whoever asks again, also after the
//! page has drawn its forms anew, does not do it twice; and what was answered is not doubted because a list did not come.

use crate::Office;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use mizili_edge::db::DbError;
use mizili_edge::testing::TestEdge;
use serde_json::json;
use std::sync::{Arc, Mutex};

const CHANGE: &str = "#stock-list details.change";

/// Which answers are lost: those to requests of this method whose path begins so.
type Lost = Arc<Mutex<Option<(Method, &'static str)>>>;

/// Does what is asked for, and loses the answer where it is one of those.
async fn losing(State(lost): State<Lost>, request: Request, next: Next) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let answer = next.run(request).await;
    let is_lost =
        lost.lock().unwrap().as_ref().is_some_and(|(of, begins)| *of == method && path.starts_with(begins));
    if is_lost { StatusCode::GATEWAY_TIMEOUT.into_response() } else { answer }
}

/// An office whose answers can be lost, with 50 kg on offer.
async fn office() -> (Office, Lost) {
    let lost = Lost::default();
    let layer = from_fn_with_state(lost.clone(), losing);
    let office = Office::served(TestEdge::with_market(), |router| router.layer(layer)).await;
    office.sign_in().await;
    office.offer("50").await;
    (office, lost)
}

/// How many acts there are in the box's log.
fn acts(office: &Office) -> i64 {
    let count = "SELECT count(*) FROM command";
    office.edge.read(|conn| Ok::<_, DbError>(conn.query_row(count, [], |row| row.get(0))?))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_without_an_answer_stays_in_its_form_and_is_not_made_twice() {
    let (office, lost) = office().await;
    let page = &office.browser;
    page.click(&format!("{CHANGE} summary")).await;
    page.choose(&format!("{CHANGE} select"), "Took in").await;
    page.write(&format!("{CHANGE} input"), "5").await;
    *lost.lock().unwrap() = Some((Method::POST, "/api/v1/office/stock/adjust"));
    page.click(&format!("{CHANGE} button[type=submit]")).await;
    page.shows(&format!("{CHANGE} [role=alert] .wait"), "No answer came.").await;
    // News of what was done draws the list anew once nobody types in it, and so does whoever looks for something.
    page.write("#stock-words", "maize").await;
    page.shows("#stock-list .legend", "30 KG").await;
    page.write("#stock-words", "").await;
    page.shows(&format!("{CHANGE} [role=alert] .wait"), "No answer came.").await;
    let typed = format!("document.querySelector('{CHANGE} input').value");
    assert_eq!(page.value(&typed).await, json!("5"));
    *lost.lock().unwrap() = None;
    page.click(&format!("{CHANGE} button[type=submit]")).await;
    page.shows("#stock-said .good", "Took in 5 KG").await;
    page.until(format!("{typed} === ''")).await;
    page.shows("#stock-list .legend", "30 KG").await;
    assert_eq!(acts(&office), 2, "the offer and one change");
    // Taking it back is one act too.
    *lost.lock().unwrap() = Some((Method::POST, "/api/v1/office/stock/adjust"));
    page.click(&format!("{CHANGE} .last button")).await;
    page.shows("#stock-list .legend", "25 KG").await;
    page.shows(&format!("{CHANGE} .last"), "Last: a change was undone").await;
    assert_eq!(acts(&office), 3);
    office.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_count_without_an_answer_is_the_same_count_though_the_box_expects_another_number_since() {
    let (office, lost) = office().await;
    let page = &office.browser;
    page.click(&format!("{CHANGE} summary")).await;
    page.choose(&format!("{CHANGE} select"), "Counted").await;
    page.write(&format!("{CHANGE} input"), "48").await;
    *lost.lock().unwrap() = Some((Method::POST, "/api/v1/office/stock/adjust"));
    page.click(&format!("{CHANGE} button[type=submit]")).await;
    page.write("#stock-words", "maize").await;
    page.shows("#stock-list .legend", "23 KG").await;
    page.shows(&format!("{CHANGE} .hint"), "There should be 48 KG.").await;
    *lost.lock().unwrap() = None;
    page.click(&format!("{CHANGE} button[type=submit]")).await;
    page.shows("#stock-said .good", "Counted 48 KG").await;
    assert_eq!(acts(&office), 2, "the offer and one count");
    office.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_stands_though_the_lists_do_not_come() {
    let (office, lost) = office().await;
    let page = &office.browser;
    office.section("orders").await;
    page.choose("#order-product", "Maize").await;
    *lost.lock().unwrap() = Some((Method::GET, "/api/v1/orders"));
    office.order("20").await;
    page.shows("#order-said .good", "Confirmed").await;
    page.until("!document.querySelector('#order-form button[type=submit]').disabled").await;
    page.shows("#order-said .good", "Confirmed").await;
    *lost.lock().unwrap() = None;
    office.section("stock").await;
    *lost.lock().unwrap() = Some((Method::GET, "/api/v1/office/stock"));
    page.choose(&format!("{CHANGE} select"), "Took in").await;
    page.click(&format!("{CHANGE} summary")).await;
    page.write(&format!("{CHANGE} input"), "5\u{e007}").await;
    page.shows("#stock-said .good", "Took in 5 KG").await;
    assert_eq!(acts(&office), 3);
    office.end().await;
}
