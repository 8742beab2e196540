//! The messages of an exchange and their bytes. One message is one frame; which way each goes is said in `kind`.
//!
//! Numbered CBOR arrays (minicbor): a newer writer's extra fields are skipped, a missing field has a default. Commands and verdicts
//! are in `batch`, what both sides compare in `compare`; rows have their own column form, see [`super::rows`].

use super::frame::{self, Frame};
use super::kind::{
    AUDIT, CLOSE, COMMANDS, COMPLETE, DOWN_FROM, END, HELLO, NEWS, PROVE, REFUSAL, ROWS, SLOT_SUMS, VERDICTS,
    WELCOME,
};
use super::rows::{self, Rows, write_bucket};
use super::unfold::{self, Size};
use super::{batch, compare};
use crate::bucket::Bucket;
use crate::bytes::{Reader, WireError, Writer};
use crate::cbor;
use crate::cursor::BucketCursor;
use crate::limits::{SCOPE_BUCKETS_MAX, bounded};
use crate::link::Link;
use crate::market::Command;
use crate::row::Row;
use crate::verdict::Numbered;
use minicbor::{Decode, Encode};

/// Level of zstd for frames: the small gain of higher ones is not worth a Raspberry Pi's time.
const LEVEL: i32 = 3;

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Opens a request.
    Hello(Hello),
    /// A batch of commands in sequence.
    Commands(Vec<Command>),
    /// Asks for sums or rows of slots, to mend a difference.
    Audit(Audit),
    /// Ends a request.
    End,
    /// Where an edge stands that waits for news. Alone in a long poll's body, since minor 2.
    News(Standing),
    /// The edge's scope and the hub's epoch, when the edge's are not these.
    Welcome(Welcome),
    /// Verdicts in order of number.
    Verdicts(Vec<Numbered>),
    /// Rows of one bucket.
    Rows(Rows),
    /// Everything up to these heads was sent; digests to compare at them.
    Complete(Vec<BucketPoint>),
    /// Sums of 256 slots.
    SlotSums(SlotSums),
    /// Ends a response.
    Close(Close),
    /// The hub does not go on.
    Refusal(Refusal),
    /// The hub cannot tell whether the request was made now or long ago, and has taken nothing of it: to be asked again, with
    /// these bytes in the hello.
    Prove([u8; 16]),
    /// A kind that this version does not know; skipped.
    Unknown(u8),
}

/// Opens a request: who, where the edge stands, what it can take.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Hello {
    /// Minor version of the protocol that the edge speaks.
    #[n(0)]
    pub minor: u16,
    /// The edge's incarnation.
    #[n(1)]
    pub incarnation: u32,
    /// The link it holds.
    #[n(2)]
    pub link: Link,
    /// The highest sequence number it has ever used in this incarnation.
    #[n(3)]
    pub highest_seq: u64,
    /// The last verdict number that it has on disk.
    #[n(4)]
    pub verdicts_upto: u64,
    /// The hub's epoch that it knows.
    #[n(5)]
    pub epoch: u32,
    /// [`scope_hash`] of the buckets that the cursors are for.
    #[n(6)]
    pub scope: u32,
    /// Cursors in scope order, see [`cursors_to_bytes`].
    #[cbor(n(7), with = "minicbor::bytes")]
    pub cursors: Vec<u8>,
    /// The edge's clock, seconds since 1970 UTC; compared, never trusted.
    #[n(8)]
    pub clock_s: i64,
    /// Bytes of rows that the edge wants in this turn.
    #[n(9)]
    pub room_bytes: u32,
    /// Bytes of one frame that suit the link.
    #[n(10)]
    pub frame_bytes: u32,
    /// Whether the edge wants the points of all its buckets, moved or not, because it has some that it never compared.
    #[n(11)]
    pub want_points: bool,
    /// What the hub's last answer asked to be shown, see [`Message::Prove`]; empty where it asked for nothing.
    #[cbor(n(12), with = "minicbor::bytes")]
    pub proof: Vec<u8>,
    /// SMS that wait at the edge although no gateway of its settings can send any; `None` for none, and from an edge of before 2,
    /// which does not say. Since 2.
    #[n(13)]
    pub stuck_sms: Option<StuckSms>,
    /// Refusals that nobody at the office has dealt with, of those whose verdicts are on its disk; `None` from an edge that does not say.
    /// Since 2.
    #[n(14)]
    pub refused_left: Option<u32>,
}

