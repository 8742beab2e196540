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

use super::DbError;
use super::values::{get, put};
use crate::files::{read_whole, write_whole};
use rusqlite::{Connection, Transaction};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use sync_protocol::ids::derived;
use uuid::Uuid;

pub(crate) const FILE_NAME: &str = "high-water";

/// Commands after which the file follows at once.
pub(crate) const COMMANDS_BEHIND_MAX: u64 = 64;

/// How far the own stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
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
pub(crate) enum HighWater {
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

/// Key of [`Mark::era`].
const ERA: &str = "high_water_era";

/// This machine, as far as it can be told: a hash of `/etc/machine-id`. `None` where there is none.
pub(crate) fn machine_id() -> Option<Uuid> {
    let text = std::fs::read_to_string("/etc/machine-id").ok()?;
    Uuid::from_str(text.trim()).ok().map(|id| derived("mizili machine", id))
}

/// Compares the database with the high-water file in its folder. Changes nothing.
///
/// # Errors
/// Those of the database. A file that cannot be read is a finding, not an error.
pub(crate) fn check_high_water(
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

/// How often the database was found not to fit.
pub(crate) fn era(conn: &Connection) -> Result<u64, DbError> {
    Ok(get(conn, ERA)?.unwrap_or(0))
}

/// Begins an era: the database does not fit.
pub(crate) fn begin_era(tx: &Transaction<'_>, after: u64) -> Result<(), DbError> {
    put(tx, ERA, &(after + 1))
}

/// How far the stream is; `None` before enrolment.
pub(crate) fn mark(conn: &Connection) -> Result<Option<Mark>, DbError> {
    let Some(edge) = get(conn, "edge")? else { return Ok(None) };
    Ok(Some(Mark {
        edge,
        incarnation: get(conn, "incarnation")?.unwrap_or(0),
        era: era(conn)?,
        highest_seq: get(conn, "highest_seq")?.unwrap_or(0),
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
pub(crate) fn print(mark: Mark, machine: Option<Uuid>) -> String {
    let Mark { edge, incarnation, era, highest_seq } = mark;
    let machine = machine.map_or_else(|| "-".to_owned(), |id| id.simple().to_string());
    match era {
        0 => format!("mizili high-water 1 {edge} {incarnation} {highest_seq} {machine}\n"),
        _ => format!("mizili high-water 2 {edge} {incarnation} {highest_seq} {machine} {era}\n"),
    }
}

pub(crate) fn parse(bytes: &[u8]) -> Option<(Mark, Option<Uuid>)> {
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
