//! The messages of a response as they arrive: read, unfolded and made ready to be written a little ahead of whoever takes them, so that
//! the line and the disk work at the same time. How far ahead is bounded by rows, which is what takes memory. Never changes what
//! came, nor its order.

use super::error::SyncError;
use crate::line::LineError;
use crate::replica::Ready;
use crate::told;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use std::sync::Arc;
use sync_protocol::bytes::WireError;
use sync_protocol::ids::OrderId;
use sync_protocol::wire::frame::FrameReader;
use sync_protocol::wire::message::Message;
use sync_protocol::wire::rows::{Reach, Rows};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::AbortHandle;

/// Messages that are read ahead at most.
const AHEAD: usize = 64;

/// Rows in them: as many as a hub puts into the largest frame. One with more, as the wire allows, takes all of the room.
const ROWS_AHEAD: u32 = 16_384;

/// A message, as whoever takes it needs it.
pub(super) enum Arrived {
    /// Rows that only have to be written down.
    Rows(Batch),
    /// Any other, rows of a repair too: they are compared with what is here first.
    Message(Message),
}

impl Arrived {
    fn of(message: Message) -> Self {
        match message {
            Message::Rows(rows) if !matches!(rows.reach, Reach::Repair { .. }) => {
                Self::Rows(Batch::of(&rows))
            }
            other => Self::Message(other),
        }
    }
}

/// A frame of rows.
pub(super) struct Batch {
    pub(super) rows: Ready,
    /// Orders of which there may be something to tell, as they stand in them.
    pub(super) changed: Vec<OrderId>,
}

impl Batch {
    pub(super) fn of(rows: &Rows) -> Self {
        Self { rows: Ready::of(rows), changed: told::changed(rows).collect() }
    }
}

/// One message, or what ended them.
struct Came {
    message: Result<Arrived, SyncError>,
    /// Bytes of the response that had been read by then, also those of a frame that was cut.
    bytes: u64,
    /// Its share of what may be read ahead.
    _room: Option<OwnedSemaphorePermit>,
}

/// The rest of a response.
pub(super) struct Arriving {
    messages: mpsc::Receiver<Came>,
    /// One that was looked at and is still to be taken.
    next: Option<Came>,
    bytes: u64,
    reading: Option<AbortHandle>,
}

impl Arriving {
    /// Begins to read a body.
    pub(super) fn of(body: BoxStream<'static, Result<Bytes, LineError>>) -> Self {
        let (sender, messages) = mpsc::channel(AHEAD);
        let reading = tokio::spawn(read(body, sender)).abort_handle();
        Self { messages, next: None, bytes: 0, reading: Some(reading) }
    }

    /// Takes it away, to be put back by whoever has it meanwhile; where it was, nothing arrives any more.
    pub(super) fn take(&mut self) -> Self {
        let nothing = Self { messages: mpsc::channel(1).1, next: None, bytes: self.bytes, reading: None };
        std::mem::replace(self, nothing)
    }

    /// The next message; `None` at the end, which comes after an error too.
    pub(super) async fn next(&mut self) -> Option<Result<Arrived, SyncError>> {
        let came = match self.next.take() {
            Some(came) => came,
            None => self.messages.recv().await?,
        };
        self.bytes = came.bytes;
        Some(came.message)
    }

    /// The next message if it has arrived and brings rows, at most so many, that only have to be written down. Does not wait.
    pub(super) fn rows_at_hand(&mut self, most: u64) -> Option<Batch> {
        let came = self.next.take().or_else(|| self.messages.try_recv().ok())?;
        match came {
            Came { message: Ok(Arrived::Rows(batch)), bytes, .. } if batch.rows.came() <= most => {
                self.bytes = bytes;
                Some(batch)
            }
            other => {
                self.next = Some(other);
                None
            }
        }
    }

    /// Bytes of the response up to the message that was taken last.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        if let Some(reading) = &self.reading {
            reading.abort();
        }
    }
}

/// Reads messages from a body as it arrives, and the error that ends them.
async fn read(mut body: BoxStream<'static, Result<Bytes, LineError>>, messages: mpsc::Sender<Came>) {
    let room = Arc::new(Semaphore::new(ROWS_AHEAD as usize));
    let mut frames = FrameReader::default();
    let mut bytes = 0;
    let error = loop {
        match frames.next_frame().and_then(|frame| frame.map(|frame| Message::from_hub(&frame)).transpose()) {
            Ok(Some(message)) => {
                let _room = room_for(&room, &message).await;
                let came = Came { _room, message: Ok(Arrived::of(message)), bytes };
                if messages.send(came).await.is_err() {
                    return;
                }
                continue;
            }
            Ok(None) => {}
            Err(error) => break error.into(),
        }
        match body.next().await {
            Some(Ok(piece)) => {
                bytes += piece.len() as u64;
                frames.push(&piece);
            }
            Some(Err(error)) => break error.into(),
            None => match frames.finish() {
                Ok(()) => return,
                Err(WireError::Truncated) => {
                    break LineError::Cut("the answer ended in a frame".into()).into();
                }
                Err(error) => break error.into(),
            },
        }
    };
    // Nobody listens any more when this cannot be sent.
    let _ = messages.send(Came { message: Err(error), bytes, _room: None }).await;
}

/// Waits until there is room for a message's rows.
async fn room_for(room: &Arc<Semaphore>, message: &Message) -> Option<OwnedSemaphorePermit> {
    let Message::Rows(rows) = message else { return None };
    let rows = u32::try_from(rows.rows.len()).unwrap_or(ROWS_AHEAD).min(ROWS_AHEAD);
    // Never closed.
    room.clone().acquire_many_owned(rows).await.ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{COOP, coop, live};
    use sync_protocol::bucket::Bucket;

    #[tokio::test]
    async fn a_frame_that_brings_more_than_there_is_room_for_is_left_for_later() {
        let (sender, messages) = mpsc::channel(AHEAD);
        for (after, brings) in [(0, 2), (2, 3)] {
            let row = live(&coop(COOP, "Mitundu Farmers"));
            let rows = Rows {
                bucket: Bucket::Coop(COOP),
                reach: Reach::Delta,
                after,
                upto: after + brings,
                rows: (0..brings).map(|_| row.clone()).collect(),
            };
            let arrived = Arrived::of(Message::Rows(rows));
            let came = Came { message: Ok(arrived), bytes: after + brings, _room: None };
            assert!(sender.send(came).await.is_ok());
        }
        let mut arriving = Arriving { messages, next: None, bytes: 0, reading: None };
        let mut taken = |most| arriving.rows_at_hand(most).map(|batch| batch.rows.came());
        assert_eq!((taken(2), taken(2), taken(3), taken(9)), (Some(2), None, Some(3), None));
        assert_eq!(arriving.bytes(), 5);
    }
}