/// SMS that nobody sends: what an operator of the hub has to be told, since the office may not know what an account is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct StuckSms {
    /// How many.
    #[n(0)]
    pub count: u32,
    /// Seconds for which the oldest of them has waited, as the edge counts; no clock of an edge is in it.
    #[n(1)]
    pub age_s: u64,
}

/// Where an edge stands that waits for news.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Standing {
    /// [`scope_hash`] of the buckets that the cursors are for.
    #[n(0)]
    pub scope: u32,
    /// Cursors in scope order, see [`cursors_to_bytes`].
    #[cbor(n(1), with = "minicbor::bytes")]
    pub cursors: Vec<u8>,
    /// The last verdict number that it has on disk.
    #[n(2)]
    pub verdicts_upto: u64,
}

/// Asks for the sums of 256 slots, or for the rows of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    /// The bucket.
    pub bucket: Bucket,
    /// The entity.
    pub entity: u16,
    /// No byte: sums of the 256 first slots. One byte: sums within that slot. Two bytes: the rows of that slot.
    pub slot: Vec<u8>,
}

/// What the hub decided about the edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Welcome {
    /// The hub's epoch; rises when it was restored from a backup.
    pub epoch: u32,
    /// The edge's buckets, in the order of cursors.
    pub scope: Vec<Bucket>,
}

/// Where a bucket stands at a complete point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketPoint {
    /// The bucket.
    pub bucket: Bucket,
    /// The version up to which everything was sent.
    pub head: u64,
    /// For each entity with live rows, the low 64 bits of its digest's sum.
    pub sums: Vec<(u16, u64)>,
}

/// The low 64 bits of the sums of 256 slots, at a head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotSums {
    /// What was asked.
    pub of: Audit,
    /// The version at which they hold.
    pub head: u64,
    /// 256 of them.
    pub sums: Vec<u64>,
}

/// Ends a response.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Close {
    /// The link to present next.
    #[n(0)]
    pub link: Link,
    /// Whether there is more to fetch at once.
    #[n(1)]
    pub more: bool,
    /// The hub's clock, seconds since 1970 UTC.
    #[n(2)]
    pub clock_s: i64,
    /// Seconds after which a full hub would like to be asked again; 0 for no wish.
    #[n(3)]
    pub retry_after_s: u32,
    /// Minor version of the protocol that the hub speaks; `None` from one of before 2, which did not say. See
    /// [`Close::hub_minor`].
    #[n(4)]
    pub minor: Option<u16>,
    /// When the last copy but one of the hub's database was taken, seconds since 1970 UTC by the hub's clock: what took effect before is in
    /// two of them, and an edge need not keep it for their sake. `None` where no two are known.
    #[n(5)]
    pub backed_up_s: Option<i64>,
}

impl Close {
    /// Minor version of the protocol that the hub speaks: an edge uses a version's new forms once it has heard of it.
    pub fn hub_minor(&self) -> u16 {
        self.minor.unwrap_or(1)
    }
}

crate::field::codes! {
    /// Why the hub does not go on.
    RefusalCode {
        /// No such edge, or no valid session: sign in again.
        Unauthorized = 1 "unauthorized",
        /// The edge was revoked.
        Revoked = 2 "revoked",
        /// The edge's disk is an older copy, or a clone: enrol again.
        Rewound = 3 "rewound",
        /// A sequence number came again with another body: an operator has to look.
        SequenceReused = 4 "sequence_reused",
        /// Commands did not follow on what the hub has.
        SequenceGap = 5 "sequence_gap",
        /// The stream waits for an operator.
        StreamHalted = 6 "stream_halted",
        /// The request's bytes were not understood.
        Malformed = 7 "malformed",
        /// Too many minor versions apart.
        Version = 8 "version",
        /// A newer exchange of the same edge has begun.
        Fenced = 9 "fenced",
        /// The hub was restored from a backup and is being reconciled.
        HubRestored = 10 "hub_restored",
        /// Try again later.
        Busy = 11 "busy",
    }
}

