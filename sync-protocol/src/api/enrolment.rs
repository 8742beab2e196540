//! How an edge becomes known to a hub and opens a session. Byte strings are base64 (RFC 4648, URL-safe, no padding).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Turns a one-time code into an edge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EnrolRequest {
    /// The code, as typed.
    pub code: String,
    /// The edge's Ed25519 public key, 32 bytes.
    pub public_key: String,
    /// The edge's X25519 public key for sealed bundles, 32 bytes.
    pub bundle_key: String,
    /// Signature by the first key over [`crate::session::identity::enrolment`], 64 bytes.
    pub signature: String,
    /// The edge's version.
    pub software: String,
}

/// What the edge is from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EnrolResponse {
    /// Its number.
    pub edge: u32,
    /// Its incarnation.
    pub incarnation: u32,
    /// The first link.
    pub link: LinkJson,
    /// The hub's epoch.
    pub epoch: u32,
    /// The hub's Ed25519 identity keys, current and next, 32 bytes each; to be pinned.
    pub hub_keys: Vec<String>,
    /// The cooperative whose office it is.
    pub cooperative: super::market::Cooperative,
    /// Whether it subscribes to everything.
    pub national: bool,
    /// Which hub this is; it outlives its keys. None from a hub before minor 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hub: Option<Uuid>,
}

/// A link, see [`crate::session::Link`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LinkJson {
    /// Its number.
    pub number: u64,
    /// 16 bytes.
    pub random: String,
    /// 16 bytes.
    pub mac: String,
}

/// Asks for a challenge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChallengeRequest {
    /// The edge.
    pub edge: u32,
    /// Its incarnation.
    pub incarnation: u32,
}

/// The hub's challenge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChallengeResponse {
    /// At most 64 bytes, opaque to the edge.
    pub challenge: String,
    /// Signature by the hub's current key over [`crate::session::identity::hub_challenge`].
    pub signature: String,
    /// The hub's keys, current and next, under the same signature: an edge that trusts the signing key pins these from now on.
    pub hub_keys: Vec<String>,
}

/// Answers a challenge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionRequest {
    /// The edge.
    pub edge: u32,
    /// Its incarnation.
    pub incarnation: u32,
    /// The challenge.
    pub challenge: String,
    /// Signature by the edge's key over [`crate::session::identity::edge_session`].
    pub signature: String,
}

/// A session. Send the token as `Authorization: Bearer TOKEN`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionResponse {
    /// 16 bytes.
    pub token: String,
    /// Seconds until the hub's clock ends it.
    pub expires_in_s: u32,
}
