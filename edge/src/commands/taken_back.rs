//! What was taken back here after it was asked for: an order that was cancelled, an offer that was withdrawn. How that ends by itself is
//! no news then, neither to whoever was told that it is off nor to the office, unless taking it back is refused. Reads the log and notes
//! that; it tells nobody.

use super::CommandState;
use crate::db::DbError;
use crate::replica;
use rusqlite::{Connection, Transaction};
use sync_protocol::market::{Body, Order, OrderStatus, RawBody};
use sync_protocol::row::Key;
use sync_protocol::verdict::Verdict;
use uuid::Uuid;

/// Kinds of commands, as the log has them.
const POST: u16 = 2;
const WITHDRAW: u16 = 4;
const CANCEL: u16 = 6;

/// Conditions on the log: by what the hub said.
const REFUSED: &str = "verdict IN ('rejected', 'dismissed')";
const NOT_REFUSED: &str = "(verdict IS NULL OR verdict NOT IN ('rejected', 'dismissed'))";
/// Or it was refused and nobody has heard that: see where there was nothing to withdraw.
const NOT_CALLED_REFUSED: &str =
    "(verdict IS NULL OR verdict NOT IN ('rejected', 'dismissed') OR taken_back = 1
    OR (told_at_s IS NULL AND unsaid IS NULL))";
const SAYS_SO: &str = "(verdict IS NULL OR verdict = 'applied')";

