//! Every route of the box's HTTP server. What stands in the list of [`crate::local_api`] is in the API document too; beside it there are
//! only pages and what gateways call.

use super::openapi;
use crate::http::hosts;
use crate::local_api::{page, routes_for};
use crate::state::AppState;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::handler::Handler;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get};
use mizili_node::etag::ETags;
use mizili_node::failures::Failures;
use mizili_node::fallback::{no_such_method, no_such_path};
use mizili_node::problem::{Node, page as problems};
use mizili_node::unharmed::Unharmed;
use mizili_node::{address, body};
use tower::ServiceBuilder;
use utoipa::Path;
use utoipa::openapi::{HttpMethod, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::{PathItemExt as _, routes};

/// How callers show who they are.
const CREDENTIALS: &str = "Authorization, Cookie";

/// Each route where its description says. The rest of the descriptions, which is a tenth of the program, does not run with it: the
/// document is made from them when it is written (see [`described`]), and is served as a file.
macro_rules! served {
    ($($module:ident::$handler:ident,)*) => {{
        let router = Router::new();
        $(let router = utoipa_axum::paste! { on::<crate::local_api::$module::[<__path_ $handler>], _, _>(router, crate::local_api::$module::$handler) };)*
        router
    }};
}

macro_rules! document {
    ($($module:ident::$handler:ident,)*) => {
        OpenApiRouter::<AppState>::with_openapi(openapi::base())$(.routes(routes!(crate::local_api::$module::$handler)))*
    };
}

/// The description of every route.
fn described() -> OpenApi {
    routes_for!(document).into_openapi()
}

/// The whole document.
pub fn document() -> OpenApi {
    openapi::finish(described())
}

/// The document as it is kept in the repository.
///
/// # Errors
/// None that a caller could act on.
pub fn document_text() -> Result<String, serde_json::Error> {
    Ok(format!("{}\n", serde_json::to_string_pretty(&document())?))
}

/// A handler at its path, for its methods.
fn on<P: Path, T: 'static, H: Handler<T, AppState>>(
    router: Router<AppState>,
    handler: H,
) -> Router<AppState> {
    let methods = P::methods();
    let at = |routes: MethodRouter<AppState>, method: &HttpMethod| {
        routes.on(method.to_method_filter(), handler.clone())
    };
    router.route(&P::path(), methods.iter().fold(MethodRouter::new(), at))
}

/// A gateway shows who it is by its path.
const FAILURES: Failures = Failures { secret_after: Some("/gateway/") };

/// The local HTTP server. What gateways call is here too, unless they have a listener of their own: see [`gateways_only`].
pub fn router(state: AppState) -> Router {
    let api = routes_for!(served)
        .route("/api/docs/problems", get(|| std::future::ready(problems::page(Node::Edge))))
        .layer(
            ServiceBuilder::new()
                .layer(DefaultBodyLimit::max(body::BODY_MAX_BYTES))
                .layer(ETags(CREDENTIALS)),
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
                .layer(FAILURES)
                .layer(Unharmed)
                .map_request(address::noted(state.config.proxies()))
                .layer(state.patience),
        )
        .with_state(state)
}

/// What the internet may reach: what gateways call, and nothing of the office.
pub fn gateways_only(state: AppState) -> Router {
    crate::gateway::routes(state.channels.clone())
        .fallback(|| async { StatusCode::NOT_FOUND })
        .layer(ServiceBuilder::new().layer(FAILURES).layer(Unharmed).layer(state.patience))
}
