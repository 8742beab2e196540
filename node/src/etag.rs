//! ETags: every JSON answer to a GET carries one, and a client that has it already gets 304 and no body, which saves data on 2G. What
//! a client does not have is packed as it likes it.
//!
//! An ETag is a hash of the answer's bytes, and names how they are packed. A handler may set a better one itself, see [`versioned`].

use crate::around::{Around, Surrounded};
use crate::body::whole;
use crate::encoding::{Encoding, LEAST_BYTES};
use crate::problem::{Kind, Problem};
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::future::Either;
use serde::Serialize;
use std::pin::Pin;
use tower::{Layer, Service};

/// Largest answer that gets an ETag, in bytes; a page of a hundred items is far below it.
const ANSWER_MAX_BYTES: usize = 8 << 20;

/// A layer that adds the ETag to JSON answers to GET and HEAD, answers 304 where the client has them already, and packs them where
/// not. It holds the headers by which callers of the node show who they are, as `Vary` lists them: an answer to one of them is for
/// nobody else.
#[derive(Clone, Copy, Debug)]
pub struct ETags(pub &'static str);

impl<S> Layer<S> for ETags {
    type Service = Surrounded<S, Self>;

    fn layer(&self, within: S) -> Self::Service {
        Surrounded::new(within, *self)
    }
}

impl<S> Around<S> for ETags
where
    S: Service<Request, Response = Response>,
    S::Future: Send + 'static,
    S::Error: 'static,
{
    type Answer = Either<S::Future, Pin<Box<dyn Future<Output = Result<Response, S::Error>> + Send>>>;

    fn answer(&self, within: &mut S, request: Request) -> Self::Answer {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return Either::Left(within.call(request));
        }
        let credentials = self.0;
        let asked = Asked {
            known: request.headers().get(header::IF_NONE_MATCH).cloned(),
            encoding: Encoding::wanted(request.headers()),
            is_private: credentials.split(", ").any(|name| request.headers().contains_key(name)),
        };
        let answer = within.call(request);
        Either::Right(Box::pin(async move {
            let response = answer.await?;
            let is_json =
                response.headers().get(header::CONTENT_TYPE).is_some_and(|v| v == "application/json");
            if response.status() != StatusCode::OK || !is_json {
                return Ok(response);
            }
            Ok(tagged(response, asked, credentials).await)
        }))
    }
}

/// What a request says of the answer's form.
struct Asked {
    known: Option<HeaderValue>,
    encoding: Option<Encoding>,
    is_private: bool,
}

async fn tagged(response: Response, asked: Asked, credentials: &'static str) -> Response {
    let (mut parts, body) = response.into_parts();
    let bytes = match whole(body, ANSWER_MAX_BYTES).await {
        Ok(bytes) => bytes,
        Err(error) => return Problem::internal(error).into_response(),
    };
    let tag = match parts.headers.get(header::ETAG) {
        Some(tag) => tag.clone(),
        None => of(&bytes),
    };
    let encoding = asked.encoding.filter(|_| bytes.len() >= LEAST_BYTES);
    let tag = encoding.map_or_else(|| tag.clone(), |encoding| encoding.tag(&tag));
    let cache = if asked.is_private { "private, no-cache" } else { "no-cache" };
    parts.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    parts.headers.insert(header::VARY, HeaderValue::from_static(credentials));
    parts.headers.append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    parts.headers.insert(header::ETAG, tag.clone());
    if asked.known.is_some_and(|known| lists(&known, &tag)) {
        parts.status = StatusCode::NOT_MODIFIED;
        parts.headers.remove(header::CONTENT_LENGTH);
        parts.headers.remove(header::CONTENT_TYPE);
        return Response::from_parts(parts, Body::empty());
    }
    let Some(encoding) = encoding else { return Response::from_parts(parts, Body::from(bytes)) };
    let packed = match encoding.pack(&bytes) {
        Ok(packed) => packed,
        Err(error) => return Problem::internal(error).into_response(),
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding.name()));
    Response::from_parts(parts, Body::from(packed))
}

