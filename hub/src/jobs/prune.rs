//! Forgets what nobody needs any more of the edges' part: sessions, superseded verdicts, bodies of old commands, and tombstones
//! that every living edge has passed. Each kind has a bound; a little at a time, so that no transaction is long.
//!
//! It must never forget a live row, an open command, or a verdict that has not been acknowledged.

use crate::bad_rows::BadRows;
use crate::db::Cells;
use crate::db::{Db, int, misfit, q};
use crate::feed::{catalogues, tombstones};
use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use mizili_node::deps::Deps;
use sqlx::PgConnection;
use sqlx::postgres::PgRow;
use std::collections::HashMap;
use std::pin::Pin;
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::{EdgeId, Stream};
use sync_protocol::wire::message::{cursors_from_bytes, scope_hash};

/// Days for which a decided command is kept whole, to be looked into.
const BODY_DAYS: i64 = 90;
/// Days for which is kept that a command was decided, and how.
const COMMAND_DAYS: i64 = 730;
/// Days after which a silent edge no longer holds tombstones back: when it comes again, its digests differ and are mended.
const SILENT_DAYS: i64 = 180;
/// Commands that one transaction looks at.
const COMMANDS_MAX: i64 = 5_000;

/// Tells an edge's buckets, in the order of its cursors.
pub type ScopeOf = for<'c> fn(&'c mut PgConnection, EdgeId) -> ScopeFuture<'c>;
/// What a [`ScopeOf`] promises.
pub type ScopeFuture<'c> = Pin<Box<dyn Future<Output = Result<Vec<Bucket>, sqlx::Error>> + Send + 'c>>;

/// What was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Sessions of edges that had ended.
    pub sessions: u64,
    /// Open verdicts that were superseded and acknowledged.
    pub verdicts: u64,
    /// Commands whose bodies went.
    pub bodies: u64,
    /// Commands that went.
    pub commands: u64,
    /// Tombstones.
    pub tombstones: u64,
    /// Rows that could not be used, and were left out.
    pub bad: u64,
}

/// Forgets once what is old now.
///
/// # Errors
/// Those of the database. What was forgotten before stays forgotten.
pub async fn prune_once(db: &Db, deps: &Deps, scope_of: ScopeOf) -> Result<Pruned, sqlx::Error> {
    let now = deps.clock.now();
    let days_ago =
        |days: i64| now.checked_sub(SignedDuration::from_hours(days * 24)).unwrap_or(Timestamp::MIN);
    let mut pruned = Pruned::default();
    let mut bad = BadRows::of("prune");
    let mut tx = db.begin().await?;
    pruned.sessions = sessions(&mut tx, now).await?;
    pruned.verdicts = superseded_verdicts(&mut tx).await?;
    let streams = streams(&mut tx, &mut bad).await?;
    let passed = passed_by_edges(&mut tx, days_ago(SILENT_DAYS), scope_of, &mut bad).await?;
    let upto = prunable(&mut tx, passed, &mut bad).await?;
    tx.commit().await?;
    for stream in streams {
        let (edge, incarnation) = (stream.edge, stream.incarnation);
        for (kind, days, gone) in [
            (Walk::Bodies, BODY_DAYS, &mut pruned.bodies),
            (Walk::Commands, COMMAND_DAYS, &mut pruned.commands),
        ] {
            let walked = walk(db, stream, kind, days_ago(days)).await;
            *gone += bad.sift(format_args!("commands of edge {edge}/{incarnation}"), walked)?.unwrap_or(0);
        }
    }
    for (bucket, upto) in upto {
        let gone = tombstones::prune(db, bucket, upto).await;
        pruned.tombstones += bad.sift(bucket, gone)?.unwrap_or(0);
    }
    pruned.bad = bad.count();
    Ok(pruned)
}

async fn sessions(conn: &mut PgConnection, now: Timestamp) -> Result<u64, sqlx::Error> {
    let gone = q("DELETE FROM edge_sessions WHERE expires_at < $1").bind(now.to_sqlx()).execute(conn).await?;
    Ok(gone.rows_affected())
}

