//! SQL about edges: who they are, their sessions, links and what was last heard of them. No rules here.

use crate::db::{q, q_scalar};
use crate::error::{ApiError, out_of_order};
use crate::keys::HubKeys;
use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use sqlx::{PgConnection, Row};
use std::collections::HashMap;
use sync_protocol::ids::{CooperativeId, EdgeId};
use sync_protocol::wire::message::StuckSms;
use uuid::Uuid;

/// An edge as the operators made it.
pub(super) struct EdgeRow {
    pub(super) id: EdgeId,
    pub(super) cooperative: CooperativeId,
    pub(super) national: bool,
    pub(super) public_key: Option<Vec<u8>>,
    pub(super) incarnation: u32,
    pub(super) revoked: bool,
}

const EDGE: &str = "SELECT id, cooperative_id, national, public_key, incarnation, revoked_at IS NOT NULL AS revoked FROM edges WHERE id = $1";

fn edge_row(row: &sqlx::postgres::PgRow) -> Result<EdgeRow, sqlx::Error> {
    Ok(EdgeRow {
        id: EdgeId(row.try_get::<i32, _>("id")? as u32),
        cooperative: CooperativeId(row.try_get::<i32, _>("cooperative_id")? as u32),
        national: row.try_get("national")?,
        public_key: row.try_get("public_key")?,
        incarnation: row.try_get::<i32, _>("incarnation")? as u32,
        revoked: row.try_get("revoked")?,
    })
}

/// The edge of that number.
pub(super) async fn edge(conn: &mut PgConnection, id: EdgeId) -> Result<Option<EdgeRow>, sqlx::Error> {
    let row = q(EDGE).bind(id.0 as i32).fetch_optional(conn).await?;
    row.as_ref().map(edge_row).transpose()
}

/// A code as it is kept.
pub(super) struct CodeRow {
    pub(super) edge: EdgeId,
    pub(super) hash: Vec<u8>,
    pub(super) used: bool,
    pub(super) dead: bool,
}

/// Codes that a typed code may mean.
pub(super) async fn codes(
    conn: &mut PgConnection,
    pick: u64,
    now: Timestamp,
) -> Result<Vec<CodeRow>, sqlx::Error> {
    let rows = q("SELECT edge_id, code_hash, used_at IS NOT NULL AS used, expires_at <= $2 AS dead
        FROM enrolment_codes WHERE edge_id % 1024 = $1 ORDER BY edge_id FOR UPDATE")
    .bind(pick as i64)
    .bind(now.to_sqlx())
    .fetch_all(conn)
    .await?;
    let row = |r: &sqlx::postgres::PgRow| {
        let edge = EdgeId(r.try_get::<i32, _>(0)? as u32);
        Ok(CodeRow { edge, hash: r.try_get(1)?, used: r.try_get(2)?, dead: r.try_get(3)? })
    };
    rows.iter().map(row).collect()
}

/// Counts a wrong try that might have meant one of these codes, for the operator to see. It ends none of them.
pub(super) async fn count_wrong_try(conn: &mut PgConnection, edges: &[i32]) -> Result<(), sqlx::Error> {
    q("UPDATE enrolment_codes SET wrong_tries = wrong_tries + 1 WHERE edge_id = ANY($1) AND used_at IS NULL")
        .bind(edges)
        .execute(conn)
        .await?;
    Ok(())
}

/// What an edge offers when it enrols.
pub(super) struct Offered<'a> {
    pub(super) public_key: &'a [u8],
    pub(super) bundle_key: &'a [u8],
    pub(super) software: &'a str,
}

