//! Writes that may be sent twice. The command's id is made from the caller, the route and the `Idempotency-Key`, so a repeat is the
//! same command, and the log of commands answers it; no second record of answers is needed.

use crate::http::problem::ApiError;
use crate::office::Caller;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use mizili_node::idempotency::{self, KEY_HEADER, REPLAY_HEADER};
use serde::Serialize;
use sync_protocol::ids::{CommandId, derived};
use uuid::Uuid;

/// The id of the command that a request with a key stands for.
///
/// # Errors
/// No key, or one that is too long or not printable.
pub(super) fn command_id(headers: &HeaderMap, route: &str, caller: &Caller) -> Result<CommandId, ApiError> {
    let key = idempotency::key(headers)?;
    let owner = derived(&caller.login, Uuid::nil());
    Ok(CommandId(derived(&format!("{route} {key}"), owner)))
}

/// As [`command_id`] where a key is welcome and not needed; without one, a new id.
///
/// # Errors
/// A key that cannot be used.
pub(super) fn command_id_or_new(
    headers: &HeaderMap,
    route: &str,
    caller: &Caller,
    new: impl FnOnce() -> Uuid,
) -> Result<CommandId, ApiError> {
    if headers.contains_key(&KEY_HEADER) { command_id(headers, route, caller) } else { Ok(CommandId(new())) }
}

/// What is said of a thing that was made, now or before.
pub(super) struct Made<T> {
    pub(super) id: Uuid,
    pub(super) body: T,
    pub(super) repeated: bool,
}

impl<T: Serialize> Made<T> {
    /// 201, with the address of what was made.
    pub(super) fn respond(self, home: &str) -> Response {
        let mut response = (StatusCode::CREATED, axum::Json(self.body)).into_response();
        if let Ok(location) = HeaderValue::from_str(&format!("{home}/{}", self.id)) {
            response.headers_mut().insert(header::LOCATION, location);
        }
        if self.repeated {
            response.headers_mut().insert(REPLAY_HEADER, HeaderValue::from_static("true"));
        }
        response
    }
}
