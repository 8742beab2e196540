//! The market as this box holds it, for the phone menus and SMS answers: [`crate::ussd::Market`] over the replica joined with what
//! waits for the hub.
//!
//! Names and prices are kept in memory while the database says that none of them has moved, whoever wrote: a price screen then
//! reads nothing but that. Nothing here writes, and a view inside a transaction keeps nothing it saw there.

mod db;
mod may_order;
mod offers;
mod people;
mod prices;
mod reference;
#[cfg(test)]
mod tests;

pub(crate) use may_order::{NotHere, not_here};
pub(crate) use offers::left_milli;
pub(crate) use people::{language_of, member_of, outcome_of};

use crate::db::DbError;
use crate::replica;
use crate::text::names::words;
use crate::text::{Lang, Messages};
use crate::time::Now;
use crate::ussd::market::{
    Best, Caller, Listing, Market, MyListing, MyOrder, Named, Quote, Read, ReadError, Series, Shelf,
    UnitChoice, Window,
};
use crate::ussd::{Outcome, unit_name};
use db::Moves;
use mizili_node::deps::Reading;
use offers::OfferCache;
use reference::Reference;
use rusqlite::Connection;
use std::cell::Cell;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;
use sync_protocol::market::{Listing as ListingRow, UnitBase};
use sync_protocol::phone::Phone;
use sync_protocol::row::Key;
use sync_protocol::units::{Currency, Month};
use uuid::Uuid;

/// Units that a seller is offered at most.
const UNITS_MAX: usize = 8;

