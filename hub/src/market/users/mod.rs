//! People with accounts at the hub. Anybody may register as a buyer or farmer; clerks and admins are made by an operator.

pub mod app;
pub mod care;
pub mod db;
pub mod http;

use crate::auth::caller::Role;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct User {
    /// Its id.
    pub id: Uuid,
    /// The phone number, E.164.
    #[schema(example = "+265991234567")]
    pub phone: String,
    /// Whether an operator vouched that the number is the person's own.
    pub phone_confirmed: bool,
    /// The person's name.
    pub name: String,
    /// What the account may do.
    pub role: Role,
    /// The cooperative that a clerk works for or a farmer belongs to.
    pub cooperative_id: Option<u32>,
    /// Language code: `en`, `sw`, `ny`, `fr`.
    pub language: String,
    /// When it was made, RFC 3339, UTC.
    pub created_at: String,
}

/// A new password for one's own account.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    /// The password as it is: the one for the hub, also when that for the office is changed.
    #[schema(example = "correct horse")]
    pub current_password: String,
    /// At least 8 characters; not a common one, and not the phone number.
    #[schema(example = "battery staple")]
    pub new_password: String,
    /// For clerks: whether it is the password for the page at the office that is changed.
    #[serde(default)]
    pub office: bool,
}

/// A new account.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// With the country code, or as dialled at home when `country` is given.
    #[schema(example = "+265991234567")]
    pub phone: String,
    /// ISO 3166-1 alpha-3, completes a local number.
    #[serde(default)]
    #[schema(example = "MWI")]
    pub country: Option<String>,
    /// At least 8 characters; not a common one, and not the phone number.
    #[schema(example = "correct horse")]
    pub password: String,
    /// The person's name.
    #[schema(example = "Grace Banda")]
    pub name: String,
    /// `buyer` (the default) or `farmer`.
    #[serde(default)]
    pub role: Option<Role>,
    /// A farmer's cooperative.
    #[serde(default)]
    pub cooperative_id: Option<u32>,
    /// `en` (the default), `sw`, `ny` or `fr`.
    #[serde(default)]
    pub language: Option<String>,
}
