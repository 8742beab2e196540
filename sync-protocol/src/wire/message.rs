//! The messages of an exchange and their bytes. One message is one frame; kinds below 16 go up, the others come down.
//!
//! Numbered CBOR arrays (minicbor): a newer writer's extra fields are skipped, a missing field has a default. Rows have their
//! own column form, see [`super::rows`].

use super::bytes::{Reader, WireError, Writer};
use super::cbor::{uuid_bytes, uuid_bytes_opt};
use super::frame::{self, Frame};
use super::rows::{self, Rows, read_bucket, write_bucket};
use crate::bucket::Bucket;
use crate::command::{Actor, ActorKind, Command, RawBody};
use crate::ids::{CommandId, MemberId};
use crate::limits::{BATCH_COMMANDS_MAX, COMMAND_BODY_MAX_BYTES, SCOPE_BUCKETS_MAX};
use crate::session::{BucketCursor, Link};
use crate::verdict::{Applied, Conflict, Numbered, Reject, RejectCode, Verdict};
use minicbor::{Decode, Encode};
use uuid::Uuid;

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
}

crate::entity::field::codes! {
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
    /// A sentence for the log.
    pub detail: String,
}

#[derive(Encode, Decode)]
struct CommandShape {
    #[cbor(n(0), with = "uuid_bytes")]
    id: Uuid,
    #[n(1)]
    made_at_s: i64,
    #[n(2)]
    actor_kind: u32,
    #[cbor(n(3), with = "uuid_bytes_opt", has_nil)]
    actor_id: Option<Uuid>,
    #[n(4)]
    actor_phone: u64,
    #[n(5)]
    kind: u16,
    #[cbor(n(6), with = "minicbor::bytes")]
    body: Vec<u8>,
}

#[derive(Encode, Decode)]
struct BatchShape {
    #[n(0)]
    first_seq: u64,
    #[n(1)]
    commands: Vec<CommandShape>,
}

#[derive(Encode, Decode)]
struct ConflictShape {
    #[n(0)]
    field: String,
    #[n(1)]
    current: String,
    #[n(2)]
    wanted: String,
}

/// A run of commands in sequence with the same verdict.
#[derive(Encode, Decode)]
struct RunShape {
    #[n(0)]
    number: u64,
    #[n(1)]
    seq: u64,
    #[n(2)]
    count: u32,
    /// 1 applied, 2 rejected, 3 dismissed, 4 held, 5 quarantined, 6 unsupported.
    #[n(3)]
    kind: u8,
    #[n(4)]
    code: u32,
    #[n(5)]
    args: Vec<String>,
    #[cbor(n(6), with = "uuid_bytes_opt", has_nil)]
    alias: Option<Uuid>,
    #[n(7)]
    conflicts: Vec<ConflictShape>,
    #[cbor(n(8), with = "minicbor::bytes")]
    stands_at: Vec<u8>,
}

#[derive(Encode, Decode)]
struct RefusalShape {
    #[n(0)]
    code: u32,
    #[n(1)]
    detail: String,
}

const HELLO: u8 = 1;
const COMMANDS: u8 = 2;
const AUDIT: u8 = 3;
const END: u8 = 4;
const WELCOME: u8 = 16;
const VERDICTS: u8 = 17;
const ROWS: u8 = 18;
const COMPLETE: u8 = 19;
const SLOT_SUMS: u8 = 20;
const CLOSE: u8 = 21;
const REFUSAL: u8 = 22;
const PROVE: u8 = 23;

