//! A command of the log with what became of it, and how a verdict stands in its columns.

use super::thing::Thing;
use crate::db::DbError;
use rusqlite::Row;
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::{CommandId, MemberId};
use sync_protocol::market::{Actor, ActorKind, Certainty, Command, RawBody};
use sync_protocol::verdict::{Applied, Conflict, Reject, RejectCode, Verdict};
use uuid::Uuid;

/// The columns that [`CommandState::read`] and [`command`] expect, in this order.
pub(super) const COLUMNS: &str = "seq, id, made_at_s, actor_kind, actor_id, actor_phone, kind, body, record, sent, verdict, code, \
     args, alias, conflicts, short, stands_at, coalesce(settled_hub_s, settled_at_s), told_at_s, verdict_number, thing, ticked, said_before IS NOT NULL, taken_back, heard_short, standing_words";

/// A command of the log and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandState {
    /// The command, with its place in the stream.
    pub command: Command,
    /// Whether the hub may still refuse it, as far as was known when it was made.
    pub certainty: Certainty,
    /// Whether its bytes may have left this box.
    pub sent: bool,
    /// The hub's word; `None` while it waits. It may be an open one, see [`Verdict::is_final`].
    pub verdict: Option<Verdict>,
    /// Where its effects stand; empty without a verdict.
    pub stands_at: Vec<(Bucket, u64)>,
    /// When the final verdict came, seconds since 1970 UTC: by the hub's clock where that is known, else as far as this box knew.
    pub settled_at_s: Option<i64>,
    /// When the person was told of it, seconds since 1970 UTC, as far as this box knew.
    pub told_at_s: Option<i64>,
    /// The verdict's number, counted over all streams of this box: what the hub said later has a higher one. 0 while it waits.
    pub verdict_number: u64,
    /// What it is about, as that was when it was made; `None` for one about a person, or of an earlier version.
    pub thing: Option<Thing>,
    /// Whether somebody at the office has dealt with its refusal.
    pub ticked: bool,
    /// Whether the hub had said something else of it that was told, and forgot it when it was restored from a backup.
    pub was_told_otherwise: bool,
    /// Whether it was taken back here before its final verdict came, so that how it ended is no news.
    pub was_taken_back: bool,
    /// Whether the last that its buyer heard of an order is that there is not enough for it.
    pub heard_short: bool,
    /// How often its buyer was told how an order stands after the hub's first word on it.
    pub standing_words: u64,
}

impl CommandState {
    pub(super) fn read(row: &Row<'_>) -> Result<Self, DbError> {
        let command = command(row)?;
        let verdict = read_verdict(row, command.seq)?;
        let stands_at: Option<String> = row.get(16)?;
        Ok(Self {
            certainty: if row.get(8)? { Certainty::Record } else { Certainty::Request },
            sent: row.get(9)?,
            verdict,
            stands_at: read_stands_at(stands_at.as_deref(), command.seq)?,
            settled_at_s: row.get(17)?,
            told_at_s: row.get(18)?,
            verdict_number: row.get::<_, Option<u64>>(19)?.unwrap_or(0),
            thing: row.get::<_, Option<String>>(20)?.as_deref().and_then(Thing::from_json),
            ticked: row.get(21)?,
            was_told_otherwise: row.get(22)?,
            was_taken_back: row.get(23)?,
            heard_short: row.get(24)?,
            standing_words: row.get(25)?,
            command,
        })
    }
}

/// The command alone.
pub(super) fn command(row: &Row<'_>) -> Result<Command, DbError> {
    Ok(Command {
        seq: row.get(0)?,
        id: CommandId(uuid(row, 1)?.unwrap_or_default()),
        made_at_s: row.get(2)?,
        actor: Actor { kind: ActorKind::from_code(row.get(3)?), id: uuid(row, 4)?, phone: row.get(5)? },
        body: RawBody { kind: row.get(6)?, bytes: row.get(7)? },
    })
}

/// A verdict as columns: word, code, args, alias, conflicts, short.
pub(super) struct VerdictColumns {
    pub(super) word: &'static str,
    pub(super) code: Option<&'static str>,
    pub(super) args: Option<String>,
    pub(super) alias: Option<[u8; 16]>,
    pub(super) conflicts: Option<String>,
    pub(super) short: bool,
}

