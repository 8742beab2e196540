//! The queue's tables. A state never goes back from an end, and a message leaves the table only long after it ended.

use super::rules::PAUSE_MAX_S;
use super::{Kind, Outgoing, State};
use crate::config::Senders;
use crate::db::{DbError, pass_over};
use crate::replica;
use crate::text::Lang;
use crate::text::gsm7::sms_size;
use crate::time::Now;
use rusqlite::{Connection, OptionalExtension, Row, Transaction};
use sync_protocol::market::{Order, OrderStatus};
use sync_protocol::row::Key;

/// Seconds for which a message is kept after its end: what was charged can be asked about for a quarter.
const ENDED_KEPT_S: i64 = 90 * 86_400;

/// Seconds after which a message that could not be sent is of no use any more, if this box has really lived through them.
const QUEUED_MAX_S: i64 = 7 * 86_400;

/// What stands beside a message that was given up for that.
const GIVEN_UP: &str = "it could not be sent for a week";

/// Seconds for which it is told how many were given up.
const GIVEN_UP_TOLD_S: i64 = 30 * 86_400;

/// Seconds for which a gateway may bring an SMS again; it gives up after minutes.
const INCOMING_KEPT_S: i64 = 2 * 86_400;

/// Seconds for which a report waits for its message.
const REPORT_KEPT_S: i64 = 86_400;

/// Rows of each table that one pruning takes, so that it never holds up the writer.
const PRUNE_MAX: u32 = 1_000;

/// A message as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its number; later ones are higher.
    pub id: i64,
    /// To whom: E.164 without the plus sign.
    pub phone: u64,
    /// What it says.
    pub text: String,
    /// Pieces that are charged.
    pub segments: u32,
    /// Why it is sent.
    pub kind: Kind,
    /// What it is about.
    pub about: String,
    /// The gateway that it must go by, if any.
    pub gateway: Option<String>,
    /// What the gateway wants back with it.
    pub link_id: Option<String>,
    /// How far it is.
    pub state: State,
    /// How often it was tried.
    pub tries: u32,
    /// Not to be sent before, seconds since 1970 UTC. For showing: what counts is [`Now::lived_s`].
    pub not_before_s: i64,
    /// The gateway's id.
    pub message_id: Option<String>,
    /// What went wrong last; may be empty.
    pub note: String,
    /// When it was queued, as far as this box knew.
    pub created_at_s: i64,
    /// When its state changed last, as far as this box knew.
    pub changed_at_s: i64,
}

const COLUMNS: &str = "id, phone, text, segments, kind, about, gateway, link_id, state, tries, not_before_s, message_id, \
     note, created_at_s, changed_at_s";

fn stored(row: &Row<'_>) -> Result<Stored, DbError> {
    let id: i64 = row.get(0)?;
    let bad = |column| DbError::bad_value("sms_out", column, id);
    Ok(Stored {
        id,
        phone: row.get(1)?,
        text: row.get(2)?,
        segments: row.get(3)?,
        kind: Kind::parse(row.get_ref(4)?.as_str().unwrap_or_default()).ok_or_else(|| bad("kind"))?,
        about: row.get(5)?,
        gateway: row.get(6)?,
        link_id: row.get(7)?,
        state: State::parse(row.get_ref(8)?.as_str().unwrap_or_default()).ok_or_else(|| bad("state"))?,
        tries: row.get(9)?,
        not_before_s: row.get(10)?,
        message_id: row.get(11)?,
        note: row.get(12)?,
        created_at_s: row.get(13)?,
        changed_at_s: row.get(14)?,
    })
}

/// Queues a message in the transaction of what it tells about. False when it was queued before.
///
/// # Errors
/// Those of the database.
pub fn queue(tx: &Transaction<'_>, message: &Outgoing, now: &Now) -> Result<bool, DbError> {
    let mut statement = tx.prepare_cached(
        "INSERT INTO sms_out (phone, text, segments, kind, about, gateway, link_id, not_before_s, created_at_s, changed_at_s,
                              due_lived_s, queued_lived_s, changed_lived_s)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?8, ?9, ?9, ?9) ON CONFLICT (about, kind, phone) DO NOTHING",
    )?;
    let segments = u32::try_from(sms_size(&message.text).segments).unwrap_or(u32::MAX);
    let Outgoing { phone, text, kind, about, gateway, link_id } = message;
    let (kind, at_s, lived_s) = (kind.as_str(), now.best_s, now.lived_s);
    let added = statement.execute((phone, text, segments, kind, about, gateway, link_id, at_s, lived_s))?;
    Ok(added == 1)
}

