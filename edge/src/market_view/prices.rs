//! What is known of a commodity's prices at each market: the newest month and the one before it, of every line. One commodity is
//! loaded when somebody first asks about it.

use super::reference::{Own, Reference};
use super::{View, part, reference, unreadable};
use crate::db::DbError;
use crate::replica;
use crate::text::units::unit_name;
use crate::text::{Lang, Messages};
use crate::ussd::market::{Best, Named, Point, PriceKind, Prices, Quote, Read, Series, Window};
use rusqlite::Connection;
use std::collections::BTreeSet;
use sync_protocol::ids::{CommodityId, RegionId};
use sync_protocol::market::{Market, Price, PriceFlags, PriceSeries};
use sync_protocol::phone::Phone;
use sync_protocol::units::{Currency, Month};

/// Who says so: all prices come from this source so far.
const SOURCE: &str = "WFP";

/// How far "near" reaches at most, in kilometres: a day's way with a full lorry and back.
const NEAR_KM: f64 = 150.0;

/// One line of prices.
struct Line {
    series: u32,
    market: u32,
    unit: u32,
    kind: PriceKind,
    currency: Currency,
    latest: Point,
    /// The newest price is far from its neighbours: shown, but never called the best.
    is_suspect: bool,
    previous: Option<Point>,
}

/// A commodity's lines.
pub(super) struct Lines {
    /// By market; within one the most useful first.
    all: Vec<Line>,
    /// Markets that have a line, those near this office first.
    markets: Vec<u32>,
}

impl Lines {
    pub(super) fn load(conn: &Connection, reference: &Reference, commodity: u32) -> Result<Self, DbError> {
        let mut all = Vec::new();
        for series in replica::find(conn, PriceSeries::COMMODITY, &CommodityId(commodity))? {
            if !reference.markets.contains_key(&series.market.0) {
                continue;
            }
            let mut prices = replica::newest::<Price>(conn, series.id.0, 2)?.into_iter();
            let Some(latest) = prices.next() else { continue };
            all.push(Line {
                series: series.id.0,
                market: series.market.0,
                unit: series.unit.0,
                kind: PriceKind::from_source(&series.price_type),
                currency: series.currency,
                latest: point(&latest),
                is_suspect: latest.flags.has(PriceFlags::SUSPECT),
                previous: prices.next().as_ref().map(point),
            });
        }
        let unit_rank = |unit: u32| {
            let factor = reference.units.get(&unit).map_or(0, |unit| unit.factor_milli);
            // One kilogram or litre is what people compare by.
            (factor != 1_000, factor)
        };
        all.sort_by_key(|line| {
            let newest_first = u32::MAX - line.latest.month.0;
            (line.market, newest_first, unit_rank(line.unit), line.kind as u8, line.series)
        });
        let markets: BTreeSet<u32> = all.iter().map(|line| line.market).collect();
        Ok(Self { markets: near_first(reference, markets), all })
    }

    /// Markets that have a price, near ones first.
    pub(super) fn markets(&self) -> &[u32] {
        &self.markets
    }

    /// All of them, those nearest to a market first. Without one: as this office has them, but those with most prices first where it is
    /// of no region, such as a whole country's.
    pub(super) fn nearest(&self, reference: &Reference, to: Option<u32>) -> Vec<u32> {
        let mut markets = self.markets.clone();
        if let Some(from) = to.and_then(|to| reference.markets.get(&to)) {
            markets
                .sort_by_key(|id| reference.markets.get(id).map_or(u32::MAX, |market| away_km(from, market)));
        } else if reference.own.as_ref().and_then(Own::region).is_none() {
            let lines = |id: &u32| self.all.iter().filter(|line| line.market == *id).count();
            markets.sort_by_key(|id| std::cmp::Reverse(lines(id)));
        }
        markets
    }

    /// The units that its prices are in, the most frequent first.
    pub(super) fn units(&self) -> Vec<u32> {
        let mut counted: Vec<(usize, u32)> = Vec::new();
        for line in &self.all {
            match counted.iter_mut().find(|(_, unit)| *unit == line.unit) {
                Some((count, _)) => *count += 1,
                None => counted.push((1, line.unit)),
            }
        }
        counted.sort_by_key(|(count, unit)| (usize::MAX - count, *unit));
        counted.into_iter().map(|(_, unit)| unit).collect()
    }

    pub(super) fn quote(
        &self,
        reference: &Reference,
        commodity: u32,
        market: u32,
        lang: Lang,
    ) -> Option<Quote> {
        let crop = reference.crop(commodity)?.name(lang).to_owned();
        let place = reference.markets.get(&market)?.name.clone();
        let here = self.all.iter().filter(|line| line.market == market);
        let series = here.map(|line| line.series(reference, lang)).collect();
        Some(Quote { crop, market: place, series })
    }

    /// The highest price near a market in the same unit, kind and currency: neither old nor doubtful.
    pub(super) fn best_near(
        &self,
        reference: &Reference,
        market: u32,
        like: &Series,
        not_before: Month,
    ) -> Option<Best> {
        let here = reference.markets.get(&market)?;
        let same =
            |line: &&Line| line.unit == like.unit && line.kind == like.kind && line.currency == like.currency;
        let fresh = |line: &&Line| line.latest.month >= not_before && !line.is_suspect;
        let near = |line: &&Line| {
            line.market == market
                || reference.markets.get(&line.market).is_some_and(|other| is_near(here, other))
        };
        let best = self
            .all
            .iter()
            .filter(same)
            .filter(fresh)
            .filter(near)
            // Of two equal ones the very market that was asked about, then the fresher.
            .max_by_key(|line| (line.latest.price_minor, line.market == market, line.latest.month))?;
        let name = reference.markets.get(&best.market)?.name.clone();
        Some(Best { market: best.market, name, point: best.latest })
    }
}

