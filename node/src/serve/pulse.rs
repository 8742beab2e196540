//! Signs of life of one connection: whether a request is under way on it, and when something last moved. From them follows how
//! long it may go on as it is. It knows no socket; a ping of the connection itself is no sign of life.

use axum::body::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// How long a connection may go on as it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// A new one without a whole head of a request. Browsers open connections that they may need; those end so too.
    pub(super) first: Duration,
    /// One without a request after its last.
    pub(super) idle: Duration,
    /// One with a request, of which or of whose answer nothing moves.
    pub(super) stalled: Duration,
}

/// Several tries of a slow mobile link; longer than a page or an edge is silent between two requests, so that a connection in use
/// is not opened anew each time; longer than a poll is held and than any handler may think.
pub(super) const TIMES: Times = Times {
    first: Duration::from_secs(20),
    idle: Duration::from_secs(75),
    stalled: Duration::from_secs(180),
};

/// The signs of one connection.
#[derive(Debug)]
pub(super) struct Pulse {
    began: Instant,
    under_way: AtomicUsize,
    seen: AtomicU64,
    /// Milliseconds after `began`.
    moved_ms: AtomicU64,
    first: Notify,
}

impl Pulse {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            began: now,
            under_way: AtomicUsize::new(0),
            seen: AtomicU64::new(0),
            moved_ms: AtomicU64::new(0),
            first: Notify::new(),
        }
    }

    /// A request has come.
    pub(super) fn begin(self: &Arc<Self>) -> UnderWay {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        self.moved();
        if self.seen.fetch_add(1, Ordering::Relaxed) == 0 {
            self.first.notify_one();
        }
        UnderWay(self.clone())
    }

    fn moved(&self) {
        let ms = Instant::now().duration_since(self.began).as_millis();
        self.moved_ms.store(u64::try_from(ms).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Waits for the first request.
    pub(super) async fn first(&self) {
        if self.seen.load(Ordering::Relaxed) == 0 {
            self.first.notified().await;
        }
    }

    /// Whether no request is under way, and since when something last moved.
    pub(super) fn waits_since(&self) -> Option<Instant> {
        (self.under_way.load(Ordering::Relaxed) == 0).then(|| self.moved_at())
    }

    fn moved_at(&self) -> Instant {
        self.began + Duration::from_millis(self.moved_ms.load(Ordering::Relaxed))
    }

    /// When its time is over, if nothing moves until then.
    pub(super) fn over_at(&self, times: &Times) -> Instant {
        let patience = match (self.under_way.load(Ordering::Relaxed), self.seen.load(Ordering::Relaxed)) {
            (0, 0) => times.first,
            (0, _) => times.idle,
            _ => times.stalled,
        };
        self.moved_at() + patience
    }
}

/// A request that is under way for as long as this lives.
#[derive(Debug)]
pub(super) struct UnderWay(Arc<Pulse>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.moved();
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A body whose every piece is a sign of life: a request's, or an answer's, which keeps the request under way until its end.
#[derive(Debug)]
pub(super) struct Felt<B> {
    body: B,
    pulse: Arc<Pulse>,
    _under_way: Option<UnderWay>,
}

impl<B> Felt<B> {
    pub(super) fn request(body: B, under_way: &UnderWay) -> Self {
        Self { body, pulse: under_way.0.clone(), _under_way: None }
    }

    pub(super) fn answer(body: B, under_way: UnderWay) -> Self {
        Self { body, pulse: under_way.0.clone(), _under_way: Some(under_way) }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Felt<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if polled.is_ready() {
            self.pulse.moved();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::{BodyExt as _, Full};

    #[tokio::test]
    async fn how_long_a_connection_may_go_on_follows_from_what_it_does() {
        let began = Instant::now();
        let pulse = Arc::new(Pulse::new(began));
        let patience = |pulse: &Pulse| pulse.over_at(&TIMES) - pulse.moved_at();
        assert_eq!((pulse.over_at(&TIMES), pulse.waits_since()), (began + TIMES.first, Some(began)));
        let under_way = pulse.begin();
        pulse.first().await;
        assert_eq!((patience(&pulse), pulse.waits_since()), (TIMES.stalled, None));
        pulse.moved_ms.store(0, Ordering::Relaxed);
        while Instant::now() < began + Duration::from_millis(2) {}
        let sent = Felt::request(Full::new(Bytes::from("x")), &under_way);
        sent.collect().await.unwrap();
        assert!(pulse.moved_at() > began, "a piece that came counts");
        let answer = Felt::answer(Full::new(Bytes::from("y")), under_way);
        assert_eq!(answer.size_hint().exact(), Some(1));
        assert_eq!(pulse.waits_since(), None, "an answer that is not taken yet is under way");
        answer.collect().await.unwrap();
        assert_eq!((patience(&pulse), pulse.waits_since()), (TIMES.idle, Some(pulse.moved_at())));
    }
}
