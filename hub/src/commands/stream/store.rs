//! SQL about the commands kept of streams: what came, its verdict, and what clashes with it. No rules here.

use super::isolate::Aside;
use super::verdicts::Columns;
use crate::commands::Outcome;
use crate::db::Cells;
use crate::db::{int, q};
use sqlx::PgConnection;
use sqlx::postgres::PgRow;
use sync_protocol::ids::{CommandId, EdgeId, Stream};
use sync_protocol::market::{Actor, ActorKind, Command, RawBody};

/// What is kept of a command under a sequence number or an id.
pub(super) struct Kept {
    pub(super) stream: Stream,
    /// As it is kept; its body is without bytes once they were forgotten.
    pub(super) command: Command,
    /// The id under which it came: another than it is kept under, where that was another's.
    pub(super) came_as: CommandId,
    pub(super) body_hash: Vec<u8>,
}

macro_rules! kept {
    ($from:literal) => {
        concat!(
            "SELECT c.seq, c.id, c.made_at_s, c.actor_kind, c.actor_id, c.actor_phone, c.kind, c.body, c.edge_id, c.incarnation,
                coalesce(c.clash_id, c.id), c.body_hash FROM ",
            $from
        )
    };
}

/// What is kept under these commands' sequence numbers in their stream, up to the last that it took, and under their ids in any; one that
/// is kept under both, twice.
pub(super) async fn kept(
    conn: &mut PgConnection,
    stream: Stream,
    taken_upto: u64,
    commands: &[Command],
) -> Result<Vec<Kept>, sqlx::Error> {
    let taken = commands.iter().filter(|command| command.seq <= taken_upto);
    let seqs: Vec<i64> = taken.map(|c| c.seq as i64).collect();
    let ids: Vec<uuid::Uuid> = commands.iter().map(|c| c.id.0).collect();
    // Row by row along its keys: for a list of a thousand, a plan that was made for few reads the whole table, and compares each row
    // with each of the list. The lists stand as `listed!` says.
    const SQL: &str = concat!(
        kept!("unnest((SELECT $3::bigint[])) AS t (seq) JOIN LATERAL (
            SELECT * FROM commands WHERE edge_id = $1 AND incarnation = $2 AND seq = t.seq LIMIT 1) c ON true"),
        " UNION ALL ",
        kept!("unnest((SELECT $4::uuid[])) AS t (id) JOIN LATERAL (SELECT * FROM commands WHERE id = t.id LIMIT 1) c ON true"),
        " UNION ALL ",
        kept!("commands c WHERE c.edge_id = $1 AND c.clash_id = ANY((SELECT $4::uuid[])::uuid[])")
    );
    let rows = q(SQL)
        .bind(int(stream.edge.0)?)
        .bind(int(stream.incarnation)?)
        .bind(seqs)
        .bind(ids)
        .fetch_all(conn)
        .await?;
    let kept = |row| {
        let cells = Cells::of("commands", row);
        Ok(Kept {
            stream: Stream { edge: EdgeId(cells.number(8)?), incarnation: cells.number(9)? },
            command: command(row)?,
            came_as: CommandId(cells.get(10)?),
            body_hash: cells.get(11)?,
        })
    };
    rows.iter().map(kept).collect()
}

/// `seq, id, made_at_s, actor_kind, actor_id, actor_phone, kind, body`.
pub(super) fn command(row: &PgRow) -> Result<Command, sqlx::Error> {
    let cells = Cells::of("commands", row);
    let actor = Actor {
        kind: ActorKind::from_code(cells.get::<i32>(3)? as u32),
        id: cells.get(4)?,
        phone: cells.get::<i64>(5)? as u64,
    };
    let kind = u16::try_from(cells.number(6)?).map_err(|_| cells.misfit(6))?;
    Ok(Command {
        seq: cells.count(0)?,
        id: CommandId(cells.get(1)?),
        made_at_s: cells.get(2)?,
        actor,
        body: RawBody { kind, bytes: cells.get(7)? },
    })
}

/// What is known of a command that [`command`] cannot read: which one it is, and nothing of what it says.
pub(super) fn unread(row: &PgRow) -> Result<Command, sqlx::Error> {
    let cells = Cells::of("commands", row);
    let actor = Actor { kind: ActorKind::Caller, id: None, phone: 0 };
    let body = RawBody { kind: 0, bytes: Vec::new() };
    Ok(Command { seq: cells.count(0)?, id: CommandId(cells.get(1)?), made_at_s: 0, actor, body })
}

/// A command's own columns, one array for each.
struct CommandColumns<'a> {
    seqs: Vec<i64>,
    ids: Vec<uuid::Uuid>,
    made_at_s: Vec<i64>,
    /// Whatever 32 bits came are kept.
    actor_kinds: Vec<i32>,
    actor_ids: Vec<Option<uuid::Uuid>>,
    /// Whatever 64 bits came are kept.
    actor_phones: Vec<i64>,
    kinds: Vec<i32>,
    bodies: Vec<&'a [u8]>,
    hashes: Vec<Vec<u8>>,
}

