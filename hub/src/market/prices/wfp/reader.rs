//! A price file as a stream of judged rows, in bounded memory.
//!
//! It reads the file once, or twice when its dates are written with slashes: those may only be understood after all
//! of them were seen. It keeps one line at a time and never writes anything.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sync_protocol::country::Country;
use sync_protocol::units::{Currency, Month};

use super::dates::probe;
use super::error::{FileError, quote};
use super::records::{Record, Records};
use super::row::{Reject, Row, RowRules, YEAR_MAX, judge};

/// What the name of a country's file begins with; three letters of the country follow.
const FILE_NAME_PREFIX: &str = "wfp_food_prices_";

/// One data row: its line in the file (the header is line 1) and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataRow {
    /// Number of its line, from 1, blank lines counted.
    pub line: u64,
    /// What became of it.
    pub row: Row,
}

/// How many data rows became what. `read` is the sum of the next four.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Data rows, without header, HXL tags and blank rows.
    pub read: u64,
    /// Prices to keep.
    pub accepted: u64,
    /// Forecasts of price 0.
    pub forecast_skipped: u64,
    /// Rows in a currency that is not the country's.
    pub quarantined: u64,
    /// Malformed rows.
    pub refused: u64,
    /// Of the accepted: rows without coordinates.
    pub without_coordinates: u64,
}

impl Counts {
    /// Counts one row.
    pub fn add(&mut self, row: &Row) {
        self.read += 1;
        match row {
            Row::Price(price) => {
                self.accepted += 1;
                self.without_coordinates += u64::from(price.coordinates.is_none());
            }
            Row::Forecast => self.forecast_skipped += 1,
            Row::Quarantined(_) => self.quarantined += 1,
            Row::Refused(_) => self.refused += 1,
        }
    }
}

/// The country that a file's name says, as in `wfp_food_prices_mwi.csv`. Folders before the name, any case, and
/// what a browser appends to a second download (` (1)`) do no harm.
///
/// # Errors
/// `NoCountry` when the name is not of that form, `UnknownCountry` when the three letters are not in the table.
pub fn country_from_file_name(path: &Path) -> Result<&'static Country, FileError> {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let lower = name.to_ascii_lowercase();
    let iso3 = lower.strip_prefix(FILE_NAME_PREFIX).and_then(|rest| {
        let (iso3, after) = rest.split_at_checked(3)?;
        let letters = iso3.bytes().all(|byte| byte.is_ascii_lowercase());
        (letters && !after.starts_with(char::is_alphanumeric)).then_some(iso3)
    });
    match iso3 {
        Some(iso3) => Country::by_iso3(iso3)
            .ok_or_else(|| FileError::UnknownCountry { iso3: iso3.to_ascii_uppercase() }),
        None => Err(FileError::NoCountry { name: quote(&name) }),
    }
}

/// The data rows of one price file, in its order. Iterate over it; an error is the last item.
pub struct PriceReader<R> {
    records: Records<R>,
    rules: RowRules,
    ended: bool,
}

impl PriceReader<File> {
    /// Opens a file. Without a country, the file's name must say it; a file that is not there is told first.
    ///
    /// # Errors
    /// As [`PriceReader::open`] and [`country_from_file_name`].
    pub fn open_path(path: &Path, country: Option<&'static Country>) -> Result<Self, FileError> {
        if std::fs::metadata(path).map_err(FileError::Open)?.is_dir() {
            return Err(FileError::Folder);
        }
        let country = country.map_or_else(|| country_from_file_name(path), Ok)?;
        Self::open(country, || File::open(path))
    }
}

impl<R: Read> PriceReader<R> {
    /// Reads the header and finds out how dates are written. `source` gives the file from its beginning each time;
    /// it is called twice.
    ///
    /// # Errors
    /// When the file cannot be read, is no price file, or has dates that can be read in two ways.
    pub fn open(
        country: &'static Country,
        mut source: impl FnMut() -> io::Result<R>,
    ) -> Result<Self, FileError> {
        let currency = Currency::new(country.currency)
            .ok_or_else(|| FileError::UnknownCountry { iso3: country.iso3.to_string() })?;
        let style = probe(&mut Records::open(source().map_err(FileError::Open)?)?)?;
        let records = Records::open(source().map_err(FileError::Open)?)?;
        let newest = Month(YEAR_MAX * 12 + 11);
        Ok(Self { records, rules: RowRules { country, currency, style, newest }, ended: false })
    }

    /// Refuses rows of later months than this: one wrong digit of a year would otherwise stand as the latest price
    /// for ever. Without it the bound is the end of [`YEAR_MAX`].
    #[must_use]
    pub fn newest(mut self, month: Month) -> Self {
        self.rules.newest = month;
        self
    }

    /// The country the file is read for.
    pub fn country(&self) -> &'static Country {
        self.rules.country
    }

    /// The names of the columns as they stand in the file, for the list of rejected rows.
    pub fn header(&self) -> impl Iterator<Item = &str> {
        self.records.header().iter()
    }

    /// Bytes of the file that are done, for a progress bar.
    pub fn bytes_read(&self) -> u64 {
        self.records.bytes_read()
    }
}

impl<R: Read> Iterator for PriceReader<R> {
    type Item = Result<DataRow, FileError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let columns = *self.records.columns();
        match self.records.advance() {
            Ok(Some((line, record))) => {
                let row = match record {
                    Record::Fields(fields) => judge(fields, &columns, &self.rules),
                    Record::Bad(reason, raw) => Row::Refused(Reject { reason, raw }),
                };
                Some(Ok(DataRow { line, row }))
            }
            Ok(None) => {
                self.ended = true;
                None
            }
            Err(error) => {
                self.ended = true;
                Some(Err(error))
            }
        }
    }
}
