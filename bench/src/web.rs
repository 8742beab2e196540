//! A few plain HTTP requests by hand, each on a connection of its own: enough to ask a node whether it is ready and to press a
//! key of its phone menu. No TLS, no redirects.

use anyhow::{Context as _, Result, bail};
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
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: application/x-www-form-urlencoded\r\n\
         content-length: {}\r\n\r\n{form}",
        form.len()
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
}