/// The tag of bytes as they are.
pub fn of(bytes: &[u8]) -> HeaderValue {
    header_value(&format!("\"{}\"", short_hash(bytes)))
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
    // A header that says nothing is none.
    let given =
        headers.get(header::IF_MATCH).and_then(|given| given.to_str().ok()).unwrap_or_default().trim();
    if given.is_empty() {
        return Err(Kind::PreconditionRequired.error());
    }
    let editable = |tag: &str| tag.trim().trim_matches('"').split('-').next().unwrap_or_default().to_owned();
    let now = editable(tag);
    // A weak tag (W/"…") never matches: RFC 9110 asks for the strong comparison here.
    let matches = given
        .split(',')
        .map(str::trim)
        .any(|one| one == "*" || (one.starts_with('"') && editable(one) == now));
    if matches { Ok(()) } else { Err(Kind::PreconditionFailed.error()) }
}

/// Whether `If-None-Match` lists a tag.
pub fn lists(known: &HeaderValue, tag: &HeaderValue) -> bool {
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
    use axum::body::to_bytes;
    use axum::routing::get;
    use axum::{Json, Router};
    use tower::ServiceExt as _;

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
        for none in [HeaderMap::new(), if_match(""), if_match(" ")] {
            assert_eq!(require(&none, &edited).unwrap_err().kind(), Kind::PreconditionRequired, "{none:?}");
        }
    }

    #[tokio::test]
    async fn an_answer_is_packed_as_the_caller_likes_and_a_head_says_the_same() {
        let rows = vec!["maize at Lilongwe"; 200];
        let app = Router::new()
            .route("/rows", get(async move || Json(rows)))
            .route("/few", get(async || Json(1)))
            .layer(ETags("Authorization"));
        let ask = async |method: Method, path: &str, encoding: &'static str, known: &str| {
            let request = Request::builder().method(method).uri(path);
            let request =
                request.header(header::ACCEPT_ENCODING, encoding).header(header::IF_NONE_MATCH, known);
            let response = app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
            let (parts, body) = response.into_parts();
            (parts, to_bytes(body, 100_000).await.unwrap())
        };
        let (plain, rows) = ask(Method::GET, "/rows", "identity", "").await;
        let vary: Vec<_> = plain.headers.get_all(header::VARY).iter().collect();
        assert_eq!(vary, ["Authorization", "Accept-Encoding"]);
        assert!(!plain.headers.contains_key(header::CONTENT_ENCODING) && rows.len() > 3_000);
        for encoding in ["gzip", "br", "zstd"] {
            let (packed, bytes) = ask(Method::GET, "/rows", encoding, "").await;
            assert_eq!(packed.headers[header::CONTENT_ENCODING], encoding);
            assert!(bytes.len() < 200, "{encoding}: {}", bytes.len());
            let tag = packed.headers[header::ETAG].to_str().unwrap().to_owned();
            assert_ne!(plain.headers[header::ETAG], tag);
            let (head, nothing) = ask(Method::HEAD, "/rows", encoding, "").await;
            assert_eq!((&head.headers[header::ETAG], nothing.len()), (&packed.headers[header::ETAG], 0));
            assert_eq!(head.headers[header::CONTENT_LENGTH], bytes.len().to_string());
            for method in [Method::GET, Method::HEAD] {
                let (again, nothing) = ask(method, "/rows", encoding, &tag).await;
                assert_eq!((again.status, nothing.len()), (StatusCode::NOT_MODIFIED, 0));
                assert_eq!(again.headers[header::ETAG], tag);
            }
            let (other, _) = ask(Method::GET, "/rows", "identity", &tag).await;
            assert_eq!(other.status, StatusCode::OK);
        }
        let (few, one) = ask(Method::GET, "/few", "br", "").await;
        assert!(!few.headers.contains_key(header::CONTENT_ENCODING) && one.len() == 1);
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