/// Messages, the newest first: of one state or all, before an id, at most so many. Those that cannot be read do not count: fewer come
/// only where there are no more.
///
/// # Errors
/// Those of the database.
pub fn list(
    conn: &Connection,
    state: Option<State>,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<Stored>, DbError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM sms_out WHERE id < ?1 AND (?2 IS NULL OR state = ?2) ORDER BY id DESC"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query((before.unwrap_or(i64::MAX), state.map(State::as_str)))?;
    let mut messages = Vec::new();
    while messages.len() < limit as usize
        && let Some(row) = rows.next()?
    {
        messages.extend(pass_over(stored(row))?);
    }
    Ok(messages)
}

/// SMS that wait although no gateway of the settings can send them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stuck {
    /// How many, at least one.
    pub count: u64,
    /// Seconds for which the oldest of them has waited.
    pub age_s: i64,
    /// The gateways that they have to go by, and that have no account (any more), where another has one; empty where none has.
    pub gateways: Vec<String>,
}

/// What waits in vain for an account to send it with; `None` where nothing does.
///
/// # Errors
/// Those of the database.
pub fn stuck(conn: &Connection, senders: &Senders, now: &Now) -> Result<Option<Stuck>, DbError> {
    let mut statement = conn.prepare_cached(
        "SELECT gateway, count(*), min(queued_lived_s) FROM sms_out WHERE state = 'queued' GROUP BY gateway ORDER BY gateway",
    )?;
    let mut rows = statement.query([])?;
    let mut stuck: Option<Stuck> = None;
    while let Some(row) = rows.next()? {
        let gateway: Option<String> = row.get(0)?;
        if senders.take(gateway.as_deref()) {
            continue;
        }
        let (count, age_s): (u64, _) = (row.get(1)?, now.age_s(row.get(2)?));
        let sum = stuck.get_or_insert(Stuck { count: 0, age_s, gateways: Vec::new() });
        sum.count += count;
        sum.age_s = sum.age_s.max(age_s);
        sum.gateways.extend(gateway.filter(|_| senders.has_any()));
    }
    Ok(stuck)
}

/// How many messages were given up in the last 30 days because they could not be sent for a week: nobody got them.
///
/// # Errors
/// Those of the database.
pub fn given_up(conn: &Connection, now: &Now) -> Result<u64, DbError> {
    // The first condition is that of the index.
    let mut statement = conn.prepare_cached(
        "SELECT count(*) FROM sms_out WHERE state NOT IN ('queued', 'sending') AND changed_lived_s >= ?1 AND state = 'cancelled'
         AND note = ?2",
    )?;
    let since = now.lived_s.saturating_sub(GIVEN_UP_TOLD_S);
    Ok(statement.query_row((since, GIVEN_UP), |row| row.get(0))?)
}

/// The message to send next: answers first, then what waits longest. What is due later than any pause lasts is due: the count has
/// lost something since.
pub(super) fn due(conn: &Connection, now: &Now) -> Result<Option<Stored>, DbError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM sms_out WHERE state = 'queued' AND (due_lived_s <= ?1 OR due_lived_s > ?2)
         ORDER BY kind <> 'reply', due_lived_s, id"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query([now.lived_s, now.lived_s.saturating_add(PAUSE_MAX_S)])?;
    while let Some(row) = rows.next()? {
        if let Some(message) = pass_over(stored(row))? {
            return Ok(Some(message));
        }
    }
    Ok(None)
}

/// Moves a message that has not ended: its state, after what pause in seconds it is next due, and why. It is looked at again
/// after [`PAUSE_MAX_S`] at the latest.
pub(super) fn set(
    tx: &Transaction<'_>,
    id: i64,
    state: State,
    pause_s: i64,
    note: &str,
    now: &Now,
) -> Result<(), DbError> {
    let mut statement = tx.prepare_cached(
        "UPDATE sms_out SET state = ?2, not_before_s = ?3, due_lived_s = ?4, note = ?5, changed_at_s = ?6, changed_lived_s = ?7
         WHERE id = ?1 AND state IN ('queued', 'sending')",
    )?;
    let due_lived_s = now.lived_s.saturating_add(pause_s.min(PAUSE_MAX_S));
    let not_before_s = now.best_s.saturating_add(pause_s);
    statement.execute((id, state.as_str(), not_before_s, due_lived_s, note, now.best_s, now.lived_s))?;
    Ok(())
}

