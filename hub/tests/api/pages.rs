//! Pages of all lists: in what order they come, and that no cursor but a list's own is taken.

use crate::noun::{World, document};
use crate::support::{OTHER, OWN, TestHub, Who};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mizili_node::testing::document::paged;
use serde_json::{Value, json};

/// Every list of the document that has pages.
fn lists() -> Vec<String> {
    paged(&document())
}

/// The cursor of a list's second page, of one item a page.
async fn cursor(hub: &TestHub, list: &str) -> String {
    let page = hub.get(&format!("{list}?limit=1")).by(Who::Admin).send().await.is(200).json();
    let next = page["next"]
        .as_str()
        .unwrap_or_else(|| panic!("{list} needs two items, by `fill` of its noun: {page}"));
    next.split_once("cursor=").unwrap().1.to_owned()
}

/// A hub with at least two things in every list.
async fn full_hub() -> TestHub {
    World::new().await.hub
}

/// The same JSON with each of its numbers, one at a time, made each of these.
fn with_numbers(value: &Value, numbers: &[Value]) -> Vec<Value> {
    match value {
        Value::Number(_) => numbers.to_vec(),
        Value::Array(items) => {
            let changed = |at: usize| {
                let put = move |other| {
                    let mut items = items.clone();
                    items[at] = other;
                    Value::Array(items)
                };
                with_numbers(&items[at], numbers).into_iter().map(put)
            };
            (0..items.len()).flat_map(changed).collect()
        }
        _ => Vec::new(),
    }
}

#[tokio::test]
async fn a_forged_cursor_is_a_mistake_of_the_client_and_never_ours() {
    let hub = full_hub().await;
    let numbers = [
        json!(i64::MIN),
        json!(i64::MAX),
        json!(i64::MAX / 2),
        json!(-1),
        json!(i64::from(i32::MAX) + 1),
        json!(u64::MAX),
        json!(1e300),
        json!("x"),
        json!(null),
    ];
    for list in lists() {
        let key: Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(cursor(&hub, &list).await).unwrap()).unwrap();
        let forged = with_numbers(&key, &numbers);
        assert!(!forged.is_empty(), "{list}: {key}");
        for forged in forged {
            let text = URL_SAFE_NO_PAD.encode(forged.to_string());
            let answer = hub.get(&format!("{list}?cursor={text}")).by(Who::Admin).send().await;
            // One that could be somebody's is as good as one.
            assert!(
                [200, 400].contains(&answer.status.as_u16()),
                "{list} {forged}: {} {}",
                answer.status,
                answer.text()
            );
        }
    }
}

#[tokio::test]
async fn another_lists_cursor_is_refused() {
    let hub = full_hub().await;
    let mut cursors = Vec::new();
    for list in lists() {
        cursors.push((list.clone(), cursor(&hub, &list).await));
    }
    assert!(cursors.len() >= 8, "{cursors:?}");
    for (of, cursor) in &cursors {
        for (list, _) in &cursors {
            let answer = hub.get(&format!("{list}?cursor={cursor}")).by(Who::Admin).send().await;
            if of == list {
                answer.is(200);
            } else {
                assert_eq!(
                    answer.problem(400, "invalid_parameter")["errors"][0]["pointer"],
                    "?cursor",
                    "{of} at {list}"
                );
            }
        }
    }
}

#[tokio::test]
async fn orders_come_by_when_the_hub_recorded_them_whatever_their_ids() {
    let hub = TestHub::with_market().await;
    let (own, other) = (hub.maize(OWN, 50).await, hub.maize(OTHER, 50).await);
    let mut newest_first = Vec::new();
    for at in 0..6 {
        let id = hub.order(Who::Buyer, if at % 2 == 0 { &own } else { &other }, 1).await;
        // As an office's order whose id was made from another one: it sorts the other way, or nowhere in particular.
        let derived = format!("{:08x}-0000-8000-8000-000000000000", 0xf000_0000_u32 - at * 0x1000_0000);
        hub.sql(&format!("UPDATE orders SET id = '{derived}', recorded_at = timestamptz '2026-03-01' + {} * interval '1 second' WHERE id = '{id}'", at / 2)).await;
        newest_first.insert(0, (derived, if at % 2 == 0 { OWN } else { OTHER }, at / 2));
    }
    // Of one instant: by id.
    newest_first.sort_by(|a, b| (b.2, &b.0).cmp(&(a.2, &a.0)));
    for (who, of) in
        [(Who::Admin, None), (Who::Buyer, None), (Who::Clerk, Some(OWN)), (Who::OtherClerk, Some(OTHER))]
    {
        let expected: Vec<_> = newest_first
            .iter()
            .filter(|order| of.is_none_or(|of| of == order.1))
            .map(|order| order.0.clone())
            .collect();
        let (mut seen, mut path) = (Vec::new(), "/api/v1/orders?limit=1".to_owned());
        loop {
            let page = hub.get(&path).by(who).send().await.is(200).json();
            seen.extend(
                page["items"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|order| order["id"].as_str().unwrap().to_owned()),
            );
            let Some(next) = page["next"].as_str() else { break };
            next.clone_into(&mut path);
        }
        assert_eq!(seen, expected, "{who:?}");
    }
}

#[tokio::test]
async fn a_web_app_of_another_origin_reads_the_next_page_and_that_there_is_no_such_path() {
    let hub = full_hub().await;
    let page = hub
        .get("/api/v1/units?limit=1")
        .header(axum::http::header::ORIGIN, "https://app.example")
        .send()
        .await
        .is(200);
    let exposed = page.header(axum::http::header::ACCESS_CONTROL_EXPOSE_HEADERS).to_lowercase();
    assert!(
        exposed.contains("link") && page.header(axum::http::header::LINK).contains("rel=\"next\""),
        "{exposed}"
    );
    let missing =
        hub.get("/api/v1/nothing").header(axum::http::header::ORIGIN, "https://app.example").send().await;
    assert_eq!(missing.header(axum::http::header::ACCESS_CONTROL_ALLOW_ORIGIN), "*");
    missing.problem(404, "not_found");
}
