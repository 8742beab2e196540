//! What edges call: enrolment, challenge and session, the exchange, and the long poll. Decisions are `sync-protocol`'s; this
//! folder reads and writes the database and the connection around them.

mod awaited;
pub mod code;
pub mod doors;
pub mod edges;
mod enrol;
mod exchange;
mod forgotten;
mod left;
pub mod look;
pub mod marks;
mod outflow;
mod poll;
mod refusals;
mod respond;
mod restored;
pub mod salvage;
pub mod salvaged;
mod scope;
mod session;
mod store;
pub mod trust;
mod turns;

use crate::limits::Limits;
use crate::state::AppState;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn;
use axum::routing::{get, post};
use axum::{Extension, Router};
use mizili_node::body::BODY_MAX_BYTES;
use sync_protocol::limits::NEWS_BODY_MAX_BYTES;
use sync_protocol::session::{
    CHALLENGE_PATH, ENROL_PATH, EXCHANGE_PATH, LEFT_PATH, NEWS_PATH, RESTORED_PATH, SESSION_PATH,
};

/// The routes edges call. They are no part of the public API document: their shapes belong to `sync-protocol`.
pub fn routes(limits: Limits) -> Router<AppState> {
    // The bounds of an exchange are its own: it reads frame by frame.
    let exchange = Router::new()
        .route(EXCHANGE_PATH, post(exchange::exchange))
        .layer(Extension(turns::Turns::default()))
        .layer(limits.exchange);
    Router::new()
        .route(ENROL_PATH, post(enrol::enrol))
        .route(CHALLENGE_PATH, post(session::challenge))
        .route(SESSION_PATH, post(session::open))
        .route(LEFT_PATH, post(left::leave))
        .route(RESTORED_PATH, post(restored::restored))
        .route(
            NEWS_PATH,
            get(poll::by_address).post(poll::by_body).layer(DefaultBodyLimit::max(NEWS_BODY_MAX_BYTES)),
        )
        .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
        .layer(limits.people)
        .merge(exchange)
        .layer(from_fn(refusals::logged))
}
