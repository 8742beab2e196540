//! The log itself: appended to in sequence, read by whoever sends it, pruned by rule. Nothing leaves it before its final verdict.

use super::refusals::to_look_at;
use super::state::{COLUMNS, CommandState, command};
use super::thing::Thing;
use crate::db::{DbError, pass_over};
use crate::node;
use crate::time::Now;
use rusqlite::{Connection, OptionalExtension, Transaction};
use sync_protocol::ids::CommandId;
use sync_protocol::limits::PENDING_COMMANDS_MAX;
use sync_protocol::market::{Certainty, Command};

/// Bytes of bodies in one answer of [`pending`]: well below what one frame may unfold to.
pub const PENDING_BYTES_MAX: usize = 1 << 20;

/// How long a command stays after its final verdict, once its person was told: so long its screen can be asked for again. Counted,
/// as every age of a command, by the hub's word alone ([`crate::time::Now::heard_s`]).
pub(super) const KEPT_TOLD_S: i64 = 30 * 86_400;

/// How long it stays when nobody could be told, so that the log stays bounded also where messages cannot go out.
const KEPT_UNTOLD_S: i64 = 365 * 86_400;

/// Appends a command. Its number must be the next one.
pub(super) fn append(
    tx: &Transaction<'_>,
    command: &Command,
    certainty: Certainty,
    short: bool,
    has_rows: bool,
    thing: Option<&Thing>,
) -> Result<(), DbError> {
    let Command { id, seq, made_at_s, actor, body } = command;
    let mut statement = tx.prepare_cached(
        "INSERT INTO command (seq, id, made_at_s, actor_kind, actor_id, actor_phone, kind, body, record, short, local, thing)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?;
    let actor_id = actor.id.map(uuid::Uuid::into_bytes);
    let record = certainty == Certainty::Record;
    statement.execute(rusqlite::params![
        seq,
        id.0.as_bytes(),
        made_at_s,
        actor.kind.code(),
        actor_id,
        actor.phone,
        body.kind,
        body.bytes,
        record,
        short,
        has_rows,
        thing.map(Thing::to_json)
    ])?;
    node::set_highest_seq(tx, *seq)
}

/// Whether the log takes another command.
pub(super) fn has_room(conn: &Connection) -> Result<bool, DbError> {
    let oldest: Option<u64> = conn
        .prepare_cached("SELECT min(seq) FROM command WHERE settled_at_s IS NULL")?
        .query_row([], |row| row.get(0))?;
    let Some(oldest) = oldest else { return Ok(true) };
    // Numbers have no gaps, so counting is only needed when this bound does not settle it.
    let at_most = node::highest_seq(conn)?.saturating_sub(oldest).saturating_add(1);
    Ok(at_most < PENDING_COMMANDS_MAX || tally(conn)?.unsettled() < PENDING_COMMANDS_MAX)
}

/// What became of a command; `None` when it is not in the log (never made here, or pruned).
///
/// # Errors
/// Those of the database.
pub fn outcome(conn: &Connection, id: CommandId) -> Result<Option<CommandState>, DbError> {
    let mut statement = conn.prepare_cached(&format!("SELECT {COLUMNS} FROM command WHERE id = ?1"))?;
    let mut rows = statement.query([id.0.as_bytes()])?;
    rows.next()?.map(CommandState::read).transpose()
}

/// Commands without a verdict after a place in the stream, in sequence without a gap: at most `max`, and at most about
/// [`PENDING_BYTES_MAX`] of bodies, but at least one where there is one.
///
/// # Errors
/// Those of the database.
pub fn pending(conn: &Connection, after_seq: u64, max: usize) -> Result<Vec<Command>, DbError> {
    let sql =
        format!("SELECT {COLUMNS} FROM command WHERE verdict IS NULL AND seq > ?1 ORDER BY seq LIMIT ?2");
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query((after_seq, i64::try_from(max).unwrap_or(i64::MAX)))?;
    let (mut list, mut bytes) = (Vec::<Command>::new(), 0);
    while let Some(row) = rows.next()? {
        let next = command(row)?;
        bytes += next.body.bytes.len();
        let follows = list.last().is_none_or(|last| next.seq == last.seq + 1);
        if !follows || (bytes > PENDING_BYTES_MAX && !list.is_empty()) {
            break;
        }
        list.push(next);
    }
    Ok(list)
}

/// Notes that a command is a count by which its product had to be counted no more.
pub(super) fn note_ended_doubt(tx: &Transaction<'_>, seq: u64) -> Result<(), DbError> {
    tx.prepare_cached("UPDATE command SET ended_doubt = 1 WHERE seq = ?1")?.execute([seq])?;
    Ok(())
}

/// Whether a command is one of those.
pub(super) fn ended_doubt(conn: &Connection, id: uuid::Uuid) -> Result<bool, DbError> {
    let sql = "SELECT ended_doubt FROM command WHERE id = ?1";
    Ok(conn.prepare_cached(sql)?.query_row([id.as_bytes()], |row| row.get(0)).optional()?.unwrap_or(false))
}

/// Notes that the bytes of all commands up to a place may leave the box. To be committed before the first byte does: what was
/// never sent can be taken back for certain, and only that.
///
/// # Errors
/// Those of the database.
pub fn mark_sent(tx: &Transaction<'_>, upto_seq: u64) -> Result<(), DbError> {
    let sql = "UPDATE command SET sent = 1 WHERE verdict IS NULL AND sent = 0 AND seq <= ?1";
    tx.prepare_cached(sql)?.execute([upto_seq])?;
    Ok(())
}

/// How many commands without a verdict were left with the hub by a box that was shut out.
///
/// # Errors
/// Those of the database.
pub fn left(conn: &Connection) -> Result<u64, DbError> {
    let sql = "SELECT count(*) FROM command WHERE verdict IS NULL AND seq <= ?1";
    Ok(conn.prepare_cached(sql)?.query_row([node::left_upto(conn)?], |row| row.get(0))?)
}

/// How the log stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Commands that the hub has not answered.
    pub waiting: u64,
    /// Commands with an open answer: held, quarantined, unsupported.
    pub open: u64,
    /// Commands refused, put aside or taken only in part that are still shown, and that nobody at the office has ticked off.
    pub refused: u64,
}

