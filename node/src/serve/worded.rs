//! What the HTTP library answers by itself, before any request reaches a route: to what is no HTTP (400), an address that is too long (414),
//! a head that is too large (431). It does so with an empty body and no hook to change that, so the answer is given its words here, on
//! the way out. Every answer of a route has a body of its own or none that a failure has, and passes untouched.

use crate::problem::{Kind, PROBLEM_JSON};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How an answer of the library begins, and what is wrong then.
const OWN: [(&str, Kind); 3] = [
    ("HTTP/1.1 400 ", Kind::Malformed),
    ("HTTP/1.1 414 ", Kind::AddressTooLong),
    ("HTTP/1.1 431 ", Kind::HeadTooLarge),
];

/// The answer in the place of one of the library's own; `None` for any other bytes.
fn worded(bytes: &[u8]) -> Option<Vec<u8>> {
    let (_, kind) = OWN.iter().find(|(begins, _)| bytes.starts_with(begins.as_bytes()))?;
    let head = std::str::from_utf8(bytes).ok()?;
    // A route's answer says more: a body, or what kind of body a HEAD is not given.
    let is_bare = head.ends_with("\r\n\r\n")
        && head.contains("content-length: 0\r\n")
        && !head.contains("content-type:");
    if !is_bare {
        return None;
    }
    let body = format!("{}\n", kind.error().to_json());
    let length = format!("content-type: {PROBLEM_JSON}\r\ncontent-length: {}\r\n", body.len());
    Some(format!("{}{body}", head.replace("content-length: 0\r\n", &length)).into_bytes())
}

/// A connection whose bare failures get words.
pub(super) struct Worded<S> {
    stream: S,
    /// What stands in the place of an answer and has not gone out yet, and the bytes that it stands for.
    instead: Vec<u8>,
    stands_for: usize,
}

impl<S> Worded<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, instead: Vec::new(), stands_for: 0 }
    }
}

impl<S: AsyncWrite + Unpin> Worded<S> {
    /// Sends what stands in the place of an answer. Ready when nothing is left of it.
    fn send_instead(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.instead.is_empty() {
            let sent = ready!(Pin::new(&mut self.stream).poll_write(cx, &self.instead))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.instead.drain(..sent);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Worded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Worded<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.stands_for == 0 {
            let Some(instead) = worded(bytes) else {
                return Pin::new(&mut self.stream).poll_write(cx, bytes);
            };
            (self.instead, self.stands_for) = (instead, bytes.len());
        }
        // The library offers the same bytes again until they are taken.
        ready!(self.send_instead(cx))?;
        Poll::Ready(Ok(std::mem::take(&mut self.stands_for).min(bytes.len())))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.send_instead(cx))?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.send_instead(cx))?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    #[test]
    fn only_a_bare_failure_is_given_words() {
        let bare = "HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\ndate: x\r\n\r\n";
        let worded =
            |text: &str| super::worded(text.as_bytes()).map(|bytes| String::from_utf8(bytes).unwrap());
        let said = worded(bare).unwrap();
        let (head, body) = said.split_once("\r\n\r\n").unwrap();
        assert!(
            head.contains(&format!("content-length: {}", body.len())) && head.contains("problem+json"),
            "{head}"
        );
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!((body["status"].as_u64(), body["code"].as_str()), (Some(431), Some("head_too_large")));
        for other in [
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\ncontent-type: application/problem+json\r\ncontent-length: 2\r\n\r\n{}",
            "HTTP/1.1 400 Bad Request\r\ncontent-type: application/problem+json\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
        ] {
            assert_eq!(worded(other), None, "{other}");
        }
    }

    #[tokio::test]
    async fn it_goes_out_whole_on_a_line_that_takes_little_at_a_time() {
        let bare = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        let (mut peer, own) = tokio::io::duplex(7);
        let mut own = Worded::new(own);
        let sending = tokio::spawn(async move {
            own.write_all(bare).await.unwrap();
            own.write_all(b"rest").await.unwrap();
            own.shutdown().await.unwrap();
        });
        let mut got = String::new();
        peer.read_to_string(&mut got).await.unwrap();
        sending.await.unwrap();
        assert!(
            got.starts_with("HTTP/1.1 400 Bad Request\r\n") && got.contains("\"code\":\"malformed\""),
            "{got}"
        );
        assert!(got.ends_with("}\nrest"), "{got}");
    }
}
