//! Writes that may be sent twice: the headers that say so. How a node knows a repeat again is the node's own business.

use crate::problem::{Kind, Problem};
use axum::http::{HeaderMap, HeaderName};

/// Longest key, in bytes.
const KEY_MAX_BYTES: usize = 200;

/// The request header.
pub const KEY_HEADER: HeaderName = HeaderName::from_static("idempotency-key");
/// Marks an answer that was given before.
pub const REPLAY_HEADER: HeaderName = HeaderName::from_static("idempotent-replay");

/// The key of a request.
///
/// # Errors
/// No key, or one that is too long or not printable.
pub fn key(headers: &HeaderMap) -> Result<&str, Problem> {
    let key = headers.get(&KEY_HEADER).ok_or_else(|| Kind::IdempotencyKeyRequired.error())?;
    let printable = |key: &&str| {
        !key.is_empty() && key.len() <= KEY_MAX_BYTES && key.bytes().all(|b| b.is_ascii_graphic())
    };
    key.to_str().ok().map(str::trim).filter(printable).ok_or_else(|| {
        let detail = format!(
            "`Idempotency-Key` must have 1 to {KEY_MAX_BYTES} letters, digits or signs, without spaces."
        );
        Kind::InvalidHeader.because(detail)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn read(value: &str) -> Result<String, Kind> {
        let headers =
            HeaderMap::from_iter([(KEY_HEADER, HeaderValue::from_bytes(value.as_bytes()).unwrap())]);
        key(&headers).map(str::to_owned).map_err(|problem| problem.kind())
    }

    #[test]
    fn a_key_is_a_short_word_or_refused() {
        assert_eq!(read(" 018f-a ").as_deref(), Ok("018f-a"));
        assert!(read(&"x".repeat(KEY_MAX_BYTES)).is_ok());
        for bad in ["", " ", "a b", "é", &"x".repeat(KEY_MAX_BYTES + 1)] {
            assert_eq!(read(bad), Err(Kind::InvalidHeader), "{bad}");
        }
        assert_eq!(key(&HeaderMap::new()).unwrap_err().kind(), Kind::IdempotencyKeyRequired);
    }
}
