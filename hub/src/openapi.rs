//! The API's description (OpenAPI 3.1): made from the routes themselves, served at `/api/openapi.json`, shown at `/api/docs/`
//! by pages that are part of the program and need no other network.

use crate::error::Kind;
use axum::Router;
use axum::body::to_bytes;
use axum::http::{self, header};
use axum::middleware::map_response;
use axum::response::{self, IntoResponse as _};
use mizili_node::openapi::{complete, may_answer};
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, ContactBuilder, InfoBuilder, OpenApi, OpenApiBuilder};
use utoipa_swagger_ui::{Config, SwaggerUi};

/// Where the document is.
pub const DOCUMENT_PATH: &str = "/api/openapi.json";
/// Where the pages are.
pub const DOCS_PATH: &str = "/api/docs";

const DESCRIPTION: &str = "\
Products, orders and market prices of farmers' cooperatives, also of those that are cut off: what their offices do offline \
arrives here when the line is back.

* **Log in** with a phone number and a password at `/api/v1/auth/login`; send `Authorization: Bearer TOKEN`.
* **Money** is `{\"amount\": minor units, \"currency\": ISO 4217}`; a **quantity** is a decimal string; a **time** is RFC 3339, UTC.
* **Lists** come in pages: follow `next`. A parameter that is not known is an error.
* **Problems** are `application/problem+json`; all codes are on [one page](/api/docs/problems).
* **Retries** of a write are safe with an `Idempotency-Key`. **ETags**: send one back in `If-None-Match` and get 304 with no body.
* Within `/api/v1` nothing is taken away or renamed; new fields and parameters may come.

Market prices: *Source: WFP via HDX* (CC BY-IGO).";

/// The document before the routes are in it.
pub(crate) fn base() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Mizili hub")
        .version("1")
        .description(Some(DESCRIPTION))
        .contact(Some(ContactBuilder::new().name(Some("The operator of this hub")).build()))
        .build();
    OpenApiBuilder::new().info(info).components(Some(Components::new())).build()
}

/// Adds what the routes do not say themselves: how to send a token, and what every route may answer.
pub(crate) fn finish(mut document: OpenApi) -> OpenApi {
    let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
    let components = document.components.get_or_insert_with(Components::new);
    components.add_security_scheme("token", SecurityScheme::Http(token));
    for item in document.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
        operations.into_iter().flatten().for_each(may_be_refused);
    }
    complete(&mut document);
    document
}

fn may_be_refused(operation: &mut Operation) {
    if operation.security.as_ref().is_some_and(|security| !security.is_empty()) {
        may_answer(operation, &[Kind::Unauthorized, Kind::TokenExpired, Kind::EdgeToken]);
    }
    may_answer(operation, &[Kind::Unavailable]);
}

/// The whole document.
pub fn document() -> OpenApi {
    let (_, document) = crate::router::api().split_for_parts();
    finish(document)
}

/// The document as it is printed and kept in the repository.
///
/// # Errors
/// None that a caller could act on.
pub fn document_text() -> Result<String, serde_json::Error> {
    Ok(format!("{}\n", serde_json::to_string_pretty(&document())?))
}

/// The pages. They ask no other server for anything, not even whether the document is valid.
pub(crate) fn docs<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let config = Config::from(DOCUMENT_PATH)
        .try_it_out_enabled(true)
        .persist_authorization(true)
        .validator_url("none");
    Router::from(SwaggerUi::new(DOCS_PATH).config(config)).layer(map_response(fit_phones))
}

/// The page as it comes does not tell a phone to show it at the phone's own width.
const VIEWPORT: &str = "<head>\n    <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">";
/// The page itself has less than one kilobyte.
const PAGE_BYTES_MAX: usize = 64 * 1024;

async fn fit_phones(response: response::Response) -> response::Response {
    if response.status() == http::StatusCode::NOT_FOUND {
        return Kind::NotFound
            .because("There is no such page. See /api/docs/ and /api/docs/problems.")
            .into_response();
    }
    let is_page = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "text/html");
    if !is_page || response.headers().contains_key(header::CONTENT_ENCODING) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    match to_bytes(body, PAGE_BYTES_MAX).await {
        Ok(page) => {
            parts.headers.remove(header::CONTENT_LENGTH);
            let page = String::from_utf8_lossy(&page).replacen("<head>", VIEWPORT, 1);
            response::Response::from_parts(parts, page.into())
        }
        Err(_) => http::StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{Request, StatusCode};
    use tower::ServiceExt as _;

    #[tokio::test]
    async fn the_page_fits_a_phone_and_its_files_are_left_alone() {
        let get = async |path: &str| {
            let request = Request::get(path).body(axum::body::Body::empty()).unwrap();
            let response = docs::<()>().oneshot(request).await.unwrap();
            assert_eq!(response.status(), StatusCode::OK, "{path}");
            to_bytes(response.into_body(), usize::MAX).await.unwrap()
        };
        for path in ["/api/docs/", "/api/docs/index.html"] {
            let page = String::from_utf8(get(path).await.to_vec()).unwrap();
            assert_eq!(page.matches(VIEWPORT).count(), 1, "{page}");
            assert!(page.contains("</html>"), "{page}");
        }
        assert!(get("/api/docs/swagger-ui-bundle.js").await.len() > PAGE_BYTES_MAX);
    }
}