impl Message {
    /// Appends the message as one frame.
    pub fn write(&self, out: &mut Vec<u8>) {
        let cbor = |v: Result<Vec<u8>, _>| -> Vec<u8> {
            let v: Result<Vec<u8>, minicbor::encode::Error<std::convert::Infallible>> = v;
            v.unwrap_or_default()
        };
        let (kind, body) = match self {
            Self::Hello(hello) => (HELLO, cbor(minicbor::to_vec(hello))),
            Self::Commands(commands) => {
                (COMMANDS, cbor(minicbor::to_vec(BatchShape::from(commands.as_slice()))))
            }
            Self::Audit(audit) => (AUDIT, audit_to_bytes(audit).into_bytes()),
            Self::End => (END, Vec::new()),
            Self::Welcome(welcome) => (WELCOME, welcome_to_bytes(welcome)),
            Self::Verdicts(list) => (VERDICTS, cbor(minicbor::to_vec(runs(list)))),
            Self::Rows(rows) => (ROWS, rows::encode(rows)),
            Self::Complete(points) => (COMPLETE, points_to_bytes(points)),
            Self::SlotSums(sums) => (SLOT_SUMS, slot_sums_to_bytes(sums)),
            Self::Close(close) => (CLOSE, cbor(minicbor::to_vec(close))),
            Self::Refusal(r) => (
                REFUSAL,
                cbor(minicbor::to_vec(RefusalShape { code: r.code.code(), detail: r.detail.clone() })),
            ),
            Self::Prove(proof) => (PROVE, proof.to_vec()),
            Self::Unknown(kind) => (*kind, Vec::new()),
        };
        frame::write(out, kind, &body, LEVEL);
    }

    /// The message as one frame's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }

    /// Reads a frame's message.
    ///
    /// # Errors
    /// A named [`WireError`].
    pub fn from_frame(frame: &Frame) -> Result<Self, WireError> {
        let body = frame.body.as_slice();
        Ok(match frame.kind {
            HELLO => Self::Hello(from_cbor(body, "hello")?),
            COMMANDS => Self::Commands(commands(from_cbor(body, "commands")?)?),
            AUDIT => Self::Audit(read_audit(&mut Reader::new(body))?),
            END => Self::End,
            WELCOME => Self::Welcome(read_welcome(&mut Reader::new(body))?),
            VERDICTS => Self::Verdicts(verdicts(from_cbor(body, "verdicts")?)?),
            ROWS => Self::Rows(rows::decode(body)?),
            COMPLETE => Self::Complete(read_points(&mut Reader::new(body))?),
            SLOT_SUMS => Self::SlotSums(read_slot_sums(&mut Reader::new(body))?),
            CLOSE => Self::Close(from_cbor(body, "close")?),
            REFUSAL => {
                let shape: RefusalShape = from_cbor(body, "refusal")?;
                Self::Refusal(Refusal { code: RefusalCode::from_code(shape.code), detail: shape.detail })
            }
            PROVE => Self::Prove(body.try_into().map_err(|_| WireError::Malformed("proof"))?),
            kind => Self::Unknown(kind),
        })
    }
}

fn from_cbor<'b, T: Decode<'b, ()>>(body: &'b [u8], what: &'static str) -> Result<T, WireError> {
    minicbor::decode(body).map_err(|_| WireError::Malformed(what))
}

impl From<&[Command]> for BatchShape {
    fn from(commands: &[Command]) -> Self {
        let shape = |c: &Command| CommandShape {
            id: c.id.0,
            made_at_s: c.made_at_s,
            actor_kind: c.actor.kind.code(),
            actor_id: c.actor.id,
            actor_phone: c.actor.phone,
            kind: c.body.kind,
            body: c.body.bytes.clone(),
        };
        Self {
            first_seq: commands.first().map_or(0, |c| c.seq),
            commands: commands.iter().map(shape).collect(),
        }
    }
}

