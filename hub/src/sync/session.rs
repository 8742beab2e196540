//! Challenge and session: the edge shows that it holds the key it enrolled with, and gets a token that only the hub's clock ends.
//!
//! The challenge is `issued at (8) · random (16) · MAC (16)`: whoever answers it may come to another hub of the same keys.

use super::refusals::Caller;
use super::{restored, store};
use crate::db::retrying;
use crate::error::{ApiError, Kind, Problem};
use crate::keys::HubKeys;
use crate::state::AppState;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::{Extension, Json};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, VerifyingKey};
use jiff::Timestamp;
use mizili_node::body::Body;
use mizili_node::deps::Deps;
use sqlx::PgConnection;
use sync_protocol::enrolment::{ChallengeRequest, ChallengeResponse, SessionRequest, SessionResponse};
use sync_protocol::ids::EdgeId;
use sync_protocol::session::TOKEN_HEADER;
use sync_protocol::session::identity::{edge_session, hub_challenge};

/// Seconds for which a challenge can be answered: a 2G link with a few lost packets.
const CHALLENGE_VALID_S: i64 = 180;
/// Seconds by which the clock of the hub that gave a challenge may be ahead of the one that gets the answer.
const CLOCKS_APART_S: i64 = 120;
/// Seconds for which a token counts.
const SESSION_VALID_S: u32 = 24 * 3600;
/// What a restored hub says.
pub(super) const FORGOTTEN: &str =
    "the hub was restored from a backup; it asks this box for what it has forgotten";
const MAC_PURPOSE: &str = "mizili hub challenge 2026";

/// `POST /sync/v1/challenge`.
pub(super) async fn challenge(
    State(state): State<AppState>,
    Body(request): Body<ChallengeRequest>,
) -> Result<Json<ChallengeResponse>, ApiError> {
    let mut random = [0; 16];
    state.deps.ids.fill(&mut random);
    let issued = state.deps.clock.now_s();
    let mut challenge = issued.to_le_bytes().to_vec();
    challenge.extend_from_slice(&random);
    let mac = challenge_mac(&state.keys, &request, &challenge);
    challenge.extend_from_slice(&mac);
    let keys = state.keys.public();
    let signature = state.keys.sign(&hub_challenge(request.edge, request.incarnation, &keys, &challenge));
    let (challenge, signature) = (URL_SAFE_NO_PAD.encode(challenge), URL_SAFE_NO_PAD.encode(signature));
    Ok(Json(ChallengeResponse {
        challenge,
        signature,
        hub_keys: keys.map(|k| URL_SAFE_NO_PAD.encode(k)).into(),
    }))
}

fn challenge_mac(keys: &HubKeys, of: &ChallengeRequest, stem: &[u8]) -> [u8; 16] {
    let message = [&of.edge.to_le_bytes()[..], &of.incarnation.to_le_bytes(), stem].concat();
    keys.mac(MAC_PURPOSE, &message)
}

/// `POST /sync/v1/session`.
pub(super) async fn open(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Body(request): Body<SessionRequest>,
) -> Result<Json<SessionResponse>, ApiError> {
    caller.is(EdgeId(request.edge));
    let of = ChallengeRequest { edge: request.edge, incarnation: request.incarnation };
    let challenge = URL_SAFE_NO_PAD.decode(&request.challenge).unwrap_or_default();
    if !is_own_challenge(&state.keys, &of, &challenge, state.deps.clock.now_s()) {
        return Err(expired());
    }
    let signature = URL_SAFE_NO_PAD.decode(&request.signature).unwrap_or_default();
    let message = edge_session(request.edge, request.incarnation, &challenge);
    let opened = retrying(&state.deps, || async {
        let mut tx = state.db.begin().await?;
        let token = open_once(&mut tx, &state, &caller, &request, (&message, &signature)).await?;
        tx.commit().await?;
        Ok::<_, ApiError>(token)
    });
    Ok(Json(SessionResponse { token: URL_SAFE_NO_PAD.encode(opened.await?), expires_in_s: SESSION_VALID_S }))
}

/// Opens a session for whoever signed the message with the edge's key; its token.
async fn open_once(
    conn: &mut PgConnection,
    state: &AppState,
    caller: &Caller,
    request: &SessionRequest,
    (message, signature): (&[u8], &[u8]),
) -> Result<[u8; 16], ApiError> {
    let refused = |why: &'static str| {
        caller.is_refused_for(why);
        Kind::EdgeUnknown.because("This node is not known here, or its key is another. Enrol it again.")
    };
    // Not by keys that were replaced meanwhile.
    store::epoch(conn, &state.keys).await?;
    let edge = store::edge(conn, EdgeId(request.edge)).await?.ok_or_else(|| refused("no such edge"))?;
    if !edge.public_key.as_deref().is_some_and(|key| is_signed(key, message, signature)) {
        // The office has been given to another box since, which has keys of its own: the one before must hear of it.
        if request.incarnation < edge.incarnation {
            caller.is_refused_for("an earlier box of the office");
            return Err(if edge.revoked { revoked() } else { replaced() });
        }
        return Err(refused("wrong signature").into());
    }
    if edge.revoked {
        return Err(revoked());
    }
    // Its own key, and an incarnation that is still to come: this hub has forgotten it.
    if request.incarnation > edge.incarnation {
        return Err(Kind::HubRestored.because(FORGOTTEN).into());
    }
    if edge.incarnation != request.incarnation {
        if restored::is_owed_its_answer(conn, &edge, request.incarnation).await? {
            return Err(Kind::HubRestored.because(FORGOTTEN).into());
        }
        return Err(replaced());
    }
    Ok(given(conn, &state.deps, edge.id, edge.incarnation).await?)
}

