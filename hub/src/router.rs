//! Every route of the hub, in one list. What stands in `api` is in the API document too; nothing else is open to people.

use crate::auth::http as auth;
use crate::docs;
use crate::http::health;
use crate::market::cooperatives::http as cooperatives;
use crate::market::orders::http as orders;
use crate::market::orders::place::Placing;
use crate::market::prices::http as prices;
use crate::market::products::http as products;
use crate::market::reference::http as reference;
use crate::market::users::http as users;
use crate::openapi::{self, DOCS_PATH, DOCUMENT_PATH};
use crate::state::AppState;
use axum::extract::DefaultBodyLimit;
use axum::http::{Method, header};
use axum::response::Redirect;
use axum::routing::get;
use axum::{Extension, Router};
use mizili_node::etag::ETags;
use mizili_node::failures::Failures;
use mizili_node::fallback::{no_such_method, no_such_path};
use mizili_node::idempotency::{KEY_HEADER, REPLAY_HEADER};
use mizili_node::problem::{Node, page as problems};
use mizili_node::unharmed::Unharmed;
use mizili_node::{address, body};
use std::time::Duration;
use tower::ServiceBuilder;
use tower_http::cors::{Any, CorsLayer};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt as _};
use utoipa_axum::routes;

/// How callers show who they are.
const CREDENTIALS: &str = "Authorization";

/// How long a browser need not ask again whether it may ask: on a slow line each question is a screen's wait.
const PREFLIGHT_KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// The routes for people and their programs, with their description. Orders that wait to be placed are kept beside the one route that places
/// them: their line holds the state, which therefore cannot hold it.
fn api(placing: Placing) -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(openapi::base())
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(users::register))
        .routes(routes!(users::me))
        .routes(routes!(users::change_password))
        .routes(routes!(auth::login))
        .routes(routes!(auth::refresh))
        .routes(routes!(auth::logout))
        .routes(routes!(products::list, products::post))
        .routes(routes!(products::get, products::change))
        .routes(routes!(orders::list, orders::place).layer(Extension(placing)))
        .routes(routes!(orders::get))
        .routes(routes!(orders::cancel))
        .routes(routes!(prices::list))
        .routes(routes!(reference::list_commodities))
        .routes(routes!(reference::get_commodity))
        .routes(routes!(reference::list_units))
        .routes(routes!(reference::get_unit))
        .routes(routes!(reference::list_markets))
        .routes(routes!(reference::get_market))
        .routes(routes!(reference::list_regions))
        .routes(routes!(reference::get_region))
        .routes(routes!(cooperatives::list))
        .routes(routes!(cooperatives::get))
}

/// The whole document of what people may ask.
pub fn document() -> OpenApi {
    let (_, document) = api(Placing::new(1)).split_for_parts();
    openapi::finish(document)
}

/// The document as it is printed and kept in the repository.
///
/// # Errors
/// None that a caller could act on.
pub fn document_text() -> Result<String, serde_json::Error> {
    Ok(format!("{}\n", serde_json::to_string_pretty(&document())?))
}

/// Web apps of anybody may ask from a browser, wherever they come from: a token is sent by the app itself, never by the browser on
/// its own, so an origin proves nothing and none is refused.
fn other_origins() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST, Method::PATCH])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_MATCH,
            header::IF_NONE_MATCH,
            KEY_HEADER,
        ])
        .expose_headers([header::ETAG, header::LINK, header::LOCATION, header::RETRY_AFTER, REPLAY_HEADER])
        .max_age(PREFLIGHT_KEPT)
        .vary([])
}

/// The hub as one service: the API, its document and pages, and what edges call.
pub fn router(state: AppState) -> Router {
    let (api, document) = api(Placing::new(state.threads)).split_for_parts();
    let document = openapi::finish(document);
    let api = api
        .merge(docs::routes())
        // Whoever only knows the address is led to what can be asked here.
        .route("/", get(|| std::future::ready(Redirect::temporary(&format!("{DOCS_PATH}/")))))
        .route(DOCUMENT_PATH, get(move || std::future::ready(axum::Json(document.clone()))))
        .route(&format!("{DOCS_PATH}/problems"), get(|| std::future::ready(problems::page(Node::Hub))))
        // Before the layers: a browser's question whether it may ask is about a method that no route takes, and a web app must be able
        // to read that there is no such path.
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method)
        // In one piece: a request copies each piece, with all that is within it.
        .layer(
            ServiceBuilder::new()
                .layer(DefaultBodyLimit::max(body::BODY_MAX_BYTES))
                .layer(other_origins())
                .layer(state.limits.people)
                .layer(ETags(CREDENTIALS)),
        );
    api.merge(crate::sync::routes(state.limits))
        .method_not_allowed_fallback(no_such_method)
        .layer(
            ServiceBuilder::new()
                .layer(Failures { secret_after: None })
                .layer(Unharmed)
                .map_request(address::noted(state.proxies.clone())),
        )
        .with_state(state)
}
