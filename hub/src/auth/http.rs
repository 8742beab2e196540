//! The routes of signing in and out.

use crate::auth::app;
use crate::auth::pair::Tokens;
use crate::auth::phone::read_phone;
use crate::error::{self, ApiError};
use crate::state::AppState;
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use mizili_node::address::Place;
use mizili_node::body::Body;
use mizili_node::openapi::answers::{BadCredentials, TooManyAttempts};
use mizili_node::query::{NoParams, Params};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Who signs in.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// With the country code, or as dialled at home when `country` is given.
    #[schema(example = "+265991234567")]
    pub phone: String,
    /// ISO 3166-1 alpha-3, completes a local number.
    #[serde(default)]
    #[schema(example = "MWI")]
    pub country: Option<String>,
    /// The password.
    #[schema(example = "correct horse")]
    pub password: String,
}

/// A refresh token.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshToken {
    /// As it came with the access token.
    pub refresh_token: String,
}

/// Longest text that is looked at as a refresh token, in bytes.
const TOKEN_MAX_BYTES: usize = 1_024;

impl RefreshToken {
    fn checked(&self) -> Result<&str, error::Problem> {
        let token = self.refresh_token.as_str();
        let fits = (1..=TOKEN_MAX_BYTES).contains(&token.len());
        if fits { Ok(token) } else { Err(error::Problem::invalid("/refresh_token", "Is no refresh token.")) }
    }
}

/// Tokens must not be kept by anything between hub and client.
pub(crate) const NO_STORE: [(header::HeaderName, &str); 1] = [(header::CACHE_CONTROL, "no-store")];

/// Log in
///
/// Wrong passwords for a number make the next try from the same address wait longer; where the account has signed in before, it is
/// answered later and not refused.
#[utoipa::path(post, path = "/api/v1/auth/login", operation_id = "log_in", tag = "Accounts", request_body = Login,
    responses((status = 200, body = Tokens), BadCredentials, TooManyAttempts))]
pub async fn login(
    State(state): State<AppState>,
    place: Place,
    _: Params<NoParams>,
    Body(login): Body<Login>,
) -> Result<impl IntoResponse, ApiError> {
    let phone = read_phone("/phone", &login.phone, login.country.as_deref())
        .map_err(|wrong| error::Problem::fields(vec![wrong]))?;
    Ok((NO_STORE, Json(app::login(&state, place, &phone, &login.password).await?)))
}

/// Get the next pair of tokens
///
/// A refresh token works once. When no answer came, send it again within a minute: the same pair comes again. One that comes later
/// than that ends its session: log in again.
#[utoipa::path(post, path = "/api/v1/auth/refresh", operation_id = "refresh_tokens", tag = "Accounts", request_body = RefreshToken,
    responses((status = 200, body = Tokens),
        (status = 401, description = "`unauthorized`, `token_reused`")))]
pub async fn refresh(
    State(state): State<AppState>,
    _: Params<NoParams>,
    Body(token): Body<RefreshToken>,
) -> Result<impl IntoResponse, ApiError> {
    Ok((NO_STORE, Json(app::refresh(&state, token.checked()?).await?)))
}

/// Log out
///
/// Ends the session of the refresh token. An access token goes on until it expires.
#[utoipa::path(post, path = "/api/v1/auth/logout", operation_id = "log_out", tag = "Accounts", request_body = RefreshToken,
    responses((status = 204, description = "Done")))]
pub async fn logout(
    State(state): State<AppState>,
    _: Params<NoParams>,
    Body(token): Body<RefreshToken>,
) -> Result<StatusCode, ApiError> {
    app::logout(&state, token.checked()?).await?;
    Ok(StatusCode::NO_CONTENT)
}
