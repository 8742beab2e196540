//! Which products a person still has to count, because this box may not know of everything that was sold here: its data is older than what
//! was done on it, or its office had another box before. Until then the box holds nothing of such a product.
//!
//! A count ends it for its product. It is booked as a difference to what should be there, and which products there are and what should be
//! there is only known once everything of the hub is here: until then none is taken, or what the hub knows already would be booked
//! twice. Then the list is made, and with its last product the doubt ends. Where such a count is taken back, or the hub does not take it,
//! its product has to be counted again.

use super::doubt::{Doubt, REWOUND, doubt, of_the_data};
use super::{Identity, get, identity, put, remove};
use crate::db::{DbError, pass_over};
use crate::replica;
use crate::stock;
use rusqlite::{Connection, OptionalExtension, Transaction};
use sync_protocol::ids::ListingId;
use sync_protocol::market::{Listing, ListingStatus};
use sync_protocol::row::Key;
use sync_protocol::units::Quantity;
use uuid::Uuid;

/// Set once the list is made.
const LISTED: &str = "to_count_listed";

/// Everything has to be counted from now on, also what was counted in an earlier doubt: what was sold after that may be missing too.
pub(crate) fn begin(tx: &Transaction<'_>) -> Result<(), DbError> {
    tx.execute("DELETE FROM to_count", [])?;
    remove(tx, LISTED)?;
    put(tx, "doubt", &REWOUND)?;
    offers_moved(tx)
}

/// What may be sold here at once is another than before: screens must not go by what they remember.
pub(super) fn offers_moved(tx: &Transaction<'_>) -> Result<(), DbError> {
    tx.execute("UPDATE market_move SET offers = offers + 1", [])?;
    Ok(())
}

/// Forgets everything: nothing is in doubt any more.
pub(super) fn end(tx: &Transaction<'_>) -> Result<(), DbError> {
    tx.execute("DELETE FROM to_count", [])?;
    remove(tx, LISTED)?;
    offers_moved(tx)
}

/// Why nothing of this product may be sold from the units that are held here, if so.
///
/// # Errors
/// Those of the database.
pub fn doubt_about(conn: &Connection, listing: ListingId) -> Result<Option<Doubt>, DbError> {
    match doubt(conn)? {
        Some(Doubt::Rewound) if !must_be_counted(conn, listing)? => Ok(None),
        doubt => Ok(doubt),
    }
}

/// Whether a person still has to count this product, and may: what should be there is known.
///
/// # Errors
/// Those of the database.
pub fn is_to_be_counted(conn: &Connection, listing: ListingId) -> Result<bool, DbError> {
    Ok(of_the_data(conn)? == Some(Doubt::Rewound) && is_listed(conn)? && must_be_counted(conn, listing)?)
}

fn must_be_counted(conn: &Connection, listing: ListingId) -> Result<bool, DbError> {
    let counted: Option<bool> = conn
        .prepare_cached("SELECT counted FROM to_count WHERE listing = ?1")?
        .query_row([listing.0.as_bytes()], |row| row.get(0))
        .optional()?;
    Ok(match counted {
        Some(counted) => !counted,
        None => !is_listed(conn)?,
    })
}

/// Whether the stock must not be counted yet: what should be there is not known before the hub was heard.
///
/// # Errors
/// Those of the database.
pub fn must_hear_first(conn: &Connection) -> Result<bool, DbError> {
    Ok(of_the_data(conn)? == Some(Doubt::Rewound) && !is_listed(conn)?)
}

fn is_listed(conn: &Connection) -> Result<bool, DbError> {
    Ok(get::<bool>(conn, LISTED)?.unwrap_or(false))
}

/// Notes that a person knows how much there is of a product: it was counted, or is taken in only now. In the transaction of that act.
/// Whether it had to be counted until then.
///
/// # Errors
/// Those of the database.
pub fn counted(tx: &Transaction<'_>, listing: ListingId) -> Result<bool, DbError> {
    if of_the_data(tx)? != Some(Doubt::Rewound) {
        return Ok(false);
    }
    let had_to_be = must_be_counted(tx, listing)?;
    note(tx, listing, true)?;
    end_with_the_last(tx)?;
    Ok(had_to_be)
}

