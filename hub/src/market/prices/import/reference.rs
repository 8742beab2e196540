//! What the prices of a chunk refer to: found by name, added where it is missing, mended where the file knows more.
//!
//! Each name is looked up once in an import; its id is kept then. Ids learnt in a transaction that was rolled back
//! must be thrown away with it: [`Ids`] is copied before a chunk, and the copy kept only after the commit.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sqlx::PgConnection;
use sync_protocol::bucket::{Bucket, CountryCode};
use sync_protocol::ids::RegionId;
use sync_protocol::market::{self, Entity, UnitBase};
use sync_protocol::row::Key;

use super::super::wfp::unit;
use super::db::{prices, reference as sql};
use super::places::{Place, borders};
use super::scan::{Catalogue, Names, SeriesKey};
use super::words::{Words, merge};
use super::{Precedence, SOURCE};
use crate::db::misfit;
use crate::feed::Touched;

/// Ids by the catalogue's numbers, as far as they are known.
#[derive(Debug, Clone)]
pub(super) struct Ids {
    markets: Vec<Option<i32>>,
    commodities: Vec<Option<i32>>,
    units: Vec<Option<i32>>,
    series: Vec<Option<i32>>,
    borders_done: bool,
}

impl Ids {
    pub(super) fn none(catalogue: &Catalogue) -> Self {
        Self {
            markets: vec![None; catalogue.markets.len()],
            commodities: vec![None; catalogue.commodities.len()],
            units: vec![None; catalogue.units.len()],
            series: vec![None; catalogue.series_len()],
            borders_done: false,
        }
    }

    /// The id of a series that a chunk was [prepared](Preparation::run) for.
    pub(super) fn series(&self, place: u32) -> Option<i32> {
        get(&self.series, place)
    }
}

fn get(ids: &[Option<i32>], place: u32) -> Option<i32> {
    ids.get(place as usize).copied().flatten()
}

fn set(ids: &mut [Option<i32>], place: u32, id: i32) {
    if let Some(slot) = ids.get_mut(place as usize) {
        *slot = Some(id);
    }
}

/// An id as a row's key.
pub(super) fn key(id: i32) -> Result<Key, sqlx::Error> {
    u32::try_from(id).map(Key::Int).map_err(|_| misfit("price_series", "id"))
}

/// A price's key.
pub(super) fn price_key(series_id: i32, month: u32) -> Result<Key, sqlx::Error> {
    u32::try_from(series_id).map(|id| Key::Pair(id, month)).map_err(|_| misfit("price_series", "id"))
}

/// The bucket of a market and all that hangs on it.
pub(super) fn bucket(country: CountryCode, region_id: Option<i32>) -> Result<Bucket, sqlx::Error> {
    match region_id {
        None => Ok(Bucket::Country(country)),
        Some(id) => {
            u32::try_from(id).map(|id| Bucket::Region(RegionId(id))).map_err(|_| misfit("regions", "id"))
        }
    }
}

/// Makes everything ready that a chunk's series need.
pub(super) struct Preparation<'a> {
    pub(super) catalogue: &'a Catalogue,
    pub(super) words: &'a Words,
    pub(super) precedence: Precedence,
    pub(super) country: CountryCode,
    pub(super) connection: &'a mut PgConnection,
    pub(super) ids: &'a mut Ids,
    pub(super) touched: &'a mut Touched,
}