/// Uses up the code, keeps the keys and starts a stream with its first link. Returns the new incarnation.
pub(super) async fn enrol(
    conn: &mut PgConnection,
    edge: EdgeId,
    offered: &Offered<'_>,
    link_random: &[u8; 16],
) -> Result<u32, sqlx::Error> {
    q("UPDATE enrolment_codes SET used_at = now() WHERE edge_id = $1")
        .bind(edge.0 as i32)
        .execute(&mut *conn)
        .await?;
    q("UPDATE edges SET public_key = $2, bundle_key = $3, software = $4, enrolled_at = now() WHERE id = $1")
        .bind(edge.0 as i32)
        .bind(offered.public_key)
        .bind(offered.bundle_key)
        .bind(offered.software)
        .execute(&mut *conn)
        .await?;
    begin_stream(conn, edge, 0, link_random, None).await
}

/// Starts a stream with its first link, in a new incarnation above those that are known here or were shown. Nothing more is taken in the
/// ones before. After a restore it is for the box that holds the link of that number.
pub(super) async fn begin_stream(
    conn: &mut PgConnection,
    edge: EdgeId,
    shown: u32,
    link_random: &[u8; 16],
    after_link: Option<u64>,
) -> Result<u32, sqlx::Error> {
    q("UPDATE edge_streams SET frozen_at = now() WHERE edge_id = $1 AND frozen_at IS NULL")
        .bind(edge.0 as i32)
        .execute(&mut *conn)
        .await?;
    let row =
        q("UPDATE edges SET incarnation = greatest(incarnation, $2) + 1 WHERE id = $1 RETURNING incarnation")
            .bind(edge.0 as i32)
            .bind(shown.cast_signed())
            .fetch_one(&mut *conn)
            .await?;
    let incarnation: i32 = row.try_get("incarnation")?;
    q("INSERT INTO edge_streams (edge_id, incarnation, link_random, cooperative_id, begun_after_link)
        SELECT id, $2, $3, cooperative_id, $4 FROM edges WHERE id = $1")
    .bind(edge.0 as i32)
    .bind(incarnation)
    .bind(link_random.as_slice())
    .bind(after_link.map(u64::cast_signed))
    .execute(conn)
    .await?;
    Ok(incarnation as u32)
}

/// Notes that an office has come since a restore, and brought its rows. What it was signed in with is over.
pub(super) async fn has_come(conn: &mut PgConnection, edge: EdgeId) -> Result<(), sqlx::Error> {
    q("WITH come AS (UPDATE awaited_offices SET rows_came = true WHERE edge_id = $1) DELETE FROM edge_sessions WHERE edge_id = $1")
        .bind(edge.0 as i32)
        .execute(conn)
        .await?;
    Ok(())
}

/// Keeps a session's token, hashed.
pub(super) async fn open_session(
    conn: &mut PgConnection,
    token_hash: &[u8],
    edge: EdgeId,
    incarnation: u32,
    now: Timestamp,
    valid_s: u32,
) -> Result<(), sqlx::Error> {
    q("DELETE FROM edge_sessions WHERE edge_id = $1 AND expires_at < $2")
        .bind(edge.0 as i32)
        .bind(now.to_sqlx())
        .execute(&mut *conn)
        .await?;
    q("INSERT INTO edge_sessions (token_hash, edge_id, incarnation, expires_at)
        VALUES ($1, $2, $3, $4::timestamptz + make_interval(secs => $5))")
    .bind(token_hash)
    .bind(edge.0 as i32)
    .bind(incarnation as i32)
    .bind(now.to_sqlx())
    .bind(f64::from(valid_s))
    .execute(conn)
    .await?;
    Ok(())
}

/// A session that has not ended.
pub(super) struct SessionRow {
    pub(super) edge: EdgeRow,
    /// The incarnation that opened it.
    pub(super) incarnation: u32,
    pub(super) ends: Timestamp,
}

/// The session of a token.
pub(super) async fn session(
    conn: &mut PgConnection,
    token_hash: &[u8],
    now: Timestamp,
) -> Result<Option<SessionRow>, sqlx::Error> {
    let row = q("SELECT e.id, e.cooperative_id, e.national, e.public_key, e.incarnation, e.revoked_at IS NOT NULL AS revoked,
            s.incarnation AS session_incarnation, s.expires_at
        FROM edge_sessions s JOIN edges e ON e.id = s.edge_id WHERE s.token_hash = $1 AND s.expires_at > $2")
    .bind(token_hash)
    .bind(now.to_sqlx())
    .fetch_optional(conn)
    .await?;
    let session = |r| {
        Ok(SessionRow {
            edge: edge_row(&r)?,
            incarnation: r.try_get::<i32, _>("session_incarnation")? as u32,
            ends: r.try_get::<jiff_sqlx::Timestamp, _>("expires_at")?.to_jiff(),
        })
    };
    row.map(session).transpose()
}

/// Which of these tokens stand for a session that holds, each with the highest verdict number given to its stream.
pub(super) async fn signed_in(
    conn: &mut PgConnection,
    token_hashes: &[&[u8]],
    now: Timestamp,
) -> Result<HashMap<Vec<u8>, u64>, sqlx::Error> {
    let rows = q("SELECT s.token_hash, t.last_verdict FROM edge_sessions s
        JOIN edges e ON e.id = s.edge_id AND e.incarnation = s.incarnation
        JOIN edge_streams t ON t.edge_id = e.id AND t.incarnation = e.incarnation
        WHERE s.token_hash = ANY($1) AND s.expires_at > $2 AND e.revoked_at IS NULL")
    .bind(token_hashes)
    .bind(now.to_sqlx())
    .fetch_all(conn)
    .await?;
    rows.iter().map(|r| Ok((r.try_get(0)?, r.try_get::<i64, _>(1)? as u64))).collect()
}

/// Notes that these edges were heard. One whose row somebody else holds is heard next time.
pub(super) async fn note_heard(
    conn: &mut PgConnection,
    edges: &[EdgeId],
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    let edges: Vec<i32> = edges.iter().map(|edge| edge.0 as i32).collect();
    q("UPDATE edges SET last_contact_at = greatest(last_contact_at, $2)
        WHERE id IN (SELECT id FROM edges WHERE id = ANY($1) FOR NO KEY UPDATE SKIP LOCKED)")
    .bind(edges)
    .bind(at.to_sqlx())
    .execute(conn)
    .await?;
    Ok(())
}

/// One stream's row, locked.
pub(super) struct StreamRow {
    pub(super) applied_seq: u64,
    pub(super) last: (u64, [u8; 16]),
    pub(super) previous: Option<(u64, [u8; 16])>,
    pub(super) frozen: bool,
    pub(super) exchange: i64,
    pub(super) last_verdict: u64,
    /// The number of the link that its box held, where a restore began it.
    pub(super) begun_after_link: Option<u64>,
}

impl StreamRow {
    /// Whether nothing has come in it yet: the answer that began it may have been lost.
    pub(super) fn is_untouched(&self) -> bool {
        self.last.0 == 0 && !self.frozen
    }
}

fn random16(bytes: Vec<u8>) -> Result<[u8; 16], sqlx::Error> {
    bytes
        .try_into()
        .map_err(|_| sqlx::Error::Decode("edge_streams: a link's random part has 16 bytes".into()))
}

/// Locks the stream's row and reads it.
pub(super) async fn lock_stream(
    conn: &mut PgConnection,
    edge: EdgeId,
    incarnation: u32,
) -> Result<Option<StreamRow>, sqlx::Error> {
    let row = q("SELECT applied_seq, link_number, link_random, previous_number, previous_random, frozen_at IS NOT NULL AS frozen,
            exchange, last_verdict, begun_after_link FROM edge_streams WHERE edge_id = $1 AND incarnation = $2 FOR UPDATE")
    .bind(edge.0 as i32)
    .bind(incarnation as i32)
    .fetch_optional(conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let previous: Option<i64> = row.try_get("previous_number")?;
    let previous_random: Option<Vec<u8>> = row.try_get("previous_random")?;
    Ok(Some(StreamRow {
        applied_seq: row.try_get::<i64, _>("applied_seq")? as u64,
        last: (row.try_get::<i64, _>("link_number")? as u64, random16(row.try_get("link_random")?)?),
        previous: match previous.zip(previous_random) {
            Some((number, random)) => Some((number as u64, random16(random)?)),
            None => None,
        },
        frozen: row.try_get("frozen")?,
        exchange: row.try_get("exchange")?,
        last_verdict: row.try_get::<i64, _>("last_verdict")? as u64,
        begun_after_link: row.try_get::<Option<i64>, _>("begun_after_link")?.map(i64::cast_unsigned),
    }))
}

/// What is kept of a request that was let in.
pub(super) struct Heard<'a> {
    pub(super) edge: EdgeId,
    pub(super) incarnation: u32,
    pub(super) presented: (u64, [u8; 16]),
    pub(super) next: (u64, [u8; 16]),
    pub(super) exchange: i64,
    pub(super) at: Timestamp,
    pub(super) verdicts_upto: u64,
    pub(super) scope: u32,
    pub(super) cursors: &'a [u8],
    pub(super) clock_offset_s: i64,
    pub(super) stuck_sms: Option<StuckSms>,
    pub(super) refused_left: Option<u32>,
}

impl Heard<'_> {
    /// Since when the oldest SMS waits that nobody sends there, by the hub's clock.
    fn stuck_since(&self) -> Option<Timestamp> {
        let age = |age_s| SignedDuration::from_secs(i64::try_from(age_s).unwrap_or(i64::MAX));
        self.stuck_sms.map(|stuck| self.at.checked_sub(age(stuck.age_s)).unwrap_or(Timestamp::UNIX_EPOCH))
    }
}

/// What of an edge is awaited since a restore.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Awaited {
    Nothing,
    /// What it offers again.
    Commands,
    /// Its rows, and then its commands.
    Rows,
}

/// Keeps the links, the fence, the acknowledged verdicts, the cursors, the time and what the office should be told. Who is let in knows of
/// no row that a restored hub has forgotten. Says what was awaited of it until now.
pub(super) async fn hear(conn: &mut PgConnection, heard: &Heard<'_>) -> Result<Awaited, sqlx::Error> {
    q("UPDATE edge_streams SET link_number = $3, link_random = $4, previous_number = $5, previous_random = $6, exchange = $7,
            verdicts_acked = greatest(verdicts_acked, least($8, last_verdict)), heard_scope = $9, heard_cursors = $10
        WHERE edge_id = $1 AND incarnation = $2")
    .bind(heard.edge.0 as i32)
    .bind(heard.incarnation as i32)
    .bind(heard.next.0 as i64)
    .bind(heard.next.1.as_slice())
    .bind(heard.presented.0 as i64)
    .bind(heard.presented.1.as_slice())
    .bind(heard.exchange)
    .bind(heard.verdicts_upto as i64)
    .bind(heard.scope as i32)
    .bind(heard.cursors)
    .execute(&mut *conn)
    .await?;
    let rows_came: Option<bool> = q_scalar("WITH come AS (UPDATE awaited_offices SET rows_came = true WHERE edge_id = $1 AND NOT rows_came)
        UPDATE edges SET last_contact_at = $3, clock_offset_s = $2, stuck_sms = $4, stuck_sms_since = $5, refused_left = $6 WHERE id = $1
        RETURNING (SELECT rows_came FROM awaited_offices WHERE edge_id = $1)")
        .bind(heard.edge.0 as i32)
        .bind(heard.clock_offset_s)
        .bind(heard.at.to_sqlx())
        .bind(heard.stuck_sms.map_or(0, |stuck| i64::from(stuck.count)))
        .bind(heard.stuck_since().map(|since| since.to_sqlx()))
        .bind(heard.refused_left.map(i64::from))
        .fetch_one(conn)
        .await?;
    Ok(match rows_came {
        None => Awaited::Nothing,
        Some(true) => Awaited::Commands,
        Some(false) => Awaited::Rows,
    })
}

/// Notes that everything has been taken which an edge offers again since a restore, up to that number of its stream; if it has. Says whether
/// that was awaited.
pub(super) async fn has_offered(
    conn: &mut PgConnection,
    edge: EdgeId,
    incarnation: u32,
    upto: u64,
) -> Result<bool, sqlx::Error> {
    let done = q("DELETE FROM awaited_offices a USING edge_streams s
        WHERE a.edge_id = $1 AND a.rows_came AND s.edge_id = $1 AND s.incarnation = $2 AND s.applied_seq >= $3")
    .bind(edge.0 as i32)
    .bind(incarnation as i32)
    .bind(upto as i64)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Nothing more is taken from this incarnation.
pub(super) async fn freeze(
    conn: &mut PgConnection,
    edge: EdgeId,
    incarnation: u32,
) -> Result<(), sqlx::Error> {
    q("UPDATE edge_streams SET frozen_at = coalesce(frozen_at, now()) WHERE edge_id = $1 AND incarnation = $2")
        .bind(edge.0 as i32)
        .bind(incarnation as i32)
        .execute(conn)
        .await?;
    Ok(())
}

/// What edges are told of the hub.
pub(super) struct HubRow {
    /// Rises with each restore from a backup.
    pub(super) epoch: u32,
    /// When the last copy but one of the database was taken that an operator has tried, seconds since 1970 UTC. Where there is one alone,
    /// a time before everything: offices keep what they have until there are two. Where there is none, nobody keeps anything for them.
    pub(super) backed_up_s: Option<i64>,
}

/// The hub's epoch, if this process has the keys that the database says edges trust.
pub(super) async fn epoch(conn: &mut PgConnection, keys: &HubKeys) -> Result<u32, ApiError> {
    Ok(hub(conn, keys).await?.epoch)
}

/// The hub's row, if this process has the keys that the database says edges trust.
pub(super) async fn hub(conn: &mut PgConnection, keys: &HubKeys) -> Result<HubRow, ApiError> {
    let sql = "SELECT epoch, keys_fingerprint, coalesce(
            (SELECT floor(extract(epoch FROM taken_at))::bigint FROM backup_marks ORDER BY taken_at DESC OFFSET 1 LIMIT 1),
            (SELECT 0 FROM backup_marks LIMIT 1)) FROM hub";
    let row = q(sql).fetch_one(conn).await?;
    let others = row.try_get::<Option<String>, _>(1)?.filter(|theirs| *theirs != keys.fingerprint());
    if let Some(theirs) = others {
        tracing::error!(
            keys = keys.fingerprint(),
            theirs,
            "ALARM: this database's keys were replaced, and this hub has others: it speaks to no edge. End it and give it the same keys; \
             if its own are the right ones, run `mizili-hub keys replace` where they are"
        );
        return Err(out_of_order().into());
    }
    Ok(HubRow { epoch: row.try_get::<i32, _>(0)? as u32, backed_up_s: row.try_get(2)? })
}

/// Which hub the database is.
pub(super) async fn hub_id(conn: &mut PgConnection) -> Result<Uuid, sqlx::Error> {
    q_scalar("SELECT id FROM hub").fetch_one(conn).await
}

/// The highest verdict number given to a stream.
pub(super) async fn last_verdict(
    conn: &mut PgConnection,
    edge: EdgeId,
    incarnation: u32,
) -> Result<u64, sqlx::Error> {
    let row = q("SELECT last_verdict FROM edge_streams WHERE edge_id = $1 AND incarnation = $2")
        .bind(edge.0 as i32)
        .bind(incarnation as i32)
        .fetch_optional(conn)
        .await?;
    Ok(row.map_or(Ok(0), |r| r.try_get::<i64, _>(0))? as u64)
}
