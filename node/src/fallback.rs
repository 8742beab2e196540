//! What a node answers where no handler does: no such path, no such method, a handler that panicked.

use crate::problem::{Kind, Problem};
use axum::http::Method;
use axum::response::{IntoResponse, Response};
use std::any::Any;

/// The answer for a path that no route has. It never repeats the path, which may hold a secret, as those of gateways do: answers
/// are kept in the logs of whoever called.
pub async fn no_such_path() -> Problem {
    Kind::NotFound.because("There is nothing at this address. See /api/docs/ for what there is.")
}

/// The answer for a method that a path's routes do not have.
pub async fn no_such_method(method: Method) -> Problem {
    Kind::MethodNotAllowed
        .because(format!("This address does not take {method}. See /api/docs/ for what it takes."))
}

/// The answer when a handler panicked: a problem, like everything else.
pub fn panicked(_: Box<dyn Any + Send>) -> Response {
    Problem::internal("a handler panicked").into_response()
}
