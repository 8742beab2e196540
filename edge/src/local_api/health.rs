//! Says whether the box runs, and whether it can serve.

use crate::http::problem::{ApiError, Kind};
use crate::node;
use crate::state::AppState;
use axum::Json;
use axum::extract::State;
use mizili_node::health::Health;
use mizili_node::query::{NoParams, Params};

/// Whether the box runs
///
/// Answers as long as the program does, also while its disk is full.
#[utoipa::path(get, path = "/healthz", tag = "Health", responses((status = 200, body = Health)))]
pub async fn healthz(_: Params<NoParams>) -> Json<Health> {
    Health::ok()
}

/// Whether the box can serve
///
/// 200 when it belongs to an office and its database can be read, with or without a line; else 503 with the reason.
#[utoipa::path(get, path = "/readyz", tag = "Health", responses((status = 200, body = Health)))]
pub async fn readyz(State(state): State<AppState>, _: Params<NoParams>) -> Result<Json<Health>, ApiError> {
    match state.db.read(node::identity).await? {
        Some(_) => Ok(Health::ok()),
        None => Err(Kind::NotEnrolled.error()),
    }
}
