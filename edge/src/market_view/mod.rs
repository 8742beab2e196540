//! The market as this box holds it, for the phone menus and SMS answers: [`crate::ussd::Market`] over the replica joined with what
//! waits for the hub.
//!
//! Names and prices are kept in memory while the database says that none of them has moved, whoever wrote: a price screen then
//! reads nothing but that. Nothing here writes, and a view inside a transaction keeps nothing it saw there.

mod crops;
mod db;
mod may_order;
mod offers;
mod orders;
mod people;
mod prices;
mod reference;
#[cfg(test)]
mod tests;

pub(crate) use may_order::{NotHere, not_here};
pub(crate) use offers::left_milli;
pub(crate) use people::{language_of, member_of, outcome_of};

use crate::db::DbError;
use crate::text::names::words;
use crate::time::Now;
use crate::ussd::Outcome;
use crate::ussd::market::{Market, Read, ReadError, Window};
use db::Moves;
use mizili_node::deps::Reading;
use offers::OfferCache;
use reference::Reference;
use rusqlite::Connection;
use std::cell::Cell;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;
use sync_protocol::units::Currency;
use uuid::Uuid;

/// For how long what another process of this box has written may go unseen by a quick view.
const UNSEEN_MAX: Duration = Duration::from_millis(20);

/// What is kept in memory between two views.
#[derive(Default)]
pub struct MarketCache {
    reference: RwLock<Option<Arc<Reference>>>,
    offers: Mutex<OfferCache>,
    moves: Mutex<Option<(Moment, Moves)>>,
}

/// When a quick view is asked for: before its read begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// What the machine's clocks said.
    pub clocks: Reading,
    /// Transactions of this process so far; see [`crate::db::Db::commits`].
    pub commits: u64,
}

/// Why a view could not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ViewError {
    /// It would take long: ask again where waiting does no harm.
    Long,
    /// The database.
    Db(DbError),
}

impl From<DbError> for ViewError {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

/// What the menus' settings take from the replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The currency in which this office sells; `None` before the first exchange.
    pub currency: Option<Currency>,
    /// A market that everybody here knows; empty before the first exchange.
    pub example_market: String,
}

/// The market at one moment.
pub struct View<'a> {
    conn: &'a Connection,
    reference: Arc<Reference>,
    moves: Moves,
    /// Where lists are kept; `None` inside a transaction.
    cache: Option<&'a MarketCache>,
    now: Now,
    /// Whether reads that take long are made here.
    is_patient: bool,
    /// Set when one was not.
    was_long: Cell<bool>,
    /// Whether this office sells at all now, once asked.
    may_sell: Cell<Option<bool>>,
}

impl MarketCache {
    /// A view for a quick answer: it gives up with [`ViewError::Long`] where much would have to be read first.
    ///
    /// # Errors
    /// When names and prices have to be loaded first, or the database fails.
    pub fn quick<'a>(&'a self, conn: &'a Connection, moment: Moment) -> Result<View<'a>, ViewError> {
        let moves = self.moves(conn, moment)?;
        let now = moves.anchor.now(moment.clocks);
        let kept = self.kept();
        match kept {
            Some(reference) if reference.is_current(conn, moves)? => {
                Ok(View::new(conn, reference, moves, Some(self), now, false))
            }
            _ => Err(ViewError::Long),
        }
    }

    /// A view that reads whatever it needs.
    ///
    /// # Errors
    /// Those of the database.
    pub fn patient<'a>(&'a self, conn: &'a Connection, at: Reading) -> Result<View<'a>, DbError> {
        let moves = db::moves(conn)?;
        let reference = self.reference(conn, moves)?;
        Ok(View::new(conn, reference, moves, Some(self), moves.anchor.now(at), true))
    }