/// Sizes in which produce is sold everywhere, in thousandths of a kilogram.
const USUAL_SIZES: &[i64] = &[1_000, 50_000, 90_000];

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

    fn named_crops(&self, ids: &[u32], lang: Lang, starts_with: &str, window: Window) -> Vec<Named> {
        let found = ids.iter().filter_map(|id| {
            let crop = self.reference.crop(*id)?;
            let name = crop.name(lang);
            // Whatever people call it: many a caller has another language on his phone than in his mouth.
            let mut called = crop.names().filter(|name| begins(name.text, starts_with));
            let is_meant = begins(name, starts_with)
                || called.any(|name| !name.means_another(self.reference.crops(ids)));
            is_meant.then(|| Named { id: *id, name: name.to_owned() })
        });
        part(found, window)
    }

    fn unit_choices(&self, commodity: u32, lang: Lang) -> Result<Vec<UnitChoice>, DbError> {
        let units = &self.reference.units;
        let usual = USUAL_SIZES.iter().flat_map(|size| {
            let fits = |unit: &&sync_protocol::market::Unit| {
                unit.base == UnitBase::Kilogram && unit.factor_milli == *size
            };
            units.values().filter(fits).map(|unit| unit.id.0).min()
        });
        let usual: Vec<u32> = usual.collect();
        let seen = self.lines(commodity)?.units();
        // A crop that is sold by the kilogram somewhere is sold by the bag too; eggs are not.
        let by_weight = |id: &u32| units.get(id).is_some_and(|unit| unit.base == UnitBase::Kilogram);
        let mut ids: Vec<u32> = Vec::new();
        if seen.is_empty() || seen.iter().any(by_weight) {
            ids.extend(usual.first());
            ids.extend(seen.iter().chain(&usual));
        } else {
            ids.extend(&seen);
        }
        let mut choices: Vec<UnitChoice> = Vec::new();
        for id in ids {
            let Some(unit) = units.get(&id) else { continue };
            let text = unit_name(Messages::get(), lang, &unit.code);
            if choices.len() < UNITS_MAX
                && choices.iter().all(|choice| choice.id != id && choice.text != text)
            {
                choices.push(UnitChoice { id, text, step_milli: unit.step_milli() });
            }
        }
        Ok(choices)
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
    fn caller(&self, phone: &Phone) -> Read<Caller> {
        self.who_calls(phone.number()).map_err(unreadable)
    }

    fn crops(&self, shelf: Shelf, lang: Lang, starts_with: &str, window: Window) -> Read<Vec<Named>> {
        match shelf {
            Shelf::Prices => Ok(self.named_crops(&self.reference.priced, lang, starts_with, window)),
            Shelf::Sell => Ok(self.named_crops(&self.reference.offerable, lang, starts_with, window)),
            Shelf::Offered => {
                let crops = self.offered_crops().map_err(unreadable)?;
                Ok(self.named_crops(&crops, lang, starts_with, window))
            }
        }
    }

    fn crop_name(&self, commodity: u32, lang: Lang) -> Read<Option<String>> {
        Ok(self.reference.crop(commodity).map(|crop| crop.name(lang).to_owned()))
    }

    fn crop_names(&self) -> Read<Vec<Named>> {
        let priced = &self.reference.priced;
        let names = priced.iter().filter_map(|id| Some((*id, self.reference.crop(*id)?.names())));
        Ok(names
            .flat_map(|(id, names)| names.map(move |name| (id, name)))
            .filter(|(_, name)| !name.means_another(self.reference.crops(priced)))
            .map(|(id, name)| Named { id, name: name.text.to_owned() })
            .collect())
    }

    fn markets(&self, commodity: u32, _: &Phone, starts_with: &str, window: Window) -> Read<Vec<Named>> {
        let lines = self.lines(commodity).map_err(unreadable)?;
        Ok(part(prices::named_markets(&self.reference, lines.markets(), starts_with), window))
    }

    fn nearest(&self, commodity: u32, to: Option<u32>) -> Read<Vec<Named>> {
        let lines = self.lines(commodity).map_err(unreadable)?;
        let markets = lines.nearest(&self.reference, to);
        Ok(prices::named_markets(&self.reference, &markets, "").collect())
    }

    fn all_markets(&self) -> Read<Vec<Named>> {
        let mut all: Vec<u32> = self.reference.markets.keys().copied().collect();
        all.sort_unstable();
        Ok(prices::named_markets(&self.reference, &all, "").collect())
    }

    fn home_market(&self, _: &Phone, commodity: u32) -> Read<Option<u32>> {
        let lines = self.lines(commodity).map_err(unreadable)?;
        let region = self.reference.own.as_ref().and_then(reference::Own::region);
        let is_home = |id: &&u32| {
            region.is_some() && self.reference.markets.get(id).is_some_and(|market| market.region == region)
        };
        let mut home = lines.markets().iter().filter(is_home);
        // Only where there is no choice: to guess wrong costs more than to ask.
        Ok(home.next().copied().filter(|_| home.next().is_none()))
    }

    fn quote(&self, commodity: u32, market: u32, lang: Lang) -> Read<Option<Quote>> {
        let lines = self.lines(commodity).map_err(unreadable)?;
        Ok(lines.quote(&self.reference, commodity, market, lang))
    }

    fn best_near(
        &self,
        commodity: u32,
        market: u32,
        series: &Series,
        not_before: Month,
    ) -> Read<Option<Best>> {
        let lines = self.lines(commodity).map_err(unreadable)?;
        Ok(lines.best_near(&self.reference, market, series, not_before))
    }

    fn units(&self, commodity: u32, lang: Lang) -> Read<Vec<UnitChoice>> {
        self.unit_choices(commodity, lang).map_err(unreadable)
    }

    fn listings(&self, commodity: u32, lang: Lang, window: Window) -> Read<Vec<Listing>> {
        self.offers_shown(commodity, lang, window).map_err(unreadable)
    }

    fn listing(&self, id: Uuid, lang: Lang) -> Read<Option<Listing>> {
        self.offer_shown(Key::Uuid(id), lang).map_err(unreadable)
    }

    fn my_listings(&self, phone: &Phone, lang: Lang, window: Window) -> Read<Vec<MyListing>> {
        let listings = self.listings_by(phone.number()).map_err(unreadable)?;
        let shown = listings.iter().skip(window.offset as usize).take(window.limit as usize);
        shown.map(|listing| self.my_listing_of(listing, lang).map_err(unreadable)).collect()
    }

    fn my_listing(&self, phone: &Phone, id: Uuid, lang: Lang) -> Read<Option<MyListing>> {
        let listing = || {
            let Some(member) = self.member(phone.number())? else { return Ok(None) };
            let listing = replica::get::<ListingRow>(self.conn, Key::Uuid(id))?;
            let own = listing.filter(|listing| listing.seller == Some(member.id));
            own.map(|listing| self.my_listing_of(&listing, lang)).transpose()
        };
        listing().map_err(unreadable)
    }

    fn my_orders(&self, phone: &Phone, lang: Lang, window: Window) -> Read<Vec<MyOrder>> {
        let orders = self.orders_by(phone.number()).map_err(unreadable)?;
        let shown = orders.iter().skip(window.offset as usize).take(window.limit as usize);
        let shown: Result<Vec<_>, DbError> = shown.map(|row| self.my_order_of(row, lang)).collect();
        Ok(shown.map_err(unreadable)?.into_iter().flatten().collect())
    }

    fn my_order(&self, phone: &Phone, id: Uuid, lang: Lang) -> Read<Option<MyOrder>> {
        let orders = self.orders_by(phone.number()).map_err(unreadable)?;
        match orders.iter().find(|row| row.id() == id) {
            Some(row) => self.my_order_of(row, lang).map_err(unreadable),
            None => Ok(None),
        }
    }

    fn outcome(&self, command_id: Uuid) -> Read<Option<Outcome>> {
        outcome_of(self.conn, command_id).map_err(unreadable)
    }
}
