//! What all handlers share: reading bodies and parameters, pages, ETags, problems. It knows HTTP and nothing of the market.

pub mod body;
pub mod etag;
pub mod health;
pub mod id;
pub mod page;
pub mod problem;
pub mod problems_page;
pub mod query;

use axum::http::{Method, Uri};
use axum::response::{IntoResponse, Response};
use problem::{ApiError, Kind};

/// The answer for a path that no route has.
pub async fn no_such_path(uri: Uri) -> ApiError {
    Kind::NotFound.because(format!("There is nothing at {}. See /api/docs/ for what there is.", shown(&uri)))
}

/// The answer for a method that a path's routes do not have.
pub async fn no_such_method(method: Method, uri: Uri) -> ApiError {
    Kind::MethodNotAllowed
        .because(format!("{} does not take {method}. See /api/docs/ for what it takes.", shown(&uri)))
}

/// The answer when a handler panicked: a problem, like everything else.
pub fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    ApiError::internal("a handler panicked").into_response()
}

/// A path, as far as an answer repeats it.
fn shown(uri: &Uri) -> String {
    uri.path().chars().take(200).collect()
}