impl Preparation<'_> {
    /// Gives every series in the list an id.
    pub(super) async fn run(&mut self, series: &BTreeSet<u32>) -> Result<(), sqlx::Error> {
        let new: Vec<(u32, SeriesKey)> = series
            .iter()
            .filter(|&&place| get(&self.ids.series, place).is_none())
            .filter_map(|&place| Some((place, self.catalogue.series(place)?.0)))
            .collect();
        if new.is_empty() {
            return Ok(());
        }
        let missing = |known: &[Option<i32>], of: fn(&SeriesKey) -> u32| -> BTreeSet<u32> {
            new.iter().map(|(_, key)| of(key)).filter(|&place| get(known, place).is_none()).collect()
        };
        let commodities = missing(&self.ids.commodities, |key| key.commodity);
        let units = missing(&self.ids.units, |key| key.unit);
        let markets = missing(&self.ids.markets, |key| key.market);
        self.commodities(&commodities).await?;
        self.units(&units).await?;
        self.markets(&markets).await?;
        self.series(&new).await
    }

    async fn commodities(&mut self, places: &BTreeSet<u32>) -> Result<(), sqlx::Error> {
        let wanted = by_name(&self.catalogue.commodities, places);
        let names: Vec<String> = wanted.keys().cloned().collect();
        let mut known = sql::commodities(self.connection, &names).await?;
        for (id, commodity) in &known {
            let Some((_, facts)) = wanted.get(&commodity.name) else { continue };
            let merged = merge(commodity, &self.words.commodity(&commodity.name, facts));
            if merged != *commodity {
                sql::update_commodity(self.connection, *id, &merged).await?;
                self.touched.add(Bucket::Global, market::Commodity::NUMBER, key(*id)?);
            }
        }
        let missing = missing(&names, known.iter().map(|(_, commodity)| &commodity.name));
        if !missing.is_empty() {
            let new = |name: &String| Some(self.words.commodity(name, wanted.get(name)?.1));
            let new: Vec<_> = missing.iter().filter_map(new).collect();
            sql::insert_commodities(self.connection, &new).await?;
            let added = sql::commodities(self.connection, &missing).await?;
            for (id, _) in &added {
                self.touched.add(Bucket::Global, market::Commodity::NUMBER, key(*id)?);
            }
            known.extend(added);
        }
        for (id, commodity) in known {
            if let Some((place, _)) = wanted.get(&commodity.name) {
                set(&mut self.ids.commodities, *place, id);
            }
        }
        Ok(())
    }

    async fn units(&mut self, places: &BTreeSet<u32>) -> Result<(), sqlx::Error> {
        let wanted = by_name(&self.catalogue.units, places);
        let codes: Vec<String> = wanted.keys().cloned().collect();
        let mut known = sql::units(self.connection, &codes).await?;
        for (id, kept) in &known {
            let parsed = unit_of(&kept.code);
            if parsed != *kept {
                sql::update_unit(self.connection, *id, &parsed).await?;
                self.touched.add(Bucket::Global, market::Unit::NUMBER, key(*id)?);
            }
        }
        let missing = missing(&codes, known.iter().map(|(_, unit)| &unit.code));
        if !missing.is_empty() {
            let new: Vec<_> = missing.iter().map(|code| unit_of(code)).collect();
            sql::insert_units(self.connection, &new).await?;
            let added = sql::units(self.connection, &missing).await?;
            for (id, _) in &added {
                self.touched.add(Bucket::Global, market::Unit::NUMBER, key(*id)?);
            }
            known.extend(added);
        }
        for (id, unit) in known {
            if let Some((place, ())) = wanted.get(&unit.code) {
                set(&mut self.ids.units, *place, id);
            }
        }
        Ok(())
    }

    /// The regions that the markets name and those of the country's borders, by name.
    async fn regions(&mut self, of_markets: BTreeSet<String>) -> Result<HashMap<String, i32>, sqlx::Error> {
        let country = self.catalogue.country.iso3;
        let borders = if self.ids.borders_done { &[] } else { borders(country) };
        let mut names = of_markets;
        names.extend(borders.iter().flat_map(|(one, other)| [(*one).to_string(), (*other).to_string()]));
        let names: Vec<String> = names.into_iter().collect();
        let mut known = sql::regions(self.connection, country, &names).await?;
        let missing = missing(&names, known.iter().map(|(_, name)| name));
        if !missing.is_empty() {
            sql::insert_regions(self.connection, country, &missing).await?;
            let added = sql::regions(self.connection, country, &missing).await?;
            for (id, _) in &added {
                self.touched.add(Bucket::Country(self.country), market::Region::NUMBER, key(*id)?);
            }
            known.extend(added);
        }
        let ids: HashMap<String, i32> = known.into_iter().map(|(id, name)| (name, id)).collect();
        let pair = |(one, other): &(&str, &str)| Some((*ids.get(*one)?, *ids.get(*other)?));
        let (ones, others): (Vec<i32>, Vec<i32>) = borders.iter().filter_map(pair).unzip();
        if !ones.is_empty() {
            sql::insert_neighbours(self.connection, &ones, &others).await?;
        }
        self.ids.borders_done = true;
        Ok(ids)
    }

    async fn markets(&mut self, places: &BTreeSet<u32>) -> Result<(), sqlx::Error> {
        if places.is_empty() {
            return Ok(());
        }
        let catalogue = self.catalogue;
        let country = catalogue.country.iso3;
        let wanted = by_name(&catalogue.markets, places);
        let regions = wanted.values().filter_map(|(_, place)| place.region().map(String::from)).collect();
        let regions = self.regions(regions).await?;
        let file_place = |name: &str| {
            let (_, place) = wanted.get(name)?;
            Some(Place {
                region_id: place.region().and_then(|name| regions.get(name).copied()),
                district: place.district().unwrap_or_default().to_string(),
                coordinates: place.coordinates(),
            })
        };
        let names: Vec<String> = wanted.keys().cloned().collect();
        let mut known = sql::markets(self.connection, country, &names).await?;
        let mut moved = BTreeMap::new();
        for (id, name, kept) in &known {
            let Some(file) = file_place(name) else { continue };
            let merged = Place::merge(kept, &file, self.precedence);
            if merged == *kept {
                continue;
            }
            sql::update_market(self.connection, *id, &merged).await?;
            let buckets = [bucket(self.country, kept.region_id)?, bucket(self.country, merged.region_id)?];
            for bucket in buckets {
                self.touched.add(bucket, market::Market::NUMBER, key(*id)?);
            }
            if buckets[0] != buckets[1] {
                moved.insert(*id, buckets);
            }
        }
        self.follow(&moved).await?;
        let missing = missing(&names, known.iter().map(|(_, name, _)| name));
        if !missing.is_empty() {
            let new = |name: &String| Some((name.clone(), file_place(name)?));
            let new: Vec<(String, Place)> = missing.iter().filter_map(new).collect();
            sql::insert_markets(self.connection, country, &new).await?;
            let added = sql::markets(self.connection, country, &missing).await?;
            for (id, _, place) in &added {
                let bucket = bucket(self.country, place.region_id)?;
                self.touched.add(bucket, market::Market::NUMBER, key(*id)?);
            }
            known.extend(added);
        }
        for (id, name, _) in known {
            if let Some((place, _)) = wanted.get(&name) {
                set(&mut self.ids.markets, *place, id);
            }
        }
        Ok(())
    }

    /// Takes the series and prices of markets along that went to another bucket: (before, now).
    async fn follow(&mut self, moved: &BTreeMap<i32, [Bucket; 2]>) -> Result<(), sqlx::Error> {
        if moved.is_empty() {
            return Ok(());
        }
        let markets: Vec<i32> = moved.keys().copied().collect();
        for (market, series, month) in prices::of_markets(self.connection, &markets).await? {
            for &bucket in moved.get(&market).into_iter().flatten() {
                self.touched.add(bucket, market::PriceSeries::NUMBER, key(series)?);
                if let Some(month) = month {
                    self.touched.add(bucket, market::Price::NUMBER, price_key(series, month)?);
                }
            }
        }
        Ok(())
    }

    async fn series(&mut self, new: &[(u32, SeriesKey)]) -> Result<(), sqlx::Error> {
        let mut wanted: HashMap<sql::SeriesOf, u32> = HashMap::with_capacity(new.len());
        for (place, key) in new {
            let ids = (
                get(&self.ids.markets, key.market),
                get(&self.ids.commodities, key.commodity),
                get(&self.ids.units, key.unit),
            );
            let price_type = self.catalogue.price_types.get(key.price_type).map(|(name, ())| name);
            let ((Some(market), Some(commodity), Some(unit)), Some(price_type)) = (ids, price_type) else {
                return Err(sqlx::Error::RowNotFound);
            };
            wanted.insert((market, commodity, unit, price_type.to_string()), *place);
        }
        let currency = self.catalogue.country.currency;
        let mut all: Vec<sql::SeriesOf> = wanted.keys().cloned().collect();
        all.sort_unstable();
        let mut known = sql::series(self.connection, &all, currency, SOURCE).await?;
        let there: BTreeSet<&sql::SeriesOf> = known.iter().map(|(_, of)| of).collect();
        let missing: Vec<sql::SeriesOf> = all.iter().filter(|of| !there.contains(of)).cloned().collect();
        if !missing.is_empty() {
            let newest = |of: &sql::SeriesOf| Some(self.catalogue.series(*wanted.get(of)?)?.1);
            let mut rows = Vec::with_capacity(missing.len());
            for of in &missing {
                // Announced at once, so that no price enters the feed that later rows of the file push out again.
                let newest = newest(of).ok_or(sqlx::Error::RowNotFound)?;
                rows.push((of.clone(), crate::db::int(newest.0)?));
            }
            sql::insert_series(self.connection, &rows, currency, SOURCE).await?;
            let added = sql::series(self.connection, &missing, currency, SOURCE).await?;
            self.touch_series(&added).await?;
            known.extend(added);
        }
        for (id, of) in known {
            if let Some(place) = wanted.get(&of) {
                set(&mut self.ids.series, *place, id);
            }
        }
        Ok(())
    }

    async fn touch_series(&mut self, added: &[(i32, sql::SeriesOf)]) -> Result<(), sqlx::Error> {
        let ids: Vec<i32> = added.iter().map(|(id, _)| *id).collect();
        for (id, info) in prices::series_info(self.connection, &ids).await? {
            self.touched.add(bucket(self.country, info.region_id)?, market::PriceSeries::NUMBER, key(id)?);
        }
        Ok(())
    }
}

/// Some of the catalogue's names with their numbers and facts, sorted.
fn by_name<'a, T>(names: &'a Names<T>, places: &BTreeSet<u32>) -> BTreeMap<String, (u32, &'a T)> {
    let one = |&place: &u32| names.get(place).map(|(name, facts)| (name.to_string(), (place, facts)));
    places.iter().filter_map(one).collect()
}

/// The names that are not known, in their order.
fn missing<'a>(names: &[String], known: impl Iterator<Item = &'a String>) -> Vec<String> {
    let known: BTreeSet<&String> = known.collect();
    names.iter().filter(|name| !known.contains(name)).cloned().collect()
}

fn unit_of(code: &str) -> sql::Unit {
    let parsed = unit::Unit::parse(code);
    sql::Unit { code: code.to_string(), base: base_code(parsed.base), factor_milli: parsed.factor_milli }
}

fn base_code(base: UnitBase) -> i32 {
    base.code() as i32
}
