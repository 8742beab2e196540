//! Reads a JSON body. What is wrong with it comes back as a problem that points at every field, not as the parser's words.

use crate::api::FieldProblem;
use crate::patience::is_too_slow;
use crate::problem::{Kind, Problem, field};
use axum::body::{Body as RawBody, to_bytes};
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use http_body::Body as _;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::future::poll_fn;
use std::pin::Pin;
use utoipa::PartialSchema;
use utoipa::openapi::{RefOr, Schema};

/// Largest body of a REST request, in bytes; the bodies of this API are a few hundred.
pub const BODY_MAX_BYTES: usize = 64 << 10;

/// Most fields that one answer complains about: what is sent must not make the answer grow without end.
const ERRORS_MAX: usize = 20;

/// A JSON body as a `T`.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + PartialSchema> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Kind::UnsupportedMediaType.error());
        }
        let bytes = Bytes::from_request(request, state).await;
        let bytes = bytes.map_err(|rejection| unread(&rejection, BODY_MAX_BYTES))?;
        parse(&bytes).map(Self)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// The body is longer than it may be.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the body is too long")]
struct TooLong;

/// All of a body of any kind, of at most so many bytes. Most come in one piece, which is taken as it is.
///
/// # Errors
/// When it is longer, does not come whole, or comes too slowly: see [`is_too_slow`].
pub async fn whole(mut body: RawBody, max_bytes: usize) -> Result<Bytes, axum::Error> {
    let first = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await.transpose()?;
    let first = first.and_then(|frame| frame.into_data().ok()).unwrap_or_default();
    let rest_max = max_bytes.checked_sub(first.len()).ok_or_else(|| axum::Error::new(TooLong))?;
    if body.is_end_stream() {
        return Ok(first);
    }
    let rest = to_bytes(body, rest_max).await?;
    Ok(if rest.is_empty() { first } else { [first, rest].concat().into() })
}

/// Why a body of any kind was not read, where it may have so many bytes.
pub fn unread(rejection: &BytesRejection, max_bytes: usize) -> Problem {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return Kind::TooLarge.because(format!("The body may have at most {max_bytes} bytes."));
    }
    if is_too_slow(rejection) {
        return Kind::TooSlow.error();
    }
    Kind::Truncated.because("The request body did not arrive whole. Send it again.")
}

/// Reads a body.
///
/// # Errors
/// 400 when it is not JSON, 422 with pointers when it does not fit.
pub fn parse<T: DeserializeOwned + PartialSchema>(bytes: &[u8]) -> Result<T, Problem> {
    let mut value: Value = serde_json::from_slice(bytes).map_err(|error| not_json(bytes, &error))?;
    if !value.is_object() {
        return Err(Problem::invalid("", "The body must be a JSON object, such as {\"name\": \"value\"}."));
    }
    let mut wrong: Vec<FieldProblem> = Vec::new();
    loop {
        let problem = match serde_path_to_error::deserialize::<_, T>(&value) {
            Ok(body) if wrong.is_empty() => return Ok(body),
            Ok(_) => break,
            Err(error) => problem_of(error.path(), &error.inner().to_string()),
        };
        // A field that was taken out because it is wrong is not missing: what holds it goes, too.
        let pointer = problem.pointer.clone();
        let is_known = wrong.iter().any(|w| is_within(&w.pointer, &pointer));
        if !is_known {
            wrong.push(problem);
        }
        // Taken out, so that the next round sees what else is wrong.
        let is_taken = take_out(&mut value, &pointer)
            || pointer.rsplit_once('/').is_some_and(|(holder, _)| take_out(&mut value, holder));
        if !is_taken || wrong.len() >= ERRORS_MAX {
            break;
        }
    }
    // The reader stops at the first field that is missing; the API's own description names them all.
    for name in required::<T>() {
        let mut pointer = String::new();
        push(&mut pointer, &name);
        let is_told = wrong.iter().any(|w| is_within(&w.pointer, &pointer));
        if value.get(&name).is_none() && !is_told && wrong.len() < ERRORS_MAX {
            wrong.push(field(&pointer, "Is missing."));
        }
    }
    Err(Problem::fields(wrong))
}

