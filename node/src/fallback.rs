//! What a node answers where no handler does: no such path, no such method, a handler that panicked.

use crate::problem::{Kind, Problem};
use axum::http::{Method, Uri};
use axum::response::{IntoResponse, Response};
use std::any::Any;

/// Most characters of a path that an answer repeats.
const SHOWN_MAX_CHARS: usize = 200;

/// The answer for a path that no route has.
pub async fn no_such_path(uri: Uri) -> Problem {
    Kind::NotFound.because(format!("There is nothing at {}. See /api/docs/ for what there is.", shown(&uri)))
}

/// The answer for a method that a path's routes do not have.
pub async fn no_such_method(method: Method, uri: Uri) -> Problem {
    Kind::MethodNotAllowed
        .because(format!("{} does not take {method}. See /api/docs/ for what it takes.", shown(&uri)))
}

/// The answer when a handler panicked: a problem, like everything else.
pub fn panicked(_: Box<dyn Any + Send>) -> Response {
    Problem::internal("a handler panicked").into_response()
}

fn shown(uri: &Uri) -> String {
    uri.path().chars().take(SHOWN_MAX_CHARS).collect()
}
