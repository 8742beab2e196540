//! The API's description (OpenAPI 3.1): made from the routes themselves, served at `/api/openapi.json`, shown at `/api/docs/`.

use crate::error::Kind;
use mizili_node::openapi::{complete, each_operation, may_answer};
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, ContactBuilder, InfoBuilder, OpenApi, OpenApiBuilder};

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
    document.paths.paths.values_mut().for_each(|item| each_operation(item, may_be_refused));
    complete(&mut document);
    document
}

fn may_be_refused(operation: &mut Operation) {
    if operation.security.as_ref().is_some_and(|security| !security.is_empty()) {
        may_answer(operation, &[Kind::Unauthorized, Kind::TokenExpired, Kind::EdgeToken]);
    }
    may_answer(operation, &[Kind::Unavailable]);
}
