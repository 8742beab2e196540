//! That the hub lets this box in no more: what was promised here from then on would not stand there. Another copy may sell the same
//! units, or the operator has written them off. Kept until the hub lets the box in again, or it is enrolled anew: a later try that fails
//! for another reason, such as a line that is down, says nothing about it.

use super::counts::offers_moved;
use super::{get, put, remove};
use crate::db::DbError;
use rusqlite::{Connection, Transaction};

const KEY: &str = "shut_out";

/// Why the hub does not let this box in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShutOut {
    /// It is an old copy, or the office has been given to another box: a new code lets it in, with all that it has.
    Replaced,
    /// Its operator has ended it for good.
    Revoked,
}

/// Whether the hub has shut this box out, and why.
///
/// # Errors
/// Those of the database.
pub fn shut_out(conn: &Connection) -> Result<Option<ShutOut>, DbError> {
    let revoked =
        |code: i64| if code == code_of(ShutOut::Revoked) { ShutOut::Revoked } else { ShutOut::Replaced };
    Ok(get(conn, KEY)?.map(revoked))
}

fn code_of(why: ShutOut) -> i64 {
    match why {
        ShutOut::Replaced => 1,
        ShutOut::Revoked => 2,
    }
}

/// Keeps in mind that the hub has shut this box out.
///
/// # Errors
/// Those of the database.
pub(crate) fn note_shut_out(tx: &Transaction<'_>, why: ShutOut) -> Result<(), DbError> {
    if shut_out(tx)? == Some(why) {
        return Ok(());
    }
    tracing::error!(?why, "the hub has shut this box out: own units are not sold for now");
    put(tx, KEY, &code_of(why))?;
    offers_moved(tx)
}

/// Notes that the hub has let this box in.
///
/// # Errors
/// Those of the database.
pub(crate) fn note_let_in(tx: &Transaction<'_>) -> Result<(), DbError> {
    if shut_out(tx)?.is_none() {
        return Ok(());
    }
    remove(tx, KEY)?;
    offers_moved(tx)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::SubmitError;
    use crate::node::{Doubt, counts, doubt};
    use crate::testing::{TestEdge, caller, clerk, order_of};
    use sync_protocol::ids::CommandId;
    use sync_protocol::market::{Adjustment, Certainty, StockAdjust};

    fn is_sold(edge: &TestEdge, listing: sync_protocol::ids::ListingId) -> bool {
        edge.submit(clerk(), true, order_of(listing, 1)).unwrap().certainty == Certainty::Record
    }

    #[test]
    fn it_holds_for_what_was_counted_too_and_leaves_the_list_as_it_is() {
        let edge = TestEdge::with_market();
        let (maize, beans) = (edge.post_listing(50), edge.post_listing(50));
        edge.write(counts::begin);
        edge.write(counts::list);
        let found = Adjustment::Count { counted_milli: 50_000, expected_milli: 50_000 };
        let body = StockAdjust { listing: maize.0, found, reason: String::new(), undoes: None };
        edge.submit(clerk(), true, body).unwrap();
        assert!(is_sold(&edge, maize) && !is_sold(&edge, beans));
        edge.write(|tx| note_shut_out(tx, ShutOut::Replaced));
        assert!(!is_sold(&edge, maize));
        assert_eq!(edge.read(doubt), Some(Doubt::ShutOut(ShutOut::Replaced)));
        let edge = edge.reopen();
        assert_eq!((is_sold(&edge, maize), edge.read(counts::to_count)), (false, vec![beans]));
        edge.write(note_let_in);
        assert!(is_sold(&edge, maize) && !is_sold(&edge, beans));
        assert_eq!(edge.read(doubt), Some(Doubt::Rewound));
    }

    #[test]
    fn nothing_is_asked_by_phone_of_a_hub_that_gives_no_answer() {
        let edge = TestEdge::with_market();
        let listing = edge.post_listing(50);
        let id = CommandId(sync_protocol::ids::hub_born(5_000));
        let ordered = || edge.submit_as(id, caller(), false, order_of(listing, 2));
        let before = ordered().unwrap();
        for why in [ShutOut::Replaced, ShutOut::Revoked] {
            edge.write(move |tx| note_shut_out(tx, why));
            assert_eq!(edge.place_order(listing, 1).unwrap_err(), SubmitError::ShutOut);
        }
        let again = ordered().unwrap();
        assert_eq!((again.seq, again.repeated), (before.seq, true), "what was done before stands");
        // What happened at the office is kept for the operator.
        assert!(!is_sold(&edge, listing));
    }
}
