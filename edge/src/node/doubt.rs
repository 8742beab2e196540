//! Whether this box may sell from its own units, or has to wait for the hub or for a person's count, because its data may not know of
//! everything that was done here. What tells that is the high-water file, see `db`.

use super::{ShutOut, counts, get, put, remove, shut_out};
use crate::db::DbError;
use crate::db::high_water::{self, HighWater, check_high_water, machine_id};
use rusqlite::{Connection, Transaction};
use std::path::Path;

/// Why this edge must not sell from its own units for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// The database may not know of everything that was sold here: it is older than what was done, or the office had another box before.
    /// Until a person has counted the stock.
    Rewound,
    /// The data came from elsewhere: until the hub has let this edge in by its link.
    Copied,
    /// The hub has shut this edge out: until it lets it in.
    ShutOut(ShutOut),
}

/// What [`Doubt::Rewound`] is kept as.
pub(super) const REWOUND: u32 = 1;
/// What [`Doubt::Copied`] is kept as.
const COPIED: u32 = 2;

/// Keeps in the database what the comparison found, so that every later sale knows of it.
pub(crate) fn note_high_water(tx: &Transaction<'_>, data_dir: &Path) -> Result<(), DbError> {
    let found = check_high_water(tx, data_dir, machine_id())?;
    let era = match found {
        HighWater::Nothing | HighWater::Agrees => return Ok(()),
        HighWater::Rewound { file, .. } => file.era,
        HighWater::Alone | HighWater::OtherMachine => 0,
    };
    tracing::error!(?found, "the database does not fit the high-water file: own units are not sold for now");
    let (before, known) = (high_water::era(tx)?, of_the_data(tx)?);
    high_water::begin_era(tx, era.max(before))?;
    // What was counted on this copy says nothing of what another has sold since.
    match (found, known) {
        // Before there were eras the file stood still while such a doubt lasted: this one is known, and people have counted in it.
        (HighWater::Rewound { .. }, Some(Doubt::Rewound)) if (before, era) == (0, 0) => Ok(()),
        (HighWater::Rewound { .. }, _) | (_, Some(Doubt::Rewound)) => counts::begin(tx),
        _ => put(tx, "doubt", &COPIED),
    }
}

/// Whether own units must not be sold, and why. What the hub says of this box comes before what is known of its data.
///
/// # Errors
/// Those of the database.
pub fn doubt(conn: &Connection) -> Result<Option<Doubt>, DbError> {
    match shut_out(conn)? {
        Some(why) => Ok(Some(Doubt::ShutOut(why))),
        None => of_the_data(conn),
    }
}

/// What is in doubt of the data on this disk, whatever the hub says of the box.
///
/// # Errors
/// Those of the database.
pub(crate) fn of_the_data(conn: &Connection) -> Result<Option<Doubt>, DbError> {
    Ok(get::<u32>(conn, "doubt")?.map(|code| if code == COPIED { Doubt::Copied } else { Doubt::Rewound }))
}

/// The same in one word, for programs and pages; [`Doubt::Rewound`] is two, for before the hub was heard nothing can be counted.
///
/// # Errors
/// Those of the database.
pub fn held_back(conn: &Connection) -> Result<Option<&'static str>, DbError> {
    Ok(match doubt(conn)? {
        None => None,
        Some(Doubt::Copied) => Some("copied"),
        Some(Doubt::ShutOut(ShutOut::Replaced)) => Some("shut_out"),
        Some(Doubt::ShutOut(ShutOut::Revoked)) => Some("revoked"),
        Some(Doubt::Rewound) if counts::must_hear_first(conn)? => Some("hear"),
        Some(Doubt::Rewound) => Some("count"),
    })
}

