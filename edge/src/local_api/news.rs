//! Tells a page that something changed: the hub sent something, or somebody did something here. It says that, not what.

use crate::http::problem::ApiError;
use crate::local_api::Caller;
use crate::state::AppState;
use axum::Json;
use axum::extract::State;
use mizili_node::query::{self, Params};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::{IntoParams, ToSchema};

/// How long a request waits for news. Short, because a box that is told to stop waits for it.
const HOLD: Duration = Duration::from_secs(5);

/// After which state.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct NewsQuery {
    /// `state` of the answer before; left out, the answer comes at once.
    after: Option<String>,
}

/// Where things stand, as a text that only says whether something changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OfficeNews {
    /// Send it as `after` to wait for the next change.
    pub state: String,
}

/// Wait for news
///
/// Answers when something changed after a state, or after a few seconds with the same state. A request with the header
/// `x-mizili-passive: 1` does not count as use of the session.
#[utoipa::path(get, path = "/api/v1/office/news", operation_id = "wait_for_news", tag = "Office", security(("office" = []), ("cookie" = [])), params(NewsQuery),
    responses((status = 200, body = OfficeNews)))]
pub async fn news(
    State(state): State<AppState>,
    _: Caller,
    query: Params<NewsQuery>,
) -> Result<Json<OfficeNews>, ApiError> {
    let after = query::text("after", query.given.after.as_deref())?;
    let (mut from_hub, mut from_here) = (state.sync.changed(), state.db.watch_highest_seq());
    // A state of an earlier run of the program is never the same as one of this run.
    let run = state.staff.sessions.run().to_owned();
    let now = move |hub: u64, here: u64| format!("{run}.{hub}.{here}");
    let seen = now(*from_hub.borrow_and_update(), *from_here.borrow_and_update());
    if after.as_deref() != Some(seen.as_str()) {
        return Ok(Json(OfficeNews { state: seen }));
    }
    // Without a sync loop its side never changes; the other one is heard all the same.
    let changed = async {
        tokio::select! {
            Ok(()) = from_hub.changed() => {}
            Ok(()) = from_here.changed() => {}
            else => std::future::pending().await,
        }
    };
    // The end of the wait is no failure: the page asks again.
    let _ = tokio::time::timeout(HOLD, changed).await;
    let (hub, here) = (*state.sync.changed().borrow(), *state.db.watch_highest_seq().borrow());
    Ok(Json(OfficeNews { state: now(hub, here) }))
}
