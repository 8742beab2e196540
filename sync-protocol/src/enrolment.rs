//! How an edge becomes known to a hub and opens a session: the JSON that the two say to each other before there are frames. Byte
//! strings are base64 (RFC 4648, URL-safe, no padding).
//!
//! Nobody else reads it, so no API's description holds it. What an edge asks has a schema all the same, behind a feature for the hub
//! alone: by it the hub's reader of bodies names every field that is missing.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Turns a one-time code into an edge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    pub cooperative: Cooperative,
    /// Whether it subscribes to everything.
    pub national: bool,
    /// Which hub this is; it outlives its keys. None from a hub before minor 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hub: Option<Uuid>,
    /// A session, so that the first exchange needs no sign-in: the box has just shown its key. None from an earlier
    /// hub, and none in an answer that is given again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
}

/// The cooperative of an office, in words: its rows come with the first exchange.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cooperative {
    /// Its id.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// ISO 3166-1 alpha-3.
    pub country: String,
    /// Its region, where known.
    pub region: Option<String>,
    /// The currency it sells in.
    pub currency: String,
}

/// A link, see [`crate::session::Link`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
pub struct LinkJson {
    /// Its number.
    pub number: u64,
    /// 16 bytes.
    pub random: String,
    /// 16 bytes.
    pub mac: String,
}

/// Asks for a challenge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
pub struct ChallengeRequest {
    /// The edge.
    pub edge: u32,
    /// Its incarnation.
    pub incarnation: u32,
}

/// The hub's challenge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChallengeResponse {
    /// At most 64 bytes, opaque to the edge.
    pub challenge: String,
    /// Signature by the hub's current key over [`crate::session::identity::hub_challenge`].
    pub signature: String,
    /// The hub's keys, current and next, under the same signature: an edge that trusts the signing key pins these from now on.
    pub hub_keys: Vec<String>,
}

/// Answers a challenge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionResponse {
    /// 16 bytes.
    pub token: String,
    /// Seconds until the hub's clock ends it.
    pub expires_in_s: u32,
}

/// What a revoked edge still holds: one frame of commands. It changes nothing until a person at the hub accepts it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
pub struct LeftRequest {
    /// The edge.
    pub edge: u32,
    /// Its incarnation.
    pub incarnation: u32,
    /// The hub's challenge.
    pub challenge: String,
    /// The frame, as in an exchange.
    pub commands: String,
    /// Signature by the edge's key over [`crate::session::identity::left_behind`].
    pub signature: String,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftResponse {
    /// How many of them the hub keeps and had not heard of before.
    pub kept: u64,
}

/// What an edge says to a hub that has forgotten what it told it: who it is, by the newest link that the hub gave it, and what it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
pub struct RestoredRequest {
    /// The edge.
    pub edge: u32,
    /// Its incarnation.
    pub incarnation: u32,
    /// The hub's epoch that it knows.
    pub epoch: u32,
    /// The hub's challenge.
    pub challenge: String,
    /// The newest link: its code proves that this hub gave it out.
    pub link: LinkJson,
    /// Rows of the edge's own cooperative that the hub may have forgotten: one frame, as in an exchange; empty for none.
    pub rows: String,
    /// Whether that was all: then a new stream begins.
    pub last: bool,
    /// Signature by the edge's key over [`crate::session::identity::after_restore`].
    pub signature: String,
}

/// What the hub asks for, and at last what the edge is from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoredResponse {
    /// The hub's epoch from now on.
    pub epoch: u32,
    /// Rows of the edge's own cooperative with a version above this one are asked for.
    pub after: u64,
    /// The new incarnation, and its first link, once the edge has brought everything.
    pub stream: Option<RestoredStream>,
}

/// A new stream, without a code: the edge has shown its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoredStream {
    /// The incarnation.
    pub incarnation: u32,
    /// The first link.
    pub link: LinkJson,
}