fn commands(batch: BatchShape) -> Result<Vec<Command>, WireError> {
    let (count, limit) = (batch.commands.len() as u64, BATCH_COMMANDS_MAX as u64);
    if count > limit {
        return Err(WireError::TooLarge { what: "command count", size: count, limit });
    }
    let mut list = Vec::with_capacity(batch.commands.len());
    for (seq, shape) in (batch.first_seq..).zip(batch.commands) {
        if shape.body.len() > COMMAND_BODY_MAX_BYTES {
            let (size, limit) = (shape.body.len() as u64, COMMAND_BODY_MAX_BYTES as u64);
            return Err(WireError::TooLarge { what: "command", size, limit });
        }
        list.push(Command {
            id: CommandId(shape.id),
            seq,
            made_at_s: shape.made_at_s,
            actor: Actor {
                kind: ActorKind::from_code(shape.actor_kind),
                id: shape.actor_id,
                phone: shape.actor_phone,
            },
            body: RawBody { kind: shape.kind, bytes: shape.body },
        });
    }
    Ok(list)
}

/// Verdicts in order, neighbours with the same word and the same place folded into one run.
fn runs(list: &[Numbered]) -> Vec<RunShape> {
    let mut runs: Vec<(RunShape, &Numbered)> = Vec::new();
    for v in list {
        if let Some((run, first)) = runs.last_mut() {
            let next = u64::from(run.count);
            let follows = v.number == run.number + next && v.seq == run.seq + next;
            if follows && v.verdict == first.verdict && v.stands_at == first.stands_at {
                run.count += 1;
                continue;
            }
        }
        runs.push((run(v), v));
    }
    runs.into_iter().map(|(run, _)| run).collect()
}

fn run(v: &Numbered) -> RunShape {
    let (kind, code, args, alias, conflicts) = match &v.verdict {
        Verdict::Applied(a) => (1, u32::from(a.short), Vec::new(), a.alias, a.conflicts.clone()),
        Verdict::Rejected(r) => (2, r.code.code(), r.args.clone(), None, Vec::new()),
        Verdict::Dismissed => (3, 0, Vec::new(), None, Vec::new()),
        Verdict::Held => (4, 0, Vec::new(), None, Vec::new()),
        Verdict::Quarantined => (5, 0, Vec::new(), None, Vec::new()),
        Verdict::Unsupported => (6, 0, Vec::new(), None, Vec::new()),
    };
    let mut stands_at = Writer::default();
    for (bucket, version) in &v.stands_at {
        write_bucket(&mut stands_at, *bucket);
        stands_at.varint(*version);
    }
    let shape = |c: Conflict| ConflictShape { field: c.field, current: c.current, wanted: c.wanted };
    RunShape {
        number: v.number,
        seq: v.seq,
        count: 1,
        kind,
        code,
        args,
        alias: alias.map(|m| m.0),
        conflicts: conflicts.into_iter().map(shape).collect(),
        stands_at: stands_at.into_bytes(),
    }
}

/// Verdicts that one frame may unfold to.
const VERDICTS_MAX: u64 = 100_000;

fn verdicts(runs: Vec<RunShape>) -> Result<Vec<Numbered>, WireError> {
    let total: u64 = runs.iter().map(|run| u64::from(run.count)).sum();
    if total > VERDICTS_MAX {
        return Err(WireError::TooLarge { what: "verdict count", size: total, limit: VERDICTS_MAX });
    }
    let mut list = Vec::with_capacity(total as usize);
    for run in runs {
        let verdict = match run.kind {
            1 => {
                let conflict =
                    |c: ConflictShape| Conflict { field: c.field, current: c.current, wanted: c.wanted };
                let conflicts = run.conflicts.into_iter().map(conflict).collect();
                Verdict::Applied(Applied {
                    short: run.code & 1 == 1,
                    alias: run.alias.map(MemberId),
                    conflicts,
                })
            }
            2 => Verdict::Rejected(Reject { code: RejectCode::from_code(run.code), args: run.args }),
            3 => Verdict::Dismissed,
            4 => Verdict::Held,
            5 => Verdict::Quarantined,
            6 => Verdict::Unsupported,
            _ => return Err(WireError::Malformed("verdict kind")),
        };
        let mut stands_at = Vec::new();
        let mut input = Reader::new(&run.stands_at);
        while !input.is_at_end() {
            stands_at.push((read_bucket(&mut input)?, input.varint()?));
        }
        for i in 0..u64::from(run.count) {
            let (number, seq) = (run.number.wrapping_add(i), run.seq.wrapping_add(i));
            list.push(Numbered { number, seq, verdict: verdict.clone(), stands_at: stands_at.clone() });
        }
    }
    Ok(list)
}

