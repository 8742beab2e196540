//! Signing in and out: a password becomes a pair of tokens, a refresh token becomes the next pair. A refresh token that comes
//! twice ends its session, because one of the two who had it is a thief.

use crate::auth::caller::Caller;
use crate::auth::token::ACCESS_LIFETIME_S;
use crate::auth::{db, throttle};
use crate::error::{ApiError, Kind, Problem};
use crate::state::AppState;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use sync_protocol::ids::UserId;
use utoipa::ToSchema;
use uuid::Uuid;

/// Seconds that a refresh token lasts: a phone that is offline for a month stays signed in.
pub const REFRESH_LIFETIME_S: i64 = 60 * 24 * 60 * 60;

/// A pair of tokens.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Tokens {
    /// Send it as `Authorization: Bearer TOKEN`.
    pub access_token: String,
    /// `Bearer`.
    #[schema(example = "Bearer")]
    pub token_type: String,
    /// Seconds until the access token expires.
    #[schema(example = 900)]
    pub expires_in_s: i64,
    /// Works once, at `/auth/refresh`, for the next pair.
    pub refresh_token: String,
}

/// No such number, or not its password: which of the two is not said.
fn wrong() -> Problem {
    Kind::BadCredentials.because("The phone number or the password is wrong.")
}

/// Signs in by number and password.
pub(crate) async fn login(state: &AppState, phone: u64, password: &str) -> Result<Tokens, ApiError> {
    let now = state.deps.clock.now();
    let mut tx = state.db.begin().await?;
    throttle::count(&mut tx, phone, now).await?;
    let known = db::by_phone(&mut tx, phone).await?;
    tx.commit().await?;
    // No connection is held while a password is hashed.
    let hash = known.as_ref().map(|(_, hash)| hash.as_str());
    let right = state.auth.passwords.verify(password, hash).await?;
    let Some((caller, _)) = known.filter(|_| right) else { return Err(wrong().into()) };
    let mut tx = state.db.begin().await?;
    throttle::forgive(&mut tx, phone).await?;
    let tokens = issue(state, &mut tx, caller.id, state.deps.ids.uuid_v7()).await?;
    tx.commit().await?;
    Ok(tokens)
}

/// A new pair for a sign-in.
pub(crate) async fn issue(
    state: &AppState,
    conn: &mut PgConnection,
    user: UserId,
    family: Uuid,
) -> Result<Tokens, ApiError> {
    let now = state.deps.clock.now();
    let refresh_token = URL_SAFE_NO_PAD.encode(state.deps.ids.random::<32>());
    let expires_at =
        now.checked_add(SignedDuration::from_secs(REFRESH_LIFETIME_S)).map_err(Problem::internal)?;
    db::keep_refresh(conn, &hash(&refresh_token), user, family, expires_at).await?;
    let access_token = state.auth.key.issue(user, now.as_second(), state.deps.ids.uuid_v7())?;
    Ok(Tokens {
        access_token,
        token_type: "Bearer".to_owned(),
        expires_in_s: ACCESS_LIFETIME_S,
        refresh_token,
    })
}

/// The next pair for a refresh token.
pub(crate) async fn refresh(state: &AppState, token: &str) -> Result<Tokens, ApiError> {
    let (now, hash) = (state.deps.clock.now(), hash(token));
    let mut tx = state.db.begin().await?;
    let unknown =
        || Kind::Unauthorized.because("This refresh token is not valid, or has expired. Log in again.");
    let kept = db::refresh(&mut tx, &hash).await?.ok_or_else(unknown)?;
    if kept.used {
        db::end_family(&mut tx, kept.family).await?;
        tx.commit().await?;
        tracing::warn!(user = %kept.user, "a refresh token came twice; its session was ended");
        return Err(Kind::TokenReused.error().into());
    }
    if kept.expires_at <= now {
        return Err(unknown().into());
    }
    let caller: Caller = db::caller(&mut tx, kept.user).await?.ok_or_else(unknown)?;
    db::use_refresh(&mut tx, &hash, now).await?;
    let tokens = issue(state, &mut tx, caller.id, kept.family).await?;
    tx.commit().await?;
    Ok(tokens)
}

/// Ends the session of a refresh token. One that is not known ends nothing, and nobody is told.
pub(crate) async fn logout(state: &AppState, token: &str) -> Result<(), ApiError> {
    let mut tx = state.db.begin().await?;
    if let Some(kept) = db::refresh(&mut tx, &hash(token)).await? {
        db::end_family(&mut tx, kept.family).await?;
    }
    tx.commit().await?;
    Ok(())
}

fn hash(token: &str) -> Vec<u8> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"mizili refresh token\0").update(token.as_bytes());
    hasher.finalize().as_bytes().to_vec()
}