impl VerdictColumns {
    pub(super) fn of(verdict: &Verdict) -> Self {
        let mut columns = Self {
            word: verdict.as_str(),
            code: None,
            args: None,
            alias: None,
            conflicts: None,
            short: false,
        };
        match verdict {
            Verdict::Applied(applied) => {
                columns.short = applied.short;
                columns.alias = applied.alias.map(|member| member.0.into_bytes());
                let list: Vec<[&str; 3]> = applied
                    .conflicts
                    .iter()
                    .map(|c| [c.field.as_str(), c.current.as_str(), c.wanted.as_str()])
                    .collect();
                columns.conflicts = (!list.is_empty()).then(|| json(&list));
            }
            Verdict::Rejected(reject) => {
                columns.code = Some(reject.code.as_str());
                columns.args = Some(json(&reject.args));
            }
            Verdict::Dismissed | Verdict::Held | Verdict::Quarantined | Verdict::Unsupported => {}
        }
        columns
    }
}

/// Buckets and versions as JSON: `[["coop:12",7]]`.
pub(super) fn stands_at_json(stands_at: &[(Bucket, u64)]) -> String {
    let list: Vec<(String, u64)> =
        stands_at.iter().map(|(bucket, version)| (bucket.to_string(), *version)).collect();
    json(&list)
}

/// The inverse of [`stands_at_json`]; nothing stands nowhere.
pub(super) fn read_stands_at(text: Option<&str>, seq: u64) -> Result<Vec<(Bucket, u64)>, DbError> {
    let bad = || DbError::bad_value("command", "stands_at", seq);
    let list: Vec<(String, u64)> = text.map_or(Ok(Vec::new()), serde_json::from_str).map_err(|_| bad())?;
    list.into_iter().map(|(bucket, version)| Ok((bucket.parse().map_err(|_| bad())?, version))).collect()
}

/// The verdict that a word stands for, for those that need no more than the word.
pub(super) fn verdict_of_word(word: &str) -> Option<Verdict> {
    Some(match word {
        "applied" => Verdict::Applied(Applied::default()),
        "rejected" => Verdict::Rejected(Reject::new(RejectCode::Invalid)),
        "dismissed" => Verdict::Dismissed,
        "held" => Verdict::Held,
        "quarantined" => Verdict::Quarantined,
        "unsupported" => Verdict::Unsupported,
        _ => return None,
    })
}

fn read_verdict(row: &Row<'_>, seq: u64) -> Result<Option<Verdict>, DbError> {
    let Some(word) = row.get::<_, Option<String>>(10)? else { return Ok(None) };
    let bad = |column| DbError::bad_value("command", column, seq);
    Ok(Some(match verdict_of_word(&word).ok_or_else(|| bad("verdict"))? {
        Verdict::Applied(_) => {
            let text: Option<String> = row.get(14)?;
            let list: Vec<[String; 3]> = text
                .map_or(Ok(Vec::new()), |text| serde_json::from_str(&text))
                .map_err(|_| bad("conflicts"))?;
            let conflicts = list
                .into_iter()
                .map(|[field, current, wanted]| Conflict { field, current, wanted })
                .collect();
            Verdict::Applied(Applied { short: row.get(15)?, alias: uuid(row, 13)?.map(MemberId), conflicts })
        }
        Verdict::Rejected(_) => {
            let (code, args): (Option<String>, Option<String>) = (row.get(11)?, row.get(12)?);
            // A reason of a newer hub is kept as a refusal without one.
            let code = code.as_deref().and_then(RejectCode::parse).unwrap_or(RejectCode::Other(0));
            let args =
                args.map_or(Ok(Vec::new()), |text| serde_json::from_str(&text)).map_err(|_| bad("args"))?;
            Verdict::Rejected(Reject { code, args })
        }
        other => other,
    }))
}

fn uuid(row: &Row<'_>, column: usize) -> Result<Option<Uuid>, DbError> {
    let bytes: Option<Vec<u8>> = row.get(column)?;
    bytes
        .map(|bytes| Uuid::from_slice(&bytes).map_err(|_| DbError::bad_value("command", "id", column)))
        .transpose()
}

/// Lists of strings and numbers always have a JSON form.
fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "[]".to_owned())
}