impl Tally {
    /// Commands that have no final verdict.
    pub fn unsettled(&self) -> u64 {
        self.waiting + self.open
    }
}

/// Counts the log.
///
/// # Errors
/// Those of the database.
pub fn tally(conn: &Connection) -> Result<Tally, DbError> {
    let waiting = "SELECT count(*) FROM command WHERE verdict IS NULL";
    let open = "SELECT count(*) FROM command WHERE settled_at_s IS NULL AND verdict IS NOT NULL";
    Ok(Tally {
        waiting: conn.prepare_cached(waiting)?.query_row([], |row| row.get(0))?,
        open: conn.prepare_cached(open)?.query_row([], |row| row.get(0))?,
        refused: to_look_at(conn)?,
    })
}

/// Commands with a final verdict of which nobody was told, nor was it seen that nobody has to be; oldest first: the number of each,
/// and what it is where that can be read. One that took effect comes once its rows are here: it may have been undone since.
///
/// # Errors
/// Those of the database.
pub fn untold(conn: &Connection, max: usize) -> Result<Vec<(u64, Option<CommandState>)>, DbError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM command WHERE settled_at_s IS NOT NULL AND told_at_s IS NULL AND unsaid IS NULL
         AND (local = 0 OR verdict <> 'applied') ORDER BY seq LIMIT ?1"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query([i64::try_from(max).unwrap_or(i64::MAX)])?;
    let mut list = Vec::new();
    while let Some(row) = rows.next()? {
        list.push((row.get(0)?, pass_over(CommandState::read(row))?));
    }
    Ok(list)
}

