//! One's own password, changed at the office. That of the box itself is kept here; a person's is kept at the hub, and comes from there.

use super::caller::Caller;
use super::login::{OfficeSession, check, open};
use crate::db::DbError;
use crate::http::answers::NotWritten;
use crate::http::problem::{ApiError, Kind};
use crate::staff;
use crate::staff::password::store as store_password;
use crate::state::AppState;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use mizili_node::address::Place;
use mizili_node::body::Body;
use mizili_node::openapi::answers::{NotAllowed, TooManyAttempts};
use mizili_node::query::{NoParams, Params};
use mizili_node::weak_password;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A new password.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OfficePasswordChange {
    /// The password as it is.
    #[schema(example = "correct horse")]
    pub current_password: String,
    /// At least 8 characters, and not a common one.
    #[schema(example = "battery staple")]
    pub new_password: String,
}

/// Change your own password
///
/// By showing the one that you have. Everybody who is signed in with it is signed out; the answer begins a new session. A person with a
/// number has a password that is kept at the hub: it is changed there, and comes here with the next line.
#[utoipa::path(post, path = "/api/v1/office/password", operation_id = "change_office_password", tag = "Office", security(("office" = []), ("cookie" = [])), request_body = OfficePasswordChange,
    responses((status = 200, body = OfficeSession), NotAllowed, TooManyAttempts, NotWritten))]
pub async fn password(
    State(state): State<AppState>,
    caller: Caller,
    place: Place,
    headers: HeaderMap,
    _: Params<NoParams>,
    Body(change): Body<OfficePasswordChange>,
) -> Result<Response, ApiError> {
    if caller.actor.id.is_some() {
        return Err(Kind::NotAllowed.because(
            "Your password is kept at the hub. Change it there, at /api/v1/users/me/password with `office`, or ask the operator.",
        ));
    }
    if let Some(wrong) = weak_password::problem("/new_password", &change.new_password, None) {
        return Err(ApiError::fields(vec![wrong]));
    }
    let checked = check(&state, place, caller.login.clone(), None, &change.current_password).await;
    let mut found = checked.map_err(|error| {
        let code = error.kind().code();
        tracing::warn!(address = %place, code, "a change of the office password was refused");
        match error.kind() {
            Kind::BadCredentials => ApiError::invalid("/current_password", "Is not the password."),
            _ => error,
        }
    })?;
    let hash = state.staff.passwords.hash(&state.deps, &change.new_password).await?;
    let (user, kept, now_s) = (caller.login.clone(), hash.clone(), state.deps.clock.now_s());
    let stored = state.db.write(move |tx| {
        store_password(tx, &user, &kept, now_s)?;
        staff::forget_sessions_of(tx, &user)
    });
    stored.await.map_err(|error: DbError| ApiError::from(error))?;
    tracing::info!(address = %place, "the office password was changed");
    found.hash = hash;
    Ok(open(&state, &headers, place, found).await)
}