/// Whether a pointer is another or points into it.
fn is_within(pointer: &str, holder: &str) -> bool {
    pointer.strip_prefix(holder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Removes what a pointer points at. False when there is nothing.
fn take_out(value: &mut Value, pointer: &str) -> bool {
    let Some((holder, name)) = pointer.rsplit_once('/') else { return false };
    let name = name.replace("~1", "/").replace("~0", "~");
    match value.pointer_mut(holder) {
        Some(Value::Object(object)) => object.remove(&name).is_some(),
        _ => false,
    }
}

/// The fields that a body must have.
fn required<T: PartialSchema>() -> Vec<String> {
    match T::schema() {
        RefOr::T(Schema::Object(object)) => object.required,
        _ => Vec::new(),
    }
}

fn not_json(bytes: &[u8], error: &serde_json::Error) -> Problem {
    if bytes.is_empty() {
        return Kind::MalformedJson.because("The body is empty. Send a JSON object.");
    }
    Kind::MalformedJson.because(format!(
        "The body is not JSON: see line {}, column {}.",
        error.line(),
        error.column()
    ))
}

/// What serde says, as a pointer and a plain sentence.
fn problem_of(path: &serde_path_to_error::Path, message: &str) -> FieldProblem {
    let mut pointer = String::new();
    for segment in path.iter() {
        use serde_path_to_error::Segment;
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } => push(&mut pointer, key),
            Segment::Enum { variant } => push(&mut pointer, variant),
            Segment::Unknown => {}
        }
    }
    let quoted = message.split('`').nth(1).unwrap_or_default();
    if message.starts_with("missing field") {
        push(&mut pointer, quoted);
        return field(&pointer, "Is missing.");
    }
    if message.starts_with("unknown field") {
        let end: String = format!("/{}", escape(quoted));
        if !pointer.ends_with(&end) {
            pointer.push_str(&end);
        }
        let known: Vec<&str> = message.split('`').skip(3).step_by(2).collect();
        return field(&pointer, format!("There is no such field. There are: {}.", known.join(", ")));
    }
    field(&pointer, plain(message))
}

fn plain(message: &str) -> String {
    let expected = message.rsplit_once("expected ").map(|(_, expected)| expected).unwrap_or_default();
    match expected {
        "i64" | "u32" | "u64" | "i32" | "u16" | "u8" if message.starts_with("invalid type: floating") => {
            "Must be a whole number, without a decimal point, and not too large.".to_owned()
        }
        "u32" | "u64" | "u16" | "u8" => {
            "Must be a whole number, not less than zero and not too large.".to_owned()
        }
        "i64" | "i32" => "Must be a whole number, and not too large.".to_owned(),
        "a string" => "Must be a text in quotes.".to_owned(),
        "a boolean" => "Must be true or false.".to_owned(),
        "a UUID string" => {
            "Must be an id such as 018f3e6a-7c1b-7d2a-9e30-5a6b7c8d9e0f, in quotes.".to_owned()
        }
        other if other.starts_with("struct ") => "Must be a JSON object.".to_owned(),
        _ if message.starts_with("UUID parsing failed") => {
            "Must be an id such as 018f3e6a-7c1b-7d2a-9e30-5a6b7c8d9e0f.".to_owned()
        }
        _ => sentence(message),
    }
}

fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    let first: String = letters.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
    let end = if message.ends_with('.') { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}

fn push(pointer: &mut String, key: &str) {
    pointer.push('/');
    pointer.push_str(&escape(key));
}

