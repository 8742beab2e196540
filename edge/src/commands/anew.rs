//! The log in a new stream: what has no final verdict is offered to the hub again, under its old ids and in its old order. Nothing else of
//! a command changes, and nothing leaves the log.

use crate::db::DbError;
use crate::node;
use rusqlite::Transaction;

/// The commands without a final verdict, with the numbers that they get. All are above every number that was ever used.
const NUMBERED: &str =
    "SELECT seq, ?1 + row_number() OVER (ORDER BY seq) AS anew FROM command WHERE settled_at_s IS NULL";

/// Gives what has no final verdict new numbers, and takes open verdicts back: the hub says them again in the new stream. Returns the
/// highest number that was used before, which the new stream counts from.
///
/// # Errors
/// Those of the database.
pub fn offer_anew(tx: &Transaction<'_>) -> Result<u64, DbError> {
    let base = node::highest_seq(tx)?;
    for (table, also) in [
        ("local_row", ""),
        ("local_index", ""),
        ("command", ", verdict = NULL, verdict_number = NULL, stands_at = NULL"),
    ] {
        let sql =
            format!("UPDATE {table} SET seq = n.anew{also} FROM ({NUMBERED}) AS n WHERE {table}.seq = n.seq");
        tx.execute(&sql, [base])?;
    }
    let highest: Option<u64> = tx.query_row("SELECT max(seq) FROM command", [], |row| row.get(0))?;
    node::set_highest_seq(tx, highest.unwrap_or(0).max(base))?;
    Ok(base)
}
