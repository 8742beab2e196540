//! What the heads of requests and answers cost on the line, in the version of HTTP that carried them. For reports only: nothing
//! is decided by it.

use reqwest::Version;
use reqwest::header::{CONTENT_LENGTH, HeaderMap};
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

/// Bytes before each frame of HTTP/2; a message has one for its head and one for its body.
const FRAME_HEAD_BYTES: u64 = 9;

/// How HTTP/2 begins a connection: the preface and settings of one side, its answer to the other's, its window.
const BEGIN_UP_BYTES: u64 = 24 + 9 + 18 + 9 + 13;
/// The same from the other side.
const BEGIN_DOWN_BYTES: u64 = 9 + 24 + 9 + 13;

/// A request's head, before it leaves.
pub(super) struct Asked {
    method: String,
    target: String,
    host_bytes: u64,
    headers: HeaderMap,
    has_body: bool,
    /// Bytes of the body, where they are known.
    length: Option<usize>,
}

impl Asked {
    /// Of a request to a host whose name has so many bytes.
    pub(super) fn of(request: &reqwest::Request, host_bytes: u64) -> Self {
        let url = request.url();
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        Self {
            method: request.method().to_string(),
            target: format!("{}{query}", url.path()),
            host_bytes,
            headers: request.headers().clone(),
            has_body: request.body().is_some(),
            length: request.body().and_then(reqwest::Body::as_bytes).map(<[u8]>::len),
        }
    }

    fn has_length(&self) -> Option<String> {
        self.length.map(|length| length.to_string())
    }
}

/// Counts heads of one client's connection.
#[derive(Default)]
pub(super) struct Heads {
    seen: Mutex<Seen>,
}

/// What HTTP/2 need not send again: the last value of each header, of both directions, by its hash.
#[derive(Default)]
struct Seen {
    hasher: RandomState,
    last: HashMap<(bool, String), u64>,
}

impl Heads {
    /// Bytes of both heads: the request's, the answer's.
    pub(super) fn bytes(
        &self,
        asked: &Asked,
        version: Version,
        status: reqwest::StatusCode,
        headers: &HeaderMap,
    ) -> (u64, u64) {
        if version != Version::HTTP_2 {
            return (request_in_text(asked), answer_in_text(status, headers));
        }
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let (begin_up, begin_down) =
            if seen.last.is_empty() { (BEGIN_UP_BYTES, BEGIN_DOWN_BYTES) } else { (0, 0) };
        let body = if asked.has_body { FRAME_HEAD_BYTES } else { 0 };
        let length = asked.has_length();
        let up = [
            // Method and scheme are of the table that both sides know.
            FRAME_HEAD_BYTES + 2 + body + begin_up,
            seen.field(true, ":authority", &vec![b'0'; asked.host_bytes as usize]),
            packed(asked.target.as_bytes()),
            seen.field(true, "accept", b"*/*"),
            length.map_or(0, |length| packed(length.as_bytes())),
            seen.fields(true, &asked.headers),
        ];
        // A body whose length was not told ends with an empty frame of its own.
        let frames = match headers.get(CONTENT_LENGTH) {
            _ if status == reqwest::StatusCode::NO_CONTENT => 1,
            Some(length) if length == "0" => 1,
            Some(_) => 2,
            None => 3,
        };
        let down = frames * FRAME_HEAD_BYTES + 1 + begin_down + seen.fields(false, headers);
        (up.iter().sum(), down)
    }
}

impl Seen {
    fn fields(&mut self, is_up: bool, headers: &HeaderMap) -> u64 {
        headers.iter().map(|(name, value)| self.field(is_up, name.as_str(), value.as_bytes())).sum()
    }

    /// One byte for what was sent before, else its name's number and its value. Some values are never remembered.
    fn field(&mut self, is_up: bool, name: &str, value: &[u8]) -> u64 {
        let hash = self.hasher.hash_one(value);
        let before = self.last.insert((is_up, name.to_owned()), hash);
        if name != CONTENT_LENGTH.as_str() && before == Some(hash) { 1 } else { packed(value) }
    }
}

/// A field with a known name and a new value: Huffman's code takes about six bits a character, five a digit.
fn packed(value: &[u8]) -> u64 {
    let bits: u64 = value.iter().map(|byte| if byte.is_ascii_digit() { 5 } else { 6 }).sum();
    2 + bits.div_ceil(8)
}

fn header_bytes(headers: &HeaderMap) -> u64 {
    headers.iter().map(|(name, value)| (name.as_str().len() + value.len() + 4) as u64).sum()
}

/// As HTTP/1.1 writes it: the first line, our headers, and those that the client adds.
fn request_in_text(asked: &Asked) -> u64 {
    let first = asked.method.len() + asked.target.len() + " HTTP/1.1\r\n".len() + 1;
    let body = match (asked.has_length(), asked.has_body) {
        (Some(length), _) => "content-length: \r\n".len() + length.len(),
        (None, true) => "transfer-encoding: chunked\r\n".len(),
        (None, false) => 0,
    };
    let fixed = "host: \r\naccept: */*\r\n\r\n".len();
    (first + fixed + body) as u64 + asked.host_bytes + header_bytes(&asked.headers)
}

fn answer_in_text(status: reqwest::StatusCode, headers: &HeaderMap) -> u64 {
    let reason = status.canonical_reason().map_or(0, str::len);
    ("HTTP/1.1 200 \r\n\r\n".len() + reason) as u64 + header_bytes(headers)
}
