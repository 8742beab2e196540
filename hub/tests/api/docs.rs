//! The API's description and its pages, which must work with no other network.

use crate::support::TestHub;
use axum::http::header;
use mizili_node::problem::{Kind, Node};

#[test]
fn the_document_in_the_repository_is_the_one_of_the_routes() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    let text = mizili_hub::router::document_text().unwrap();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        kept == text,
        "hub/openapi.json is not what the routes say: run `UPDATE=1 cargo test -p mizili-hub --test api docs`"
    );
}

#[tokio::test]
async fn the_document_is_served_and_its_pages_load_nothing_from_elsewhere() {
    let hub = TestHub::empty().await;
    let document = hub.get("/api/openapi.json").send().await.is(200).json();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document, serde_json::to_value(mizili_hub::router::document()).unwrap());
    hub.get("/api/docs").send().await.is(303);
    let page = hub.get("/api/docs/").send().await.is(200).text();
    let mut files = 0;
    for attribute in page
        .split(['"', '\''])
        .filter(|part| part.ends_with(".js") || part.ends_with(".css") || part.ends_with(".png"))
    {
        assert!(attribute.starts_with("/api/docs/"), "{attribute} is elsewhere");
        hub.get(attribute).send().await.is(200);
        files += 1;
    }
    assert!(files >= 4, "{page}");
    let start = hub.get("/api/docs/start.js").send().await.is(200).text();
    assert!(start.contains("/api/openapi.json") && !start.contains("https://"), "{start}");
}

#[tokio::test]
async fn every_problem_has_its_place_on_the_page() {
    let hub = TestHub::empty().await;
    let page = hub.get("/api/docs/problems").send().await.is(200);
    assert_eq!(page.header(header::CONTENT_TYPE), "text/html; charset=utf-8");
    let html = page.text();
    for kind in Kind::ALL {
        let listed = html.contains(&format!("<tr id=\"{}\">", kind.code()));
        assert_eq!(listed, kind.is_of(Node::Hub), "{}", kind.code());
    }
    assert!(!html.contains("://"), "nothing from elsewhere");
}

#[test]
fn every_problem_that_a_route_names_is_in_the_list() {
    let document = mizili_hub::router::document_text().unwrap();
    let document: serde_json::Value = serde_json::from_str(&document).unwrap();
    let mut named = 0;
    for operations in document["paths"].as_object().unwrap().values() {
        for operation in operations.as_object().unwrap().values() {
            for (status, response) in operation["responses"].as_object().unwrap() {
                if status.starts_with(['2', '3']) {
                    continue;
                }
                let text = response["description"].as_str().unwrap();
                for code in text.split('`').skip(1).step_by(2) {
                    let kind = Kind::of(code).filter(|kind| kind.is_of(Node::Hub));
                    if let Some(kind) = kind {
                        assert_eq!(kind.status().as_u16().to_string(), *status, "{code}");
                        named += 1;
                    } else {
                        assert!(["available", "unit_price", "Retry-After"].contains(&code), "{code}");
                    }
                }
            }
        }
    }
    assert!(named > 20, "{named}");
}

#[tokio::test]
async fn whoever_only_knows_the_address_is_led_to_the_pages() {
    let hub = TestHub::empty().await;
    let answer = hub.get("/").send().await.is(307);
    assert_eq!(answer.header(header::LOCATION), "/api/docs/");
}

/// One type a thing in clients that are made from it, and bounds on all that a request takes.
#[test]
fn a_client_can_be_made_from_the_document() {
    let faults = mizili_node::testing::document::faults(
        &serde_json::to_value(mizili_hub::router::document()).unwrap(),
    );
    assert!(faults.is_empty(), "{faults:#?}");
}
