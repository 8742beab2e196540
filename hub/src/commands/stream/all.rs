//! Open commands of all edges, tried again: at a hub's start, when an office has come that was awaited, every now and then. Each edge has its
//! turn, whatever the one before it met. How one edge's are tried is `open`'s.

use super::StreamError;
use super::open::{By, retry_open_by, retry_quarantined_of};
use crate::bad_rows::BadRows;
use crate::db::Cells;
use crate::db::{Db, int, q};
use mizili_node::deps::Deps;
use sync_protocol::ids::{EdgeId, Stream};

/// How often at most the edges have their turn one after the other. What waits even then is tried again by the regular jobs.
const ROUNDS_MAX: usize = 8;

/// Which quarantined commands are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quarantined {
    /// All, of edges that were not revoked: what a revoked one left changes nothing until a person accepts it.
    All,
    /// Those for which the hub itself was to blame.
    Ours,
    /// Those of one edge, also of a revoked one, because an operator said so.
    Of(EdgeId),
}

/// What became of the edges' turns.
#[derive(Default)]
struct Tried {
    changed: Vec<(EdgeId, usize)>,
    /// The first that an edge met.
    trouble: Option<StreamError>,
}

impl Tried {
    /// Notes what an edge's turn came to. Whether the next one's can come to anything: not where nobody answers at all.
    fn note(&mut self, edge: EdgeId, came_to: Result<usize, StreamError>) -> bool {
        match came_to {
            Ok(0) => true,
            Ok(changed) => {
                self.changed.push((edge, changed));
                true
            }
            Err(error) => {
                tracing::warn!(edge = edge.0, %error, "an edge's open commands could not be tried again now");
                let nobody = matches!(
                    error,
                    StreamError::Unavailable(sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed)
                );
                self.trouble.get_or_insert(error);
                !nobody
            }
        }
    }

    fn end(self) -> Result<Vec<(EdgeId, usize)>, StreamError> {
        self.trouble.map_or(Ok(self.changed), Err)
    }
}

/// Tries the unsupported and held commands of every edge again that was not revoked. Returns how many commands got another verdict. To be
/// called when a hub starts.
///
/// # Errors
/// The first that an edge met; the others had their turn.
pub async fn retry_all_open(db: &Db, deps: &Deps) -> Result<usize, StreamError> {
    retry_open_of(
        db,
        deps,
        "SELECT e.id FROM edges e WHERE e.revoked_at IS NULL AND EXISTS (
            SELECT FROM commands c WHERE c.edge_id = e.id AND c.verdict IN ('held', 'unsupported')
                AND c.verdict IN ('held', 'quarantined', 'unsupported'))
        ORDER BY e.id",
    )
    .await
}

/// The same of edges of which something is held: what it waited for may be settled, also by what another edge's came to.
///
/// # Errors
/// As there.
pub async fn retry_all_held(db: &Db, deps: &Deps) -> Result<usize, StreamError> {
    retry_open_of(
        db,
        deps,
        "SELECT e.id FROM edges e WHERE e.revoked_at IS NULL AND EXISTS (
            SELECT FROM commands c WHERE c.edge_id = e.id AND c.verdict = 'held'
                AND c.verdict IN ('held', 'quarantined', 'unsupported'))
        ORDER BY e.id",
    )
    .await
}

/// Goes round until nothing changes any more: an edge's command may wait for one of an edge whose turn is after it.
async fn retry_open_of(db: &Db, deps: &Deps, edges: &'static str) -> Result<usize, StreamError> {
    let mut changed = 0;
    for _ in 0..ROUNDS_MAX {
        match retry_each(db, deps, edges).await? {
            0 => break,
            more => changed += more,
        }
    }
    Ok(changed)
}

/// Gives each edge that is found so one turn.
async fn retry_each(db: &Db, deps: &Deps, edges: &'static str) -> Result<usize, StreamError> {
    let edges = named(db, edges).await.map_err(StreamError::Unavailable)?;
    let mut tried = Tried::default();
    for edge in edges {
        let came_to = retry_open_by(db, deps, edge, By::Itself).await;
        if !tried.note(edge, came_to) {
            break;
        }
    }
    Ok(tried.end()?.iter().map(|(_, changed)| changed).sum())
}

/// Tries quarantined commands of all edges that were not revoked again, in order, and then what waited for them. Returns the edges that
/// have news by it, with how many commands got another verdict.
///
/// # Errors
/// The first that an edge met; the others had their turn. A command that breaks again stays quarantined; that is no error.
pub async fn retry_all_quarantined(
    db: &Db,
    deps: &Deps,
    which: Quarantined,
) -> Result<Vec<(EdgeId, usize)>, StreamError> {
    let commands = quarantined(db, which).await.map_err(StreamError::Unavailable)?;
    let by = if matches!(which, Quarantined::Of(_)) { By::Operator } else { By::Itself };
    let mut tried = Tried::default();
    for of_edge in commands.chunk_by(|(a, _), (b, _)| a.edge == b.edge) {
        let Some((Stream { edge, .. }, _)) = of_edge.first().copied() else { continue };
        let came_to = retry_quarantined_of(db, deps, edge, of_edge, by).await;
        if !tried.note(edge, came_to) {
            break;
        }
    }
    tried.end()
}

async fn quarantined(db: &Db, which: Quarantined) -> Result<Vec<(Stream, u64)>, sqlx::Error> {
    let mut tx = db.begin().await?;
    let of = if let Quarantined::Of(edge) = which { int(edge.0)? } else { 0 };
    let rows = q(match which {
        Quarantined::Of(_) => {
            "SELECT edge_id, incarnation, seq FROM commands
            WHERE edge_id = $1 AND verdict = 'quarantined' AND verdict IN ('held', 'quarantined', 'unsupported')
            ORDER BY edge_id, incarnation, seq"
        }
        Quarantined::All => {
            "SELECT c.edge_id, c.incarnation, c.seq FROM commands c JOIN edges e ON e.id = c.edge_id AND e.revoked_at IS NULL AND $1 = 0
            WHERE c.verdict = 'quarantined' AND c.verdict IN ('held', 'quarantined', 'unsupported')
            ORDER BY c.edge_id, c.incarnation, c.seq"
        }
        Quarantined::Ours => {
            "SELECT c.edge_id, c.incarnation, c.seq FROM commands c JOIN edges e ON e.id = c.edge_id AND e.revoked_at IS NULL AND $1 = 0
            WHERE c.ours AND c.verdict = 'quarantined' ORDER BY c.edge_id, c.incarnation, c.seq"
        }
    })
    .bind(of)
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    let mut bad = BadRows::of("retry");
    let place = |row| {
        let cells = Cells::of("commands", row);
        let stream = Stream { edge: EdgeId(cells.number(0)?), incarnation: cells.number(1)? };
        Ok::<_, sqlx::Error>((stream, cells.count(2)?))
    };
    let mut places = Vec::with_capacity(rows.len());
    for row in &rows {
        places.extend(bad.sift("a command", place(row))?);
    }
    Ok(places)
}

async fn named(db: &Db, text: &'static str) -> Result<Vec<EdgeId>, sqlx::Error> {
    let mut tx = db.begin().await?;
    let rows = q(text).fetch_all(&mut *tx).await?;
    tx.commit().await?;
    let mut bad = BadRows::of("retry");
    let mut edges = Vec::with_capacity(rows.len());
    for row in &rows {
        edges.extend(bad.sift("an edge", Cells::of("edges", row).number(0).map(EdgeId))?);
    }
    Ok(edges)
}
