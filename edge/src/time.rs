//! What this box may say about time although its wall clock may be wrong by years: how long ago something was, and what time it
//! probably is. The two are never mixed, and neither is read off the wall clock where anything else is known.
//!
//! An age is a difference of two counts that no wall clock moves: [`Now::lived_s`], what the machine has counted while it ran, put
//! forward by what the hub said in between; or [`Now::heard_s`], by the hub's word alone. Both may only run slow. A time of day is
//! for showing and for the hours of the night ([`Now::best_s`]); it decides nothing that lasts.

/// Seconds that a country's clocks are ahead of UTC. None of them changes its clocks in summer; a test asks for every country.
pub(crate) fn utc_offset_s(iso3: &str) -> i64 {
    let hours = match iso3 {
        "GHA" => 0,
        "NGA" => 1,
        "ETH" | "KEN" | "TZA" | "UGA" => 3,
        // Burundi, Malawi, Mozambique, Rwanda, Zambia, Zimbabwe.
        _ => 2,
    };
    hours * 3_600
}

#[cfg(test)]
mod tests;

use crate::db::DbError;
use jiff::Timestamp;
use mizili_node::deps::{Reading, Uptime};
use rusqlite::{Connection, Row, Transaction};
use std::time::Duration;

/// The most, in milliseconds, by which one word of the hub puts the counts forward after a restart of the machine, when nobody here
/// knows better. A week, so that nothing that is kept for 30 days goes by a single mistake.
const STEP_MAX_MS: i64 = 7 * 86_400_000;

/// How far ahead of what is certain a wall clock is still believed, in seconds: a box may lie in a cupboard for so long.
const BELIEVED_S: i64 = 366 * 86_400;

/// What this box knows about time at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// The best guess at the time, seconds since 1970 UTC: the hub's word, and what was counted since.
    pub best_s: i64,
    /// Seconds that this box has lived through since the count began. Never jumps; stands still while the box is off and the
    /// hub says nothing.
    pub lived_s: i64,
    /// Seconds that have passed by the hub's word alone, as last heard.
    pub heard_s: i64,
}

impl Now {
    /// Seconds since a count of [`Now::lived_s`]. A count that lies ahead was lost with the power, moments ago.
    pub fn age_s(&self, lived_s: i64) -> i64 {
        self.lived_s.saturating_sub(lived_s).max(0)
    }

    /// The best guess as an instant.
    pub fn best(&self) -> Timestamp {
        Timestamp::from_second(self.best_s).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

/// The counts as they stood when they were written last, and the hub's last word. In milliseconds, so that many writings lose
/// nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Anchor {
    lived_ms: i64,
    /// The machine's run then; `None` before anything was written.
    uptime: Option<Uptime>,
    heard_ms: i64,
    hub: Option<Word>,
}

/// What the hub said last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Word {
    /// Its clock, seconds since 1970 UTC.
    hub_s: i64,
    /// The count then.
    lived_ms: i64,
    /// The machine's run in which it was heard; `None` for one that an earlier version noted.
    boot: Option<[u8; 16]>,
    /// Seconds by which it was ahead of this box's clock.
    ahead_s: i64,
}

impl Anchor {
    /// The columns that [`Anchor::from_row`] expects, in this order.
    pub(crate) const COLUMNS: &str =
        "lived_ms, boot, uptime_ms, heard_ms, hub_s, hub_lived_ms, hub_boot, hub_ahead_s";

    /// Reads it from a row, its first column at `at`.
    ///
    /// # Errors
    /// When a column holds what it cannot.
    pub(crate) fn from_row(row: &Row<'_>, at: usize) -> rusqlite::Result<Self> {
        let boot: Option<[u8; 16]> = row.get(at + 1)?;
        let since = Duration::from_millis(row.get(at + 2)?);
        let hub_s: Option<i64> = row.get(at + 4)?;
        let word = |hub_s| {
            let (lived_ms, boot, ahead_s) = (row.get(at + 5)?, row.get(at + 6)?, row.get(at + 7)?);
            Ok::<_, rusqlite::Error>(Word { hub_s, lived_ms, boot, ahead_s })
        };
        Ok(Self {
            lived_ms: row.get(at)?,
            uptime: boot.map(|boot| Uptime { boot, since }),
            heard_ms: row.get(at + 3)?,
            hub: hub_s.map(word).transpose()?,
        })
    }

    fn load(conn: &Connection) -> Result<Self, DbError> {
        let sql = format!("SELECT {} FROM lived", Self::COLUMNS);
        Ok(conn.prepare_cached(&sql)?.query_row([], |row| Self::from_row(row, 0))?)
    }

    fn store(&self, tx: &Transaction<'_>) -> Result<(), DbError> {
        let mut statement = tx.prepare_cached(
            "UPDATE lived SET lived_ms = ?1, boot = ?2, uptime_ms = ?3, heard_ms = ?4, hub_s = ?5, hub_lived_ms = ?6,
                              hub_boot = ?7, hub_ahead_s = ?8",
        )?;
        statement.execute(rusqlite::params![
            self.lived_ms,
            self.uptime.map(|uptime| uptime.boot),
            self.uptime.map_or(0, |uptime| millis(uptime.since)),
            self.heard_ms,
            self.hub.map(|word| word.hub_s),
            self.hub.map_or(0, |word| word.lived_ms),
            self.hub.and_then(|word| word.boot),
            self.hub.map_or(0, |word| word.ahead_s),
        ])?;
        Ok(())
    }

