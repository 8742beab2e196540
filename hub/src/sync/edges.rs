//! Edges as an operator sees them: made, listed, given a new code, revoked. What an edge itself does is in the other files here.

use super::awaited::decide_what_waited;
use super::code::{self, VALID_DAYS};
use super::scope::scope;
use super::store::edge as edge_row;
use crate::bad_rows::OfARow as _;
use crate::db::{Db, int, misfit, q, q_scalar, retrying};
use crate::error::{ApiError, Kind, Problem};
use crate::feed::{Touched, publish, read};
use crate::news::Moved;
use crate::numbers;
use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use mizili_node::deps::Deps;
use mizili_node::text::counted;
use serde::Serialize;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use std::sync::OnceLock;
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::EdgeId;
use sync_protocol::market::{EdgeSettings, Entity};
use sync_protocol::row::Key;
use sync_protocol::session::BucketCursor;
use sync_protocol::wire::message::{cursors_from_bytes, scope_hash};

/// A new edge, or a new code for one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Added {
    /// The edge.
    pub id: u32,
    /// The one-time code, for `mizili-edge enrol`.
    pub code: String,
}

/// How one edge is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EdgeState {
    /// The edge.
    pub id: u32,
    /// The cooperative whose office it is.
    pub cooperative_id: u32,
    /// Its name.
    pub cooperative: String,
    /// The edge's own name; empty where it has none.
    pub name: String,
    /// Whether it subscribes to everything.
    pub national: bool,
    /// `stopped` (its commands wait for an operator), `replaced` (a copy of it turned up), `awaited` (since this hub was restored),
    /// `awaited_commands` (it has come since and brought its rows, but not all of what it offers again), `enrolled`, `waiting` (for its code
    /// to be used), `revoked`, or `unreadable` (what the database holds of it does not fit).
    pub state: &'static str,
    /// When it was last heard, RFC 3339, UTC.
    pub last_contact: Option<String>,
    /// Rows that it has not confirmed to have; unknown until it was heard.
    pub lag: Option<u64>,
    /// Commands of its that wait here for something.
    pub pending: u64,
    /// Commands of its that were refused and that nobody at the office has dealt with, as it said at its last contact, with those that it
    /// has yet to hear of. Of one that says nothing of them, an older version, all that were refused.
    pub refused: u64,
    /// Seconds by which its clock is ahead of the hub's.
    pub clock_offset_s: Option<i64>,
    /// Its version.
    pub software: String,
    /// SMS that wait there and cannot be sent, because its settings name no account; 0 from a version that does not say.
    pub stuck_sms: u64,
    /// Since when the oldest of them waits, RFC 3339, UTC.
    pub stuck_sms_since: Option<String>,
    /// Why somebody has to do something about it: its commands wait for an operator, or its code is dead. A plain sentence.
    pub reason: Option<String>,
}

/// Makes an edge for a cooperative's office, with a code that turns one box into it.
///
/// # Errors
/// No such cooperative; the database.
pub async fn add(db: &Db, deps: &Deps, cooperative: u32, national: bool) -> Result<Added, ApiError> {
    add_named(db, deps, cooperative, national, "").await
}