/// Notes that the request may leave now. To be on disk before it does. False when the message waits no more, so that it must not.
pub(super) fn begin(tx: &Transaction<'_>, id: i64, gateway: &str, now: &Now) -> Result<bool, DbError> {
    let mut statement = tx.prepare_cached(
        "UPDATE sms_out SET state = 'sending', tries = tries + 1, gateway = ?2, changed_at_s = ?3, changed_lived_s = ?4
         WHERE id = ?1 AND state = 'queued'",
    )?;
    Ok(statement.execute((id, gateway, now.best_s, now.lived_s))? == 1)
}

/// Takes back a try that did not count.
pub(super) fn uncount(tx: &Transaction<'_>, id: i64) -> Result<(), DbError> {
    tx.prepare_cached("UPDATE sms_out SET tries = tries - 1 WHERE id = ?1 AND tries > 0")?.execute([id])?;
    Ok(())
}

/// Notes that the gateway has a message, with what a report has said of it already.
/// `day` is the day of the country, for what may be sent on one.
pub(super) fn accepted(
    tx: &Transaction<'_>,
    id: i64,
    message_id: &str,
    day: i64,
    now: &Now,
) -> Result<(), DbError> {
    let message_id = Some(message_id).filter(|id| !id.is_empty());
    let mut statement = tx.prepare_cached(
        "UPDATE sms_out SET state = 'sent', message_id = ?2, note = '', changed_at_s = ?3, sent_at_s = ?3, sent_day = ?4,
                            changed_lived_s = ?5
         WHERE id = ?1 AND state = 'sending'",
    )?;
    statement.execute((id, message_id, now.best_s, day, now.lived_s))?;
    let Some(message_id) = message_id else { return Ok(()) };
    let early: Option<(String, String, bool)> = tx
        .prepare_cached("SELECT state, note, opted_out FROM sms_report WHERE message_id = ?1")?
        .query_row([message_id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    if let Some((word, note, opted_out)) = early {
        tx.prepare_cached("DELETE FROM sms_report WHERE message_id = ?1")?.execute([message_id])?;
        if let Some(state) = State::parse(&word) {
            let early = ReportOf { message_id, state, note: &note, opted_out };
            ended(tx, &early, now)?;
            note_refusal(tx, &early, now)?;
        }
    }
    Ok(())
}

/// Messages whose request may have left when the program ended.
pub(super) fn interrupted(conn: &Connection) -> Result<Vec<i64>, DbError> {
    let mut statement = conn.prepare_cached("SELECT id FROM sms_out WHERE state = 'sending'")?;
    let rows = statement.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Counts a try after which a message may have gone out, or not. Gives how many there were.
pub(super) fn count_unclear(tx: &Transaction<'_>, id: i64) -> Result<u32, DbError> {
    let sql = "UPDATE sms_out SET unclear_tries = unclear_tries + 1 WHERE id = ?1 RETURNING unclear_tries";
    Ok(tx.prepare_cached(sql)?.query_row([id], |row| row.get(0)).optional()?.unwrap_or(0))
}

/// Pieces that were sent on a day of the country.
pub(super) fn segments_on(conn: &Connection, day: i64) -> Result<u64, DbError> {
    let mut statement =
        conn.prepare_cached("SELECT coalesce(sum(segments), 0) FROM sms_out WHERE sent_day = ?1")?;
    Ok(statement.query_row([day], |row| row.get(0))?)
}

/// Whether what a message says of an act holds still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// As far as anybody here knows.
    Holds,
    /// A later message tells the same number how that act stands.
    Followed,
    /// It is an order that was taken back.
    TakenBack,
    /// It is an order that somebody here takes back, which the hub may refuse.
    Undecided,
}

/// Looks whether what a message says holds still: who waited for a gateway, or for the morning, must not hear last what was true first.
pub(super) fn word(conn: &Connection, message: &Stored) -> Result<Word, DbError> {
    if message.kind == Kind::Reply {
        return Ok(Word::Holds);
    }
    let (act, word) = message.about.split_once('/').unwrap_or((&message.about, ""));
    // Along the unique key: what is about an act begins with its id.
    let mut statement = conn.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM sms_out WHERE about BETWEEN ?1 AND ?1 || '/~' AND +phone = ?2 AND +id > ?3
            AND +kind <> 'reply' AND +state NOT IN ('failed', 'cancelled'))",
    )?;
    if statement.query_row((act, message.phone, message.id), |row| row.get(0))? {
        return Ok(Word::Followed);
    }
    let says_so = word == OrderStatus::Cancelled.as_str();
    if says_so { Ok(Word::Holds) } else { standing(conn, act) }
}