/// The hub does not go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub code: RefusalCode,
    /// A sentence for the log, at most [`TEXT_MAX_BYTES`](crate::limits::TEXT_MAX_BYTES) long.
    pub detail: String,
}

impl Refusal {
    /// A refusal; of a sentence that is too long the end is left out.
    pub fn new(code: RefusalCode, detail: &str) -> Self {
        Self { code, detail: bounded(detail) }
    }
}

#[derive(Encode, Decode)]
struct RefusalShape {
    #[n(0)]
    code: u32,
    #[n(1)]
    detail: String,
}

impl Message {
    /// Appends the message as one frame. Gives what it comes to at its reader, which is bounded too.
    pub fn write(&self, out: &mut Vec<u8>) -> Size {
        let (kind, body) = match self {
            Self::Hello(hello) => (HELLO, cbor::to_bytes(hello)),
            Self::Commands(commands) => (COMMANDS, batch::commands_to_bytes(commands)),
            Self::Audit(audit) => (AUDIT, compare::audit_to_bytes(audit).into_bytes()),
            Self::End => (END, Vec::new()),
            Self::News(standing) => (NEWS, cbor::to_bytes(standing)),
            Self::Welcome(welcome) => (WELCOME, compare::welcome_to_bytes(welcome)),
            Self::Verdicts(list) => (VERDICTS, batch::verdicts_to_bytes(list)),
            Self::Rows(rows) => (ROWS, rows::encode(rows)),
            Self::Complete(points) => (COMPLETE, compare::points_to_bytes(points)),
            Self::SlotSums(sums) => (SLOT_SUMS, compare::slot_sums_to_bytes(sums)),
            Self::Close(close) => (CLOSE, cbor::to_bytes(close)),
            Self::Refusal(r) => {
                (REFUSAL, cbor::to_bytes(&RefusalShape { code: r.code.code(), detail: r.detail.clone() }))
            }
            Self::Prove(proof) => (PROVE, proof.to_vec()),
            Self::Unknown(kind) => (*kind, Vec::new()),
        };
        frame::write(out, kind, &body, LEVEL);
        let unfolded = match self {
            Self::Verdicts(list) => list.iter().map(unfold::of_verdict).sum(),
            Self::Rows(rows) => rows.rows.iter().map(unfold::of_row).sum(),
            _ => 0,
        };
        Size { expanded: body.len(), unfolded }
    }

    /// As [`Message::write`] of [`Message::Rows`], of these rows in place of the frame's own.
    pub fn write_rows(frame: &Rows, rows: &[Row], out: &mut Vec<u8>) -> Size {
        let body = rows::encode_part(frame, rows);
        frame::write(out, ROWS, &body, LEVEL);
        Size { expanded: body.len(), unfolded: rows.iter().map(unfold::of_row).sum() }
    }

    /// The message as one frame's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }

    /// Reads a frame that an edge sent. What only a hub says is [`Message::Unknown`], and not decoded.
    ///
    /// # Errors
    /// A named [`WireError`].
    pub fn from_edge(frame: &Frame) -> Result<Self, WireError> {
        if frame.kind < DOWN_FROM { Self::from_frame(frame) } else { Ok(Self::Unknown(frame.kind)) }
    }

    /// Reads a frame that a hub sent. What only an edge says is [`Message::Unknown`], and not decoded.
    ///
    /// # Errors
    /// A named [`WireError`].
    pub fn from_hub(frame: &Frame) -> Result<Self, WireError> {
        if frame.kind < DOWN_FROM { Ok(Self::Unknown(frame.kind)) } else { Self::from_frame(frame) }
    }

