//! Signing in at the hub: its challenge, our answer, the token. The hub proves first who it is; only then is anything signed.
//!
//! The token is kept in a file of its own, so that another process of this box, or this one after a restart, needs no new
//! sign-in. It must never get into the database or a log.

use super::client::{Payload, Request, Response, Transport};
use super::error::SyncError;
use crate::files::write_private;
use crate::identity::Identity;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ed25519_dalek::{Signature, VerifyingKey};
use mizili_node::api::Problem;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::Path;
use std::time::Duration;
use sync_protocol::enrolment::{ChallengeRequest, ChallengeResponse, SessionRequest, SessionResponse};
use sync_protocol::session::{CHALLENGE_PATH, SESSION_PATH, identity};
use sync_protocol::wire::message::{Refusal, RefusalCode};

/// Name of the token's file in the data directory.
const TOKEN_FILE: &str = "session.token";

/// Longest challenge that is signed, bytes.
const CHALLENGE_MAX_BYTES: usize = 64;

/// How long nothing may move while a small question is asked: several tries of a slow mobile link.
pub const QUESTION_PATIENCE: Duration = Duration::from_secs(60);

/// Who this box is to the hub, and by which keys it knows the hub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parties {
    /// The edge's number.
    pub edge: u32,
    /// Its incarnation.
    pub incarnation: u32,
    /// The hub's Ed25519 keys pinned at enrolment, current and next.
    pub hub_keys: Vec<[u8; 32]>,
}

/// The token kept from an earlier sign-in of the same edge and incarnation.
pub fn kept_token(data_dir: &Path, parties: &Parties) -> Option<String> {
    let text = std::fs::read_to_string(data_dir.join(TOKEN_FILE)).ok()?;
    let mut words = text.split_whitespace();
    let mine = words.next()?.parse() == Ok(parties.edge) && words.next()?.parse() == Ok(parties.incarnation);
    words.next().filter(|_| mine).map(str::to_owned)
}

/// Forgets the token: the hub has ended the session.
pub fn forget_token(data_dir: &Path) {
    // Where it cannot be removed it is refused once more, and a new one is written over it.
    let _ = std::fs::remove_file(data_dir.join(TOKEN_FILE));
}

/// What a sign-in came to.
pub struct SignedIn {
    /// The session's token.
    pub token: String,
    /// The hub's keys, current and next, as the hub signed them with one that was pinned.
    pub hub_keys: Vec<[u8; 32]>,
}

/// Signs in and keeps the token. Two round trips.
///
/// # Errors
/// When the line fails, the hub cannot prove who it is, or it refuses this box.
pub async fn sign_in(
    transport: &dyn Transport,
    data_dir: &Path,
    identity: &Identity,
    parties: &Parties,
) -> Result<SignedIn, SyncError> {
    let (edge, incarnation) = (parties.edge, parties.incarnation);
    let Challenge { challenge, said, hub_keys } = challenge(transport, parties).await?;
    let signature = identity.sign(&identity::edge_session(edge, incarnation, &challenge));
    let answer = SessionRequest { edge, incarnation, challenge: said, signature: BASE64.encode(signature) };
    let session: SessionResponse = ask(transport, SESSION_PATH, &answer).await?;
    keep_token(data_dir, edge, incarnation, &session.token)?;
    Ok(SignedIn { token: session.token, hub_keys })
}

/// Keeps a token for the next exchange. Where the disk does not take it, that one signs in.
///
/// # Errors
/// When it can be no token.
pub(super) fn keep_token(data_dir: &Path, edge: u32, incarnation: u32, token: &str) -> Result<(), SyncError> {
    let usable = token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if !usable || token.is_empty() {
        return Err(SyncError::Unexpected("a token of another form".into()));
    }
    let kept = format!("{edge} {incarnation} {token}\n");
    if let Err(error) = write_private(&data_dir.join(TOKEN_FILE), kept.as_bytes()) {
        tracing::warn!(%error, "the sign-in cannot be kept for the next start");
    }
    Ok(())
}

