//! What was taken back here after it was asked for: an order that was cancelled, an offer that was withdrawn. How that ends by itself is
//! no news then, neither to whoever was told that it is off nor to the office, unless taking it back is refused. Reads the log and notes
//! that; it tells nobody, and what takes back what is said in `at_office`.

use super::CommandState;
use super::at_office::at_office;
use crate::db::DbError;
use rusqlite::{Connection, Transaction};
use sync_protocol::ids::CommandId;
use sync_protocol::market::{Body, RawBody};
use sync_protocol::verdict::Verdict;
use uuid::Uuid;

/// Conditions on the log: by what the hub said.
pub(super) const REFUSED: &str = "verdict IN ('rejected', 'dismissed')";
pub(super) const NOT_REFUSED: &str = "(verdict IS NULL OR verdict NOT IN ('rejected', 'dismissed'))";
/// Or it was refused and nobody has heard that: see where there was nothing to withdraw.
pub(super) const NOT_CALLED_REFUSED: &str =
    "(verdict IS NULL OR verdict NOT IN ('rejected', 'dismissed') OR taken_back = 1
    OR (told_at_s IS NULL AND unsaid IS NULL))";
pub(super) const SAYS_SO: &str = "(verdict IS NULL OR verdict = 'applied')";

/// Whether what a command with a final verdict asked for is off by an act that came after it here and that the hub has not refused, so
/// that its own end is no news. An order or an offer that the hub refused is off with that, and an offer then also where withdrawing it
/// was refused: there was nothing to withdraw.
///
/// # Errors
/// Those of the database.
pub fn is_taken_back(conn: &Connection, state: &CommandState) -> Result<bool, DbError> {
    match Body::from_raw(&state.command.body) {
        Ok(Some(body)) => at_office(&body).is_taken_back(conn, state),
        _ => Ok(false),
    }
}

/// Whether the hub refused a command, or its operator put it aside.
pub(super) fn is_refused(state: &CommandState) -> bool {
    matches!(state.verdict, Some(Verdict::Rejected(_) | Verdict::Dismissed))
}

/// Whether the hub took only a part of it.
pub(super) fn took_effect_in_part(state: &CommandState) -> bool {
    matches!(&state.verdict, Some(Verdict::Applied(applied)) if !applied.conflicts.is_empty())
}

/// Notes that it is so. In the transaction that takes the hub's word.
///
/// # Errors
/// Those of the database.
pub fn note_taken_back(tx: &Transaction<'_>, seq: u64) -> Result<(), DbError> {
    tx.prepare_cached("UPDATE command SET taken_back = 1 WHERE seq = ?1")?.execute([seq])?;
    Ok(())
}

/// Where a command that was refused takes something back: has everything about that looked at again of which nothing was said because it
/// was taken back.
pub(super) fn look_again(tx: &Transaction<'_>, refused: &Body, id: CommandId) -> Result<(), DbError> {
    if !at_office(refused).takes_back() {
        return Ok(());
    }
    let mut again = tx.prepare_cached("UPDATE command SET taken_back = 0, unsaid = NULL WHERE seq = ?1")?;
    for seq in passed_over(tx, refused.about(id))? {
        again.execute([seq])?;
    }
    Ok(())
}

/// What was said nothing of because it was taken back, of what was asked about a thing.
fn passed_over(conn: &Connection, thing: Uuid) -> Result<Vec<u64>, DbError> {
    let sql = "SELECT seq, kind, body, id FROM command WHERE taken_back = 1 AND told_at_s IS NULL AND end_said IS NULL";
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut list = Vec::new();
    while let Some(row) = rows.next()? {
        let body = RawBody { kind: row.get(1)?, bytes: row.get(2)? };
        if is_about(&body, row.get_ref(3)?.as_blob().unwrap_or_default(), thing) {
            list.push(row.get(0)?);
        }
    }
    Ok(list)
}

/// Whether a command is about a thing. What cannot be read is about nothing, and has taken back nothing.
fn is_about(body: &RawBody, id: &[u8], thing: Uuid) -> bool {
    let id = CommandId(Uuid::from_slice(id).unwrap_or_default());
    matches!(Body::from_raw(body), Ok(Some(body)) if body.about(id) == thing)
}

/// Whether the log has a command of a kind about a thing that came after another and fits a condition.
pub(super) fn has_after(
    conn: &Connection,
    kind: u16,
    after: u64,
    thing: Uuid,
    fits: &str,
) -> Result<bool, DbError> {
    has(conn, &search(kind, &format!("> ?1 AND {fits}")), after, thing)
}

/// The same of one that came before.
pub(super) fn has_before(
    conn: &Connection,
    kind: u16,
    before: u64,
    thing: Uuid,
    fits: &str,
) -> Result<bool, DbError> {
    has(conn, &search(kind, &format!("< ?1 AND {fits}")), before, thing)
}

fn has(conn: &Connection, sql: &str, than: u64, thing: Uuid) -> Result<bool, DbError> {
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query([than])?;
    while let Some(row) = rows.next()? {
        let body = RawBody { kind: row.get(0)?, bytes: row.get(1)? };
        if is_about(&body, row.get_ref(2)?.as_blob().unwrap_or_default(), thing) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// With the kind in its text: an index of some kinds alone is of no use to a statement that could be asked for any.
fn search(kind: u16, condition: &str) -> String {
    format!("SELECT kind, body, id FROM command WHERE kind = {kind} AND seq {condition}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestEdge;
    use sync_protocol::market::{ListingPost, ListingWithdraw, OrderCancel};

    #[test]
    fn the_log_is_searched_by_an_index() {
        let edge = TestEdge::with_market();
        for (kind, condition) in [
            (OrderCancel::KIND, format!("> ?1 AND {NOT_REFUSED}")),
            (OrderCancel::KIND, format!("> ?1 AND {SAYS_SO}")),
            (ListingWithdraw::KIND, format!("> ?1 AND {NOT_REFUSED}")),
            (ListingWithdraw::KIND, format!("> ?1 AND {NOT_CALLED_REFUSED}")),
            (ListingPost::KIND, format!("< ?1 AND {REFUSED}")),
        ] {
            let sql = format!("EXPLAIN QUERY PLAN {}", search(kind, &condition));
            let plan = edge.read(move |conn| -> Result<String, DbError> {
                Ok(conn.query_row(&sql, [1], |row| row.get("detail"))?)
            });
            let way = if kind == ListingPost::KIND { "(kind=? AND seq<?)" } else { "(kind=? AND seq>?)" };
            assert!(
                plan.contains("command_taking_back") && plan.ends_with(way),
                "{kind} {condition}: {plan}"
            );
        }
    }

    /// Those that take back stand in the log's own statements by number: in [`super::super::prune`], and in the index.
    #[test]
    fn the_kinds_that_take_back_are_those_of_the_statements() {
        let all = Body::samples(Uuid::nil());
        let takes_back: Vec<u16> =
            all.iter().filter(|body| at_office(body).takes_back()).map(Body::kind).collect();
        assert_eq!(takes_back, [ListingWithdraw::KIND, OrderCancel::KIND]);
        assert_eq!(takes_back, [4, 6]);
    }
}