    /// Reads a frame's message, whoever sent it; programs know who did, see [`Message::from_edge`] and [`Message::from_hub`].
    ///
    /// # Errors
    /// A named [`WireError`].
    pub fn from_frame(frame: &Frame) -> Result<Self, WireError> {
        let body = frame.body.as_slice();
        Ok(match frame.kind {
            HELLO => Self::Hello(cbor::from_bytes(body, "hello")?),
            COMMANDS => Self::Commands(batch::read_commands(body)?),
            AUDIT => Self::Audit(compare::read_audit(&mut Reader::new(body))?),
            END => Self::End,
            NEWS => Self::News(cbor::from_bytes(body, "news")?),
            WELCOME => Self::Welcome(compare::read_welcome(&mut Reader::new(body))?),
            VERDICTS => Self::Verdicts(batch::read_verdicts(body)?),
            ROWS => Self::Rows(rows::decode(body)?),
            COMPLETE => Self::Complete(compare::read_points(&mut Reader::new(body))?),
            SLOT_SUMS => Self::SlotSums(compare::read_slot_sums(&mut Reader::new(body))?),
            CLOSE => Self::Close(cbor::from_bytes(body, "close")?),
            REFUSAL => {
                let shape: RefusalShape = cbor::from_bytes(body, "refusal")?;
                Self::Refusal(Refusal { code: RefusalCode::from_code(shape.code), detail: shape.detail })
            }
            PROVE => Self::Prove(body.try_into().map_err(|_| WireError::Malformed("proof"))?),
            kind => Self::Unknown(kind),
        })
    }
}

impl Standing {
    /// Reads the one message of a long poll's body. Whoever sent it has not signed in yet: no other kind is decoded.
    ///
    /// # Errors
    /// A named [`WireError`]; that of a malformed one for another kind.
    pub fn from_frame(frame: &Frame) -> Result<Self, WireError> {
        if frame.kind != NEWS {
            return Err(WireError::Malformed("news"));
        }
        cbor::from_bytes(&frame.body, "news")
    }
}

/// Cursors in scope order: `upto`, then 0 for a bucket that is whole or `reached + 1` for a snapshot still walking down.
pub fn cursors_to_bytes(cursors: &[BucketCursor]) -> Vec<u8> {
    let mut out = Writer::default();
    for cursor in cursors {
        out.varint(cursor.upto);
        out.varint(cursor.reached.map_or(0, |reached| reached.saturating_add(1)));
    }
    out.into_bytes()
}

/// The inverse of [`cursors_to_bytes`] for a scope.
///
/// # Errors
/// When there are not as many cursors as buckets.
pub fn cursors_from_bytes(bytes: &[u8], scope: &[Bucket]) -> Result<Vec<BucketCursor>, WireError> {
    let mut input = Reader::new(bytes);
    let mut cursors = Vec::with_capacity(scope.len());
    for bucket in scope {
        let (upto, reached) = (input.varint()?, input.varint()?);
        cursors.push(BucketCursor { bucket: *bucket, upto, reached: reached.checked_sub(1) });
    }
    if input.is_at_end() { Ok(cursors) } else { Err(WireError::Malformed("cursors")) }
}

impl Hello {
    /// Whether its cursors are such: for these buckets where it means the same ones, else for some that it knew. Nothing else of
    /// an edge is kept and read again later without it.
    pub fn has_cursors_of(&self, scope: &[Bucket]) -> bool {
        let is_same = self.scope == scope_hash(scope);
        let known = if is_same { scope.len() } else { SCOPE_BUCKETS_MAX };
        let mut input = Reader::new(&self.cursors);
        let mut count = 0;
        while !input.is_at_end() {
            if input.varint().is_err() || input.varint().is_err() || count == known {
                return false;
            }
            count += 1;
        }
        !is_same || count == known
    }
}

/// Four bytes of BLAKE3 over a scope: tells whether both sides mean the same buckets in the same order. 0 only for no scope.
pub fn scope_hash(scope: &[Bucket]) -> u32 {
    if scope.is_empty() {
        return 0;
    }
    let mut out = Writer::default();
    scope.iter().for_each(|bucket| write_bucket(&mut out, *bucket));
    let hash = blake3::hash(&out.into_bytes());
    let [a, b, c, d, ..] = *hash.as_bytes();
    u32::from_le_bytes([a, b, c, d]).max(1)
}