    /// A view inside a transaction: it sees what the transaction wrote, and keeps nothing of it.
    ///
    /// # Errors
    /// Those of the database.
    pub fn inside<'a>(&'a self, tx: &'a Connection, at: Reading) -> Result<View<'a>, DbError> {
        let moves = db::moves(tx)?;
        // What is kept may be older by a frame that came this instant: names and prices of a moment ago.
        let reference = match self.kept() {
            Some(reference) => reference,
            None => Arc::new(Reference::load(tx)?),
        };
        Ok(View::new(tx, reference, moves, None, moves.anchor.now(at), true))
    }

    /// How often things have moved: as read an instant ago where this process has written nothing since, for even the smallest read
    /// costs a busy gateway a tenth of a screen.
    fn moves(&self, conn: &Connection, moment: Moment) -> Result<Moves, DbError> {
        let known = || self.moves.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((then, moves)) = *known()
            && then.commits == moment.commits
            && moment.clocks.uptime.since.saturating_sub(then.clocks.uptime.since) < UNSEEN_MAX
        {
            return Ok(moves);
        }
        let moves = db::moves(conn)?;
        *known() = Some((moment, moves));
        Ok(moves)
    }

    fn kept(&self) -> Option<Arc<Reference>> {
        self.reference.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn reference(&self, conn: &Connection, moves: Moves) -> Result<Arc<Reference>, DbError> {
        if let Some(kept) = self.kept()
            && kept.is_current(conn, moves)?
        {
            return Ok(kept);
        }
        let loaded = Arc::new(Reference::load(conn)?);
        *self.reference.write().unwrap_or_else(PoisonError::into_inner) = Some(loaded.clone());
        Ok(loaded)
    }
}

impl<'a> View<'a> {
    fn new(
        conn: &'a Connection,
        reference: Arc<Reference>,
        moves: Moves,
        cache: Option<&'a MarketCache>,
        now: Now,
        is_patient: bool,
    ) -> Self {
        let (was_long, may_sell) = (Cell::new(false), Cell::new(None));
        Self { conn, reference, moves, cache, now, is_patient, was_long, may_sell }
    }

    /// The connection that it reads from.
    pub(crate) fn conn(&self) -> &'a Connection {
        self.conn
    }

    /// What is known of time: by it ages are counted, of prices and of what callers began.
    pub(crate) fn now(&self) -> &Now {
        &self.now
    }

    /// Whether something would have taken long and was not read: then no answer of this view may be used.
    pub fn was_long(&self) -> bool {
        self.was_long.get()
    }

    /// What the menus' settings take from the replica.
    pub fn place(&self) -> Place {
        Place { currency: self.reference.currency, example_market: self.reference.example_market.clone() }
    }

    fn offers(&self) -> Option<MutexGuard<'_, OfferCache>> {
        self.cache.map(|cache| cache.offers.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// To be called before a read of many rows.
    fn long_read(&self) -> Result<(), DbError> {
        if self.is_patient {
            return Ok(());
        }
        self.was_long.set(true);
        Err(DbError::Other("a quick view does not read so much".to_owned()))
    }

    fn lines(&self, commodity: u32) -> Result<Arc<prices::Lines>, DbError> {
        match self.reference.lines_kept(commodity) {
            Some(lines) => Ok(lines),
            None => {
                self.long_read()?;
                self.reference.lines(self.conn, commodity)
            }
        }
    }
}

/// Whether a word of a name begins with some letters, in plain form; every name does with none.
fn begins(name: &str, letters: &str) -> bool {
    letters.is_empty() || format!(" {}", words(name).join(" ")).contains(&format!(" {letters}"))
}

fn part<T>(list: impl Iterator<Item = T>, window: Window) -> Vec<T> {
    list.skip(window.offset as usize).take(window.limit as usize).collect()
}

fn unreadable(error: DbError) -> ReadError {
    ReadError(error.to_string())
}

impl Market for View<'_> {
    fn outcome(&self, command_id: Uuid) -> Read<Option<Outcome>> {
        outcome_of(self.conn, command_id).map_err(unreadable)
    }
}
