//! What all handlers of the hub share beyond what every node does: replays from the database, patience, health. It knows HTTP and
//! nothing of the market.

pub mod health;
pub mod idempotency;

use crate::error::{Kind, RETRY_AFTER_S};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::time::Duration;

/// How long a request of the API may take in all, its body included: nobody waits for longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Ends a request that takes too long, because the database hangs or its body never ends.
pub async fn patience(request: Request, next: Next) -> Response {
    match tokio::time::timeout(PATIENCE, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let detail =
                "This took too long and was given up. Look whether it was done before you try again.";
            Kind::Unavailable.because(detail).retry_after_s(RETRY_AFTER_S).into_response()
        }
    }
}

/// 201 with the address of what was made.
pub fn created<T: serde::Serialize>(location: String, body: &T) -> Response {
    (StatusCode::CREATED, [(axum::http::header::LOCATION, location)], axum::Json(body)).into_response()
}
