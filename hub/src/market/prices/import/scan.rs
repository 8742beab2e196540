//! A file's own lists: what a first reading of it finds, and what a second one hands out in chunks.
//!
//! The first reading gathers markets, commodities, units, price types and series with the newest month of each, so
//! that rows go straight to where they will stand: no price enters the feed that the same file pushes out again. Its
//! size is that of the lists, never that of the rows. Pure: nothing here knows a database.

use std::collections::HashMap;
use std::io::Read;

use sync_protocol::country::Country;
use sync_protocol::units::Month;

use super::super::wfp::unit::belongs_on_farmer_menu;
use super::super::wfp::{Counts, DataRow, FileError, PriceReader, PriceRow, Reason, Reject, Row, YEAR_MIN};
use super::error::ImportError;
use super::places::FilePlace;

/// Data rows of one chunk, taken or not: one transaction at the database, and what is held in memory of the rows.
pub(super) const CHUNK_ROWS: usize = 5_000;

/// Different series in one file. The largest country of the source has fewer than 20,000; beyond this it is no price
/// file, and its lists would fill the memory.
pub(super) const FILE_SERIES_MAX: usize = 200_000;

/// The first month a price may be of, where the bits of [`MonthSet`] begin.
const FIRST_MONTH: u32 = YEAR_MIN * 12;

/// Texts with what is known about each, numbered in the order of their first appearance.
#[derive(Debug)]
pub(super) struct Names<T> {
    index: HashMap<String, u32>,
    list: Vec<(String, T)>,
}

impl<T> Default for Names<T> {
    fn default() -> Self {
        Self { index: HashMap::new(), list: Vec::new() }
    }
}

impl<T: Default> Names<T> {
    fn take(&mut self, name: &str) -> u32 {
        if let Some(&place) = self.index.get(name) {
            return place;
        }
        // Fits: there are no more names than series, and those have a bound.
        let place = self.list.len() as u32;
        self.index.insert(name.to_string(), place);
        self.list.push((name.to_string(), T::default()));
        place
    }
}

impl<T> Names<T> {
    fn find(&self, name: &str) -> Option<u32> {
        self.index.get(name).copied()
    }

    /// The text and the facts of one number.
    pub(super) fn get(&self, place: u32) -> Option<(&str, &T)> {
        self.list.get(place as usize).map(|(name, facts)| (name.as_str(), facts))
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    fn facts(&mut self, place: u32) -> Option<&mut T> {
        self.list.get_mut(place as usize).map(|(_, facts)| facts)
    }
}

/// What a file says about a commodity.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct CommodityFacts {
    pub(super) category: String,
    pub(super) wfp_id: Option<u32>,
    /// Whether any of its units is one of goods for farmers.
    pub(super) on_menus: bool,
}

/// What one line of a price history is of; numbers of the catalogue's lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct SeriesKey {
    pub(super) market: u32,
    pub(super) commodity: u32,
    pub(super) unit: u32,
    pub(super) price_type: u32,
}

/// Everything in a file but its prices.
#[derive(Debug)]
pub(super) struct Catalogue {
    pub(super) country: &'static Country,
    pub(super) counts: Counts,
    /// The newest month of an accepted row: which of two publications is the newer.
    pub(super) newest: Option<Month>,
    pub(super) markets: Names<FilePlace>,
    pub(super) commodities: Names<CommodityFacts>,
    pub(super) units: Names<()>,
    pub(super) price_types: Names<()>,
    series_index: HashMap<SeriesKey, u32>,
    /// Each series with its newest month.
    series: Vec<(SeriesKey, Month)>,
}

impl Catalogue {
    /// Reads a whole file.
    ///
    /// # Errors
    /// When the file cannot be read to its end, or has more series than any price file.
    pub(super) fn read<R: Read>(reader: PriceReader<R>) -> Result<Self, ImportError> {
        let mut catalogue = Self {
            country: reader.country(),
            counts: Counts::default(),
            newest: None,
            markets: Names::default(),
            commodities: Names::default(),
            units: Names::default(),
            price_types: Names::default(),
            series_index: HashMap::new(),
            series: Vec::new(),
        };
        for data in reader {
            let data = data?;
            catalogue.counts.add(&data.row);
            match &data.row {
                Row::Price(price) => catalogue.take(price)?,
                Row::Refused(Reject { reason: Reason::SeparatedNumber { text, .. }, .. }) => {
                    let (line, text) = (data.line, text.clone());
                    return Err(FileError::SeparatedNumbers { line, text }.into());
                }
                _ => {}
            }
        }
        Ok(catalogue)
    }