/// Notes that the person was told of a command's verdict. In the transaction that queues the message that says it, and only there.
///
/// # Errors
/// Those of the database.
pub fn mark_told(tx: &Transaction<'_>, seq: u64, now_s: i64) -> Result<(), DbError> {
    let sql =
        "UPDATE command SET told_at_s = ?2 WHERE seq = ?1 AND settled_at_s IS NOT NULL AND told_at_s IS NULL";
    tx.prepare_cached(sql)?.execute((seq, now_s))?;
    Ok(())
}

/// Why there is no message about a verdict, or about an order's end. Kept in words: in the columns `unsaid`, and `end_said`, which says `told`
/// where there is one. The migrations that made these name those words that there were then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsaid {
    /// It only confirms what was said.
    Nothing,
    /// There is no number to tell it to: the office has it on its page.
    Nobody,
    /// The person wants no messages.
    Stop,
    /// What stands here of it cannot be read: see the log.
    Unreadable,
}

impl Unsaid {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Nobody => "nobody",
            Self::Stop => "stop",
            Self::Unreadable => "unreadable",
        }
    }
}

/// Notes that nobody is told of a command's verdict, and why. What was said stays said.
///
/// # Errors
/// Those of the database.
pub fn mark_unsaid(tx: &Transaction<'_>, seq: u64, why: Unsaid) -> Result<(), DbError> {
    let sql =
        "UPDATE command SET unsaid = ?2 WHERE seq = ?1 AND settled_at_s IS NOT NULL AND told_at_s IS NULL";
    tx.prepare_cached(sql)?.execute((seq, why.as_str()))?;
    Ok(())
}

/// Notes when the hub's word on a command came, by the hub: to be called at the end of the answer that brought it. From then on it
/// grows old.
///
/// # Errors
/// Those of the database.
pub fn date(tx: &Transaction<'_>, hub_s: i64, now: &Now) -> Result<(), DbError> {
    let sql = "UPDATE command SET settled_hub_s = ?1, settled_heard_s = ?2
               WHERE settled_at_s IS NOT NULL AND settled_heard_s IS NULL";
    tx.prepare_cached(sql)?.execute((hub_s, now.heard_s))?;
    Ok(())
}

/// Drops what has had its final verdict and is not needed any more: told and 30 days old, or a year old, by the hub's word alone. Where nobody
/// was told because it was taken back, it stays while anything that takes back may still be refused: see `taken_back`. What took
/// effect also stays until two copies of the hub's database hold it, where the hub says which do: restored from either, it has to be
/// brought again. Keeps the newest, and what still has rows beside the replica. Gives how many went.
///
/// # Errors
/// Those of the database.
pub fn prune(tx: &Transaction<'_>, now: &Now) -> Result<usize, DbError> {
    let sql = "DELETE FROM command WHERE settled_heard_s < ?1 AND local = 0 AND seq < (SELECT max(seq) FROM command)
               AND (told_at_s IS NOT NULL OR settled_heard_s < ?2
                    OR unsaid IS NOT NULL AND (taken_back = 0 OR end_said IS NOT NULL OR NOT EXISTS (
                        SELECT 1 FROM command c WHERE (c.kind = 4 OR c.kind = 6) AND c.settled_at_s IS NULL)))
               AND (?3 IS NULL OR verdict <> 'applied' OR settled_hub_s < ?3 OR settled_heard_s < ?2)";
    let told_before = now.heard_s.saturating_sub(KEPT_TOLD_S);
    let all_before = now.heard_s.saturating_sub(KEPT_UNTOLD_S);
    Ok(tx.prepare_cached(sql)?.execute((told_before, all_before, node::backed_up_s(tx)?))?)
}

/// Whether an order's own command is still only here: the hub cannot know of it.
pub(super) fn never_left(conn: &Connection, id: CommandId) -> Result<bool, DbError> {
    let sql = "SELECT sent = 0 AND verdict IS NULL FROM command WHERE id = ?1";
    Ok(conn.prepare_cached(sql)?.query_row([id.0.as_bytes()], |row| row.get(0)).optional()?.unwrap_or(false))
}
