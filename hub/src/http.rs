//! What all handlers share: reading bodies and parameters, pages, ETags, replays. It knows HTTP and nothing of the market.

pub mod body;
pub mod etag;
pub mod health;
pub mod id;
pub mod idempotency;
pub mod page;
pub mod problems_page;
pub mod query;

use crate::error::{ApiError, Kind, RETRY_AFTER_S};
use axum::extract::Request;
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::time::Duration;

/// The answer for a path that no route has.
pub async fn no_such_path(uri: Uri) -> ApiError {
    Kind::NotFound.because(format!("There is nothing at {}. See /api/docs/ for what there is.", uri.path()))
}

/// The answer for a method that a path's routes do not have.
pub async fn no_such_method(method: Method, uri: Uri) -> ApiError {
    Kind::MethodNotAllowed
        .because(format!("{} does not take {method}. See /api/docs/ for what it takes.", uri.path()))
}

/// The answer when a handler panicked: a problem, like everything else.
pub fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    ApiError::internal("a handler panicked").into_response()
}

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
