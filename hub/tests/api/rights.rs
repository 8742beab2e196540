//! Who may do what, for each route of the router. A route without a case at its noun fails the test.

use crate::NOUNS;
use crate::noun::{Statuses, World, document};
use crate::support::Who;
use axum::http::Method;
use mizili_node::testing::document::operations;
use std::collections::BTreeSet;

/// The routes of all nouns, and what each kind of caller gets there.
fn cases() -> impl Iterator<Item = &'static (Method, &'static str, Statuses)> {
    NOUNS.iter().flat_map(|noun| noun.routes)
}

#[tokio::test]
async fn each_kind_of_caller_gets_what_it_may_and_no_more() {
    let world = World::new().await;
    for (method, path, statuses) in cases() {
        for (who, expected) in Who::ALL.into_iter().zip(*statuses) {
            let answer = world.ask(method, path, who).await;
            assert_eq!(answer.status.as_u16(), expected, "{method} {path} by {who:?}: {}", answer.text());
        }
    }
}

#[test]
fn no_route_is_without_a_case() {
    let document = document();
    let routes: BTreeSet<_> =
        operations(&document).map(|(path, method, _)| (method.to_uppercase(), path.clone())).collect();
    let listed = || cases().map(|(method, path, _)| (method.to_string(), (*path).to_owned()));
    let cases: BTreeSet<_> = listed().collect();
    assert_eq!(
        routes, cases,
        "each route of the router has one case in `routes` of a noun that main.rs lists, and no other"
    );
    assert_eq!(listed().count(), cases.len(), "no route has two");
    assert!(routes.len() >= 26);
}

#[test]
fn routes_are_made_in_the_router_alone() {
    // The router's list is what the document and the test above are made of: nothing may be routed beside it but what edges
    // call, the document itself and its pages.
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
    let mut found = Vec::new();
    let mut folders = vec![std::path::PathBuf::from(source)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if std::fs::read_to_string(&path).unwrap().contains(".route(") {
                found.push(path.strip_prefix(source).unwrap().display().to_string());
            }
        }
    }
    found.sort();
    assert_eq!(found, ["docs.rs", "router.rs", "sync/mod.rs"]);
    let docs = std::fs::read_to_string(format!("{source}/docs.rs")).unwrap();
    let elsewhere: Vec<_> =
        docs.lines().filter(|line| line.contains(".route(") && !line.contains("DOCS_PATH")).collect();
    assert!(elsewhere.is_empty(), "only pages of the document: {elsewhere:?}");
    let router = std::fs::read_to_string(format!("{source}/router.rs")).unwrap();
    let lines: Vec<_> = router.lines().filter(|line| line.contains(".route(")).map(str::trim).collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[0].contains("\"/\"") && lines[0].contains("Redirect"), "{lines:?}");
    assert!(lines[1].contains("DOCUMENT_PATH") && lines[2].contains("/problems"), "{lines:?}");
}
