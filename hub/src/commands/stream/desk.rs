//! Commands that wait, as an operator sees them: which, why, and what each says. Reads only; what is done about them is in the files
//! beside this one.

use super::store;
use crate::bad_rows::OfARow as _;
use crate::db::Cells;
use crate::db::{Db, Narrowed, q, q_scalar};
use jiff_sqlx::Timestamp;
use serde::Serialize;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use sync_protocol::ids::{EdgeId, Stream};
use sync_protocol::market::{Body, Command, command_name};
use uuid::Uuid;

/// A command that has no final verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Waiting {
    /// Its id, by which it is shown, tried again and dismissed.
    pub id: Uuid,
    /// The edge that brought it.
    pub edge: u32,
    /// The cooperative whose office that is.
    pub cooperative: String,
    /// Its place in the edge's stream, with the incarnation.
    pub incarnation: u32,
    /// Its number in that stream.
    pub seq: u64,
    /// What it asks for, such as `order.place`; a number where this hub does not know it.
    pub kind: String,
    /// `quarantined` (it broke the hub's handling), `held` (it needs one that waits), `unsupported` (of a newer edge), `failing` (it
    /// is not taken yet, and stops its stream), or `unreadable` (what the database holds of it does not fit).
    pub state: String,
    /// Whether the hub itself is to blame, as far as anyone can tell: then it is tried again every hour.
    pub ours: bool,
    /// When it came, or failed first; RFC 3339, UTC.
    pub since: String,
    /// What broke.
    pub error: Option<String>,
}

/// One that waits, with what it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// Where it stands.
    #[serde(flatten)]
    pub waiting: Waiting,
    /// When it was made, by the edge's clock: seconds since 1970 UTC.
    pub made_at_s: i64,
    /// Who made it: what the edge says of them.
    pub actor: String,
    /// What it says, for reading; none where it is not known, or is still at the edge alone.
    pub says: Option<String>,
    /// Its bytes, in hexadecimal.
    pub body: String,
    /// Whether it came under an id that is another command's: then it is decided under one of its own alone.
    pub has_anothers_id: bool,
    /// Another one that came under its id or number with other content, if any.
    pub clashes_with: Vec<String>,
}

