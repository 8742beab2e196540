//! The long poll: answers at once when something waits for the edge, else when something moves, else after a while with 204.

use super::refusals::Caller;
use super::{scope, session, store};
use crate::error::{ApiError, Kind, Problem};
use crate::feed::read;
use crate::state::AppState;
use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mizili_node::query::number;
use serde::Deserialize;
use std::time::Duration;
use sync_protocol::wire::message::{cursors_from_bytes, scope_hash};

/// How long a poll is held. Below the minute after which proxies and mobile networks drop silent connections.
const HOLD: Duration = Duration::from_secs(25);
/// Waiters also look this often: a hint may be lost.
const LOOK: Duration = Duration::from_secs(4);

/// Where the edge stands, as it is sent. What a newer edge says beyond it is not an error, unlike in the API for people.
#[derive(Default, Deserialize)]
pub(super) struct Given {
    scope: Option<String>,
    cursors: Option<String>,
    verdicts: Option<String>,
}

/// Where the edge stands.
struct Standing {
    scope: u32,
    cursors: String,
    verdicts: u64,
}

impl Standing {
    fn of(given: Result<Query<Given>, QueryRejection>) -> Result<Self, Problem> {
        let Query(given) = given.map_err(|rejection| {
            Kind::InvalidParameter
                .because("What stands after the `?` cannot be read: give `scope`, `cursors` and `verdicts` once each.")
                .caused_by(rejection)
        })?;
        let missing = |name| move || Problem::parameter(name, "is missing.");
        Ok(Self {
            scope: number("scope", given.scope.as_deref())?.ok_or_else(missing("scope"))?,
            cursors: given.cursors.ok_or_else(missing("cursors"))?,
            verdicts: number("verdicts", given.verdicts.as_deref())?.ok_or_else(missing("verdicts"))?,
        })
    }
}

/// `GET /sync/v1/news`.
pub(super) async fn news(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    given: Result<Query<Given>, QueryRejection>,
    headers: HeaderMap,
) -> Result<StatusCode, ApiError> {
    let standing = Standing::of(given)?;
    let mut moved = state.news.subscribe();
    let hold = tokio::time::sleep(HOLD);
    tokio::pin!(hold);
    loop {
        moved.mark_unchanged();
        if has_news(&state, &caller, &headers, &standing).await? {
            return Ok(StatusCode::OK);
        }
        tokio::select! {
            () = &mut hold => return Ok(StatusCode::NO_CONTENT),
            () = state.news.ended() => return Ok(StatusCode::NO_CONTENT),
            _ = tokio::time::timeout(LOOK, moved.changed()) => {}
        }
    }
}

/// Looks once. The session is checked each time, so that a revoked edge does not hold on.
async fn has_news(
    state: &AppState,
    caller: &Caller,
    headers: &HeaderMap,
    standing: &Standing,
) -> Result<bool, ApiError> {
    let mut tx = state.db.begin().await?;
    let edge = session::authenticate(&mut tx, headers, caller, state.deps.clock.now()).await?;
    let scope = scope::scope(&mut tx, &edge).await?;
    if scope_hash(&scope) != standing.scope {
        return Ok(true);
    }
    let cursors = URL_SAFE_NO_PAD
        .decode(&standing.cursors)
        .ok()
        .and_then(|bytes| cursors_from_bytes(&bytes, &scope).ok());
    let cursors = cursors.ok_or_else(|| Kind::Malformed.because("The cursors do not fit the scope."))?;
    let heads = read::heads(&mut tx, &scope).await?;
    let behind = cursors
        .iter()
        .any(|c| heads.get(&c.bucket).is_some_and(|head| head.version > c.upto) || !c.is_whole());
    Ok(behind || store::last_verdict(&mut tx, edge.id, edge.incarnation).await? > standing.verdicts)
}