impl Line {
    fn series(&self, reference: &Reference, lang: Lang) -> Series {
        let code = reference.units.get(&self.unit).map_or("", |unit| unit.code.as_str());
        Series {
            unit: self.unit,
            unit_text: unit_name(Messages::get(), lang, code),
            kind: self.kind,
            currency: self.currency,
            latest: self.latest,
            previous: self.previous,
            source: SOURCE.to_owned(),
        }
    }
}

fn point(price: &Price) -> Point {
    Point { price_minor: price.price_minor, month: price.at.1 }
}

/// The office's own region first, then the others of its country by their distance, each in the order of names.
fn near_first(reference: &Reference, markets: BTreeSet<u32>) -> Vec<u32> {
    let region = reference.own.as_ref().and_then(Own::region);
    let centre = region.and_then(|region| centre(reference, region));
    let mut ranked: Vec<(u8, u32, &str, u32)> = markets
        .into_iter()
        .filter_map(|id| {
            let market = reference.markets.get(&id)?;
            let rank = if region.is_some() && market.region == region {
                0
            } else {
                1 + u8::from(reference.country.is_some_and(|country| country != market.country))
            };
            let away_km = match (rank, centre, position(market)) {
                (0, ..) => 0,
                (_, Some(centre), Some(at)) => distance_km(centre, at) as u32,
                _ => u32::MAX,
            };
            Some((rank, away_km, market.name.as_str(), id))
        })
        .collect();
    ranked.sort_unstable();
    ranked.into_iter().map(|(.., id)| id).collect()
}

/// Where a region is: the middle of its markets.
fn centre(reference: &Reference, region: RegionId) -> Option<(f64, f64)> {
    let places: Vec<(f64, f64)> =
        reference.markets.values().filter(|m| m.region == Some(region)).filter_map(position).collect();
    let count = places.len() as f64;
    let sum = places.iter().fold((0.0, 0.0), |sum, at| (sum.0 + at.0, sum.1 + at.1));
    (count > 0.0).then(|| (sum.0 / count, sum.1 / count))
}

fn is_near(a: &Market, b: &Market) -> bool {
    match (position(a), position(b)) {
        (Some(from), Some(to)) => distance_km(from, to) <= NEAR_KM,
        _ => a.region.is_some() && a.region == b.region,
    }
}

/// How far two markets are apart; where one's place is not known, as near as a neighbour within a region and last outside.
fn away_km(a: &Market, b: &Market) -> u32 {
    match (position(a), position(b)) {
        _ if a.id == b.id => 0,
        (Some(from), Some(to)) => distance_km(from, to) as u32,
        _ if a.region.is_some() && a.region == b.region => NEAR_KM as u32,
        _ => u32::MAX,
    }
}

/// Latitude and longitude in degrees.
fn position(market: &Market) -> Option<(f64, f64)> {
    Some((market.latitude_e5? as f64 / 1e5, market.longitude_e5? as f64 / 1e5))
}

/// Along a great circle.
fn distance_km(from: (f64, f64), to: (f64, f64)) -> f64 {
    let (lat_a, lat_b) = (from.0.to_radians(), to.0.to_radians());
    let (d_lat, d_lon) = (lat_b - lat_a, (to.1 - from.1).to_radians());
    let half = (d_lat / 2.0).sin().powi(2) + lat_a.cos() * lat_b.cos() * (d_lon / 2.0).sin().powi(2);
    2.0 * 6_371.0 * half.sqrt().min(1.0).asin()
}

/// Markets by id with their names, those of which a word begins with some letters.
pub(super) fn named_markets<'a>(
    reference: &'a Reference,
    markets: &'a [u32],
    starts_with: &'a str,
) -> impl Iterator<Item = Named> + 'a {
    markets.iter().filter_map(move |id| {
        let name = &reference.markets.get(id)?.name;
        super::begins(name, starts_with).then(|| Named { id: *id, name: name.clone() })
    })
}

impl Prices for View<'_> {
    fn markets(&self, commodity: u32, _: &Phone, starts_with: &str, window: Window) -> Read<Vec<Named>> {
        let lines = self.lines(commodity).map_err(unreadable)?;
        Ok(part(named_markets(&self.reference, lines.markets(), starts_with), window))
    }

    fn nearest(&self, commodity: u32, to: Option<u32>) -> Read<Vec<Named>> {
        let lines = self.lines(commodity).map_err(unreadable)?;
        let markets = lines.nearest(&self.reference, to);
        Ok(named_markets(&self.reference, &markets, "").collect())
    }

    fn all_markets(&self) -> Read<Vec<Named>> {
        let mut all: Vec<u32> = self.reference.markets.keys().copied().collect();
        all.sort_unstable();
        Ok(named_markets(&self.reference, &all, "").collect())
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_a_map() {
        let (lilongwe, blantyre) = ((-13.96, 33.79), (-15.79, 35.01));
        let km = distance_km(lilongwe, blantyre);
        assert!((235.0..250.0).contains(&km), "{km}");
        assert!(distance_km(lilongwe, lilongwe) < 0.001);
    }
}