/// Opens a session for an edge that has shown its key; its token.
pub(super) async fn given(
    conn: &mut PgConnection,
    deps: &Deps,
    edge: EdgeId,
    incarnation: u32,
) -> Result<[u8; 16], sqlx::Error> {
    let mut token = [0; 16];
    deps.ids.fill(&mut token);
    let hash = blake3::hash(&token);
    store::open_session(conn, hash.as_bytes(), edge, incarnation, deps.clock.now(), SESSION_VALID_S).await?;
    Ok(token)
}

pub(super) fn is_own_challenge(keys: &HubKeys, of: &ChallengeRequest, challenge: &[u8], now_s: i64) -> bool {
    let Some((stem, mac)) = challenge.split_at_checked(24).filter(|(_, mac)| mac.len() == 16) else {
        return false;
    };
    let issued = stem.first_chunk().map_or(0, |b| i64::from_le_bytes(*b));
    challenge_mac(keys, of, stem) == mac
        && (-CLOCKS_APART_S..=CHALLENGE_VALID_S + CLOCKS_APART_S).contains(&now_s.saturating_sub(issued))
}

/// The answer to an edge that was ended.
pub(super) fn revoked() -> ApiError {
    Kind::EdgeRevoked.because("This node was revoked by the operator. Ask the operator.").into()
}

/// The answer to an edge that goes on elsewhere.
fn replaced() -> ApiError {
    Kind::EdgeReplaced.because("This node was enrolled again since. This copy of it is out of date.").into()
}

/// The answer to a challenge that is none, or too old.
pub(super) fn expired() -> ApiError {
    Kind::ChallengeExpired
        .because("The challenge is not one of ours or has expired. Ask for a new one.")
        .into()
}

/// Whether `signature` is `key`'s over `message`. Anything malformed is not.
pub(super) fn is_signed(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let key = key.try_into().ok().and_then(|key| VerifyingKey::from_bytes(key).ok());
    let signature = Signature::from_slice(signature).ok();
    key.zip(signature).is_some_and(|(key, signature)| key.verify_strict(message, &signature).is_ok())
}

/// What a session's token is kept as, from a request's header.
///
/// # Errors
/// 401 where none was sent.
pub(super) fn token_hash(headers: &HeaderMap, caller: &Caller) -> Result<[u8; 32], ApiError> {
    let token = headers.get(TOKEN_HEADER).and_then(|v| v.to_str().ok());
    let token = token.and_then(|t| URL_SAFE_NO_PAD.decode(t).ok()).filter(|t| t.len() == 16);
    let token = token.ok_or_else(|| ended(caller, "no session's token was sent"))?;
    Ok(*blake3::hash(&token).as_bytes())
}

fn ended(caller: &Caller, why: &'static str) -> Problem {
    caller.is_refused_for(why);
    Kind::EdgeSession.because("Open a session first: this needs an edge's token, not a person's.")
}

/// The edge that a request's token stands for; `caller` is told which.
///
/// # Errors
/// 401 for no or an ended session; 403 for a revoked or replaced edge.
pub(super) async fn authenticate(
    conn: &mut PgConnection,
    headers: &HeaderMap,
    caller: &Caller,
    now: Timestamp,
) -> Result<store::EdgeRow, ApiError> {
    Ok(of(conn, &token_hash(headers, caller)?, caller, now).await?.edge)
}

/// The session of a token, by its hash.
///
/// # Errors
/// As [`authenticate`].
pub(super) async fn of(
    conn: &mut PgConnection,
    token_hash: &[u8; 32],
    caller: &Caller,
    now: Timestamp,
) -> Result<store::SessionRow, ApiError> {
    let session = store::session(conn, token_hash, now)
        .await?
        .ok_or_else(|| ended(caller, "the token is no session's, or the session has ended"))?;
    let edge = &session.edge;
    caller.is(edge.id);
    if edge.revoked {
        return Err(revoked());
    }
    if edge.incarnation != session.incarnation {
        return Err(replaced());
    }
    Ok(session)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_good_at_a_hub_whose_clock_is_a_little_before_or_behind() {
        let folder = tempfile::tempdir().unwrap();
        let keys = HubKeys::load(None, folder.path(), |secret| secret.fill(7)).unwrap();
        let of = ChallengeRequest { edge: 3, incarnation: 1 };
        let issued: i64 = 1_795_000_000;
        let stem = [&issued.to_le_bytes()[..], &[9; 16]].concat();
        let challenge = [&stem[..], &challenge_mac(&keys, &of, &stem)].concat();
        let is_good = |at: i64| is_own_challenge(&keys, &of, &challenge, issued + at);
        assert!([-120, -1, 0, 1, 300].into_iter().all(is_good));
        assert!(![-121, 301, -issued, i64::MAX - issued].into_iter().any(is_good));
        let other = ChallengeRequest { edge: 4, incarnation: 1 };
        assert!(!is_own_challenge(&keys, &other, &challenge, issued));
    }
}
