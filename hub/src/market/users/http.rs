//! The routes of accounts.

use crate::auth::Caller;
use crate::auth::http::NO_STORE;
use crate::auth::pair::Tokens;
use crate::error::ApiError;
use crate::http::created;
use crate::market::users::{NewUser, PasswordChange, User, app, care};
use crate::state::AppState;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use mizili_node::address::Place;
use mizili_node::body::Body;
use mizili_node::openapi::answers::TooManyAttempts;
use mizili_node::query::{NoParams, Params};

/// Register
///
/// As a buyer or a farmer. Clerks and admins are made by the operator.
#[utoipa::path(post, path = "/api/v1/users", operation_id = "register", tag = "Accounts", request_body = NewUser,
    responses((status = 201, body = User),
        (status = 409, description = "`phone_taken`")))]
pub async fn register(
    State(state): State<AppState>,
    _: Params<NoParams>,
    Body(new): Body<NewUser>,
) -> Result<Response, ApiError> {
    let user = app::register(&state, new).await?;
    Ok(created("/api/v1/users/me".to_owned(), &user))
}

/// See your own account
#[utoipa::path(get, path = "/api/v1/users/me", operation_id = "get_own_account", tag = "Accounts", security(("token" = [])),
    responses((status = 200, body = User)))]
pub async fn me(
    State(state): State<AppState>,
    caller: Caller,
    _: Params<NoParams>,
) -> Result<Json<User>, ApiError> {
    app::me(&state, &caller).await.map(Json)
}

/// Change your own password
///
/// By showing the one that you have. Every session of the account ends; the answer begins a new one.
#[utoipa::path(post, path = "/api/v1/users/me/password", operation_id = "change_own_password", tag = "Accounts", security(("token" = [])), request_body = PasswordChange,
    responses((status = 200, body = Tokens), TooManyAttempts))]
pub async fn change_password(
    State(state): State<AppState>,
    caller: Caller,
    place: Place,
    _: Params<NoParams>,
    Body(change): Body<PasswordChange>,
) -> Result<impl IntoResponse, ApiError> {
    Ok((NO_STORE, Json(care::change_own(&state, &caller, place, &change).await?)))
}