/// The same, with a name of the edge's own; empty for none.
///
/// # Errors
/// As [`add`].
pub async fn add_named(
    db: &Db,
    deps: &Deps,
    cooperative: u32,
    national: bool,
    name: &str,
) -> Result<Added, ApiError> {
    let no_cooperative = || {
        Kind::NotFound.because(format!(
            "There is no cooperative {cooperative}. `mizili-hub cooperative list` shows all."
        ))
    };
    let cooperative_id = int(cooperative).map_err(|_| no_cooperative())?;
    // Of a try that came to its commit, which may take effect unseen: the next one then makes no second edge.
    let number = OnceLock::new();
    retrying(deps, || async {
        let mut tx = db.begin().await?;
        let there: bool = q_scalar("SELECT EXISTS (SELECT FROM cooperatives WHERE id = $1)")
            .bind(cooperative_id)
            .fetch_one(&mut *tx)
            .await?;
        if !there {
            return Err(no_cooperative().into());
        }
        let id: i32 = match number.get() {
            Some(id) => *id,
            None => numbers::EDGES.next(&mut tx).await?,
        };
        let made = q("INSERT INTO edges (id, cooperative_id, national, name) OVERRIDING SYSTEM VALUE VALUES ($1, $2, $3, $4)
            ON CONFLICT (id) DO NOTHING")
        .bind(id)
        .bind(cooperative_id)
        .bind(national)
        .bind(name)
        .execute(&mut *tx)
        .await?;
        if made.rows_affected() == 0 && number.get().is_none() {
            return Err(numbers::EDGES.taken(id).into());
        }
        let edge = EdgeId(id.cast_unsigned());
        let code = give_code(&mut tx, deps, edge).await?;
        let mut touched = Touched::new();
        touched.add(Bucket::Edge(edge), EdgeSettings::NUMBER, Key::Int(edge.0));
        publish(&mut tx, &touched).await.map_err(sqlx::Error::from)?;
        number.get_or_init(|| id);
        tx.commit().await?;
        db.tell(&touched.moved());
        Ok::<_, ApiError>(Added { id: edge.0, code })
    })
    .await
}

/// A new code for an edge whose code was lost or has expired, or whose box has to be enrolled again. The old code is dead.
///
/// # Errors
/// No such edge, or a revoked one; the database.
pub async fn new_code(db: &Db, deps: &Deps, edge: u32) -> Result<Added, ApiError> {
    retrying(deps, || async {
        let mut tx = db.begin().await?;
        let row = edge_row(&mut tx, EdgeId(edge)).await?.ok_or_else(|| no_edge(edge))?;
        if row.revoked {
            let detail = format!("Edge {edge} was revoked. Make a new one with `mizili-hub edge add`.");
            return Err(Kind::EdgeRevoked.because(detail).into());
        }
        let code = give_code(&mut tx, deps, row.id).await?;
        tx.commit().await?;
        Ok::<_, ApiError>(Added { id: edge, code })
    })
    .await
}

pub(super) fn no_edge(edge: u32) -> Problem {
    Kind::NotFound.because(format!("There is no edge {edge}. `mizili-hub edge list` shows all."))
}

async fn give_code(conn: &mut PgConnection, deps: &Deps, edge: EdgeId) -> Result<String, ApiError> {
    let code = code::generate(edge, deps.ids.random());
    let valid = SignedDuration::from_hours(24 * i64::from(VALID_DAYS));
    let expires_at = deps.clock.now().checked_add(valid).map_err(Problem::internal)?;
    let sql = "INSERT INTO enrolment_codes (edge_id, code_hash, expires_at) VALUES ($1, $2, $3)
               ON CONFLICT (edge_id) DO UPDATE SET code_hash = excluded.code_hash, expires_at = excluded.expires_at,
                   wrong_tries = 0, used_at = NULL";
    q(sql).bind(int(edge.0)?).bind(code::hash(&code)).bind(expires_at.to_sqlx()).execute(conn).await?;
    Ok(code)
}

/// Whose an edge is, in words for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whose {
    /// The cooperative's name.
    pub cooperative: String,
    /// The edge's own; empty where it has none.
    pub name: String,
    /// Whether it was revoked.
    pub is_revoked: bool,
}

/// Whose an edge is.
///
/// # Errors
/// No such edge; the database.
pub async fn whose(db: &Db, edge: u32) -> Result<Whose, ApiError> {
    let id = int(edge).map_err(|_| no_edge(edge))?;
    let mut tx = db.begin().await?;
    let sql = "SELECT c.name AS cooperative, e.name, e.revoked_at IS NOT NULL AS revoked FROM edges e JOIN cooperatives c ON c.id = e.cooperative_id
               WHERE e.id = $1";
    let row = q(sql).bind(id).fetch_optional(&mut *tx).await?.ok_or_else(|| no_edge(edge))?;
    tx.commit().await?;
    let (cooperative, name) = (row.try_get("cooperative")?, row.try_get("name")?);
    Ok(Whose { cooperative, name, is_revoked: row.try_get("revoked")? })
}

