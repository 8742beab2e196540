//! ETags: every JSON answer to a GET carries one, and a client that has it already gets 304 and no body, which saves data on 2G.
//!
//! An ETag is a hash of the answer's bytes. A handler may set a better one itself, see [`versioned`].

use crate::problem::{Kind, Problem};
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// Largest answer that gets an ETag, in bytes; a page of a hundred items is far below it.
const ANSWER_MAX_BYTES: usize = 8 << 20;

/// A layer that adds the ETag to JSON answers to GET, and answers 304 where the client has them already. `credentials` are the
/// headers by which callers of the node show who they are, as `Vary` lists them: an answer to one of them is for nobody else.
pub async fn layer(State(credentials): State<&'static str>, request: Request, next: Next) -> Response {
    if request.method() != Method::GET {
        return next.run(request).await;
    }
    let known = request.headers().get(header::IF_NONE_MATCH).cloned();
    let private = credentials.split(", ").any(|name| request.headers().contains_key(name));
    let response = next.run(request).await;
    let is_json = response.headers().get(header::CONTENT_TYPE).is_some_and(|v| v == "application/json");
    if response.status() != StatusCode::OK || !is_json {
        return response;
    }
    tagged(response, known.as_ref(), private, credentials).await
}

async fn tagged(
    response: Response,
    known: Option<&HeaderValue>,
    private: bool,
    credentials: &'static str,
) -> Response {
    let (mut parts, body) = response.into_parts();
    let bytes = match to_bytes(body, ANSWER_MAX_BYTES).await {
        Ok(bytes) => bytes,
        Err(error) => return Problem::internal(error).into_response(),
    };
    let tag = match parts.headers.get(header::ETAG) {
        Some(tag) => tag.clone(),
        None => header_value(&format!("\"{}\"", short_hash(&bytes))),
    };
    let cache = if private { "private, no-cache" } else { "no-cache" };
    parts.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    parts.headers.insert(header::VARY, HeaderValue::from_static(credentials));
    parts.headers.insert(header::ETAG, tag.clone());
    if known.is_some_and(|known| lists(known, &tag)) {
        parts.status = StatusCode::NOT_MODIFIED;
        parts.headers.remove(header::CONTENT_LENGTH);
        parts.headers.remove(header::CONTENT_TYPE);
        return Response::from_parts(parts, Body::empty());
    }
    Response::from_parts(parts, Body::from(bytes))
}

/// An ETag of two parts for a thing of which only some can be edited: a hash of what an edit may change, and a hash of all. The
/// whole tag tells whether a copy is fresh; [`require`] compares the first part alone, so that a sale, which changes what is
/// left, does not refuse a change of the price.
pub fn versioned<E: Serialize, A: Serialize>(editable: &E, all: &A) -> String {
    format!("\"{}-{}\"", json_hash(editable), json_hash(all))
}

/// Checks `If-Match` against the thing as it is now.
///
/// # Errors
/// 428 without the header, 412 when what may be edited has changed since.
pub fn require(headers: &HeaderMap, tag: &str) -> Result<(), Problem> {
    let given = headers.get(header::IF_MATCH).ok_or_else(|| Kind::PreconditionRequired.error())?;
    let given = given.to_str().unwrap_or_default();
    let editable = |tag: &str| tag.trim().trim_matches('"').split('-').next().unwrap_or_default().to_owned();
    let now = editable(tag);
    // A weak tag (W/"…") never matches: RFC 9110 asks for the strong comparison here.
    let matches = given
        .split(',')
        .map(str::trim)
        .any(|one| one == "*" || (one.starts_with('"') && editable(one) == now));
    if matches { Ok(()) } else { Err(Kind::PreconditionFailed.error()) }
}

fn lists(known: &HeaderValue, tag: &HeaderValue) -> bool {
    let (Ok(known), Ok(tag)) = (known.to_str(), tag.to_str()) else { return false };
    known.split(',').map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}

/// A header value for a tag, which is ASCII.
pub fn header_value(tag: &str) -> HeaderValue {
    HeaderValue::from_str(tag).unwrap_or(HeaderValue::from_static("\"\""))
}

fn json_hash<T: Serialize>(value: &T) -> String {
    short_hash(&serde_json::to_vec(value).unwrap_or_default())
}

fn short_hash(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex()[..16].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn if_match(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::IF_MATCH, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn an_edit_is_refused_only_when_what_it_edits_has_changed() {
        let read = versioned(&"price 5", &"price 5, 10 left");
        let sold = versioned(&"price 5", &"price 5, 9 left");
        let edited = versioned(&"price 6", &"price 6, 10 left");
        assert_ne!(read, sold);
        require(&if_match(&read), &sold).unwrap();
        require(&if_match("*"), &sold).unwrap();
        require(&if_match(&format!("\"x\", {read}")), &sold).unwrap();
        assert_eq!(require(&if_match(&read), &edited).unwrap_err().kind(), Kind::PreconditionFailed);
        assert_eq!(
            require(&if_match(&format!("W/{read}")), &read).unwrap_err().kind(),
            Kind::PreconditionFailed
        );
        assert_eq!(require(&HeaderMap::new(), &edited).unwrap_err().kind(), Kind::PreconditionRequired);
    }

    #[test]
    fn a_list_of_tags_is_searched() {
        let tag = HeaderValue::from_static("\"a\"");
        for (known, expected) in [
            ("\"a\"", true),
            ("W/\"a\"", true),
            ("\"b\", \"a\"", true),
            ("*", true),
            ("\"b\"", false),
            ("a", false),
        ] {
            assert_eq!(lists(&HeaderValue::from_static(known), &tag), expected, "{known}");
        }
    }
}