/// The same by how an order stands. What is none, or cannot be read, keeps no message.
fn standing(conn: &Connection, act: &str) -> Result<Word, DbError> {
    let Ok(id) = act.parse() else { return Ok(Word::Holds) };
    let is_cancelled = |order: Option<Order>| order.map(|order| order.status == OrderStatus::Cancelled);
    let here = pass_over(replica::get(conn, Key::Uuid(id)))?.flatten();
    if is_cancelled(here) != Some(true) {
        return Ok(Word::Holds);
    }
    // One that the hub has not heard of yet it will hear of with its end.
    let at_the_hub = pass_over(replica::get_sent(conn, Key::Uuid(id)))?.flatten();
    Ok(if is_cancelled(at_the_hub) == Some(false) { Word::Undecided } else { Word::TakenBack })
}

/// Whether a number was ever written to, as far as that is kept.
pub(crate) fn was_written_to(conn: &Connection, phone: u64) -> Result<bool, DbError> {
    let mut statement = conn.prepare_cached("SELECT EXISTS (SELECT 1 FROM sms_out WHERE phone = ?1)")?;
    Ok(statement.query_row([phone], |row| row.get(0))?)
}

/// Answers to a number in the last so many seconds.
pub(crate) fn replies_within(conn: &Connection, phone: u64, last_s: i64, now: &Now) -> Result<u32, DbError> {
    let mut statement = conn.prepare_cached(
        "SELECT count(*) FROM sms_out WHERE phone = ?1 AND queued_lived_s >= ?2 AND kind = 'reply'",
    )?;
    Ok(statement.query_row((phone, now.lived_s.saturating_sub(last_s)), |row| row.get(0))?)
}

/// What a delivery report came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// A message has ended with it.
    Ended,
    /// Its message is not known yet; it is kept for a day.
    Kept,
    /// The message had ended before.
    Late,
}

/// A delivery report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportOf<'a> {
    /// The gateway's id of the message.
    pub message_id: &'a str,
    /// `Delivered` or `Failed`.
    pub state: State,
    /// What went wrong; may be empty.
    pub note: &'a str,
    /// Whether it says that the receiver refuses messages.
    pub opted_out: bool,
}

/// Takes a delivery report, also one that comes before the gateway's answer says which message it is about.
///
/// # Errors
/// Those of the database.
pub fn report(tx: &Transaction<'_>, report: &ReportOf<'_>, now: &Now) -> Result<Report, DbError> {
    let has_ended = ended(tx, report, now)?;
    let is_known = note_refusal(tx, report, now)?;
    if has_ended || is_known {
        return Ok(if has_ended { Report::Ended } else { Report::Late });
    }
    let mut keep = tx.prepare_cached(
        "INSERT INTO sms_report (message_id, state, note, opted_out, came_lived_s) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (message_id) DO UPDATE SET state = excluded.state, note = excluded.note,
             opted_out = max(opted_out, excluded.opted_out), came_lived_s = excluded.came_lived_s",
    )?;
    keep.execute((report.message_id, report.state.as_str(), report.note, report.opted_out, now.lived_s))?;
    Ok(Report::Kept)
}

fn ended(tx: &Transaction<'_>, report: &ReportOf<'_>, now: &Now) -> Result<bool, DbError> {
    let mut statement = tx.prepare_cached(
        "UPDATE sms_out SET state = ?2, note = ?3, changed_at_s = ?4, changed_lived_s = ?5
         WHERE message_id = ?1 AND state = 'sent'",
    )?;
    let ReportOf { message_id, state, note, .. } = *report;
    Ok(statement.execute((message_id, state.as_str(), note, now.best_s, now.lived_s))? > 0)
}