    fn take(&mut self, price: &PriceRow) -> Result<(), ImportError> {
        let key = SeriesKey {
            market: self.markets.take(&price.market),
            commodity: self.commodities.take(&price.commodity),
            unit: self.units.take(&price.unit),
            price_type: self.price_types.take(price.price_type.as_str()),
        };
        self.newest = self.newest.max(Some(price.month));
        if let Some(place) = self.markets.facts(key.market) {
            place.see(price);
        }
        if let Some(facts) = self.commodities.facts(key.commodity) {
            if facts.category.is_empty() {
                facts.category.clone_from(&price.category);
            }
            facts.wfp_id = facts.wfp_id.or(price.wfp_commodity_id);
            facts.on_menus |= belongs_on_farmer_menu(&price.category, &price.unit);
        }
        let next = self.series.len();
        let place = *self.series_index.entry(key).or_insert(next as u32);
        match self.series.get_mut(place as usize) {
            Some((_, newest)) => *newest = price.month.max(*newest),
            None if next == FILE_SERIES_MAX => return Err(ImportError::TooManySeries),
            None => self.series.push((key, price.month)),
        }
        Ok(())
    }

    /// The key and the newest month of one series.
    pub(super) fn series(&self, place: u32) -> Option<(SeriesKey, Month)> {
        self.series.get(place as usize).copied()
    }

    pub(super) fn series_len(&self) -> usize {
        self.series.len()
    }

    fn series_of(&self, price: &PriceRow) -> Option<u32> {
        let key = SeriesKey {
            market: self.markets.find(&price.market)?,
            commodity: self.commodities.find(&price.commodity)?,
            unit: self.units.find(&price.unit)?,
            price_type: self.price_types.find(price.price_type.as_str())?,
        };
        self.series_index.get(&key).copied()
    }
}

/// One price of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Priced {
    /// Its line in the file.
    pub(super) line: u64,
    /// Its series' number in the catalogue.
    pub(super) series: u32,
    pub(super) month: Month,
    pub(super) price_minor: i64,
    /// Bits of `PriceFlags`, never suspect.
    pub(super) flags: u32,
    /// The file had a price of this series and month before.
    pub(super) repeated: bool,
}

/// Some rows of a file, in its order.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    pub(super) prices: Vec<Priced>,
    /// Refused and quarantined rows.
    pub(super) rejects: Vec<DataRow>,
    pub(super) counts: Counts,
}

/// The months seen of one series, a bit each.
#[derive(Debug, Default, Clone)]
struct MonthSet(Vec<u64>);

impl MonthSet {
    /// Whether the month was not there yet.
    fn insert(&mut self, month: Month) -> bool {
        let bit = month.0.saturating_sub(FIRST_MONTH) as usize;
        let (word, mask) = (bit / 64, 1 << (bit % 64));
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        let seen = self.0.get(word).is_some_and(|bits| bits & mask != 0);
        if let Some(bits) = self.0.get_mut(word) {
            *bits |= mask;
        }
        !seen
    }
}

/// The second reading of a file, as chunks. Iterate over it; an error is the last item.
pub(super) struct Chunks<'a, R> {
    reader: PriceReader<R>,
    catalogue: &'a Catalogue,
    seen: Vec<MonthSet>,
    counts: Counts,
    chunk_rows: usize,
    ended: bool,
}

impl<'a, R: Read> Chunks<'a, R> {
    pub(super) fn new(reader: PriceReader<R>, catalogue: &'a Catalogue, chunk_rows: usize) -> Self {
        let seen = vec![MonthSet::default(); catalogue.series_len()];
        Self { reader, catalogue, seen, counts: Counts::default(), chunk_rows, ended: false }
    }

    fn chunk(&mut self) -> Result<Chunk, ImportError> {
        let mut chunk = Chunk::default();
        for data in self.reader.by_ref().take(self.chunk_rows) {
            let data = data?;
            chunk.counts.add(&data.row);
            self.counts.add(&data.row);
            match &data.row {
                Row::Price(price) => {
                    let series = self.catalogue.series_of(price).ok_or(ImportError::FileChanged)?;
                    let seen = self.seen.get_mut(series as usize).ok_or(ImportError::FileChanged)?;
                    chunk.prices.push(Priced {
                        line: data.line,
                        series,
                        month: price.month,
                        price_minor: price.price_minor,
                        flags: price.flags.0,
                        repeated: !seen.insert(price.month),
                    });
                }
                Row::Forecast => {}
                Row::Quarantined(_) | Row::Refused(_) => chunk.rejects.push(data),
            }
        }
        if chunk.counts.read == 0 && self.counts != self.catalogue.counts {
            return Err(ImportError::FileChanged);
        }
        Ok(chunk)
    }
}

impl<R: Read> Iterator for Chunks<'_, R> {
    type Item = Result<Chunk, ImportError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let chunk = self.chunk();
        self.ended = !matches!(&chunk, Ok(chunk) if chunk.counts.read > 0);
        match chunk {
            Ok(chunk) if self.ended => {
                drop(chunk);
                None
            }
            chunk => Some(chunk),
        }
    }
}