/// Of a frozen stream nobody asks for verdicts any more.
async fn superseded_verdicts(conn: &mut PgConnection) -> Result<u64, sqlx::Error> {
    let gone = q("DELETE FROM superseded_verdicts v USING edge_streams s
        WHERE s.edge_id = v.edge_id AND s.incarnation = v.incarnation
            AND (v.verdict_number <= s.verdicts_acked OR s.frozen_at IS NOT NULL)")
    .execute(conn)
    .await?;
    Ok(gone.rows_affected())
}

async fn streams(conn: &mut PgConnection, bad: &mut BadRows) -> Result<Vec<Stream>, sqlx::Error> {
    let rows = q("SELECT edge_id, incarnation FROM edge_streams ORDER BY edge_id, incarnation")
        .fetch_all(conn)
        .await?;
    let stream = |row| {
        let cells = Cells::of("edge_streams", row);
        Ok::<_, sqlx::Error>(Stream { edge: EdgeId(cells.number(0)?), incarnation: cells.number(1)? })
    };
    let mut streams = Vec::with_capacity(rows.len());
    for row in &rows {
        streams.extend(bad.sift("a stream", stream(row))?);
    }
    Ok(streams)
}

/// What is done to a stream's old commands.
#[derive(Clone, Copy)]
enum Walk {
    /// The body goes; id, hash and verdict stay.
    Bodies,
    /// All goes, where the verdict was acknowledged or nobody will ask for it.
    Commands,
}

impl Walk {
    fn job(self) -> &'static str {
        match self {
            Self::Bodies => "prune_bodies",
            Self::Commands => "prune_commands",
        }
    }

    fn sql(self) -> &'static str {
        match self {
            Self::Bodies => {
                "UPDATE commands SET body = '' WHERE edge_id = $1 AND incarnation = $2 AND seq > $3 AND seq <= $4
                    AND verdict IN ('applied', 'rejected', 'dismissed')"
            }
            Self::Commands => {
                "DELETE FROM commands c USING edge_streams s
                WHERE c.edge_id = $1 AND c.incarnation = $2 AND c.seq > $3 AND c.seq <= $4
                    AND c.verdict IN ('applied', 'rejected', 'dismissed')
                    AND s.edge_id = c.edge_id AND s.incarnation = c.incarnation
                    AND (c.verdict_number <= s.verdicts_acked OR s.frozen_at IS NOT NULL)"
            }
        }
    }
}

