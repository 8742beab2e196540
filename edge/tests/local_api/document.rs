//! The API's description: locked, complete, the same shapes as the hub's, and true about who may do what.

use crate::support::Office;
use mizili_edge::serve::router::{document, document_text};
use mizili_edge::testing::TestEdge;
use mizili_node::problem::{Kind, Node};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::path::Path;

fn here() -> Value {
    serde_json::to_value(document()).unwrap()
}

fn hub() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../hub/openapi.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The document in the repository is the one that the routes make. To renew it: `UPDATE_OPENAPI=1 cargo test -p mizili-edge --test
/// local_api document`.
#[test]
fn the_document_in_the_repository_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let text = document_text().unwrap();
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    assert!(std::fs::read_to_string(&path).unwrap_or_default() == text, "edge/openapi.json is out of date");
    assert_eq!(here()["openapi"], "3.1.0");
}

fn operations(document: &Value) -> Vec<(String, String, Map<String, Value>)> {
    let mut list = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            list.push((method.to_uppercase(), path.clone(), operation.as_object().unwrap().clone()));
        }
    }
    list
}

#[tokio::test]
async fn every_route_asks_for_a_session_exactly_where_the_document_says_so() {
    let office = Office::closed(TestEdge::with_market()).await;
    let operations = operations(&here());
    assert!(operations.len() >= 25, "{}", operations.len());
    for (method, path, operation) in operations {
        let asked = path.replace("{id}", "018f3e6a-7c1b-7d2a-9e30-5a6b7c8d9e0f");
        let body = (method != "GET").then(|| Value::Object(Map::new()));
        let answer = office.send(&method, &asked, &[("idempotency-key", "k"), ("if-match", "*")], body).await;
        if operation.contains_key("security") {
            assert_eq!(answer.problem(), (401, "unauthorized"), "{method} {path}");
        } else {
            assert_ne!(answer.status.as_u16(), 401, "{method} {path}");
        }
        let is_act = method != "GET" && path != "/api/v1/office/login";
        assert!(!is_act || operation.contains_key("security"), "{method} {path} can act for anybody");
    }
}

/// What a successful answer of an operation is described as.
fn success(operation: &Map<String, Value>) -> Value {
    let responses = operation["responses"].as_object().unwrap();
    let (_, response) = responses.iter().find(|(status, _)| status.starts_with('2')).unwrap();
    response["content"]["application/json"]["schema"].clone()
}

/// A shape without the sentence about the whole of it, which may name the node.
fn fields(schema: &Value) -> Value {
    let mut schema = schema.clone();
    schema.as_object_mut().unwrap().remove("description");
    schema
}

fn parameters(operation: &Map<String, Value>) -> BTreeSet<String> {
    let list = operation.get("parameters").and_then(Value::as_array).cloned().unwrap_or_default();
    list.iter().map(|p| format!("{} {}", p["in"].as_str().unwrap(), p["name"].as_str().unwrap())).collect()
}

#[test]
fn where_the_hub_has_the_same_path_one_client_talks_to_either() {
    let (here, hub) = (here(), hub());
    let mut shared = 0;
    for (method, path, ours) in operations(&here) {
        let Some(theirs) = hub["paths"][&path][method.to_lowercase()].as_object() else {
            assert!(path.starts_with("/api/v1/office/"), "{method} {path} is not at the hub");
            continue;
        };
        assert_eq!(
            ours["operationId"], theirs["operationId"],
            "{method} {path}: made clients call it by that"
        );
        shared += 1;
        assert_eq!(success(&ours), success(theirs), "{method} {path}: the answer");
        assert_eq!(parameters(&ours), parameters(theirs), "{method} {path}: the parameters");
        let body =
            |operation: &Map<String, Value>| operation.get("requestBody").map(|body| body["content"].clone());
        assert_eq!(body(&ours), body(theirs), "{method} {path}: the request");
    }
    assert!(shared >= 19, "{shared}");
    let (ours, theirs) = (&here["components"]["schemas"], &hub["components"]["schemas"]);
    let mut same = 0;
    for (name, schema) in ours.as_object().unwrap() {
        if let Some(other) = theirs.get(name) {
            assert_eq!(fields(schema), fields(other), "{name}");
            same += 1;
        }
    }
    assert!(same >= 12, "{same}");
}

#[tokio::test]
async fn the_page_of_problems_lists_those_of_this_node() {
    let office = Office::closed(TestEdge::with_market()).await;
    let page = office.look("/api/docs/problems").await;
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    for kind in Kind::ALL {
        let listed = page.text.contains(&format!("<tr id=\"{}\">", kind.code()));
        assert_eq!(listed, kind.is_of(Node::Edge), "{}", kind.code());
    }
    assert!(!page.text.contains("://"), "nothing from elsewhere");
}

/// One type a thing in clients that are made from it, and bounds on all that a request takes.
#[test]
fn a_client_can_be_made_from_the_document() {
    let faults = mizili_node::testing::document::faults(&here());
    assert!(faults.is_empty(), "{faults:#?}");
}
