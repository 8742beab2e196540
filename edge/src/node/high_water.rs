//! The high-water file: incarnation and highest sequence number, outside the database. A database that is older than the file, or
//! that woke up on another machine, is noticed at start, with no line, before it sells units that were sold already.
//!
//! **When it is written.** After a commit, never before, so that it can only lag behind an honest database; then with an fsync
//! and a rename. Not with each command: that would double the syncs that a person waits for. It follows at most a second or 64
//! commands later, off their path. A kill in between leaves it behind by that much, which is harmless: it is there to tell a
//! copy of the database made hours or weeks ago from today's, and no such copy is a second old. The very first one is written with
//! the enrolment, so that a database with commands and no file is a copy that was brought here alone.
//!
//! **A database that does not fit** begins an era, in the database first and then in the file, which so goes on following: a copy that
//! was made before it, or while it lasted, is behind the file again.

use super::files::{read_whole, write_whole};
use super::{ShutOut, counts, get, put, remove, shut_out};
use crate::db::DbError;
use rusqlite::{Connection, Transaction};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use sync_protocol::ids::derived;
use uuid::Uuid;

const FILE_NAME: &str = "high-water";

/// Commands after which the file follows at once.
const COMMANDS_BEHIND_MAX: u64 = 64;

/// How far the own stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The edge.
    pub edge: u32,
    /// Its incarnation.
    pub incarnation: u32,
    /// How often the database was found not to fit the file. So one that is put back a second time is behind the file again, though its
    /// numbers may have caught up.
    pub era: u64,
    /// The highest sequence number used.
    pub highest_seq: u64,
}

impl Mark {
    /// Later ones are higher. The era comes first: a hub that was restored may give a lower incarnation than before.
    fn order(self) -> (u64, u32, u64) {
        (self.era, self.incarnation, self.highest_seq)
    }
}

/// What the comparison at start found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HighWater {
    /// There is nothing to compare: not enrolled, or no command was ever made.
    Nothing,
    /// The database is at least as far as the file says.
    Agrees,
    /// The database is older than what this box has already done: commands that people were told of are missing.
    Rewound {
        /// What the file says.
        file: Mark,
        /// What the database says.
        database: Mark,
    },
    /// The database holds commands and there is no file, or none that can be read: it was brought here alone.
    Alone,
    /// The file was written on another machine: a clone, unless the other one is gone.
    OtherMachine,
}

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

/// Key of [`Mark::era`].
const ERA: &str = "high_water_era";

/// This machine, as far as it can be told: a hash of `/etc/machine-id`. `None` where there is none.
pub fn machine_id() -> Option<Uuid> {
    let text = std::fs::read_to_string("/etc/machine-id").ok()?;
    Uuid::from_str(text.trim()).ok().map(|id| derived("mizili machine", id))
}

/// Compares the database with the high-water file in its folder. Changes nothing.
///
/// # Errors
/// Those of the database. A file that cannot be read is a finding, not an error.
pub fn check_high_water(
    conn: &Connection,
    data_dir: &Path,
    machine: Option<Uuid>,
) -> Result<HighWater, DbError> {
    // The file first: what is committed meanwhile can only move the database further ahead of it.
    let file = read_whole(data_dir, FILE_NAME).ok().flatten().map(|bytes| parse(&bytes));
    let Some(database) = mark(conn)? else { return Ok(HighWater::Nothing) };
    let (file, written_on) = match file {
        Some(Some((file, machine))) if file.edge == database.edge => (file, machine),
        // Left by another edge that had this folder before.
        Some(Some(_)) => return Ok(HighWater::Nothing),
        None | Some(None) if database.highest_seq == 0 => return Ok(HighWater::Nothing),
        None | Some(None) => return Ok(HighWater::Alone),
    };
    Ok(if file.order() > database.order() {
        HighWater::Rewound { file, database }
    } else if written_on.zip(machine).is_some_and(|(then, now)| then != now) {
        HighWater::OtherMachine
    } else {
        HighWater::Agrees
    })
}

/// Keeps in the database what the comparison found, so that every later sale knows of it.
pub(crate) fn note_high_water(tx: &Transaction<'_>, data_dir: &Path) -> Result<(), DbError> {
    let found = check_high_water(tx, data_dir, machine_id())?;
    let era = match found {
        HighWater::Nothing | HighWater::Agrees => return Ok(()),
        HighWater::Rewound { file, .. } => file.era,
        HighWater::Alone | HighWater::OtherMachine => 0,
    };
    tracing::error!(?found, "the database does not fit the high-water file: own units are not sold for now");
    let (before, known) = (self::era(tx)?, of_the_data(tx)?);
    put(tx, ERA, &(era.max(before) + 1))?;
    // What was counted on this copy says nothing of what another has sold since.
    match (found, known) {
        // Before there were eras the file stood still while such a doubt lasted: this one is known, and people have counted in it.
        (HighWater::Rewound { .. }, Some(Doubt::Rewound)) if (before, era) == (0, 0) => Ok(()),
        (HighWater::Rewound { .. }, _) | (_, Some(Doubt::Rewound)) => counts::begin(tx),
        _ => put(tx, "doubt", &COPIED),
    }
}

