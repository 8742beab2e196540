//! The person behind a request, by its access token.

use crate::auth::db;
use crate::error::{ApiError, Kind, Problem, unauthorized};
use crate::state::AppState;
use crate::token::Whose;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use serde::{Deserialize, Serialize};
use sync_protocol::ids::{CooperativeId, UserId};
use sync_protocol::market::{Actor, ActorKind};
use utoipa::ToSchema;

/// What an account may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Buys.
    Buyer,
    /// Buys, and sells as a member of a cooperative.
    Farmer,
    /// Works for one cooperative.
    Clerk,
    /// May do everything.
    Admin,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 4] = [Self::Buyer, Self::Farmer, Self::Clerk, Self::Admin];

    /// The word in JSON and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Buyer => "buyer",
            Self::Farmer => "farmer",
            Self::Clerk => "clerk",
            Self::Admin => "admin",
        }
    }

    /// The inverse of [`Role::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}

/// Somebody who is signed in, as the database knows them now.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The account.
    pub id: UserId,
    /// Its phone number: E.164 without the plus sign.
    pub phone: u64,
    /// The person's name.
    pub name: String,
    /// What the account may do.
    pub role: Role,
    /// The cooperative that a clerk works for or a farmer belongs to.
    pub cooperative: Option<CooperativeId>,
    /// Whether an operator vouched that the number is the person's own. Who only typed a number at registration must not be
    /// taken for its owner.
    pub phone_confirmed: bool,
    /// How often the account has been signed out everywhere.
    pub sign_outs: i32,
}

impl Caller {
    /// Whether the caller may do everything.
    pub fn is_admin(&self) -> bool {
        self.role == Role::Admin
    }

    /// The cooperative that the caller works for, if the caller is a clerk.
    pub fn office(&self) -> Option<CooperativeId> {
        self.cooperative.filter(|_| self.role == Role::Clerk)
    }

    /// Whether the caller works for this cooperative, or for all.
    pub fn serves(&self, cooperative: CooperativeId) -> bool {
        self.is_admin() || self.office() == Some(cooperative)
    }

    /// Whose a token of the caller is that is issued now.
    pub fn whose(&self) -> Whose {
        Whose { user: self.id, sign_outs: self.sign_outs }
    }

    /// The caller as commands name who made them.
    pub fn actor(&self) -> Actor {
        Actor { kind: ActorKind::User, id: Some(self.id.0), phone: self.phone }
    }
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let token = bearer(&parts.headers)?;
        let Whose { user: id, sign_outs } = state.auth.key.check(token, state.deps.clock.now_s())?;
        let caller = state.db.read(&state.deps, |mut conn| async move { db::caller(&mut conn, id).await });
        let caller = caller.await?;
        let closed = || Kind::Unauthorized.because("This account was closed. Ask the operator.");
        let caller = caller.ok_or_else(closed)?;
        if caller.sign_outs != sign_outs {
            return Err(Kind::Unauthorized
                .because("This account was signed out everywhere since. Log in again.")
                .into());
        }
        Ok(caller)
    }
}

fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Err(unauthorized()) };
    let value = value.to_str().unwrap_or_default();
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    let token = token.trim();
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Err(Kind::Unauthorized.because("The `Authorization` header must read `Bearer TOKEN`."));
    }
    Ok(token)
}
