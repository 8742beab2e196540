//! Names of what rows refer to by id, looked up once for each answer. A row that has not come yet, or cannot be read, is named by its number: an
//! answer must not fail because of a name.

use crate::commands;
use crate::db::{DbError, pass_over};
use crate::replica;
use crate::text::Lang;
use crate::text::office::say;
use rusqlite::Connection;
use std::collections::HashMap;
use sync_protocol::ids::{CommandId, CommodityId, CooperativeId, ListingId, MarketId, RegionId, UnitId};
use sync_protocol::market::{
    Commodity, Cooperative, Entity, Listing, Market, Member, OfficeUser, Region, Unit,
};
use sync_protocol::row::Key;
use uuid::Uuid;

/// Looks names up in one snapshot of the database, each once.
pub(super) struct Names<'c> {
    conn: &'c Connection,
    lang: Lang,
    commodities: HashMap<u32, Option<Commodity>>,
    units: HashMap<u32, Option<Unit>>,
    regions: HashMap<u32, Option<Region>>,
    markets: HashMap<u32, Option<Market>>,
    cooperatives: HashMap<u32, Option<Cooperative>>,
    listings: HashMap<Uuid, Option<Listing>>,
}

fn once<'m, K: Copy + Eq + std::hash::Hash, E: Entity>(
    conn: &Connection,
    map: &'m mut HashMap<K, Option<E>>,
    at: K,
    key: Key,
) -> Result<Option<&'m E>, DbError> {
    use std::collections::hash_map::Entry;
    let found = match map.entry(at) {
        Entry::Occupied(there) => there.into_mut(),
        Entry::Vacant(free) => free.insert(pass_over(replica::get(conn, key))?.flatten()),
    };
    Ok(found.as_ref())
}

impl<'c> Names<'c> {
    /// In English, as programs are answered.
    pub(super) fn new(conn: &'c Connection) -> Self {
        Self::in_language(conn, Lang::En)
    }

    /// Crops are called as in a language, where it has a word for them.
    pub(super) fn in_language(conn: &'c Connection, lang: Lang) -> Self {
        Self {
            conn,
            lang,
            commodities: HashMap::new(),
            units: HashMap::new(),
            regions: HashMap::new(),
            markets: HashMap::new(),
            cooperatives: HashMap::new(),
            listings: HashMap::new(),
        }
    }

    pub(super) fn commodity(&mut self, id: CommodityId) -> Result<String, DbError> {
        let found = once(self.conn, &mut self.commodities, id.0, Key::Int(id.0))?;
        let named = |commodity: &Commodity| match self.lang {
            Lang::Sw if !commodity.name_sw.is_empty() => commodity.name_sw.clone(),
            Lang::Sw | Lang::En => commodity.name.clone(),
        };
        Ok(found.map_or_else(|| format!("Commodity {id}"), named))
    }

    pub(super) fn unit_row(&mut self, id: UnitId) -> Result<Option<&Unit>, DbError> {
        once(self.conn, &mut self.units, id.0, Key::Int(id.0))
    }

    pub(super) fn unit(&mut self, id: UnitId) -> Result<String, DbError> {
        Ok(self.unit_row(id)?.map_or_else(|| format!("Unit {id}"), |unit| unit.code.clone()))
    }

    /// The smallest step in which a unit can be had, in thousandths.
    pub(super) fn step_milli(&mut self, id: UnitId) -> Result<i64, DbError> {
        Ok(self.unit_row(id)?.map_or(1, Unit::step_milli))
    }

    /// The same of a listing's unit; of one that is gone nothing is known.
    pub(super) fn step_of(&mut self, listing: ListingId) -> Result<i64, DbError> {
        self.listing(listing)?.map_or(Ok(1), |listing| self.step_milli(listing.unit))
    }

    pub(super) fn region(&mut self, id: Option<RegionId>) -> Result<Option<String>, DbError> {
        let Some(id) = id else { return Ok(None) };
        Ok(once(self.conn, &mut self.regions, id.0, Key::Int(id.0))?.map(|region| region.name.clone()))
    }

    pub(super) fn market(&mut self, id: MarketId) -> Result<Option<Market>, DbError> {
        Ok(once(self.conn, &mut self.markets, id.0, Key::Int(id.0))?.cloned())
    }

    pub(super) fn cooperative_row(&mut self, id: CooperativeId) -> Result<Option<&Cooperative>, DbError> {
        once(self.conn, &mut self.cooperatives, id.0, Key::Int(id.0))
    }

    pub(super) fn cooperative(&mut self, id: CooperativeId) -> Result<String, DbError> {
        Ok(self.cooperative_row(id)?.map_or_else(|| format!("Cooperative {id}"), |coop| coop.name.clone()))
    }

    pub(super) fn listing(&mut self, id: ListingId) -> Result<Option<Listing>, DbError> {
        Ok(once(self.conn, &mut self.listings, id.0, Key::Uuid(id.0))?.cloned())
    }

    /// What a listing is called, and its unit; of one that is gone, no more than that.
    pub(super) fn product(&mut self, id: ListingId) -> Result<(String, String), DbError> {
        match self.listing(id)? {
            None => Ok((say(self.lang, "product-gone", &[]), String::new())),
            Some(listing) => {
                let name =
                    if listing.title.is_empty() { self.commodity(listing.commodity)? } else { listing.title };
                Ok((name, self.unit(listing.unit)?))
            }
        }
    }

    /// What an order made here was of: its listing as it is called now, else as its command kept it.
    pub(super) fn ordered(&mut self, order: Uuid, listing: ListingId) -> Result<(String, String), DbError> {
        if self.listing(listing)?.is_none()
            && let Some(state) = commands::outcome(self.conn, CommandId(order))?
            && let Some(kept) = commands::thing(self.conn, &state)?.filter(|kept| !kept.name.is_empty())
        {
            return Ok((kept.name(self.lang).to_owned(), kept.unit));
        }
        self.product(listing)
    }

    /// A member's name, through an id that gave way to another too.
    pub(super) fn member(&self, id: Uuid) -> Result<Option<String>, DbError> {
        let alias: Option<sync_protocol::market::Alias> = replica::get(self.conn, Key::Uuid(id))?;
        let id = alias.map_or(id, |alias| alias.to.0);
        Ok(replica::get::<Member>(self.conn, Key::Uuid(id))?.map(|member| member.name))
    }

    /// The name of somebody who works at an office.
    pub(super) fn office_user(&self, id: Uuid) -> Result<Option<String>, DbError> {
        Ok(replica::get::<OfficeUser>(self.conn, Key::Uuid(id))?.map(|person| person.name))
    }
}

/// All names of a commodity, the English one first; some may be empty.
pub(super) fn commodity_names(commodity: &Commodity) -> [&str; 4] {
    [&commodity.name, &commodity.name_sw, &commodity.name_ny, &commodity.name_fr]
}