fn escape(key: &str) -> String {
    // What was sent comes back; not more of it than a person can read.
    key.chars().take(80).collect::<String>().replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::orders::NewOrder;
    use crate::market::products::NewProduct;

    fn wrong<T: DeserializeOwned + PartialSchema + std::fmt::Debug>(body: &str) -> Vec<(String, String)> {
        let json = parse::<T>(body.as_bytes()).unwrap_err().to_json();
        let errors = json["errors"].as_array().cloned().unwrap_or_default();
        let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
        errors.iter().map(|e| (text(&e["pointer"]), text(&e["detail"]))).collect()
    }

    #[tokio::test]
    async fn a_body_is_taken_whole_and_no_longer_than_it_may_be() {
        let of = async |pieces: &'static [&'static str], max_bytes| {
            let pieces = pieces.iter().copied().map(Ok::<_, std::convert::Infallible>);
            let body = RawBody::from_stream(futures_util::stream::iter(pieces));
            whole(body, max_bytes).await.ok()
        };
        assert_eq!(whole(RawBody::empty(), 0).await.ok().as_deref(), Some(&b""[..]));
        assert_eq!(whole(RawBody::from("abc"), 3).await.ok().as_deref(), Some(&b"abc"[..]));
        assert!(whole(RawBody::from("abc"), 2).await.is_err());
        assert_eq!(of(&["a", "", "bc"], 3).await.as_deref(), Some(&b"abc"[..]));
        assert_eq!(of(&["", "abc"], 3).await.as_deref(), Some(&b"abc"[..]));
        assert_eq!((of(&["ab", "c"], 2).await, of(&["abc", "d"], 2).await), (None, None));
    }

    #[test]
    fn every_wrong_field_is_pointed_at() {
        let body = r#"{"commodity_id": -1, "unit_id": "x", "quantity": 1e30, "price": {"amount": 5.5, "currency": "MWK"}, "colour": 1}"#;
        let mut pointers: Vec<_> =
            wrong::<NewProduct>(body).into_iter().map(|(pointer, _)| pointer).collect();
        pointers.sort();
        assert_eq!(pointers, ["/colour", "/commodity_id", "/price/amount", "/quantity", "/unit_id"]);
    }

    #[test]
    fn what_is_missing_or_unknown_is_named() {
        let missing = |pointer: &str| (pointer.to_owned(), "Is missing.".to_owned());
        assert_eq!(wrong::<NewOrder>("{}"), [missing("/product_id"), missing("/quantity")]);
        // Two wrong ones within one object, and one that is missing beside it.
        let price: Vec<_> = wrong::<NewProduct>(
            r#"{"unit_id": 1, "quantity": "1", "price": {"amount": "5", "currency": 5}}"#,
        )
        .into_iter()
        .map(|(pointer, _)| pointer)
        .collect();
        assert_eq!(price, ["/price/amount", "/price/currency", "/commodity_id"]);
        let one = wrong::<NewProduct>(
            r#"{"commodity_id": 1, "unit_id": 1, "quantity": "1", "price": {"amount": 1.5, "currency": "MWK"}}"#,
        );
        assert_eq!(one.len(), 1, "an object that holds a wrong field is not missing: {one:?}");
        let unknown = wrong::<NewOrder>(
            r#"{"product_id": "018f3e6a-7c1b-7d2a-9e30-5a6b7c8d9e0f", "quantity": "1", "qty": 1}"#,
        );
        assert_eq!(unknown.len(), 1);
        assert_eq!(unknown[0].0, "/qty");
        assert!(unknown[0].1.contains("quantity"), "{unknown:?}");
        let nested = wrong::<NewOrder>(
            r#"{"product_id": "018f3e6a-7c1b-7d2a-9e30-5a6b7c8d9e0f", "quantity": "1", "unit_price": {"amount": 1}}"#,
        );
        assert_eq!(nested, [("/unit_price/currency".to_owned(), "Is missing.".to_owned())]);
    }

    #[test]
    fn what_is_not_json_says_where() {
        for (body, expected) in [("", "empty"), ("{\"a\": }", "line 1, column 7"), ("{\"a\": 1", "line 1")] {
            let error = parse::<NewOrder>(body.as_bytes()).unwrap_err();
            assert_eq!(error.kind(), Kind::MalformedJson);
            assert!(error.to_string().contains(expected), "{error}");
        }
        assert_eq!(parse::<NewOrder>(b"[]").unwrap_err().kind(), Kind::Invalid);
        let deep = "[".repeat(100_000);
        assert_eq!(parse::<NewOrder>(deep.as_bytes()).unwrap_err().kind(), Kind::MalformedJson);
        assert_eq!(parse::<NewOrder>(&[0xff, 0xfe]).unwrap_err().kind(), Kind::MalformedJson);
    }

    proptest::proptest! {
        #[test]
        fn no_body_breaks_the_reader(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            let _ = parse::<NewOrder>(&bytes);
        }
    }
}
