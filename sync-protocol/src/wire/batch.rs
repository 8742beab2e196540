//! Bytes of commands on their way up and of verdicts on their way down: numbered CBOR arrays, and what many neighbours share said
//! once. Nothing unfolds to more than the limits allow.

use super::rows::{read_bucket, write_bucket};
use super::unfold::{self, Unfolded};
use crate::bytes::{Reader, WireError, Writer};
use crate::cbor::{self, uuid_bytes, uuid_bytes_opt};
use crate::ids::{CommandId, MemberId};
use crate::limits::{BATCH_COMMANDS_MAX, COMMAND_BODY_MAX_BYTES};
use crate::market::{Actor, ActorKind, Command, RawBody};
use crate::verdict::{Applied, Conflict, Numbered, Reject, RejectCode, Verdict};
use minicbor::{Decode, Encode};
use uuid::Uuid;

/// Verdicts that one frame may unfold to.
const VERDICTS_MAX: u64 = 100_000;

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

/// Commands in sequence.
pub(super) fn commands_to_bytes(commands: &[Command]) -> Vec<u8> {
    cbor::to_bytes(&BatchShape::from(commands))
}

/// The inverse of [`commands_to_bytes`].
pub(super) fn read_commands(body: &[u8]) -> Result<Vec<Command>, WireError> {
    let batch: BatchShape = cbor::from_bytes(body, "commands")?;
    let (count, limit) = (batch.commands.len() as u64, BATCH_COMMANDS_MAX as u64);
    if count > limit {
        return Err(WireError::TooLarge { what: "command count", size: count, limit });
    }
    if batch.first_seq.checked_add(count).is_none() {
        return Err(WireError::Malformed("sequence number"));
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

/// Verdicts in order of number.
pub(super) fn verdicts_to_bytes(list: &[Numbered]) -> Vec<u8> {
    cbor::to_bytes(&runs(list))
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

/// The inverse of [`verdicts_to_bytes`].
pub(super) fn read_verdicts(body: &[u8]) -> Result<Vec<Numbered>, WireError> {
    let runs: Vec<RunShape> = cbor::from_bytes(body, "verdicts")?;
    let total: u64 = runs.iter().map(|run| u64::from(run.count)).sum();
    if total > VERDICTS_MAX {
        return Err(WireError::TooLarge { what: "verdict count", size: total, limit: VERDICTS_MAX });
    }
    let mut unfolded = Unfolded::default();
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
        let first = Numbered { number: run.number, seq: run.seq, verdict, stands_at };
        unfolded.add(unfold::of_verdict(&first), run.count.into())?;
        for i in 0..u64::from(run.count) {
            let (number, seq) = (first.number.wrapping_add(i), first.seq.wrapping_add(i));
            list.push(Numbered { number, seq, ..first.clone() });
        }
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bucket::Bucket;
    use crate::limits::{FRAME_VERDICTS_MAX, VERDICT_TEXTS_MAX, bounded};

    fn refused(args: Vec<String>, stands_at: Vec<(Bucket, u64)>, count: u32) -> Vec<u8> {
        let verdict = Verdict::Rejected(Reject { code: RejectCode::Invalid, args });
        let run = run(&Numbered { number: 1, seq: 1, verdict, stands_at });
        cbor::to_bytes(&vec![RunShape { count, ..run }])
    }

    #[test]
    fn a_run_that_unfolds_to_gigabytes_is_refused_before_memory_is_taken() {
        let is_refused = |bytes: &[u8]| {
            let got = read_verdicts(bytes).map(|list| list.len());
            assert!(matches!(got, Err(WireError::TooLarge { what: "unfolded frame", .. })), "{got:?}");
        };
        let long = "x".repeat(4_000_000);
        for count in [17, 100_000] {
            is_refused(&refused(vec![long.clone()], Vec::new(), count));
            is_refused(&refused(vec![String::new(); 170_000], Vec::new(), count));
            is_refused(&refused(Vec::new(), vec![(Bucket::Global, 0); 270_000], count));
        }
        let most = refused(vec![bounded(&long); VERDICT_TEXTS_MAX], Vec::new(), FRAME_VERDICTS_MAX as u32);
        assert_eq!(read_verdicts(&most).map(|list| list.len()), Ok(FRAME_VERDICTS_MAX));
    }

    #[test]
    fn commands_do_not_count_beyond_the_last_number() {
        let id = CommandId(Uuid::nil());
        let actor = Actor { kind: ActorKind::Member, id: None, phone: 0 };
        let last =
            Command { id, seq: u64::MAX, made_at_s: 0, actor, body: RawBody { kind: 1, bytes: Vec::new() } };
        let read = read_commands(&commands_to_bytes(&[last.clone(), last]));
        assert_eq!(read, Err(WireError::Malformed("sequence number")));
    }
}