/// How many wait, of all edges.
///
/// # Errors
/// Those of the database.
pub async fn count(db: &Db) -> Result<u64, sqlx::Error> {
    let mut tx = db.begin().await?;
    let waiting: i64 = q_scalar(
        "SELECT (SELECT count(*) FROM commands WHERE verdict IN ('held', 'quarantined', 'unsupported'))
            + (SELECT count(*) FROM command_failures f WHERE NOT EXISTS (SELECT FROM commands c WHERE c.id = f.id))",
    )
    .fetch_one(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(waiting.unsigned_abs())
}

/// The text of a list, of an edge's commands or of all, or of one command.
fn text(edge: Option<i32>, id: Option<Uuid>) -> Narrowed {
    let kept = Narrowed::of(
        "SELECT c.id, c.edge_id, p.name, c.incarnation, c.seq, c.kind, c.verdict, c.ours, c.received_at, c.error
        FROM commands c JOIN edges e ON e.id = c.edge_id JOIN cooperatives p ON p.id = e.cooperative_id
        WHERE c.verdict IN ('held', 'quarantined', 'unsupported')",
    );
    let kept = kept.maybe(" AND c.edge_id = ?", edge).maybe(" AND c.id = ?", id);
    let failing = kept.then(
        " UNION ALL
        SELECT f.id, f.edge_id, p.name, f.incarnation, f.seq, 0, 'failing', true, f.first_failed_at, f.error
        FROM command_failures f JOIN edges e ON e.id = f.edge_id JOIN cooperatives p ON p.id = e.cooperative_id
        WHERE NOT EXISTS (SELECT FROM commands c WHERE c.id = f.id)",
    );
    failing.maybe(" AND f.edge_id = ?", edge).maybe(" AND f.id = ?", id).then(" ORDER BY 2, 4, 5")
}

/// Commands that wait, of one edge or of all, in the order of their streams.
///
/// # Errors
/// Those of the database.
pub async fn list(db: &Db, edge: Option<EdgeId>) -> Result<Vec<Waiting>, sqlx::Error> {
    let mut tx = db.begin().await?;
    let edge = edge.map(|edge| i32::try_from(edge.0).unwrap_or(i32::MAX));
    let rows = text(edge, None).fetch_all(&mut tx).await?;
    tx.commit().await?;
    rows.iter().map(readable).collect()
}

/// Where it stands, as far as that can be read.
fn readable(row: &PgRow) -> Result<Waiting, sqlx::Error> {
    match waiting(row) {
        Err(error) if error.is_of_a_row() => Ok(unreadable(row, &error)),
        shown => shown,
    }
}

/// One command that waits; `None` where there is none of that id, or it has its final verdict.
///
/// # Errors
/// Those of the database.
pub async fn show(db: &Db, id: Uuid) -> Result<Option<Shown>, sqlx::Error> {
    let mut tx = db.begin().await?;
    let found = text(None, Some(id)).fetch_all(&mut tx).await?;
    let Some(row) = found.first() else { return Ok(None) };
    let waiting = readable(row)?;
    let kept = q("SELECT seq, id, made_at_s, actor_kind, actor_id, actor_phone, kind, body, clash_id IS NOT NULL, clash_id FROM commands WHERE id = $1")
        .bind(id)
        .fetch_optional(&mut *tx)
        .await?;
    let clashes = q("SELECT edge_id, incarnation, seq, body FROM command_conflicts WHERE id = $1
        UNION ALL SELECT o.edge_id, o.incarnation, o.seq, o.body FROM commands c JOIN commands o ON o.id = c.clash_id WHERE c.id = $1
        ORDER BY 1, 2, 3")
            .bind(id)
            .fetch_all(&mut *tx)
            .await?;
    let claimed = kept.as_ref().and_then(|row| Cells::of("commands", row).get::<Option<Uuid>>(9).ok()?);
    let body = kept.as_ref().and_then(|row| Body::from_raw(&store::command(row).ok()?.body).ok()?);
    let others = match claimed {
        Some(claimed) => {
            by_another_road(
                &mut tx,
                claimed,
                body.and_then(|body| body.makes_apart(sync_protocol::ids::CommandId(id))),
            )
            .await?
        }
        None => Vec::new(),
    };
    tx.commit().await?;
    // Of one that does not fit what this program makes of it, that is said which does.
    let command = match kept.as_ref().map(store::command).transpose() {
        Err(error) if error.is_of_a_row() => None,
        command => command?,
    };
    let has_anothers_id = kept.as_ref().map(|row| Cells::of("commands", row).get(8)).transpose()?;
    let of_kept = |at| kept.as_ref().and_then(|row| Cells::of("commands", row).get::<Vec<u8>>(at).ok());
    let clash = |row: &PgRow| {
        let cells = Cells::of("command_conflicts", row);
        Ok(format!(
            "edge {}/{} number {}: {}",
            cells.number(0)?,
            cells.number(1)?,
            cells.count(2)?,
            hex(cells.get(3)?)
        ))
    };
    Ok(Some(Shown {
        made_at_s: command.as_ref().map_or(0, |command| command.made_at_s),
        actor: command.as_ref().map(|command| format!("{:?}", command.actor)).unwrap_or_default(),
        says: command.as_ref().and_then(says),
        body: of_kept(7).map(|bytes| hex(&bytes)).unwrap_or_default(),
        has_anothers_id: has_anothers_id.unwrap_or_default(),
        clashes_with: clashes.iter().map(clash).chain(others).collect::<Result<_, sqlx::Error>>()?,
        waiting,
    }))
}

/// What bears a command's id, or that of the thing it makes, and came by no command that is known here.
async fn by_another_road(
    conn: &mut PgConnection,
    claimed: Uuid,
    made: Option<Uuid>,
) -> Result<Vec<Result<String, sqlx::Error>>, sqlx::Error> {
    let rows = q("SELECT 'order ' || o.id || ': ' || o.quantity_milli || ' thousandths of product ' || o.listing_id || ' at ' || o.unit_price_minor
            || ', for ' || o.buyer_phone || ' ' || o.buyer_name
        FROM orders o WHERE o.id = $1 AND NOT EXISTS (SELECT FROM commands c WHERE c.id = o.id)
        UNION ALL
        SELECT 'product ' || l.id || ': ' || l.title || ', commodity ' || l.commodity_id || ' by unit ' || l.unit_id || ' at ' || l.price_minor
            || ', of cooperative ' || l.cooperative_id
        FROM listings l WHERE l.id = $2
        UNION ALL
        SELECT 'stock ' || e.of_id || '/' || e.step || ': ' || e.quantity_milli || ' thousandths of product ' || e.listing_id
        FROM stock_entries e WHERE e.of_id = $1 AND NOT EXISTS (SELECT FROM commands c WHERE c.id = e.of_id)")
    .bind(claimed)
    .bind(made)
    .fetch_all(conn)
    .await?;
    Ok(rows.iter().map(|row| Cells::of("orders", row).get(0)).collect())
}

/// One of which not everything can be read. It is named, and keeps nobody from seeing the others.
fn unreadable(row: &PgRow, error: &sqlx::Error) -> Waiting {
    let cells = Cells::of("commands", row);
    Waiting {
        id: cells.get(0).unwrap_or_default(),
        edge: cells.number(1).unwrap_or_default(),
        cooperative: cells.get(2).unwrap_or_default(),
        incarnation: cells.number(3).unwrap_or_default(),
        seq: cells.count(4).unwrap_or_default(),
        kind: String::new(),
        state: "unreadable".to_owned(),
        ours: true,
        since: String::new(),
        error: Some(format!("what the database holds of it cannot be read: {error}")),
    }
}

/// Where a command that waits stands in its stream.
pub fn place(waiting: &Waiting) -> (Stream, u64) {
    (Stream { edge: EdgeId(waiting.edge), incarnation: waiting.incarnation }, waiting.seq)
}

fn says(command: &Command) -> Option<String> {
    Some(format!("{:?}", Body::from_raw(&command.body).ok()??))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn waiting(row: &PgRow) -> Result<Waiting, sqlx::Error> {
    let cells = Cells::of("commands", row);
    let kind = cells.number(5)?;
    let since: Timestamp = row.try_get(8)?;
    Ok(Waiting {
        id: cells.get(0)?,
        edge: cells.number(1)?,
        cooperative: cells.get(2)?,
        incarnation: cells.number(3)?,
        seq: cells.count(4)?,
        kind: match kind {
            0 => String::new(),
            kind => u16::try_from(kind)
                .ok()
                .and_then(command_name)
                .map_or_else(|| kind.to_string(), str::to_owned),
        },
        state: cells.get(6)?,
        ours: cells.get(7)?,
        since: mizili_node::text::rfc3339(since.to_jiff().as_second()),
        error: cells.get(9)?,
    })
}