/// Notes that the receiver of a message wants none, if a report says so. Whether the message is known.
fn note_refusal(tx: &Transaction<'_>, report: &ReportOf<'_>, now: &Now) -> Result<bool, DbError> {
    let mut statement = tx.prepare_cached("SELECT phone FROM sms_out WHERE message_id = ?1")?;
    let receiver: Option<u64> = statement.query_row([report.message_id], |row| row.get(0)).optional()?;
    if let (Some(phone), true) = (receiver, report.opted_out) {
        note_opt_out(tx, phone, now)?;
    }
    Ok(receiver.is_some())
}

/// Whether a number said STOP, and not START since.
///
/// # Errors
/// Those of the database.
pub fn has_opted_out(conn: &Connection, phone: u64) -> Result<bool, DbError> {
    let mut statement = conn.prepare_cached("SELECT opted_out FROM sms_number WHERE phone = ?1")?;
    Ok(statement.query_row([phone], |row| row.get(0)).optional()?.unwrap_or(false))
}

/// Notes that a number wants no more messages, and takes back those that wait for it and that it did not ask for.
///
/// # Errors
/// Those of the database.
pub fn note_opt_out(tx: &Transaction<'_>, phone: u64, now: &Now) -> Result<(), DbError> {
    set_opted_out(tx, phone, true)?;
    let mut cancel = tx.prepare_cached(
        "UPDATE sms_out SET state = 'cancelled', note = 'the receiver sent STOP', changed_at_s = ?2, changed_lived_s = ?3
         WHERE phone = ?1 AND state = 'queued' AND kind <> 'reply'",
    )?;
    cancel.execute((phone, now.best_s, now.lived_s))?;
    Ok(())
}

/// Notes that a number wants messages again.
///
/// # Errors
/// Those of the database.
pub fn note_opt_in(tx: &Transaction<'_>, phone: u64) -> Result<(), DbError> {
    set_opted_out(tx, phone, false)
}

fn set_opted_out(tx: &Transaction<'_>, phone: u64, opted_out: bool) -> Result<(), DbError> {
    let sql = "INSERT INTO sms_number (phone, opted_out) VALUES (?1, ?2)
               ON CONFLICT (phone) DO UPDATE SET opted_out = excluded.opted_out";
    tx.prepare_cached(sql)?.execute((phone, opted_out))?;
    Ok(())
}

/// The language of people who chose none; English before the settings were read once.
pub(crate) fn default_language(conn: &Connection) -> Result<Lang, DbError> {
    let code: Option<String> = conn
        .prepare_cached("SELECT language FROM sms_setting")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(code.and_then(|code| Lang::from_code(&code)).unwrap_or_default())
}

/// Keeps the language of the settings, for notices that are written where no settings are read.
pub(crate) fn note_default_language(tx: &Transaction<'_>, lang: Lang) -> Result<(), DbError> {
    tx.prepare_cached("INSERT OR REPLACE INTO sms_setting (one, language) VALUES (1, ?1)")?
        .execute([lang.code()])?;
    Ok(())
}

/// Gives up what waited too long, and drops what ended long ago.
pub(crate) fn prune(tx: &Transaction<'_>, now: &Now) -> Result<(), DbError> {
    let before = |age_s: i64| now.lived_s.saturating_sub(age_s);
    tx.prepare_cached(
        "UPDATE sms_out SET state = 'cancelled', note = ?4, changed_at_s = ?1, changed_lived_s = ?2
         WHERE state = 'queued' AND queued_lived_s < ?3 AND due_lived_s < ?2",
    )?
    .execute((now.best_s, now.lived_s, before(QUEUED_MAX_S), GIVEN_UP))?;
    tx.prepare_cached(
        "DELETE FROM sms_out WHERE id IN (SELECT id FROM sms_out
         WHERE state NOT IN ('queued', 'sending') AND changed_lived_s < ?1 LIMIT ?2)",
    )?
    .execute((before(ENDED_KEPT_S), PRUNE_MAX))?;
    tx.prepare_cached(
        "DELETE FROM sms_in WHERE (gateway, id) IN (SELECT gateway, id FROM sms_in WHERE came_lived_s < ?1 LIMIT ?2)",
    )?
    .execute((before(INCOMING_KEPT_S), PRUNE_MAX))?;
    tx.prepare_cached("DELETE FROM sms_report WHERE came_lived_s < ?1")?.execute([before(REPORT_KEPT_S)])?;
    Ok(())
}