/// Gives an edge a name, which its office sees too. Returns whose it is, by that name.
///
/// # Errors
/// No such edge; the database.
pub async fn rename(db: &Db, deps: &Deps, edge: u32, name: &str) -> Result<Whose, ApiError> {
    let id = int(edge).map_err(|_| no_edge(edge))?;
    retrying(deps, || async {
        let mut tx = db.begin().await?;
        let done =
            q("UPDATE edges SET name = $2 WHERE id = $1").bind(id).bind(name).execute(&mut *tx).await?;
        if done.rows_affected() == 0 {
            return Err(no_edge(edge).into());
        }
        let mut touched = Touched::new();
        touched.add(Bucket::Edge(EdgeId(edge)), EdgeSettings::NUMBER, Key::Int(edge));
        publish(&mut tx, &touched).await.map_err(sqlx::Error::from)?;
        tx.commit().await?;
        db.tell(&touched.moved());
        Ok::<_, ApiError>(())
    })
    .await?;
    whose(db, edge).await
}

/// Ends an edge for good: it gets nothing and changes nothing from now on. Returns when it was revoked, which for one that was
/// revoked before is that time.
///
/// # Errors
/// No such edge; the database.
pub async fn revoke(db: &Db, deps: &Deps, edge: u32) -> Result<Timestamp, ApiError> {
    let id = int(edge).map_err(|_| no_edge(edge))?;
    let at = retrying(deps, || async {
        let mut tx = db.begin().await?;
        let sql = "UPDATE edges SET revoked_at = coalesce(revoked_at, $2) WHERE id = $1 RETURNING revoked_at";
        let row = q(sql).bind(id).bind(deps.clock.now().to_sqlx()).fetch_optional(&mut *tx).await?;
        let at =
            row.ok_or_else(|| no_edge(edge))?.try_get::<jiff_sqlx::Timestamp, _>("revoked_at")?.to_jiff();
        q("DELETE FROM edge_sessions WHERE edge_id = $1").bind(id).execute(&mut *tx).await?;
        // Nobody waits for it after a restore.
        q("DELETE FROM awaited_offices WHERE edge_id = $1").bind(id).execute(&mut *tx).await?;
        q("DELETE FROM enrolment_codes WHERE edge_id = $1").bind(id).execute(&mut *tx).await?;
        tx.commit().await?;
        // Its poll ends now, not when somebody looks.
        db.tell(&Moved::from_iter([Bucket::Edge(EdgeId(edge))]));
        Ok::<_, ApiError>(at)
    })
    .await?;
    decide_what_waited(db, deps).await;
    Ok(at)
}

const LIST: &str = "
    SELECT e.id, e.cooperative_id, c.name AS cooperative, e.name, e.national, e.software, e.enrolled_at IS NOT NULL AS enrolled,
           e.revoked_at IS NOT NULL AS revoked, e.last_contact_at, e.clock_offset_s,
           e.stuck_sms, e.stuck_sms_since, s.frozen_at IS NOT NULL AS frozen,
           s.halted_reason, (SELECT a.rows_came FROM awaited_offices a WHERE a.edge_id = e.id) AS rows_came, s.heard_scope, s.heard_cursors, k.wrong_tries, k.expires_at <= $1 AS expired,
           (SELECT count(*) FROM commands WHERE edge_id = e.id AND verdict IN ('held', 'quarantined', 'unsupported')) AS pending,
           coalesce(e.refused_left, 0) + (SELECT count(*) FROM commands WHERE edge_id = e.id AND verdict = 'rejected' AND (e.refused_left IS NULL
               OR incarnation = e.incarnation AND verdict_number > s.verdicts_acked)) AS refused,
           CASE WHEN e.revoked_at IS NULL THEN 0 ELSE (SELECT count(*) FROM (SELECT FROM stock_entries WHERE holder = e.id
               GROUP BY listing_id HAVING total(quantity_milli) > 0) h) END AS held
    FROM edges e JOIN cooperatives c ON c.id = e.cooperative_id
    LEFT JOIN edge_streams s ON s.edge_id = e.id AND s.incarnation = e.incarnation
    LEFT JOIN enrolment_codes k ON k.edge_id = e.id
    ORDER BY e.revoked_at IS NOT NULL, s.halted_reason IS NULL, s.frozen_at IS NULL, rows_came, e.enrolled_at IS NULL,
             e.last_contact_at NULLS FIRST, e.id";

