//! The headers of answers in an API's description: which status comes with which, on every route of both nodes.

use super::KEY_PARAMETER;
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::path::{Operation, Parameter};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Response};

/// Adds to each answer of a route the headers that it comes with.
pub(super) fn complete(operation: &mut Operation) {
    let parameters = operation.parameters.as_deref().unwrap_or_default();
    let has = |wanted: &str| {
        parameters
            .iter()
            .any(|parameter| matches!(parameter, RefOr::T(Parameter { name, .. }) if name == wanted))
    };
    let (is_list, may_repeat) = (has("cursor"), has(KEY_PARAMETER));
    for (status, answer) in &mut operation.responses.responses {
        let RefOr::T(answer) = answer else { continue };
        match status.as_str() {
            "200" if answer.content.contains_key("application/json") => {
                add(
                    answer,
                    "ETag",
                    text(
                        "Of what is shown: send it back in `If-None-Match`, or in `If-Match` with a change.",
                    ),
                );
                if is_list {
                    add(answer, "Link", text("The next page, as in the body: `<…>; rel=\"next\"`."));
                }
            }
            "201" => add(answer, "Location", text("Where it is now.")),
            "304" => add(answer, "ETag", text("The same as in `If-None-Match`.")),
            "401" => add(answer, "WWW-Authenticate", text("How to sign in: `Bearer`.")),
            "429" | "503" => {
                add(answer, "Retry-After", seconds("Seconds after which it is worth another try."))
            }
            _ => {}
        }
        if may_repeat && matches!(status.as_str(), "200" | "201" | "404" | "409") {
            add(
                answer,
                "Idempotent-Replay",
                text("`true` where the request came before and this is the first answer to it."),
            );
        }
    }
}

fn add(answer: &mut Response, name: &str, header: Header) {
    answer.headers.entry(name.to_owned()).or_insert_with(|| header.into());
}

fn text(words: &str) -> Header {
    HeaderBuilder::new()
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .description(Some(words))
        .build()
}

fn seconds(words: &str) -> Header {
    let schema = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1));
    HeaderBuilder::new().schema(Some(schema)).description(Some(words)).build()
}