/// Notes that nobody knows any more how much there is of a product: the count that said so counts for nothing. In the transaction of
/// whatever took it away.
///
/// # Errors
/// Those of the database.
pub fn uncounted(tx: &Transaction<'_>, listing: ListingId) -> Result<(), DbError> {
    match of_the_data(tx)? {
        Some(Doubt::Rewound) => {}
        // The other products have been counted: they are on no list.
        Some(Doubt::Copied | Doubt::ShutOut(_)) | None => {
            put(tx, "doubt", &REWOUND)?;
            put(tx, LISTED, &true)?;
        }
    }
    note(tx, listing, false)?;
    offers_moved(tx)
}

fn note(tx: &Transaction<'_>, listing: ListingId, counted: bool) -> Result<(), DbError> {
    tx.prepare_cached("INSERT OR REPLACE INTO to_count (listing, counted) VALUES (?1, ?2)")?
        .execute((listing.0.as_bytes(), counted))?;
    Ok(())
}

/// Makes the list of what is still to be counted, once everything that the hub has for this box is here: what comes later is the hub's
/// to know. In the transaction that says so. Ends the doubt where nothing of the list is left.
///
/// # Errors
/// Those of the database.
pub fn list(tx: &Transaction<'_>) -> Result<(), DbError> {
    if of_the_data(tx)? != Some(Doubt::Rewound) {
        return Ok(());
    }
    if !is_listed(tx)? {
        for listing in of_concern(tx)? {
            tx.prepare_cached("INSERT OR IGNORE INTO to_count (listing, counted) VALUES (?1, 0)")?
                .execute([listing.0.as_bytes()])?;
        }
        put(tx, LISTED, &true)?;
    }
    end_with_the_last(tx)
}

/// What was taken off sale need not be counted any more.
fn end_with_the_last(tx: &Transaction<'_>) -> Result<(), DbError> {
    if is_listed(tx)? && to_count(tx)?.is_empty() { super::clear_doubt(tx) } else { Ok(()) }
}

/// The products that are still to be counted; none before that is known. What is held of them meanwhile is no matter: an order that is
/// cancelled brings the books to nothing, and what lies there is counted all the same.
///
/// # Errors
/// Those of the database.
pub fn to_count(conn: &Connection) -> Result<Vec<ListingId>, DbError> {
    let me = identity(conn)?;
    let (Some(Doubt::Rewound), true, Some(me)) = (of_the_data(conn)?, is_listed(conn)?, me) else {
        return Ok(Vec::new());
    };
    let mut statement =
        conn.prepare_cached("SELECT listing FROM to_count WHERE counted = 0 ORDER BY listing")?;
    let mut rows = statement.query([])?;
    let mut left = Vec::new();
    while let Some(row) = rows.next()? {
        let id = ListingId(Uuid::from_bytes(row.get(0)?));
        // One that cannot be read may be on sale.
        let is_left = match pass_over(replica::get::<Listing>(conn, Key::Uuid(id.0)))? {
            Some(listing) => listing.is_some_and(|listing| is_own(&me, &listing)),
            None => true,
        };
        if is_left {
            left.push(id);
        }
    }
    Ok(left)
}

fn is_own(me: &Identity, listing: &Listing) -> bool {
    listing.cooperative == me.cooperative && listing.status == ListingStatus::Active
}