/// All edges, worst first: stopped ones, copied ones, awaited ones, then those that were not heard for longest; revoked ones last. `now`
/// tells which codes have expired.
///
/// # Errors
/// Those of the database.
pub async fn list(db: &Db, now: Timestamp) -> Result<Vec<EdgeState>, ApiError> {
    let mut tx = db.begin_snapshot().await?;
    let rows = q(LIST).bind(now.to_sqlx()).fetch_all(&mut *tx).await?;
    let mut edges = Vec::with_capacity(rows.len());
    for row in &rows {
        edges.push(match shown(&mut tx, row).await {
            Err(error) if error.is_of_a_row() => unreadable(row, &error),
            shown => shown?,
        });
    }
    tx.commit().await?;
    Ok(edges)
}

async fn shown(conn: &mut PgConnection, row: &PgRow) -> Result<EdgeState, sqlx::Error> {
    let mut edge = state_of(row)?;
    edge.lag = lag(conn, EdgeId(edge.id), row).await?;
    Ok(edge)
}

/// An edge of which not everything can be read. It is named, and keeps nobody from seeing the others.
fn unreadable(row: &PgRow, error: &sqlx::Error) -> EdgeState {
    let number = |column| row.try_get::<i32, _>(column).map_or(0, i32::cast_unsigned);
    EdgeState {
        id: number("id"),
        cooperative_id: number("cooperative_id"),
        cooperative: row.try_get("cooperative").unwrap_or_default(),
        name: row.try_get("name").unwrap_or_default(),
        national: false,
        state: "unreadable",
        last_contact: None,
        lag: None,
        pending: 0,
        refused: 0,
        clock_offset_s: None,
        software: String::new(),
        stuck_sms: 0,
        stuck_sms_since: None,
        reason: Some(format!("What the database holds of it cannot be read: {error}.")),
    }
}

/// What an office means that has not come since a restore.
const AWAITED: &str = "This hub was restored from a backup, and this office has not come since: until it does, no product of its \
     cooperative is sold here. It comes by itself with the line. If it never will: `mizili-hub edge revoke`, then `mizili-hub edge write-off`.";

/// What an office means that has come since a restore, and whose line dropped before it had offered everything again.
const AWAITED_COMMANDS: &str = "This hub was restored from a backup, and this office has brought its rows since, but not all of what it offers \
     again: until it does, what is about anything unknown here waits. It goes on by itself with the line. If it never will: `mizili-hub edge \
     revoke`, then `mizili-hub edge write-off`.";

fn state_of(row: &PgRow) -> Result<EdgeState, sqlx::Error> {
    let is = |column| row.try_get::<Option<bool>, _>(column).map(|is| is == Some(true));
    let mut reason: Option<String> = row.try_get("halted_reason")?;
    let rows_came: Option<bool> = row.try_get("rows_came")?;
    let awaited = rows_came.map(|came| if came { AWAITED_COMMANDS } else { AWAITED });
    let state = match () {
        () if is("revoked")? => "revoked",
        () if reason.is_some() => "stopped",
        () if is("frozen")? => "replaced",
        () if rows_came == Some(false) => "awaited",
        () if rows_came == Some(true) => "awaited_commands",
        () if is("enrolled")? => "enrolled",
        () => "waiting",
    };
    let id = row.try_get::<i32, _>("id")?.cast_unsigned();
    reason = match state {
        "stopped" => reason.map(|why| {
            format!("Its commands are not taken because {why}. Look at `mizili-hub commands list --edge {id}`, then `mizili-hub edge resume {id}`; where it stops again: `mizili-hub edge code {id}`, and `mizili-edge enrol` there.")
        }),
        "replaced" => Some(format!(
            "A copy of its data was in use. Let the right box go on: `mizili-hub edge code {id}`, then `mizili-edge enrol` there."
        )),
        "awaited" | "awaited_commands" => awaited.map(str::to_owned),
        _ => None,
    };
    // What stops it keeps it from coming by itself, and others from going on.
    if let ("stopped" | "replaced", Some(awaited)) = (state, awaited) {
        reason = reason.map(|why| format!("{why} {awaited}"));
    }
    let count =
        |column| u64::try_from(row.try_get::<i64, _>(column)?).map_err(|_| misfit("commands", "count"));
    if state == "revoked" {
        reason = left_behind(id, count("pending")?, count("held")?);
    }
    if state == "waiting" {
        reason = code_trouble(id, row.try_get::<Option<i32>, _>("wrong_tries")?.unwrap_or(0), is("expired")?);
    }
    let time = |column| {
        let at: Option<jiff_sqlx::Timestamp> = row.try_get(column)?;
        Ok::<_, sqlx::Error>(at.map(|at| mizili_node::text::rfc3339(at.to_jiff().as_second())))
    };
    Ok(EdgeState {
        id,
        cooperative_id: row.try_get::<i32, _>("cooperative_id")?.cast_unsigned(),
        cooperative: row.try_get("cooperative")?,
        name: row.try_get("name")?,
        national: row.try_get("national")?,
        state,
        last_contact: time("last_contact_at")?,
        lag: None,
        pending: count("pending")?,
        refused: count("refused")?,
        clock_offset_s: row.try_get("clock_offset_s")?,
        software: row.try_get("software")?,
        stuck_sms: count("stuck_sms")?,
        stuck_sms_since: time("stuck_sms_since")?,
        reason,
    })
}

