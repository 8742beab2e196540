//! Every route of the box's HTTP server, in one list. What stands in [`api`] is in the API document too; beside it there are only
//! pages and what gateways call.

use crate::http::{health, hosts};
use crate::local_api::{
    adjust, cooperatives, news, orders, place, prices, products, reference, refusals, sell, status, stock,
    walk,
};
use crate::office::{change, login, page};
use crate::openapi::{self, DOCUMENT_PATH};
use crate::outbox::http as messages;
use crate::state::AppState;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use mizili_node::fallback::{no_such_method, no_such_path, panicked};
use mizili_node::problem::{Node, page as problems};
use mizili_node::{address, body, etag, patience};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// How callers show who they are.
const CREDENTIALS: &str = "Authorization, Cookie";

/// The routes for people and their programs, with their description.
pub fn api() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(openapi::base())
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(login::login))
        .routes(routes!(login::logout))
        .routes(routes!(login::session))
        .routes(routes!(change::password))
        .routes(routes!(walk::step))
        .routes(routes!(status::status))
        .routes(routes!(news::news))
        .routes(routes!(stock::list))
        .routes(routes!(adjust::adjust))
        .routes(routes!(refusals::list))
        .routes(routes!(refusals::tick))
        .routes(routes!(messages::list))
        .routes(routes!(products::list, sell::post))
        .routes(routes!(products::get, sell::change))
        .routes(routes!(orders::list, place::place))
        .routes(routes!(orders::get))
        .routes(routes!(place::cancel))
        .routes(routes!(prices::list))
        .routes(routes!(reference::list_commodities))
        .routes(routes!(reference::get_commodity))
        .routes(routes!(reference::list_units))
        .routes(routes!(reference::get_unit))
        .routes(routes!(reference::list_markets))
        .routes(routes!(reference::get_market))
        .routes(routes!(reference::priced))
        .routes(routes!(reference::list_regions))
        .routes(routes!(reference::get_region))
        .routes(routes!(cooperatives::list))
        .routes(routes!(cooperatives::get))
}

/// The local HTTP server. What gateways call is here too, unless they have a listener of their own: see [`gateways_only`].
pub fn router(state: AppState) -> Router {
    let (api, document) = api().split_for_parts();
    let document = openapi::finish(document);
    let api = api
        .route(DOCUMENT_PATH, get(move || std::future::ready(axum::Json(document.clone()))))
        .route("/api/docs/problems", get(|| std::future::ready(problems::page(Node::Edge))))
        .layer(
            ServiceBuilder::new()
                .layer(DefaultBodyLimit::max(body::BODY_MAX_BYTES))
                .layer(from_fn_with_state(CREDENTIALS, etag::layer)),
        );
    let office = api.merge(page::routes()).layer(from_fn_with_state(state.config.clone(), hosts::checked));
    let gateways = match state.config.gateway_listen {
        None => crate::gateway::routes(state.channels.clone()),
        Some(_) => Router::new(),
    };
    office
        .merge(gateways)
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method)
        // In one piece: a request copies each piece, with all that is within it.
        .layer(
            ServiceBuilder::new()
                .layer(CatchPanicLayer::custom(panicked))
                .layer(from_fn_with_state(state.config.proxies(), address::note))
                .layer(from_fn_with_state(state.patience, patience::layer)),
        )
        .with_state(state)
}

/// What the internet may reach: what gateways call, and nothing of the office.
pub fn gateways_only(state: AppState) -> Router {
    crate::gateway::routes(state.channels.clone()).fallback(|| async { StatusCode::NOT_FOUND }).layer(
        ServiceBuilder::new()
            .layer(CatchPanicLayer::custom(panicked))
            .layer(from_fn_with_state(state.patience, patience::layer)),
    )
}
