//! The log in a new stream: what has no final verdict is offered to the hub again, under its old ids and in its old order. Nothing else of
//! a command changes, and nothing leaves the log.

use super::state::read_stands_at;
use crate::db::{DbError, pass_over};
use crate::node;
use crate::replica;
use rusqlite::Transaction;
use std::collections::HashMap;
use sync_protocol::session::BucketCursor;

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

/// Takes back the word of a hub that has forgotten it, on each command whose effects had not all come here: rows that came are brought back to
/// the hub, and only these commands know of the others, such as those in a buyer's cooperative. Whoever was told of one stays told, unless
/// the hub's next word is another.
///
/// # Errors
/// Those of the database.
pub fn unsettle_what_has_not_arrived(tx: &Transaction<'_>) -> Result<(), DbError> {
    let cursors: HashMap<_, _> =
        replica::cursors(tx)?.into_iter().map(|cursor| (cursor.bucket, cursor)).collect();
    let is_here = |(bucket, version): &(_, u64)| {
        cursors.get(bucket).is_some_and(|cursor: &BucketCursor| cursor.has_passed(*version))
    };
    let mut open = Vec::new();
    {
        let mut statement = tx.prepare_cached(
            "SELECT seq, stands_at FROM command WHERE verdict = 'applied' AND stands_at IS NOT NULL",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (seq, text): (u64, Option<String>) = (row.get(0)?, row.get(1)?);
            // Of what cannot be read nobody knows that it has arrived; what comes twice does no harm.
            let stands_at = pass_over(read_stands_at(text.as_deref(), seq))?;
            if !stands_at.is_some_and(|places| places.iter().all(is_here)) {
                open.push(seq);
            }
        }
    }
    for seq in open {
        tx.prepare_cached(
            "UPDATE command SET settled_at_s = NULL, settled_hub_s = NULL, settled_heard_s = NULL,
                 said_before = CASE WHEN told_at_s IS NULL AND unsaid IS NULL THEN said_before
                                    WHEN short THEN 'short' ELSE 'applied' END
             WHERE seq = ?1",
        )?
        .execute([seq])?;
    }
    Ok(())
}