fn era(conn: &Connection) -> Result<u64, DbError> {
    Ok(get(conn, ERA)?.unwrap_or(0))
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

/// How far the stream is; `None` before enrolment.
pub(crate) fn mark(conn: &Connection) -> Result<Option<Mark>, DbError> {
    let Some(edge) = get(conn, "edge")? else { return Ok(None) };
    Ok(Some(Mark {
        edge,
        incarnation: get(conn, "incarnation")?.unwrap_or(0),
        era: era(conn)?,
        highest_seq: super::highest_seq(conn)?,
    }))
}

/// Writes the file behind the commits of one writer.
pub(crate) struct HighWaterKeeper {
    data_dir: PathBuf,
    machine: Option<Uuid>,
    now: Option<Mark>,
    written: Option<Mark>,
}

impl HighWaterKeeper {
    /// Begins with what the database and the file say at start.
    pub(crate) fn new(data_dir: &Path, now: Option<Mark>) -> Self {
        let machine = machine_id();
        let file = read_whole(data_dir, FILE_NAME).ok().flatten().and_then(|bytes| parse(&bytes));
        let written = file.filter(|(_, on)| *on == machine).map(|(mark, _)| mark);
        Self { data_dir: data_dir.to_owned(), machine, now, written }
    }

    /// Takes in where the stream is after a commit.
    pub(crate) fn follow(&mut self, conn: &Connection, mark: Mark) {
        self.now = Some(mark);
        let far = self.written.is_none_or(|written| {
            let of = |mark: Mark| (mark.edge, mark.incarnation, mark.era);
            let same = of(written) == of(mark);
            !same || mark.highest_seq.saturating_sub(written.highest_seq) >= COMMANDS_BEHIND_MAX
        });
        if far {
            self.write(Some(conn));
        }
    }

    /// Whether the file lags behind.
    pub(crate) fn is_due(&self) -> bool {
        self.now.is_some_and(|now| match self.written {
            // What could not be noted in the database must not lose its evidence.
            Some(before) if before.edge == now.edge => now.order() > before.order(),
            _ => true,
        })
    }

    /// Brings the file up to date. A failure is logged and tried again after the next command: the file only guards against a
    /// second failure. The database is asked again, because another program may have gone on meanwhile.
    pub(crate) fn write(&mut self, conn: Option<&Connection>) {
        if !self.is_due() {
            return;
        }
        self.now = conn.and_then(|conn| mark(conn).ok().flatten());
        if let Some(mark) = self.now.filter(|_| self.is_due()) {
            if let Err(error) = write_whole(&self.data_dir, FILE_NAME, print(mark, self.machine).as_bytes()) {
                tracing::warn!(%error, "the high-water file was not written");
            }
            self.written = self.now;
        }
    }
}

/// A file of version 1 knows no era; one is written as long as there was none, for programs of before.
fn print(mark: Mark, machine: Option<Uuid>) -> String {
    let Mark { edge, incarnation, era, highest_seq } = mark;
    let machine = machine.map_or_else(|| "-".to_owned(), |id| id.simple().to_string());
    match era {
        0 => format!("mizili high-water 1 {edge} {incarnation} {highest_seq} {machine}\n"),
        _ => format!("mizili high-water 2 {edge} {incarnation} {highest_seq} {machine} {era}\n"),
    }
}

fn parse(bytes: &[u8]) -> Option<(Mark, Option<Uuid>)> {
    let text = std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?;
    let words: Vec<&str> = text.strip_prefix("mizili high-water ")?.split(' ').collect();
    let (edge, incarnation, seq, machine, era) = match words[..] {
        ["1", edge, incarnation, seq, machine] => (edge, incarnation, seq, machine, "0"),
        ["2", edge, incarnation, seq, machine, era] => (edge, incarnation, seq, machine, era),
        _ => return None,
    };
    let mark = Mark {
        edge: edge.parse().ok()?,
        incarnation: incarnation.parse().ok()?,
        era: era.parse().ok()?,
        highest_seq: seq.parse().ok()?,
    };
    Some((mark, Uuid::from_str(machine).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{EDGE, TestEdge};
    use sync_protocol::market::Certainty;

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