    /// Milliseconds lived through at a moment. After a restart of the machine at least its whole run has passed.
    fn lived_ms(&self, at: &Reading) -> i64 {
        let passed = match self.uptime {
            None => Duration::ZERO,
            Some(then) if then.boot == at.uptime.boot => at.uptime.since.saturating_sub(then.since),
            Some(_) => at.uptime.since,
        };
        self.lived_ms.saturating_add(millis(passed))
    }

    /// The machine's run as it is to be written down. Within one run it never goes back: what was counted once would be counted
    /// again. A program may have read the clock before another one wrote.
    fn uptime(&self, at: &Reading) -> Uptime {
        match self.uptime {
            Some(then) if then.boot == at.uptime.boot => {
                Uptime { since: then.since.max(at.uptime.since), ..then }
            }
            _ => at.uptime,
        }
    }

    /// What is known at a moment.
    pub(crate) fn now(&self, at: Reading) -> Now {
        let lived_ms = self.lived_ms(&at);
        let best_s = self.best_s(&at, lived_ms);
        Now { best_s, lived_s: lived_ms / 1_000, heard_s: self.heard_ms / 1_000 }
    }

    fn best_s(&self, at: &Reading, lived_ms: i64) -> i64 {
        let Some(word) = self.hub else { return at.wall_s };
        // Less time cannot have passed.
        let least_s = word.hub_s.saturating_add(lived_ms.saturating_sub(word.lived_ms).max(0) / 1_000);
        if word.boot == Some(at.uptime.boot) {
            return least_s;
        }
        // How long the box was off only its wall clock can say, if it says anything that can be.
        let by_wall = [at.wall_s.saturating_add(word.ahead_s), at.wall_s];
        let believed = least_s..=least_s.saturating_add(BELIEVED_S);
        by_wall.into_iter().find(|s| believed.contains(s)).unwrap_or(least_s)
    }

    /// The counts after the hub's word. Neither goes forward by more than can be: a clock of the hub that went back says nothing
    /// about how long it was, two hubs may differ by a second, and one may have been in another year for a moment.
    fn after(&self, at: Reading, hub_s: i64) -> Self {
        let (mut lived_ms, mut heard_ms) = (self.lived_ms(&at), self.heard_ms);
        if let Some(before) = self.hub {
            let since_ms = lived_ms.saturating_sub(before.lived_ms);
            let is_all = before.boot == Some(at.uptime.boot);
            let most_ms = if is_all { since_ms } else { STEP_MAX_MS };
            let step_ms = hub_s.saturating_sub(before.hub_s).saturating_mul(1_000).clamp(0, most_ms.max(0));
            heard_ms = heard_ms.saturating_add(step_ms);
            lived_ms = lived_ms.max(before.lived_ms.saturating_add(step_ms));
        }
        let ahead_s = hub_s.saturating_sub(at.wall_s);
        let boot = Some(at.uptime.boot);
        let hub = match self.hub {
            // The hub counts whole seconds: within one the first word stands, so that many words lose nothing.
            Some(before) if before.hub_s == hub_s && before.boot == boot => Some(Word { ahead_s, ..before }),
            _ => Some(Word { hub_s, lived_ms, boot, ahead_s }),
        };
        Self { lived_ms, uptime: Some(self.uptime(&at)), heard_ms, hub }
    }
}

/// What is known of time now.
///
/// # Errors
/// Those of the database.
pub fn now(conn: &Connection, at: Reading) -> Result<Now, DbError> {
    Ok(Anchor::load(conn)?.now(at))
}

/// Writes down how far the counts are, so that less is lost when the machine stops. To be called at the start of a program that
/// stays, and now and then.
///
/// # Errors
/// Those of the database.
pub fn note(tx: &Transaction<'_>, at: Reading) -> Result<(), DbError> {
    let anchor = Anchor::load(tx)?;
    Anchor { lived_ms: anchor.lived_ms(&at), uptime: Some(anchor.uptime(&at)), ..anchor }.store(tx)
}

/// Takes in the hub's clock, seconds since 1970 UTC, as the end of an answer says it.
///
/// # Errors
/// Those of the database.
pub fn heard(tx: &Transaction<'_>, at: Reading, hub_s: i64) -> Result<Now, DbError> {
    let anchor = Anchor::load(tx)?.after(at, hub_s);
    anchor.store(tx)?;
    Ok(anchor.now(at))
}

/// The hub's last word, as far as others need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Its clock then, seconds since 1970 UTC.
    pub hub_s: i64,
    /// How long ago that was, in seconds, as far as this box can tell.
    pub age_s: i64,
    /// Seconds by which the hub's clock was ahead of this box's.
    pub ahead_s: i64,
}

/// What the hub said last and how long ago; `None` for never.
///
/// # Errors
/// Those of the database.
pub fn last_heard(conn: &Connection, at: Reading) -> Result<Option<Heard>, DbError> {
    let anchor = Anchor::load(conn)?;
    let now = anchor.now(at);
    let heard = |word: Word| Heard {
        hub_s: word.hub_s,
        // Through a pause of the machine only a guess at the time can look.
        age_s: now.best_s.saturating_sub(word.hub_s).max(0),
        ahead_s: word.ahead_s,
    };
    Ok(anchor.hub.map(heard))
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
