//! The long poll: answers at once when something waits for the edge, else when something of its own moves, else after a while
//! with 204. Nobody is looked up in the database who says what they said before and of whom nothing has moved since.
//!
//! Edges of the first version say where they stand in the address; newer ones in a body, for an address has a bound that a node
//! with many buckets exceeds.

use super::refusals::Caller;
use super::{look, session};
use crate::error::{ApiError, Kind, Problem};
use crate::news::{Asker, Word};
use crate::state::AppState;
use axum::Extension;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mizili_node::body::unread;
use mizili_node::query::number;
use serde::Deserialize;
use std::time::Duration;
use sync_protocol::bytes::WireError;
use sync_protocol::limits::NEWS_BODY_MAX_BYTES;
use sync_protocol::wire::frame::FrameReader;
use sync_protocol::wire::message::Standing;

/// How long a poll is held. Below the minute after which proxies and mobile networks drop silent connections.
const HOLD: Duration = Duration::from_secs(25);

/// Where the edge stands, as it is sent. What a newer edge says beyond it is not an error, unlike in the API for people.
#[derive(Default, Deserialize)]
pub(super) struct Given {
    scope: Option<String>,
    cursors: Option<String>,
    verdicts: Option<String>,
}

impl Given {
    fn standing(given: Result<Query<Self>, QueryRejection>) -> Result<Standing, Problem> {
        let Query(given) = given.map_err(|rejection| {
            Kind::InvalidParameter
                .because("What stands after the `?` cannot be read: give `scope`, `cursors` and `verdicts` once each.")
                .caused_by(rejection)
        })?;
        let missing = |name| move || Problem::parameter(name, "is missing.");
        let scope = number("scope", given.scope.as_deref())?.ok_or_else(missing("scope"))?;
        let cursors = given.cursors.ok_or_else(missing("cursors"))?;
        Ok(Standing {
            scope,
            cursors: URL_SAFE_NO_PAD
                .decode(cursors)
                .map_err(|_| Problem::parameter("cursors", "is not in URL-safe base64 without padding."))?,
            verdicts_upto: number("verdicts", given.verdicts.as_deref())?.ok_or_else(missing("verdicts"))?,
        })
    }
}

/// `GET /sync/v1/news`.
pub(super) async fn by_address(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    given: Result<Query<Given>, QueryRejection>,
    headers: HeaderMap,
) -> Result<StatusCode, ApiError> {
    let standing = Given::standing(given)?;
    let token = session::token_hash(&headers, &caller)?;
    wait(&state, &caller, Asker { token, standing }).await
}

/// `POST /sync/v1/news`, since minor 2.
pub(super) async fn by_body(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, ApiError> {
    // First of all: nothing that a stranger sent is unpacked.
    let token = session::token_hash(&headers, &caller)?;
    let body = body.map_err(|rejection| unread(&rejection, NEWS_BODY_MAX_BYTES))?;
    let standing = standing(&body).map_err(|error| {
        caller.is_refused_for(error.to_string());
        Kind::Malformed.because(format!("The request was not understood: {error}."))
    })?;
    wait(&state, &caller, Asker { token, standing }).await
}

/// The one message of a long poll's body.
fn standing(body: &[u8]) -> Result<Standing, WireError> {
    let mut frames = FrameReader::default();
    frames.push(body);
    let frame = frames.next_frame()?.ok_or(WireError::Truncated)?;
    frames.finish()?;
    Standing::from_frame(&frame)
}

/// Waits for news of one edge.
async fn wait(state: &AppState, caller: &Caller, asker: Asker) -> Result<StatusCode, ApiError> {
    let _place = state.room.poll(&state.deps)?;
    let waiting = state.db.news().waiting();
    let hold = tokio::time::sleep(HOLD);
    tokio::pin!(hold);
    let poll = waiting.arrive();
    let mut back = waiting.back(poll, &asker, state.deps.clock.now());
    loop {
        let mut seat = match back.take() {
            Some(seat) => seat,
            None => {
                let watch = waiting.watch();
                let Some(looked) = look::look(state, caller, &asker.token, &asker.standing).await? else {
                    return Ok(StatusCode::OK);
                };
                let Some(seat) = watch.sit(poll, asker.clone(), looked) else {
                    return Ok(StatusCode::NO_CONTENT);
                };
                seat
            }
        };
        tokio::select! {
            () = &mut hold => return Ok(StatusCode::NO_CONTENT),
            () = state.db.news().ended() => return Ok(StatusCode::NO_CONTENT),
            word = seat.word() => match word {
                Word::News => return Ok(StatusCode::OK),
                Word::Replaced => return Ok(StatusCode::NO_CONTENT),
                Word::Look(_) | Word::Wait => {}
            },
        }
    }
}