/// Ends the doubt of the data: after the last count of the stock, or for [`Doubt::Copied`] after an exchange to which the hub let this edge in.
///
/// # Errors
/// Those of the database.
pub fn clear_doubt(tx: &Transaction<'_>) -> Result<(), DbError> {
    counts::end(tx)?;
    remove(tx, "doubt")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::high_water::{COMMANDS_BEHIND_MAX, FILE_NAME, Mark, machine_id, parse, print};
    use crate::testing::{EDGE, TestEdge};
    use sync_protocol::market::Certainty;
    use uuid::Uuid;

    fn found(edge: &TestEdge, machine: Option<Uuid>) -> HighWater {
        edge.read(|conn| check_high_water(conn, edge.data_dir(), machine))
    }

    fn doubted(edge: &TestEdge) -> Option<Doubt> {
        edge.read(doubt)
    }

    /// The file as it stands after a clean end.
    fn file(edge: TestEdge) -> (TestEdge, String) {
        let mut text = String::new();
        let edge = edge.restart(|dir| text = std::fs::read_to_string(dir.join(FILE_NAME)).unwrap());
        (edge, text)
    }

    #[test]
    fn the_file_follows_the_commands_and_agrees_after_a_restart() {
        let edge = TestEdge::with_market();
        assert!(edge.data_dir().join(FILE_NAME).exists(), "it is there before the first command");
        for _ in 0..3 {
            edge.post_listing(10);
        }
        let (edge, text) = file(edge);
        assert!(text.starts_with(&format!("mizili high-water 1 {EDGE} 1 3 ")), "{text}");
        assert_eq!((found(&edge, machine_id()), doubted(&edge)), (HighWater::Agrees, None));
        for _ in 0..COMMANDS_BEHIND_MAX {
            edge.post_listing(10);
        }
        // The answer to a later write says that the writer has done what follows a commit.
        edge.write(|_| -> Result<(), DbError> { Ok(()) });
        let bytes = std::fs::read(edge.data_dir().join(FILE_NAME)).unwrap();
        let behind = 3 + COMMANDS_BEHIND_MAX - parse(&bytes).unwrap().0.highest_seq;
        assert!(behind < COMMANDS_BEHIND_MAX, "without a pause it is at most so far behind: {behind}");
    }

    #[test]
    fn a_file_that_lags_behind_after_a_kill_raises_no_doubt() {
        let edge = TestEdge::with_market();
        edge.post_listing(10);
        let (edge, old) = file(edge);
        edge.post_listing(10);
        let edge = edge.restart(|dir| std::fs::write(dir.join(FILE_NAME), &old).unwrap());
        assert_eq!((found(&edge, machine_id()), doubted(&edge)), (HighWater::Agrees, None));
    }

    #[test]
    fn a_database_put_back_is_noticed_before_the_first_sale() {
        let edge = TestEdge::with_market();
        let listing = edge.post_listing(50);
        let mut copy = Vec::new();
        let edge = edge.restart(|dir| copy = std::fs::read(dir.join("edge.db")).unwrap());
        let (_, sold) = edge.place_order(listing, 20).unwrap();
        assert_eq!(sold.certainty, Certainty::Record);
        let edge = edge.restart(|dir| std::fs::write(dir.join("edge.db"), &copy).unwrap());
        assert_eq!(doubted(&edge), Some(Doubt::Rewound));
        let (_, asked) = edge.place_order(listing, 20).unwrap();
        assert_eq!(asked.certainty, Certainty::Request, "own units may be sold already");
        // It does not wear off, also when the numbers have caught up.
        let edge = edge.reopen().reopen();
        assert_eq!(doubted(&edge), Some(Doubt::Rewound));
        edge.write(clear_doubt);
        let (edge, text) = file(edge);
        assert!(text.starts_with(&format!("mizili high-water 2 {EDGE} 1 2 ")), "{text}");
        let (_, sold) = edge.place_order(listing, 20).unwrap();
        assert_eq!(sold.certainty, Certainty::Record);
    }

    /// A hub that was restored from a backup gives a number that this box has had before.
    #[test]
    fn a_lower_incarnation_is_noticed_once_and_what_is_counted_then_stays_counted() {
        let edge = TestEdge::with_market();
        let maize = edge.post_listing(50);
        let mut edge = edge.restart(|dir| {
            let known = Mark { edge: EDGE.0, incarnation: 9, era: 0, highest_seq: 5 };
            std::fs::write(dir.join(FILE_NAME), print(known, machine_id())).unwrap();
        });
        assert_eq!(doubted(&edge), Some(Doubt::Rewound));
        edge.write(counts::list);
        edge.write(move |tx| counts::counted(tx, maize));
        for _ in 0..2 {
            edge = edge.reopen();
            assert_eq!((found(&edge, machine_id()), doubted(&edge)), (HighWater::Agrees, None));
        }
    }

    #[test]
    fn what_was_counted_under_a_program_of_before_stays_counted() {
        let edge = TestEdge::with_market();
        let (maize, beans) = (edge.post_listing(50), edge.post_listing(50));
        edge.write(counts::begin);
        edge.write(counts::list);
        edge.write(move |tx| counts::counted(tx, maize));
        let mut edge = edge.restart(|dir| {
            std::fs::write(dir.join(FILE_NAME), format!("mizili high-water 1 {EDGE} 1 60 -\n")).unwrap();
        });
        assert_eq!(edge.read(counts::to_count), [beans]);
        // From then on a copy is noticed.
        let mut copy = Vec::new();
        edge = edge.restart(|dir| copy = std::fs::read(dir.join("edge.db")).unwrap());
        edge.place_order(maize, 1).unwrap();
        edge = edge.restart(|dir| std::fs::write(dir.join("edge.db"), &copy).unwrap());
        assert!(edge.read(counts::must_hear_first));
    }

    /// What was counted before the copy was made says nothing of what was sold after it.
    #[test]
    fn a_copy_that_was_made_while_a_box_was_in_doubt_is_noticed_too() {
        let edge = TestEdge::with_market();
        let (maize, beans) = (edge.post_listing(50), edge.post_listing(50));
        let mut copies = [Vec::new(), Vec::new()];
        let mut edge = edge.restart(|dir| copies[0] = std::fs::read(dir.join("edge.db")).unwrap());
        edge.place_order(maize, 1).unwrap();
        for copy in [0, 1] {
            edge = edge.restart(|dir| std::fs::write(dir.join("edge.db"), &copies[copy]).unwrap());
            assert_eq!(doubted(&edge), Some(Doubt::Rewound), "{copy}");
            edge.write(counts::list);
            assert_eq!(edge.read(counts::to_count).len(), 2, "{copy}: both are to be counted");
            edge.write(move |tx| counts::counted(tx, maize));
            edge = edge.restart(|dir| copies[1] = std::fs::read(dir.join("edge.db")).unwrap());
            assert_eq!(edge.read(counts::to_count), [beans], "{copy}: a restart alone begins nothing anew");
            assert_eq!(edge.place_order(maize, 20).unwrap().1.certainty, Certainty::Record, "{copy}");
        }
        // Brought somewhere else alone, it sells nothing either.
        let edge = edge.restart(|dir| std::fs::remove_file(dir.join(FILE_NAME)).unwrap());
        assert_eq!(edge.place_order(maize, 1).unwrap().1.certainty, Certainty::Request);
    }

    #[test]
    fn a_database_brought_without_its_file_or_to_another_machine_is_in_doubt() {
        let edge = TestEdge::with_market();
        edge.post_listing(50);
        let edge = edge.restart(|dir| std::fs::remove_file(dir.join(FILE_NAME)).unwrap());
        assert_eq!((found(&edge, machine_id()), doubted(&edge)), (HighWater::Alone, Some(Doubt::Copied)));
        edge.write(clear_doubt);
        let (edge, text) = file(edge);
        assert_eq!((found(&edge, machine_id()), doubted(&edge)), (HighWater::Agrees, None));
        let elsewhere = print(parse(text.as_bytes()).unwrap().0, Some(Uuid::from_u128(1)));
        std::fs::write(edge.data_dir().join(FILE_NAME), elsewhere).unwrap();
        assert_eq!(found(&edge, Some(Uuid::from_u128(2))), HighWater::OtherMachine);
        assert_eq!(found(&edge, Some(Uuid::from_u128(1))), HighWater::Agrees);
        assert_eq!(found(&edge, None), HighWater::Agrees);
        let edge = edge.restart(|dir| std::fs::write(dir.join(FILE_NAME), "damaged").unwrap());
        assert_eq!(doubted(&edge), Some(Doubt::Copied));
    }

    #[test]
    fn a_box_that_has_done_nothing_has_nothing_to_compare() {
        let edge = TestEdge::empty();
        assert_eq!(found(&edge, machine_id()), HighWater::Nothing);
        let edge = TestEdge::enrolled().restart(|dir| std::fs::remove_file(dir.join(FILE_NAME)).unwrap());
        assert_eq!((found(&edge, machine_id()), doubted(&edge)), (HighWater::Nothing, None));
    }
}
