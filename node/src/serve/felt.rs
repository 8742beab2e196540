//! What a connection carries, felt by its [`Pulse`]: bodies of requests and answers, and the bytes of the connection itself. It
//! changes nothing of them but how long the pieces are.

use super::pulse::{Pulse, UnderWay};
use axum::body::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes of one piece of an answer: the next is asked for when the peer has room for it, so that an answer that was made in one
/// piece moves as it is taken.
const PIECE_MAX_BYTES: usize = 16 << 10;

/// A body whose every piece is a sign of life: a request's, or an answer's, which keeps the request under way until its end.
#[derive(Debug)]
pub(super) struct Felt<B> {
    body: B,
    /// What is left of a long piece.
    rest: Bytes,
    pulse: Arc<Pulse>,
    _under_way: Option<UnderWay>,
}

impl<B> Felt<B> {
    pub(super) fn request(body: B, under_way: &UnderWay) -> Self {
        Self { body, rest: Bytes::new(), pulse: under_way.pulse(), _under_way: None }
    }

    pub(super) fn answer(body: B, under_way: UnderWay) -> Self {
        let pulse = under_way.pulse();
        Self { body, rest: Bytes::new(), pulse, _under_way: Some(under_way.answered()) }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Felt<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        if self.rest.is_empty() {
            let polled = ready!(Pin::new(&mut self.body).poll_frame(cx));
            self.pulse.moved();
            match polled.map(|frame| frame.map(Frame::into_data)) {
                Some(Ok(Ok(data))) => self.rest = data,
                Some(Ok(Err(other))) => return Poll::Ready(Some(Ok(other))),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
        self.pulse.moved();
        let length = self.rest.len().min(PIECE_MAX_BYTES);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (of_body, rest) = (self.body.size_hint(), self.rest.len() as u64);
        let mut hint = SizeHint::new();
        hint.set_lower(of_body.lower().saturating_add(rest));
        if let Some(upper) = of_body.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint
    }
}

/// A connection's bytes.
#[derive(Debug)]
pub(super) struct Line<S> {
    stream: S,
    pulse: Arc<Pulse>,
}

impl<S> Line<S> {
    pub(super) fn new(stream: S, pulse: Arc<Pulse>) -> Self {
        Self { stream, pulse }
    }

    fn felt(&self, wrote: &Poll<io::Result<usize>>) {
        if matches!(wrote, Poll::Ready(Ok(_))) {
            self.pulse.wrote();
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Line<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Line<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.felt(&wrote);
        wrote
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.felt(&wrote);
        wrote
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Whoever writes flushes when it has nothing left.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        if matches!(flushed, Poll::Ready(Ok(()))) {
            self.pulse.wrote_all();
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::{BodyExt as _, Full};
    use tokio::time::Instant;

    fn under_way() -> UnderWay {
        Arc::new(Pulse::new(Instant::now())).begin()
    }

    #[tokio::test]
    async fn an_answer_in_one_piece_leaves_in_short_ones_and_keeps_its_length() {
        let whole: Bytes = (0..PIECE_MAX_BYTES * 2 + 5).map(|n| n as u8).collect::<Vec<_>>().into();
        let under_way = under_way();
        let pulse = under_way.pulse();
        let mut answer = Felt::answer(Full::new(whole.clone()), under_way);
        let (mut lengths, mut all) = (Vec::new(), Vec::new());
        loop {
            assert_eq!(answer.size_hint().exact(), Some((whole.len() - all.len()) as u64));
            assert_eq!(answer.is_end_stream(), all.len() == whole.len());
            let Some(piece) = answer.frame().await else { break };
            let piece = piece.unwrap().into_data().unwrap();
            lengths.push(piece.len());
            all.extend(piece);
            assert_eq!(pulse.waits_since(), None, "an answer that is not taken yet is under way");
        }
        assert_eq!((lengths, all), (vec![PIECE_MAX_BYTES, PIECE_MAX_BYTES, 5], whole.to_vec()));
        drop(answer);
        assert!(pulse.waits_since().is_some());
    }

    #[tokio::test]
    async fn what_is_no_data_passes_and_an_empty_body_ends() {
        let trailers = http::HeaderMap::from_iter([("a".parse().unwrap(), "b".parse().unwrap())]);
        let trailed = Full::new(Bytes::from("x")).with_trailers(std::future::ready(Some(Ok(trailers))));
        let read = Felt::request(trailed, &under_way()).collect().await.unwrap();
        assert_eq!(read.trailers().unwrap()["a"], "b");
        assert_eq!(read.to_bytes(), "x");
        let mut empty = Felt::answer(Full::new(Bytes::new()), under_way());
        assert!(empty.is_end_stream() && empty.frame().await.is_none());
    }
}
