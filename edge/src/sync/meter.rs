//! A transport that counts what goes over another one: bytes both ways, heads included, and round trips. Changes nothing.

use super::client::{Payload, Request, Response, Transport};
use crate::line::LineError;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What went over the line, without what TLS adds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Carried {
    /// Bytes to the hub.
    pub(super) sent: u64,
    /// Bytes from the hub.
    pub(super) received: u64,
    /// Requests with an answer.
    pub(super) round_trips: u64,
}

#[derive(Default)]
struct Counters {
    sent: AtomicU64,
    received: AtomicU64,
    round_trips: AtomicU64,
}

/// Counts what goes over another transport.
pub(super) struct Meter<'a> {
    inner: &'a dyn Transport,
    counters: Arc<Counters>,
}

impl<'a> Meter<'a> {
    /// Begins at nothing.
    pub(super) fn new(inner: &'a dyn Transport) -> Self {
        Self { inner, counters: Arc::default() }
    }

    /// What was carried so far.
    pub(super) fn carried(&self) -> Carried {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Carried {
            sent: read(&self.counters.sent),
            received: read(&self.counters.received),
            round_trips: read(&self.counters.round_trips),
        }
    }
}

fn add(counter: &AtomicU64, bytes: usize) {
    counter.fetch_add(bytes as u64, Ordering::Relaxed);
}

impl Transport for Meter<'_> {
    fn send(&self, mut request: Request) -> BoxFuture<'_, Result<Response, LineError>> {
        let counters = self.counters.clone();
        match &request.body {
            Payload::Nothing | Payload::Stream(_) => {}
            Payload::Json(text) => add(&counters.sent, text.len()),
            Payload::Frames(frames) => add(&counters.sent, frames.len()),
        }
        if let Payload::Stream(stream) = request.body {
            let counters = counters.clone();
            let counted =
                stream.inspect(move |piece| add(&counters.sent, piece.as_ref().map_or(0, bytes::Bytes::len)));
            request.body = Payload::Stream(counted.boxed());
        }
        async move {
            let mut answer = self.inner.send(request).await?;
            counters.round_trips.fetch_add(1, Ordering::Relaxed);
            counters.sent.fetch_add(answer.sent_head_bytes, Ordering::Relaxed);
            counters.received.fetch_add(answer.head_bytes, Ordering::Relaxed);
            let body = answer.body;
            answer.body = body
                .inspect(move |piece| add(&counters.received, piece.as_ref().map_or(0, bytes::Bytes::len)))
                .boxed();
            Ok(answer)
        }
        .boxed()
    }

    fn address(&self) -> &str {
        self.inner.address()
    }
}
