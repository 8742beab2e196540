//! The routes of orders.

use super::app;
use super::place::{self, Placing};
use crate::auth::Caller;
use crate::error::ApiError;
use crate::http::idempotency::Attempt;
use crate::state::AppState;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::{Extension, Json};
use mizili_node::api::Page;
use mizili_node::body::Body;
use mizili_node::id::PathId;
use mizili_node::market::orders::{NewOrder, Order, OrderQuery};
use mizili_node::openapi::answers::{NotFound, TooLate};
use mizili_node::query::{NoParams, Params};
use sync_protocol::market::OrderStatus;
use uuid::Uuid;

/// The words of a status.
const STATUSES: &str = "asked, confirmed, short, cancelled or fulfilled";

/// Place an order
///
/// Asks for units that the hub holds, and is confirmed or refused at once. Send an `Idempotency-Key` of your own and, when no
/// answer came, send the same request again: it is done once, and the first answer comes again, with `Idempotent-Replay: true`.
#[utoipa::path(post, path = "/api/v1/orders", operation_id = "place_order", tag = "Orders", security(("token" = [])), request_body = NewOrder,
    params(("Idempotency-Key" = String, Header, description = "A text of your own, such as a UUID, the same on every retry.")),
    responses((status = 201, body = Order), NotFound,
        (status = 403, description = "`unconfirmed`: the account reserved all that it may until its number is confirmed"),
        (status = 409, description = "`not_enough` (with `available`), `price_changed` (with `unit_price`), `withdrawn`")))]
pub async fn place(
    State(state): State<AppState>,
    Extension(placing): Extension<Placing>,
    caller: Caller,
    _: Params<NoParams>,
    headers: HeaderMap,
    Body(new): Body<NewOrder>,
) -> Result<Response, ApiError> {
    let attempt = Attempt::read(&headers, "POST /api/v1/orders", caller.id, &new)?;
    Ok(place::place(&state, &placing, caller, attempt, new).await?.respond("/api/v1/orders"))
}

/// List orders
///
/// Your own; for a clerk also the cooperative's; for an admin all. Newest first.
#[utoipa::path(get, path = "/api/v1/orders", operation_id = "list_orders", tag = "Orders", security(("token" = [])), params(OrderQuery),
    responses((status = 200, body = Page<Order>)))]
pub async fn list(
    State(state): State<AppState>,
    caller: Caller,
    query: Params<OrderQuery>,
) -> Result<Response, ApiError> {
    let (filter, slice) = query.given.read("hub.orders", OrderStatus::parse, STATUSES)?;
    let page = app::list(&state, &caller, &filter, &slice).await?;
    Ok(page.respond(&query.address))
}

/// See an order
#[utoipa::path(get, path = "/api/v1/orders/{id}", operation_id = "get_order", tag = "Orders", security(("token" = [])),
    params(("id" = Uuid, Path, description = "The order.")),
    responses((status = 200, body = Order)))]
pub async fn get(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<Uuid>,
    _: Params<NoParams>,
) -> Result<Json<Order>, ApiError> {
    app::get(&state, &caller, id).await.map(Json)
}

/// Cancel an order
///
/// Its units go back to whoever sold them. Cancelling twice does no harm.
#[utoipa::path(post, path = "/api/v1/orders/{id}/cancel", operation_id = "cancel_order", tag = "Orders", security(("token" = [])),
    params(("id" = Uuid, Path, description = "The order.")),
    responses((status = 200, body = Order), TooLate))]
pub async fn cancel(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<Uuid>,
    _: Params<NoParams>,
) -> Result<Json<Order>, ApiError> {
    app::cancel(&state, &caller, id).await.map(Json)
}