/// What a revoked edge has left that somebody has to decide about.
fn left_behind(edge: u32, commands: u64, products: u64) -> Option<String> {
    let mut left = Vec::new();
    if commands > 0 {
        left.push(format!(
            "{}, tried only where you say so: `mizili-hub commands list --edge {edge}`.",
            counted(commands, "of its commands waits", "of its commands wait")
        ));
    }
    if products > 0 {
        left.push(format!(
            "It still counts as holding units of {}: `mizili-hub edge write-off {edge}`.",
            counted(products, "product", "products")
        ));
    }
    (!left.is_empty()).then(|| left.join(" "))
}

/// Wrong tries after which an operator is told: more than one person's mistakes.
const WRONG_TRIES_SHOWN: i32 = 10;

/// What is the matter with the code that an edge waits for, and what to do.
fn code_trouble(edge: u32, wrong_tries: i32, is_expired: bool) -> Option<String> {
    if is_expired {
        return Some(format!("Its code has expired. Make a new one with `mizili-hub edge code {edge}`."));
    }
    let many =
        format!("{wrong_tries} wrong codes were tried that begin like this one's. It works all the same.");
    (wrong_tries >= WRONG_TRIES_SHOWN).then_some(many)
}

/// An edge's buckets, for the jobs that forget what every edge has passed.
pub fn scope_of(conn: &mut PgConnection, id: EdgeId) -> BoxFuture<'_, Result<Vec<Bucket>, sqlx::Error>> {
    Box::pin(async move {
        let edge = edge_row(&mut *conn, id).await?.ok_or(sqlx::Error::RowNotFound)?;
        scope(conn, &edge).await
    })
}

/// How many versions of its buckets the edge has not confirmed, by the cursors that were last heard.
async fn lag(conn: &mut PgConnection, id: EdgeId, row: &PgRow) -> Result<Option<u64>, sqlx::Error> {
    let (Some(cursors), Some(heard)) =
        (row.try_get::<Option<Vec<u8>>, _>("heard_cursors")?, row.try_get::<Option<i32>, _>("heard_scope")?)
    else {
        return Ok(None);
    };
    let Some(edge) = edge_row(&mut *conn, id).await? else { return Ok(None) };
    let scope = scope(&mut *conn, &edge).await?;
    let heads = read::heads(conn, &scope).await?;
    let head = |bucket: &Bucket| heads.get(bucket).map_or(0, |head| head.version);
    let cursors = if scope_hash(&scope) == heard.cast_unsigned() {
        cursors_from_bytes(&cursors, &scope).ok()
    } else {
        None
    };
    let missing = match cursors {
        // Its buckets have changed since: at the next contact it starts the new ones, and keeps the rest.
        None => scope.iter().map(head).sum(),
        Some(cursors) => {
            // What an edge says of itself may be any number.
            let of = |c: &BucketCursor| {
                head(&c.bucket).saturating_sub(c.upto).saturating_add(c.reached.unwrap_or(0))
            };
            cursors.iter().map(of).fold(0, u64::saturating_add)
        }
    };
    Ok(Some(missing))
}
