//! Texts that the document does not let be empty, sent empty: each is refused by name, whether it may be left out or not.

use crate::noun::{World, document};
use crate::support::{TestHub, Who};
use axum::http::{HeaderName, Method};
use mizili_hub::tables::NAMES;
use mizili_node::testing::empty::filled;
use serde_json::Value;

/// How many rows there are of each noun that edges see.
async fn counts(hub: &TestHub) -> Vec<(&'static str, String)> {
    let mut counts = Vec::new();
    for table in NAMES {
        counts.push((*table, hub.ask(&format!("SELECT count(*) FROM {table}")).await));
    }
    counts
}

#[tokio::test]
async fn what_the_document_does_not_let_be_empty_is_refused_empty() {
    let world = World::new().await;
    let before = counts(&world.hub).await;
    let all = filled(&document());
    assert!(all.len() >= 50, "{all:#?}");
    let mut taken = Vec::new();
    for one in &all {
        let method = Method::from_bytes(one.method.as_bytes()).unwrap();
        let body = if method == Method::GET {
            Value::Null
        } else {
            world.body(&method, &one.path, Who::Admin).await
        };
        let asked = one.asked(world.id_at(&method, &one.path), |_| body);
        let mut call = world.hub.call(method, &asked.path).by(Who::Admin);
        for (name, value) in &asked.headers {
            call = call.header(name.parse::<HeaderName>().unwrap(), value);
        }
        let answer = match &asked.body {
            Some(body) => call.json(body).send().await,
            None => call.send().await,
        };
        if !one.is_refused(answer.status.as_u16(), &serde_json::from_slice(&answer.body).unwrap()) {
            taken.push(format!("{} {:?}: {} {}", one.operation, one.stands, answer.status, answer.text()));
        }
    }
    assert!(taken.is_empty(), "{taken:#?}");
    assert_eq!(counts(&world.hub).await, before, "nothing was made");
}
