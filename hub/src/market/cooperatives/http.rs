//! The routes of cooperatives.

use super::app;
use crate::error::ApiError;
use crate::state::AppState;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use mizili_node::api::Page;
use mizili_node::id::PathId;
use mizili_node::market::cooperatives::Cooperative;
use mizili_node::market::reference::PlaceQuery;
use mizili_node::query::{NoParams, Params};

/// List cooperatives
#[utoipa::path(get, path = "/api/v1/cooperatives", operation_id = "list_cooperatives", tag = "Cooperatives", params(PlaceQuery), responses((status = 200, body = Page<Cooperative>)))]
pub async fn list(State(state): State<AppState>, query: Params<PlaceQuery>) -> Result<Response, ApiError> {
    let (filter, slice) = query.given.read("hub.cooperatives")?;
    Ok(app::list(&state, filter, &slice).await?.respond(&query.address))
}

/// See a cooperative
#[utoipa::path(get, path = "/api/v1/cooperatives/{id}", operation_id = "get_cooperative", tag = "Cooperatives", params(("id" = i32, Path, description = "The cooperative.")),
    responses((status = 200, body = Cooperative)))]
pub async fn get(
    State(state): State<AppState>,
    PathId(id): PathId<i32>,
    _: Params<NoParams>,
) -> Result<Json<Cooperative>, ApiError> {
    app::get(&state, id).await.map(Json)
}
