//! The description of the office's API (OpenAPI 3.1): made from the routes themselves, kept as `edge/openapi.json`, which a test holds
//! true, served from there at `/api/openapi.json` and shown at `/api/docs/`. Shapes that the hub has too are the same ones. No box makes
//! it while it runs.

use crate::http::problem::Kind;
use mizili_node::openapi::{complete, may_answer};
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, ContactBuilder, InfoBuilder, OpenApi, OpenApiBuilder};

const DESCRIPTION: &str = "\
The office of a farmers' cooperative, answered from this box alone: it works without a line, and what is done here reaches the hub \
when the line is back.

* Products, orders and market prices have **the same paths and shapes as at the hub**, so that one client talks to either.
* **Sign in** at `/api/v1/office/login` with the office password; send `Authorization: Bearer TOKEN`. Tokens of the hub do not work here. \
The market can be read without.
* An order that is `confirmed` is sold; one that is `asked` is not: the hub has yet to answer. What the hub refused stands in \
`/api/v1/office/refusals`.
* What was answered with success **is on disk**. What the disk did not take is answered with 507 and was *not* taken.
* **Money** is `{\"amount\": minor units, \"currency\": ISO 4217}`; a **quantity** is a decimal string; a **time** is RFC 3339, UTC.
* **Lists** come in pages: follow `next`. A parameter that is not known is an error.
* **Problems** are `application/problem+json`; all codes are on [one page](/api/docs/problems).
* **Retries** of a write are safe with an `Idempotency-Key`. **ETags**: send one back in `If-None-Match` and get 304 with no body.

Market prices: *Source: WFP via HDX* (CC BY-IGO).";

/// The document before the routes are in it.
pub(crate) fn base() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Mizili office")
        .version("1")
        .description(Some(DESCRIPTION))
        .contact(Some(ContactBuilder::new().name(Some("The cooperative whose office it is")).build()))
        .build();
    OpenApiBuilder::new().info(info).components(Some(Components::new())).build()
}

/// Adds what the routes do not say themselves.
pub(crate) fn finish(mut document: OpenApi) -> OpenApi {
    let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    let cookie = ApiKey::Cookie(ApiKeyValue::new(crate::local_api::COOKIE));
    let components = document.components.get_or_insert_with(Components::new);
    components.add_security_scheme("office", SecurityScheme::Http(token));
    components.add_security_scheme("cookie", SecurityScheme::ApiKey(cookie));
    for item in document.paths.paths.values_mut() {
        let is_write = |operation: &mut Operation| may_be_refused(operation, true);
        [&mut item.post, &mut item.put, &mut item.patch].into_iter().flatten().for_each(is_write);
        item.get.iter_mut().for_each(|operation| may_be_refused(operation, false));
    }
    complete(&mut document);
    document
}

/// What any route of the office may answer with.
fn may_be_refused(operation: &mut Operation, is_write: bool) {
    let has_session = operation.security.as_ref().is_some_and(|security| !security.is_empty());
    if has_session {
        may_answer(operation, &[Kind::Unauthorized, Kind::HubToken]);
    }
    if has_session && is_write {
        may_answer(operation, &[Kind::CrossSite]);
    }
    may_answer(operation, &[Kind::OtherHost, Kind::Busy, Kind::NotEnrolled]);
}
