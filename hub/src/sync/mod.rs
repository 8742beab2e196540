//! What edges call: enrolment, challenge and session, the exchange, and the long poll. Decisions are `sync-protocol`'s; this
//! folder reads and writes the database and the connection around them.

pub mod code;
pub mod edges;
mod enrol;
mod exchange;
pub mod keys;
pub mod news;
mod poll;
mod refusals;
mod respond;
mod scope;
mod session;
mod store;

use crate::state::AppState;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn;
use axum::routing::{get, post};
use mizili_node::body::BODY_MAX_BYTES;
use sync_protocol::session::{CHALLENGE_PATH, ENROL_PATH, EXCHANGE_PATH, NEWS_PATH, SESSION_PATH};

/// Largest request body of an exchange, in bytes: what fibre carries up in one turn. Frames have their own, smaller bound.
const EXCHANGE_BODY_MAX_BYTES: usize = 64 << 20;

/// The routes edges call. They are no part of the public API document: their shapes belong to `sync-protocol`.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route(ENROL_PATH, post(enrol::enrol))
        .route(CHALLENGE_PATH, post(session::challenge))
        .route(SESSION_PATH, post(session::open))
        .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
        .route(EXCHANGE_PATH, post(exchange::exchange).layer(DefaultBodyLimit::max(EXCHANGE_BODY_MAX_BYTES)))
        .route(NEWS_PATH, get(poll::news))
        .layer(from_fn(refusals::logged))
}
