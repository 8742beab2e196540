//! The request of an exchange: who we are and where we stand, then waiting commands in batches, then questions, then the end.
//!
//! A batch is marked as sent, on disk, before its first byte leaves: whether a command never left this box decides what may be
//! undone at once. Batches are made while the request is on its way, so memory holds one at a time.

use super::client::Payload;
use super::error::SyncError;
use super::pace::Pace;
use super::state;
use crate::commands;
use crate::config::Senders;
use crate::db::{Db, DbError};
use crate::node;
use crate::outbox;
use crate::replica;
use crate::time;
use bytes::Bytes;
use futures_util::StreamExt as _;
use mizili_node::deps::Reading;
use rusqlite::Connection;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use sync_protocol::limits::BATCH_COMMANDS_MAX;
use sync_protocol::session::{MINOR_VERSION, Sizer};
use sync_protocol::wire::message::{Audit, Hello, Message, StuckSms, cursors_to_bytes, scope_hash};

/// Bytes of a command on the wire besides its body: id, time, actor, less what compression saves.
const COMMAND_HEAD_BYTES: usize = 40;

/// What a request opens with besides what is stored.
pub(super) struct Opening {
    /// The edge's incarnation.
    pub(super) incarnation: u32,
    /// How fast the link is.
    pub(super) pace: Pace,
    /// This box's clocks.
    pub(super) at: Reading,
    /// What SMS can be sent with.
    pub(super) senders: Senders,
    /// Whether to compare every bucket, moved or not.
    pub(super) want_points: bool,
    /// What the hub asked to be shown, as proof that this request is made now; empty for nothing.
    pub(super) proof: Vec<u8>,
}

/// Reads where this box stands, as a request opens with it.
pub(super) fn hello(conn: &Connection, opening: Opening) -> Result<Hello, SyncError> {
    let cursors = replica::cursors(conn)?;
    let scope: Vec<_> = cursors.iter().map(|cursor| cursor.bucket).collect();
    Ok(Hello {
        minor: MINOR_VERSION,
        incarnation: opening.incarnation,
        link: node::link(conn)?.ok_or(SyncError::NotEnrolled)?,
        highest_seq: node::highest_seq(conn)?.saturating_sub(node::stream_base(conn)?),
        verdicts_upto: node::verdicts_upto(conn)?,
        epoch: node::epoch(conn)?,
        scope: scope_hash(&scope),
        cursors: cursors_to_bytes(&cursors),
        clock_s: opening.at.wall_s,
        room_bytes: opening.pace.room_bytes(),
        frame_bytes: opening.pace.frame_bytes(),
        want_points: opening.want_points || state::has_unverified(conn)?,
        proof: opening.proof,
        stuck_sms: stuck_sms(conn, &opening.senders, opening.at)?,
        refused_left: refused_left(conn)?,
    })
}

/// SMS that wait here in vain, for a hub that has said that it knows the form.
fn stuck_sms(conn: &Connection, senders: &Senders, at: Reading) -> Result<Option<StuckSms>, DbError> {
    if node::hub_minor(conn)? < 2 {
        return Ok(None);
    }
    let stuck = outbox::stuck(conn, senders, &time::now(conn, at)?)?;
    Ok(stuck.map(|stuck| StuckSms {
        count: u32::try_from(stuck.count).unwrap_or(u32::MAX),
        age_s: stuck.age_s.unsigned_abs(),
    }))
}

/// Refusals that nobody here has ticked off, for a hub that has said that it knows the form.
fn refused_left(conn: &Connection) -> Result<Option<u32>, DbError> {
    if node::hub_minor(conn)? < 2 {
        return Ok(None);
    }
    Ok(Some(u32::try_from(commands::tally(conn)?.refused).unwrap_or(u32::MAX)))
}

/// What became of a request's commands while it was on its way.
#[derive(Default)]
pub(super) struct Sent {
    commands: AtomicU64,
    bytes: AtomicU64,
    upto: AtomicU64,
    failure: Mutex<Option<SyncError>>,
}

impl Sent {
    /// Commands that left.
    pub(super) fn commands(&self) -> u64 {
        self.commands.load(Ordering::Relaxed)
    }

    /// Bytes of frames that left.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// The number here of the last command that left; 0 for none.
    pub(super) fn upto(&self) -> u64 {
        self.upto.load(Ordering::Relaxed)
    }

