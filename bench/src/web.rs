//! A few plain HTTP requests by hand, each on a connection of its own: enough to ask a node whether it is ready and to press a
//! key of its phone menu. No TLS, no redirects. And what a server said on a connection, taken apart, in either version of HTTP.

use anyhow::{Context as _, Result, bail};
use std::collections::BTreeMap;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What came back.
pub(crate) struct Answer {
    /// The status.
    pub(crate) status: u16,
    /// The body as text.
    pub(crate) body: String,
}

/// Asks for a path at a host and port.
pub(crate) async fn get(address: &str, path: &str) -> Result<Answer> {
    ask(address, &format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")).await
}

/// Posts a form, its fields as they are: the caller has quoted them.
pub(crate) async fn post_form(address: &str, path: &str, form: &str) -> Result<Answer> {
    post(address, path, "application/x-www-form-urlencoded", form).await
}

/// Posts a body of such a type.
pub(crate) async fn post(address: &str, path: &str, content_type: &str, body: &str) -> Result<Answer> {
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: {content_type}\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    ask(address, &request).await
}

/// Posts JSON, with headers beside those that it needs.
pub(crate) async fn post_json(
    address: &str,
    path: &str,
    body: &serde_json::Value,
    headers: &[(&str, &str)],
) -> Result<Answer> {
    let body = body.to_string();
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: application/json\r\n{headers}\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    ask(address, &request).await
}

async fn ask(address: &str, request: &str) -> Result<Answer> {
    let mut connection = TcpStream::connect(address).await.with_context(|| format!("nobody at {address}"))?;
    connection.write_all(request.as_bytes()).await?;
    let mut bytes = Vec::new();
    connection.read_to_end(&mut bytes).await?;
    let (status, body) = responses(&bytes)?.pop().map(|r| (r.status, r.body)).context("no answer")?;
    Ok(Answer { status, body: String::from_utf8_lossy(&body).into_owned() })
}

/// One response out of a stream of them.
pub(crate) struct Response {
    /// The status.
    pub(crate) status: u16,
    /// Its content type; none where it names none.
    pub(crate) content_type: Option<String>,
    /// The body, out of its chunks.
    pub(crate) body: Vec<u8>,
}

/// Takes apart what a server sent on one connection. What is cut off at the end is left out.
pub(crate) fn responses(mut bytes: &[u8]) -> Result<Vec<Response>> {
    let mut list = Vec::new();
    while let Some(end) = find(bytes, b"\r\n\r\n") {
        let head = std::str::from_utf8(&bytes[..end]).context("a head that is no text")?;
        let status: u16 = head.split(' ').nth(1).and_then(|s| s.parse().ok()).context("no status")?;
        let field = |name: &str| {
            let of =
                |line: &str| line.split_once(':').map(|(n, v)| (n.to_ascii_lowercase(), v.trim().to_owned()));
            head.lines().skip(1).filter_map(of).find(|(n, _)| n == name).map(|(_, value)| value)
        };
        let rest = &bytes[end + 4..];
        let (body, used) = if field("transfer-encoding").is_some_and(|v| v.eq_ignore_ascii_case("chunked")) {
            match chunks(rest)? {
                Some(whole) => whole,
                None => break,
            }
        } else {
            let length = match field("content-length") {
                Some(length) => length.parse().context("a length that is none")?,
                None if status == 204 || status == 304 => 0,
                None => rest.len(),
            };
            let Some(body) = rest.get(..length) else { break };
            (body.to_vec(), length)
        };
        list.push(Response { status, content_type: field("content-type"), body });
        bytes = &rest[used..];
    }
    Ok(list)
}

/// A chunked body and the bytes it took; `None` where its end is missing.
fn chunks(bytes: &[u8]) -> Result<Option<(Vec<u8>, usize)>> {
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let Some(line) = find(&bytes[at..], b"\r\n") else { return Ok(None) };
        let size =
            std::str::from_utf8(&bytes[at..at + line]).ok().and_then(|s| usize::from_str_radix(s, 16).ok());
        let Some(size) = size else { bail!("a chunk without a size") };
        at += line + 2;
        let Some(chunk) = bytes.get(at..at + size + 2) else { return Ok(None) };
        body.extend_from_slice(&chunk[..size]);
        at += size + 2;
        if size == 0 {
            return Ok(Some((body, at)));
        }
    }
}

/// Bodies of the answers that ended on a connection of HTTP/2, in the order of their requests. Their heads are not looked at.
pub(crate) fn bodies_of_http2(mut bytes: &[u8]) -> Result<Vec<Vec<u8>>> {
    const DATA: u8 = 0;
    const END_STREAM: u8 = 1;
    const PADDED: u8 = 8;
    let mut streams: BTreeMap<u32, (Vec<u8>, bool)> = BTreeMap::new();
    while let Some((head, rest)) = bytes.split_first_chunk::<9>() {
        let [a, b, c, kind, flags, stream @ ..] = *head;
        let length = u32::from_be_bytes([0, a, b, c]) as usize;
        let Some((payload, rest)) = rest.split_at_checked(length) else { break };
        bytes = rest;
        let stream = u32::from_be_bytes(stream) & 0x7fff_ffff;
        let (body, has_ended) = streams.entry(stream).or_default();
        if kind == DATA {
            let padding =
                if flags & PADDED == 0 { 0 } else { payload.first().map_or(0, |n| usize::from(*n)) + 1 };
            let end =
                (length + usize::from(padding > 0)).checked_sub(padding).context("more padding than data")?;
            body.extend_from_slice(payload.get(usize::from(padding > 0)..end).context("a frame of padding")?);
        }
        // Only these two kinds have that flag.
        *has_ended |= flags & END_STREAM != 0 && kind <= 1;
    }
    Ok(streams
        .into_iter()
        .filter(|(stream, (_, ended))| *stream > 0 && *ended)
        .map(|(_, (body, _))| body)
        .collect())
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_of_responses_is_taken_apart() {
        let stream = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\ncontent-length: 5\r\n\r\nhello\
            HTTP/1.1 204 No Content\r\n\r\n\
            HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n\
            HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\ncut";
        let list = responses(stream).unwrap();
        let bodies: Vec<_> = list.iter().map(|r| (r.status, r.body.as_slice())).collect();
        assert_eq!(bodies, [(200, &b"hello"[..]), (204, b""), (200, b"abc0123456789")]);
        assert_eq!(list[0].content_type.as_deref(), Some("text/plain"));
        assert!(list[2].content_type.is_none());
        assert!(responses(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n").is_err());
    }

    #[test]
    fn bodies_of_streams_that_cross_are_told_apart() {
        let frame = |kind: u8, flags: u8, stream: u8, payload: &[u8]| {
            [&[0, 0, payload.len() as u8, kind, flags, 0, 0, 0, stream][..], payload].concat()
        };
        let bytes = [
            frame(4, 0, 0, b"settin"),
            frame(4, 1, 0, b""),
            frame(1, 4, 1, b"head"),
            frame(1, 5, 5, b"204"),
            frame(0, 0, 1, b"one "),
            frame(0, 9, 3, b"\x02threexx"),
            frame(0, 1, 1, b"two"),
            frame(0, 0, 7, b"not ended"),
        ]
        .concat();
        let bodies = bodies_of_http2(&bytes[..bytes.len() - 1]).unwrap();
        assert_eq!(bodies, [b"one two".to_vec(), b"three".to_vec(), Vec::new()]);
        assert!(bodies_of_http2(&frame(0, 9, 3, b"\x09x")).is_err());
    }
}