/// Whether what a command with a final verdict asked for is off by an act that came after it here and that the hub has not refused, so
/// that its own end is no news. An order or an offer that the hub refused is off with that, and an offer then also where withdrawing it
/// was refused: there was nothing to withdraw.
///
/// # Errors
/// Those of the database.
pub fn is_taken_back(conn: &Connection, state: &CommandState) -> Result<bool, DbError> {
    let is_refused = matches!(state.verdict, Some(Verdict::Rejected(_) | Verdict::Dismissed));
    let is_in_part =
        matches!(&state.verdict, Some(Verdict::Applied(applied)) if !applied.conflicts.is_empty());
    let seq = state.command.seq;
    match Body::from_raw(&state.command.body) {
        // The log is searched only for one that does not stand.
        Ok(Some(Body::OrderPlace(_))) => {
            let order = state.command.id.0;
            let row = replica::get::<Order>(conn, Key::Uuid(order))?;
            let is_off = row.is_none_or(|order| order.status == OrderStatus::Cancelled);
            Ok(is_off && has_cancel(conn, seq, order, NOT_REFUSED)?)
        }
        Ok(Some(Body::ListingPost(post))) if is_refused => {
            has_withdraw(conn, seq, post.listing, NOT_CALLED_REFUSED)
        }
        Ok(Some(Body::ListingEdit(edit))) if is_refused || is_in_part => {
            let listing = edit.listing;
            Ok(has_withdraw(conn, seq, listing, NOT_REFUSED)?
                || (was_refused(conn, seq, listing)?
                    && has_withdraw(conn, seq, listing, NOT_CALLED_REFUSED)?))
        }
        Ok(Some(Body::ListingWithdraw(withdraw))) if is_refused => was_refused(conn, seq, withdraw.listing),
        _ => Ok(false),
    }
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
pub(super) fn look_again(tx: &Transaction<'_>, refused: &RawBody) -> Result<(), DbError> {
    const AGAIN: &str = "UPDATE command SET taken_back = 0, unsaid = NULL
        WHERE taken_back = 1 AND told_at_s IS NULL AND end_said IS NULL";
    if ![CANCEL, WITHDRAW].contains(&refused.kind) {
        return Ok(());
    }
    match Body::from_raw(refused) {
        Ok(Some(Body::OrderCancel(cancel))) => {
            tx.prepare_cached(&format!("{AGAIN} AND id = ?1"))?.execute([cancel.order.as_bytes()])?;
        }
        Ok(Some(Body::ListingWithdraw(withdraw))) => {
            let mut again = tx.prepare_cached(&format!("{AGAIN} AND seq = ?1"))?;
            for seq in passed_over(tx, withdraw.listing)? {
                again.execute([seq])?;
            }
        }
        // What cannot be read has taken back nothing: see `has`.
        _ => {}
    }
    Ok(())
}

/// What was said nothing of because it was taken back, of what was asked about a listing itself.
fn passed_over(conn: &Connection, listing: Uuid) -> Result<Vec<u64>, DbError> {
    let sql =
        "SELECT seq, kind, body FROM command WHERE taken_back = 1 AND told_at_s IS NULL AND end_said IS NULL";
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut list = Vec::new();
    while let Some(row) = rows.next()? {
        let about = match Body::from_raw(&RawBody { kind: row.get(1)?, bytes: row.get(2)? }) {
            Ok(Some(Body::ListingPost(post))) => post.listing,
            Ok(Some(Body::ListingEdit(edit))) => edit.listing,
            Ok(Some(Body::ListingWithdraw(withdraw))) => withdraw.listing,
            _ => continue,
        };
        if about == listing {
            list.push(row.get(0)?);
        }
    }
    Ok(list)
}

/// Whether a command here says or will say that an order is taken back: one that came after it, and that the hub has neither refused nor
/// put aside.
///
/// # Errors
/// Those of the database.
pub fn has_its_word(conn: &Connection, order_seq: u64, order: Uuid) -> Result<bool, DbError> {
    has_cancel(conn, order_seq, order, SAYS_SO)
}

fn has_cancel(conn: &Connection, after: u64, order: Uuid, stands: &str) -> Result<bool, DbError> {
    let is_it = |body: &Body| matches!(body, Body::OrderCancel(cancel) if cancel.order == order);
    has(conn, CANCEL, after, &format!("> ?1 AND {stands}"), is_it)
}

fn has_withdraw(conn: &Connection, after: u64, listing: Uuid, stands: &str) -> Result<bool, DbError> {
    let is_it = |body: &Body| matches!(body, Body::ListingWithdraw(withdraw) if withdraw.listing == listing);
    has(conn, WITHDRAW, after, &format!("> ?1 AND {stands}"), is_it)
}

/// Whether the hub refused the offer that a later command is about.
fn was_refused(conn: &Connection, before: u64, listing: Uuid) -> Result<bool, DbError> {
    let is_it = |body: &Body| matches!(body, Body::ListingPost(post) if post.listing == listing);
    has(conn, POST, before, &format!("< ?1 AND {REFUSED}"), is_it)
}

/// Whether the log has a command of a kind under a condition, which begins with how its number compares to `than`.
fn has(
    conn: &Connection,
    kind: u16,
    than: u64,
    condition: &str,
    is_it: impl Fn(&Body) -> bool,
) -> Result<bool, DbError> {
    let mut statement = conn.prepare_cached(&search(kind, condition))?;
    let mut rows = statement.query([than])?;
    while let Some(row) = rows.next()? {
        let body = RawBody { kind: row.get(0)?, bytes: row.get(1)? };
        if matches!(Body::from_raw(&body), Ok(Some(body)) if is_it(&body)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// With the kind in its text: an index of some kinds alone is of no use to a statement that could be asked for any.
fn search(kind: u16, condition: &str) -> String {
    format!("SELECT kind, body FROM command WHERE kind = {kind} AND seq {condition}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestEdge;
    use sync_protocol::market::command_name;

    #[test]
    fn the_log_is_searched_by_an_index() {
        let edge = TestEdge::with_market();
        for (kind, condition) in [
            (CANCEL, format!("> ?1 AND {NOT_REFUSED}")),
            (CANCEL, format!("> ?1 AND {SAYS_SO}")),
            (WITHDRAW, format!("> ?1 AND {NOT_REFUSED}")),
            (WITHDRAW, format!("> ?1 AND {NOT_CALLED_REFUSED}")),
            (POST, format!("< ?1 AND {REFUSED}")),
        ] {
            let sql = format!("EXPLAIN QUERY PLAN {}", search(kind, &condition));
            let plan = edge.read(move |conn| -> Result<String, DbError> {
                Ok(conn.query_row(&sql, [1], |row| row.get("detail"))?)
            });
            let way = if kind == POST { "(kind=? AND seq<?)" } else { "(kind=? AND seq>?)" };
            assert!(
                plan.contains("command_taking_back") && plan.ends_with(way),
                "{kind} {condition}: {plan}"
            );
        }
    }

    #[test]
    fn the_kinds_are_those_of_the_protocol() {
        let kinds = [POST, WITHDRAW, CANCEL].map(|kind| command_name(kind).unwrap());
        assert_eq!(kinds, ["listing.post", "listing.withdraw", "order.cancel"]);
    }
}