impl<'a> CommandColumns<'a> {
    fn of(commands: impl Iterator<Item = &'a Command> + Clone) -> Self {
        let all = || commands.clone();
        Self {
            seqs: all().map(|c| c.seq as i64).collect(),
            ids: all().map(|c| c.id.0).collect(),
            made_at_s: all().map(|c| c.made_at_s).collect(),
            actor_kinds: all().map(|c| c.actor.kind.code() as i32).collect(),
            actor_ids: all().map(|c| c.actor.id).collect(),
            actor_phones: all().map(|c| c.actor.phone as i64).collect(),
            kinds: all().map(|c| i32::from(c.body.kind)).collect(),
            bodies: all().map(|c| c.body.bytes.as_slice()).collect(),
            hashes: all().map(|c| c.body_hash().to_vec()).collect(),
        }
    }
}

/// A command with its verdict, to be kept.
pub(super) struct Judged<'a> {
    pub(super) command: &'a Command,
    pub(super) outcome: Outcome,
    pub(super) number: u64,
    /// Why it was set aside.
    pub(super) aside: Option<&'a Aside>,
}

/// Keeps commands with their verdicts.
pub(super) async fn insert(
    conn: &mut PgConnection,
    stream: Stream,
    now: jiff_sqlx::Timestamp,
    judged: &[Judged<'_>],
) -> Result<(), sqlx::Error> {
    let commands = CommandColumns::of(judged.iter().map(|j| j.command));
    let mut columns = Columns::default();
    judged.iter().for_each(|j| columns.push(&j.outcome, j.aside));
    q("INSERT INTO commands (edge_id, incarnation, seq, id, made_at_s, received_at, actor_kind, actor_id, actor_phone, kind,
            body, body_hash, verdict, verdict_number, code, args, short, alias, conflicts, stands_at, error, ours)
        SELECT $1, $2, t.seq, t.id, t.made_at_s, $3, t.actor_kind, t.actor_id, t.actor_phone, t.kind, t.body, t.body_hash,
            t.verdict, t.verdict_number, t.code,
            CASE WHEN t.args IS NOT NULL THEN ARRAY(SELECT jsonb_array_elements_text(t.args::jsonb)) END, t.short, t.alias,
            CASE WHEN t.conflicts IS NOT NULL THEN ARRAY(SELECT jsonb_array_elements_text(t.conflicts::jsonb)) END,
            string_to_array(t.stands_at, ','), t.error, t.ours
        FROM unnest($4::bigint[], $5::uuid[], $6::bigint[], $7::int[], $8::uuid[], $9::bigint[], $10::int[], $11::bytea[],
            $12::bytea[], $13::text[], $14::bigint[], $15::text[], $16::text[], $17::bool[], $18::uuid[], $19::text[],
            $20::text[], $21::text[], $22::bool[])
        AS t (seq, id, made_at_s, actor_kind, actor_id, actor_phone, kind, body, body_hash, verdict, verdict_number, code, args,
            short, alias, conflicts, stands_at, error, ours)")
    .bind(int(stream.edge.0)?)
    .bind(int(stream.incarnation)?)
    .bind(now)
    .bind(commands.seqs)
    .bind(commands.ids)
    .bind(commands.made_at_s)
    .bind(commands.actor_kinds)
    .bind(commands.actor_ids)
    .bind(commands.actor_phones)
    .bind(commands.kinds)
    .bind(commands.bodies)
    .bind(commands.hashes)
    .bind(columns.verdicts)
    .bind(judged.iter().map(|j| j.number as i64).collect::<Vec<_>>())
    .bind(columns.codes)
    .bind(columns.args)
    .bind(columns.short)
    .bind(columns.aliases)
    .bind(columns.conflicts)
    .bind(columns.stands_at)
    .bind(columns.errors)
    .bind(columns.ours)
    .execute(conn)
    .await?;
    Ok(())
}

/// Gives kept commands new verdicts. What was said before is kept until it is acknowledged.
pub(super) async fn update(
    conn: &mut PgConnection,
    stream: Stream,
    judged: &[Judged<'_>],
) -> Result<(), sqlx::Error> {
    let seqs: Vec<i64> = judged.iter().map(|j| j.command.seq as i64).collect();
    let mut columns = Columns::default();
    judged.iter().for_each(|j| columns.push(&j.outcome, j.aside));
    q("INSERT INTO superseded_verdicts (edge_id, incarnation, verdict_number, seq, verdict)
        SELECT c.edge_id, c.incarnation, c.verdict_number, c.seq, c.verdict
        FROM commands c JOIN edge_streams s ON s.edge_id = c.edge_id AND s.incarnation = c.incarnation
        WHERE c.edge_id = $1 AND c.incarnation = $2 AND c.seq = ANY($3) AND c.verdict_number > s.verdicts_acked")
    .bind(int(stream.edge.0)?)
    .bind(int(stream.incarnation)?)
    .bind(&seqs)
    .execute(&mut *conn)
    .await?;
    q("UPDATE commands c SET verdict = t.verdict, verdict_number = t.verdict_number, code = t.code,
            args = CASE WHEN t.args IS NOT NULL THEN ARRAY(SELECT jsonb_array_elements_text(t.args::jsonb)) END,
            short = t.short, alias = t.alias,
            conflicts = CASE WHEN t.conflicts IS NOT NULL THEN ARRAY(SELECT jsonb_array_elements_text(t.conflicts::jsonb)) END,
            stands_at = string_to_array(t.stands_at, ','), error = coalesce(t.error, c.error), ours = t.ours
        FROM unnest($3::bigint[], $4::text[], $5::bigint[], $6::text[], $7::text[], $8::bool[], $9::uuid[], $10::text[],
            $11::text[], $12::text[], $13::bool[])
        AS t (seq, verdict, verdict_number, code, args, short, alias, conflicts, stands_at, error, ours)
        WHERE c.edge_id = $1 AND c.incarnation = $2 AND c.seq = t.seq")
    .bind(int(stream.edge.0)?)
    .bind(int(stream.incarnation)?)
    .bind(&seqs)
    .bind(columns.verdicts)
    .bind(judged.iter().map(|j| j.number as i64).collect::<Vec<_>>())
    .bind(columns.codes)
    .bind(columns.args)
    .bind(columns.short)
    .bind(columns.aliases)
    .bind(columns.conflicts)
    .bind(columns.stands_at)
    .bind(columns.errors)
    .bind(columns.ours)
    .execute(conn)
    .await?;
    Ok(())
}

/// Keeps why a quarantined command broke again.
pub(super) async fn note_aside(
    conn: &mut PgConnection,
    stream: Stream,
    seq: u64,
    aside: &Aside,
) -> Result<(), sqlx::Error> {
    q("UPDATE commands SET error = $4, ours = $5
        WHERE edge_id = $1 AND incarnation = $2 AND seq = $3 AND verdict = 'quarantined'")
    .bind(int(stream.edge.0)?)
    .bind(int(stream.incarnation)?)
    .bind(seq as i64)
    .bind(&aside.error)
    .bind(aside.ours)
    .execute(conn)
    .await?;
    Ok(())
}

/// Moves commands that an edge brought before, in an earlier incarnation or under another number, to their new numbers. Each with the
/// id under which it is kept, and known from now on as it came this time: dated anew, it comes so again when the answer is lost.
pub(super) async fn rehome(
    conn: &mut PgConnection,
    stream: Stream,
    moved: &[(&Command, u64, uuid::Uuid)],
) -> Result<(), sqlx::Error> {
    q("UPDATE commands c SET incarnation = $2, seq = t.seq, verdict_number = t.verdict_number, body_hash = t.body_hash
        FROM unnest($3::uuid[], $4::bigint[], $5::bigint[], $6::bytea[]) AS t (id, seq, verdict_number, body_hash)
        WHERE c.id = t.id AND c.edge_id = $1")
    .bind(int(stream.edge.0)?)
    .bind(int(stream.incarnation)?)
    .bind(moved.iter().map(|(_, _, id)| *id).collect::<Vec<_>>())
    .bind(moved.iter().map(|(command, ..)| command.seq as i64).collect::<Vec<_>>())
    .bind(moved.iter().map(|(_, number, _)| *number as i64).collect::<Vec<_>>())
    .bind(moved.iter().map(|(command, ..)| command.body_hash().to_vec()).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// Freezes the stream and keeps the commands that clash, for an operator. Two boxes used one number: verdicts, which name numbers,
/// would tell the one what became of the other's command, so neither gets any until one of them is enrolled again and sends its
/// commands under new numbers.
pub(super) async fn freeze(
    conn: &mut PgConnection,
    stream: Stream,
    clashing: &[&Command],
    reason: &str,
) -> Result<(), sqlx::Error> {
    let commands = CommandColumns::of(clashing.iter().copied());
    q("INSERT INTO command_conflicts (edge_id, incarnation, seq, id, body_hash, made_at_s, actor_kind, actor_id, actor_phone,
            kind, body, reason)
        SELECT $1, $2, t.*, $3 FROM unnest($4::bigint[], $5::uuid[], $6::bytea[], $7::bigint[], $8::int[], $9::uuid[],
            $10::bigint[], $11::int[], $12::bytea[]) AS t
        ON CONFLICT DO NOTHING")
    .bind(int(stream.edge.0)?)
    .bind(int(stream.incarnation)?)
    .bind(reason)
    .bind(commands.seqs)
    .bind(commands.ids)
    .bind(commands.hashes)
    .bind(commands.made_at_s)
    .bind(commands.actor_kinds)
    .bind(commands.actor_ids)
    .bind(commands.actor_phones)
    .bind(commands.kinds)
    .bind(commands.bodies)
    .execute(&mut *conn)
    .await?;
    q("UPDATE edge_streams SET frozen_at = coalesce(frozen_at, now()) WHERE edge_id = $1 AND incarnation = $2")
        .bind(int(stream.edge.0)?)
        .bind(int(stream.incarnation)?)
        .execute(conn)
        .await?;
    Ok(())
}