    /// What kept a batch from being made. The line saw only a body that ended early.
    pub(super) fn failure(&self) -> Option<SyncError> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn left(&self, commands: usize, upto: u64, bytes: usize) {
        self.commands.fetch_add(commands as u64, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        self.upto.store(upto, Ordering::Relaxed);
    }
}

/// Makes the batches of one request.
pub(super) struct Batches {
    db: Db,
    /// Commands up to this number are not sent in this request.
    after_seq: u64,
    pace: Pace,
    sent: Arc<Sent>,
    sizer: Sizer,
}

impl Batches {
    /// Those after a sequence number, for a line of some speed.
    pub(super) fn new(db: Db, after_seq: u64, pace: Pace, sent: Arc<Sent>) -> Self {
        let mut sizer = Sizer::new(pace.batch_bytes());
        sizer.begin(COMMAND_HEAD_BYTES);
        Self { db, after_seq, pace, sent, sizer }
    }

    /// The next batch as a frame, marked as sent; `None` when none waits or the turn is over.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, DbError> {
        let left = (self.pace.upload_commands() as u64).saturating_sub(self.sent.commands());
        let max = BATCH_COMMANDS_MAX.min(usize::try_from(left).unwrap_or(0));
        let is_first = self.sent.commands() == 0;
        if max == 0 || (!is_first && self.sent.bytes() >= self.pace.upload_bytes()) {
            return Ok(None);
        }
        let after = self.after_seq;
        let (mut batch, base) = self
            .db
            .read(move |conn| {
                Ok::<_, DbError>((commands::pending(conn, after, max)?, node::stream_base(conn)?))
            })
            .await?;
        batch.iter_mut().for_each(|command| command.seq = command.seq.saturating_sub(base));
        let (n, frame) = self.sizer.next(&batch, max, |part| Message::Commands(part.to_vec()));
        batch.truncate(n);
        let Some(last) = batch.last() else { return Ok(None) };
        let upto = base.saturating_add(last.seq);
        self.db.write(move |tx| commands::mark_sent(tx, upto)).await?;
        self.after_seq = upto;
        self.sent.left(n, upto, frame.len());
        Ok(Some(frame.into()))
    }
}

/// About how many commands one batch holds.
pub(super) fn commands_in_a_batch(pace: Pace) -> u64 {
    (pace.batch_bytes() / COMMAND_HEAD_BYTES).min(BATCH_COMMANDS_MAX) as u64
}

/// The body of a request. Without commands it is known whole, which saves bytes. Commands are read and marked only when the
/// line asks for them: while there is no line, none counts as having left.
pub(super) fn body(hello: &Hello, batches: Option<Batches>, audits: &[Audit]) -> Payload {
    let start = Message::Hello(hello.clone()).to_bytes();
    let mut end = Vec::new();
    for audit in audits {
        Message::Audit(audit.clone()).write(&mut end);
    }
    Message::End.write(&mut end);
    let Some(batches) = batches else { return Payload::Frames([start, end].concat().into()) };
    let parts = Parts { batches, ready: start, end };
    let stream = futures_util::stream::unfold(Some(parts), |parts| async move {
        let mut parts = parts?;
        match parts.next().await {
            Ok((piece, true)) => Some((Ok(piece), Some(parts))),
            Ok((piece, false)) => Some((Ok(piece), None)),
            Err(error) => {
                let told = std::io::Error::other("a batch could not be read");
                *parts.batches.sent.failure.lock().unwrap_or_else(PoisonError::into_inner) =
                    Some(error.into());
                Some((Err(told), None))
            }
        }
    });
    Payload::Stream(stream.boxed())
}

/// A body that is made as it goes.
struct Parts {
    batches: Batches,
    /// What goes out next: the opening, then one batch ahead of what is asked for.
    ready: Vec<u8>,
    end: Vec<u8>,
}

impl Parts {
    /// The next piece, and whether another follows. A short body is one piece.
    async fn next(&mut self) -> Result<(Bytes, bool), DbError> {
        if self.batches.sent.commands() == 0
            && let Some(first) = self.batches.next().await?
        {
            self.ready.extend_from_slice(&first);
        }
        let mut piece = std::mem::take(&mut self.ready);
        match self.batches.next().await? {
            Some(batch) => {
                self.ready = batch.into();
                Ok((piece.into(), true))
            }
            None => {
                piece.append(&mut self.end);
                Ok((piece.into(), false))
            }
        }
    }
}