fn count(input: &mut Reader<'_>, limit: usize, what: &'static str) -> Result<usize, WireError> {
    let size = input.varint()?;
    if size > limit as u64 {
        return Err(WireError::TooLarge { what, size, limit: limit as u64 });
    }
    Ok(size as usize)
}

fn welcome_to_bytes(welcome: &Welcome) -> Vec<u8> {
    let mut out = Writer::default();
    out.varint(welcome.epoch.into());
    out.varint(welcome.scope.len() as u64);
    welcome.scope.iter().for_each(|bucket| write_bucket(&mut out, *bucket));
    out.into_bytes()
}

fn read_welcome(input: &mut Reader<'_>) -> Result<Welcome, WireError> {
    let epoch = input.varint32()?;
    let n = count(input, SCOPE_BUCKETS_MAX, "scope")?;
    let scope = (0..n).map(|_| read_bucket(input)).collect::<Result<_, _>>()?;
    Ok(Welcome { epoch, scope })
}

fn points_to_bytes(points: &[BucketPoint]) -> Vec<u8> {
    let mut out = Writer::default();
    out.varint(points.len() as u64);
    for point in points {
        write_bucket(&mut out, point.bucket);
        out.varint(point.head);
        out.varint(point.sums.len() as u64);
        for (entity, sum) in &point.sums {
            out.varint((*entity).into());
            out.raw(&sum.to_le_bytes());
        }
    }
    out.into_bytes()
}

fn read_points(input: &mut Reader<'_>) -> Result<Vec<BucketPoint>, WireError> {
    let n = count(input, SCOPE_BUCKETS_MAX, "bucket count")?;
    let mut points = Vec::with_capacity(n);
    for _ in 0..n {
        let (bucket, head) = (read_bucket(input)?, input.varint()?);
        let mut sums = Vec::new();
        for _ in 0..count(input, usize::from(u16::MAX), "entity count")? {
            let entity = u16::try_from(input.varint()?).map_err(|_| WireError::Malformed("entity number"))?;
            sums.push((entity, u64::from_le_bytes(input.array()?)));
        }
        points.push(BucketPoint { bucket, head, sums });
    }
    Ok(points)
}

fn audit_to_bytes(audit: &Audit) -> Writer {
    let mut out = Writer::default();
    write_bucket(&mut out, audit.bucket);
    out.varint(audit.entity.into());
    out.bytes(&audit.slot);
    out
}

fn read_audit(input: &mut Reader<'_>) -> Result<Audit, WireError> {
    let bucket = read_bucket(input)?;
    let entity = u16::try_from(input.varint()?).map_err(|_| WireError::Malformed("entity number"))?;
    let slot = input.bytes()?;
    if slot.len() > 2 {
        return Err(WireError::Malformed("slot"));
    }
    Ok(Audit { bucket, entity, slot: slot.to_vec() })
}

fn slot_sums_to_bytes(sums: &SlotSums) -> Vec<u8> {
    let mut out = audit_to_bytes(&sums.of);
    out.varint(sums.head);
    sums.sums.iter().for_each(|sum| out.raw(&sum.to_le_bytes()));
    out.into_bytes()
}

fn read_slot_sums(input: &mut Reader<'_>) -> Result<SlotSums, WireError> {
    let (of, head) = (read_audit(input)?, input.varint()?);
    let sums = (0..256).map(|_| input.array().map(u64::from_le_bytes)).collect::<Result<_, _>>()?;
    Ok(SlotSums { of, head, sums })
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