/// Walks a stream's commands from where the last walk ended, up to the first that is younger than `before`. What is still open
/// or not acknowledged when the walk passes stays.
async fn walk(db: &Db, stream: Stream, walk: Walk, before: Timestamp) -> Result<u64, sqlx::Error> {
    let place = format!("edge:{}/{}", stream.edge, stream.incarnation);
    let mut total = 0;
    loop {
        let mut tx = db.begin().await?;
        q("INSERT INTO job_cursors (job, bucket) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(walk.job())
            .bind(&place)
            .execute(&mut *tx)
            .await?;
        let from = q("SELECT version FROM job_cursors WHERE job = $1 AND bucket = $2 FOR UPDATE SKIP LOCKED")
            .bind(walk.job())
            .bind(&place)
            .fetch_optional(&mut *tx)
            .await?;
        // Another hub walks here.
        let Some(from) = from else { return Ok(total) };
        let from: i64 = Cells::of("job_cursors", &from).get(0)?;
        let Some(upto) = last_old(&mut tx, stream, from, before).await? else { return Ok(total) };
        let done = q(walk.sql())
            .bind(int(stream.edge.0)?)
            .bind(int(stream.incarnation)?)
            .bind(from)
            .bind(upto)
            .execute(&mut *tx)
            .await?;
        q("UPDATE job_cursors SET version = $3 WHERE job = $1 AND bucket = $2")
            .bind(walk.job())
            .bind(&place)
            .bind(upto)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        total += done.rows_affected();
    }
}

/// The last of a run of commands after a place that were all received before a time.
async fn last_old(
    conn: &mut PgConnection,
    stream: Stream,
    from: i64,
    before: Timestamp,
) -> Result<Option<i64>, sqlx::Error> {
    let rows =
        q("SELECT seq, received_at < $4 FROM commands WHERE edge_id = $1 AND incarnation = $2 AND seq > $3
        ORDER BY seq LIMIT $5")
        .bind(int(stream.edge.0)?)
        .bind(int(stream.incarnation)?)
        .bind(from)
        .bind(before.to_sqlx())
        .bind(COMMANDS_MAX)
        .fetch_all(conn)
        .await?;
    let mut last = None;
    for row in &rows {
        let cells = Cells::of("commands", row);
        if !cells.get::<bool>(1)? {
            break;
        }
        last = Some(cells.get(0)?);
    }
    Ok(last)
}

/// For each bucket that some living edge has, the version that all of them have passed, as far as the hub has heard. An edge of
/// which that cannot be told holds nothing back, like a silent one: what it lacks is found by digests when it comes.
async fn passed_by_edges(
    conn: &mut PgConnection,
    silent_since: Timestamp,
    scope_of: ScopeOf,
    bad: &mut BadRows,
) -> Result<HashMap<Bucket, u64>, sqlx::Error> {
    let rows = q("SELECT e.id, s.heard_scope, s.heard_cursors
        FROM edges e JOIN edge_streams s ON s.edge_id = e.id AND s.incarnation = e.incarnation
        WHERE e.revoked_at IS NULL AND s.heard_cursors IS NOT NULL AND coalesce(e.last_contact_at, e.enrolled_at) > $1")
    .bind(silent_since.to_sqlx())
    .fetch_all(&mut *conn)
    .await?;
    let mut passed: HashMap<Bucket, u64> = HashMap::new();
    for row in &rows {
        let Some(edge) = bad.sift("an edge", Cells::of("edges", row).number(0).map(EdgeId))? else {
            continue;
        };
        let stands = stands_at(conn, edge, row, scope_of).await;
        for (bucket, upto) in bad.sift(Bucket::Edge(edge), stands)?.unwrap_or_default() {
            let lowest = passed.entry(bucket).or_insert(u64::MAX);
            *lowest = upto.min(*lowest);
        }
    }
    Ok(passed)
}

/// Where one edge stands in each of its buckets.
async fn stands_at(
    conn: &mut PgConnection,
    edge: EdgeId,
    row: &PgRow,
    scope_of: ScopeOf,
) -> Result<Vec<(Bucket, u64)>, sqlx::Error> {
    let cells = Cells::of("edge_streams", row);
    let scope = scope_of(conn, edge).await?;
    let heard: Option<i32> = cells.get(1)?;
    let same_scope = heard == Some(scope_hash(&scope) as i32);
    let cursors = if same_scope {
        cursors_from_bytes(cells.get(2)?, &scope).map_err(|_| misfit("edge_streams", "heard_cursors"))?
    } else {
        // Its buckets have changed since it was heard: where it stands in each is not known.
        Vec::new()
    };
    // A cursor of 0 may belong to an edge whose first snapshot is on its way: it holds all back.
    let upto = |at: usize| cursors.get(at).map_or(0, |cursor| cursor.upto);
    Ok(scope.into_iter().enumerate().map(|(at, bucket)| (bucket, upto(at))).collect())
}

/// Up to where tombstones may go, for each bucket that has any: passed by its edges, and by the job that reads it.
async fn prunable(
    conn: &mut PgConnection,
    passed: HashMap<Bucket, u64>,
    bad: &mut BadRows,
) -> Result<Vec<(Bucket, u64)>, sqlx::Error> {
    let mut upto = Vec::new();
    for bucket in tombstones::buckets(conn).await? {
        let by_edges = passed.get(&bucket).copied().unwrap_or(u64::MAX);
        let by_job = match bucket {
            Bucket::Coop(_) => bad.sift(bucket, catalogues::cursor(conn, bucket).await)?.unwrap_or(0),
            _ => u64::MAX,
        };
        let bound = by_edges.min(by_job);
        if bound > 0 {
            upto.push((bucket, bound));
        }
    }
    Ok(upto)
}