/// Products on sale of which this box holds something, as far as it knows, or has sold more than its books know of. One that cannot be read may be on sale, and one of which cannot
/// be read how much is held may be there: sold uncounted once it is mended, nobody would know of what is missing.
fn of_concern(conn: &Connection) -> Result<Vec<ListingId>, DbError> {
    let Some(me) = identity(conn)? else { return Ok(Vec::new()) };
    let mut held = Vec::new();
    for (key, listing) in replica::all_by_key::<Listing>(conn)? {
        let Key::Uuid(id) = key else { continue };
        if !listing.as_ref().is_none_or(|listing| is_own(&me, listing)) {
            continue;
        }
        let is_some = |(holder, quantity): &(_, _)| *holder == me.holder() && *quantity != Quantity::ZERO;
        let holdings = pass_over(stock::holdings(conn, ListingId(id)))?;
        if holdings.map_or(listing.is_some(), |holdings| holdings.iter().any(is_some)) {
            held.push(ListingId(id));
        }
    }
    Ok(held)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::SubmitError;
    use crate::node::{self, clear_doubt};
    use crate::testing::TestEdge;
    use sync_protocol::market::Entity as _;
    use sync_protocol::market::{Adjustment, Certainty, ListingWithdraw, StockAdjust};
    use sync_protocol::session::MINOR_WITH_FACTS;
    use sync_protocol::verdict::Verdict;

    /// A box in doubt, as after an old copy of its disk was put back, with two products of 50.
    fn doubtful() -> (TestEdge, ListingId, ListingId) {
        let edge = TestEdge::with_market();
        let (maize, beans) = (edge.post_listing(50), edge.post_listing(50));
        edge.write(begin);
        (edge, maize, beans)
    }

    fn try_count(edge: &TestEdge, listing: ListingId, milli: i64) -> Result<(), SubmitError> {
        let found = Adjustment::Count { counted_milli: milli, expected_milli: 50_000 };
        let body = StockAdjust { listing: listing.0, found, reason: String::new(), undoes: None };
        edge.submit(crate::testing::clerk(), true, body).map(|_| ())
    }

    fn count(edge: &TestEdge, listing: ListingId, milli: i64) {
        try_count(edge, listing, milli).unwrap();
    }

    #[test]
    fn a_count_ends_it_for_its_product_and_the_last_one_for_all() {
        let (edge, maize, beans) = doubtful();
        let sells = |listing| edge.place_order(listing, 1).unwrap().1.certainty;
        assert_eq!((sells(maize), sells(beans)), (Certainty::Request, Certainty::Request));
        // Everything of the hub is here: nothing but these two is in doubt.
        edge.write(list);
        count(&edge, maize, 48_000);
        assert_eq!((sells(maize), sells(beans)), (Certainty::Record, Certainty::Request));
        assert_eq!((edge.read(node::doubt), edge.read(to_count)), (Some(Doubt::Rewound), vec![beans]));
        let later = edge.post_listing(10);
        assert_eq!(sells(later), Certainty::Record);
        count(&edge, beans, 50_000);
        assert_eq!(edge.read(node::doubt), None);
        assert_eq!((sells(beans), edge.read(to_count)), (Certainty::Record, vec![]));
    }

    #[test]
    fn a_count_that_is_taken_back_or_put_aside_leaves_its_product_to_be_counted() {
        let (edge, maize, beans) = doubtful();
        edge.write(|tx| node::set_hub_minor(tx, MINOR_WITH_FACTS));
        let sells = |listing| edge.place_order(listing, 1).unwrap().1.certainty;
        edge.write(list);
        let counted = |listing: ListingId, milli| {
            let found = Adjustment::Count { counted_milli: milli, expected_milli: 50_000 };
            let body = StockAdjust { listing: listing.0, found, reason: String::new(), undoes: None };
            let seq = edge.submit(crate::testing::clerk(), true, body).unwrap().seq;
            (seq, edge.read(|conn| crate::commands::pending(conn, seq - 1, 1))[0].id.0)
        };
        let undo = |listing: ListingId, undone| {
            let found = Adjustment::Intake(9_000);
            let body = StockAdjust { listing: listing.0, found, reason: String::new(), undoes: Some(undone) };
            edge.submit(crate::testing::clerk(), true, body).unwrap();
        };
        // One of two: the list is still there.
        let (_, slip) = counted(maize, 41_000);
        undo(maize, slip);
        assert_eq!((edge.read(to_count).len(), sells(maize)), (2, Certainty::Request));
        // The last of all: the doubt had ended, and comes back for this one alone.
        counted(maize, 48_000);
        let (_, slip) = counted(beans, 41_000);
        assert_eq!(edge.read(node::doubt), None);
        undo(beans, slip);
        assert_eq!((edge.read(node::doubt), edge.read(to_count)), (Some(Doubt::Rewound), vec![beans]));
        assert_eq!((sells(maize), sells(beans)), (Certainty::Record, Certainty::Request));
        // At the end of the next exchange, too, and until it is counted.
        edge.write(list);
        assert_eq!(edge.read(to_count), vec![beans]);
        let (seq, _) = counted(beans, 50_000);
        assert_eq!((edge.read(node::doubt), sells(beans)), (None, Certainty::Record));
        // A second count is only a second one: the first still says how much there is.
        let (_, second) = counted(maize, 47_000);
        undo(maize, second);
        assert_eq!((edge.read(node::doubt), sells(maize)), (None, Certainty::Record));
        // An operator puts the one aside by which it was known.
        edge.verdict(seq, Verdict::Dismissed, &[]);
        assert_eq!((edge.read(to_count), sells(beans)), (vec![beans], Certainty::Request));
    }

    #[test]
    fn nothing_is_counted_before_the_hub_was_heard() {
        let (edge, maize, _) = doubtful();
        assert_eq!(try_count(&edge, maize, 50_000), Err(SubmitError::HubFirst));
        assert!(edge.read(must_hear_first) && edge.read(to_count).is_empty());
        // What is brought only now is known.
        let later = edge.post_listing(10);
        assert_eq!(edge.place_order(later, 1).unwrap().1.certainty, Certainty::Record);
        edge.write(list);
        assert!(!edge.read(must_hear_first));
        assert_eq!(edge.read(to_count).len(), 2);
        count(&edge, maize, 50_000);
    }

    #[test]
    fn what_is_to_be_counted_stays_so_while_the_books_say_that_nothing_is_held() {
        let (edge, maize, beans) = doubtful();
        edge.write(list);
        count(&edge, maize, 50_000);
        let found = Adjustment::WriteOff(25_000);
        let body = StockAdjust { listing: beans.0, found, reason: String::new(), undoes: None };
        edge.submit(crate::testing::clerk(), true, body).unwrap();
        assert_eq!(edge.spendable(beans, edge.read(identity).unwrap().holder()), Quantity::ZERO);
        edge.write(list);
        assert_eq!((edge.read(to_count), edge.read(node::doubt)), (vec![beans], Some(Doubt::Rewound)));
    }

    #[test]
    fn a_second_doubt_begins_anew() {
        let (edge, maize, beans) = doubtful();
        edge.write(list);
        count(&edge, maize, 50_000);
        // What was sold after that count may be missing on this copy too.
        edge.write(begin);
        edge.write(list);
        let mut both = vec![maize, beans];
        both.sort_unstable();
        let mut left = edge.read(to_count);
        left.sort_unstable();
        assert_eq!(left, both);
        edge.write(clear_doubt);
        edge.write(begin);
        edge.write(list);
        assert_eq!(edge.read(to_count).len(), 2, "nor is anything kept of one that ended");
    }

    #[test]
    fn what_is_taken_off_sale_keeps_no_doubt_alive() {
        let (edge, maize, beans) = doubtful();
        edge.write(list);
        count(&edge, maize, 50_000);
        let body = ListingWithdraw { listing: beans.0 };
        edge.submit(crate::testing::clerk(), true, body).unwrap();
        edge.write(list);
        assert_eq!(edge.read(node::doubt), None);
    }

    #[test]
    fn a_listing_that_cannot_be_read_is_counted_once_it_is_mended_and_keeps_no_exchange_from_its_end() {
        let (edge, maize, beans) = doubtful();
        // Of one nothing is held here.
        let none = edge.post_listing(50);
        edge.submit(
            crate::testing::clerk(),
            true,
            StockAdjust {
                listing: none.0,
                found: Adjustment::WriteOff(25_000),
                reason: String::new(),
                undoes: None,
            },
        )
        .unwrap();
        let id = |listing: ListingId| Key::Uuid(listing.0).to_bytes().to_vec();
        let (damaged, empty) = (id(beans), id(none));
        let before = edge.write(move |tx| -> Result<Vec<u8>, DbError> {
            let payload = "SELECT payload FROM local_row WHERE entity = ?1 AND id = ?2";
            let before = tx.query_row(payload, (Listing::NUMBER, &damaged), |row| row.get(0))?;
            let sql = "UPDATE local_row SET payload = x'05FF' WHERE entity = ?1 AND id IN (?2, ?3)";
            assert_eq!(tx.execute(sql, (Listing::NUMBER, &damaged, &empty))?, 2);
            Ok(before)
        });
        edge.write(list);
        let mut both = vec![maize, beans];
        both.sort_unstable();
        let mut left = edge.read(to_count);
        left.sort_unstable();
        assert_eq!(left, both);
        count(&edge, maize, 50_000);
        let damaged = id(beans);
        edge.write(move |tx| {
            let sql = "UPDATE local_row SET payload = ?3 WHERE entity = ?1 AND id = ?2";
            Ok::<_, DbError>(tx.execute(sql, (Listing::NUMBER, damaged, before))?)
        });
        assert_eq!(
            edge.place_order(beans, 1).unwrap().1.certainty,
            Certainty::Request,
            "nobody has counted it"
        );
        count(&edge, beans, 50_000);
        assert_eq!(edge.read(node::doubt), None);
    }
}
