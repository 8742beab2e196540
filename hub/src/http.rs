//! What all handlers of the hub share beyond what every node does: replays from the database, health. It knows HTTP and nothing of
//! the market.

pub mod health;
pub mod idempotency;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// 201 with the address of what was made.
pub fn created<T: serde::Serialize>(location: String, body: &T) -> Response {
    (StatusCode::CREATED, [(axum::http::header::LOCATION, location)], axum::Json(body)).into_response()
}