/// A challenge of the hub, which has shown that it is the one.
pub(super) struct Challenge {
    /// What is signed.
    pub(super) challenge: Vec<u8>,
    /// The same as the hub said it.
    pub(super) said: String,
    hub_keys: Vec<[u8; 32]>,
}

/// Asks for a challenge.
///
/// # Errors
/// When the line fails, or whoever answers is not the hub.
pub(super) async fn challenge(transport: &dyn Transport, parties: &Parties) -> Result<Challenge, SyncError> {
    let asked = ChallengeRequest { edge: parties.edge, incarnation: parties.incarnation };
    let given: ChallengeResponse = ask(transport, CHALLENGE_PATH, &asked).await?;
    let Some((challenge, hub_keys)) = proven(parties, &given) else {
        return Err(SyncError::NotTheHub(transport.address().to_owned()));
    };
    Ok(Challenge { challenge, said: given.challenge, hub_keys })
}

/// The challenge and the hub's keys of today, if one of the keys pinned here has signed both.
fn proven(parties: &Parties, given: &ChallengeResponse) -> Option<(Vec<u8>, Vec<[u8; 32]>)> {
    let challenge = BASE64.decode(&given.challenge).ok().filter(|c| c.len() <= CHALLENGE_MAX_BYTES)?;
    let keys = given.hub_keys.iter().map(|key| BASE64.decode(key).ok()?.try_into().ok());
    let keys: Vec<[u8; 32]> = keys.collect::<Option<_>>().filter(|keys: &Vec<_>| !keys.is_empty())?;
    let signature = Signature::from_slice(&BASE64.decode(&given.signature).ok()?).ok()?;
    let message = identity::hub_challenge(parties.edge, parties.incarnation, &keys, &challenge);
    let is_signed = parties.hub_keys.iter().any(|key| {
        VerifyingKey::from_bytes(key).is_ok_and(|key| key.verify_strict(&message, &signature).is_ok())
    });
    is_signed.then_some((challenge, keys))
}

/// Asks a small JSON question.
///
/// # Errors
/// When the line fails or the hub refuses.
pub(super) async fn ask<Q: Serialize, A: DeserializeOwned>(
    transport: &dyn Transport,
    path: &str,
    question: &Q,
) -> Result<A, SyncError> {
    let text = serde_json::to_vec(question).map_err(|e| SyncError::Unexpected(e.to_string()))?;
    let body = Payload::Json(text);
    let request = Request { path: path.to_owned(), token: None, body, patience: QUESTION_PATIENCE };
    let answer = transport.send(request).await?;
    if answer.status != 200 {
        return Err(refusal(answer).await);
    }
    let body = answer.whole().await?;
    serde_json::from_slice(&body).map_err(|_| SyncError::Unexpected("an answer of another form".into()))
}

/// What an answer other than 200 means.
pub(super) async fn refusal(answer: Response) -> SyncError {
    let (status, retry_after) = (answer.status, answer.retry_after);
    if matches!(status, 408 | 429 | 500 | 502 | 503 | 504) {
        return SyncError::Busy { retry_after };
    }
    let body = match answer.whole().await {
        Ok(body) => body,
        Err(error) => return error,
    };
    let Ok(problem) = serde_json::from_slice::<Problem>(&body) else {
        return SyncError::Unexpected(format!("status {status}"));
    };
    let detail = problem.detail.unwrap_or(problem.title);
    let code = match problem.code.as_str() {
        "edge_session" => RefusalCode::Unauthorized,
        "edge_revoked" => RefusalCode::Revoked,
        // Enrolled again since, on another box or on this one: this copy is the old one.
        "edge_replaced" => RefusalCode::Rewound,
        "edge_unknown" | "edge_link" => return SyncError::NotKnown(detail),
        "challenge_expired" | "truncated" => RefusalCode::Busy,
        other => match RefusalCode::parse(other) {
            Some(code) => code,
            None => return SyncError::HttpStatus { status, detail },
        },
    };
    SyncError::Refused(Refusal { code, detail })
}
