//! The list of rows that an import did not take, as a file for a person.
//!
//! There is no file until there is a row for it. It must never be read back: it says what happened, nothing more.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use sync_protocol::market::PriceFlags;
use sync_protocol::units::{Currency, Month};

use super::super::wfp::DataRow;
use super::super::wfp::rejects::RejectsWriter;
use super::error::ImportError;
use super::plan::{Objected, Objection};
use super::scan::Catalogue;

/// A file that is made by the first write to it.
struct LazyFile {
    path: PathBuf,
    file: Option<File>,
}

impl Write for LazyFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(file) = &mut self.file {
            return file.write(bytes);
        }
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        self.file.insert(File::create(&self.path)?).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}

/// The list of one import; nothing is written where no folder was given.
pub(super) struct Rejects {
    path: PathBuf,
    writer: Option<RejectsWriter<LazyFile>>,
    currency: Currency,
}

impl Rejects {
    /// A list `<folder>/<file>-<import>.csv`, with the columns of the file itself after line, outcome and reason.
    pub(super) fn new(
        folder: Option<&Path>,
        file: &Path,
        import_id: i32,
        header: &[String],
        currency: Currency,
    ) -> Self {
        let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let path = folder.map(|folder| folder.join(format!("{stem}-{import_id}.csv")));
        let writer = path
            .clone()
            .map(|path| RejectsWriter::new(LazyFile { path, file: None }, header.iter().map(String::as_str)));
        Self { path: path.unwrap_or_default(), writer, currency }
    }

    /// Adds rows that the reader refused or quarantined.
    pub(super) fn add(&mut self, rows: &[DataRow]) -> Result<(), ImportError> {
        let Some(writer) = &mut self.writer else { return Ok(()) };
        let done = rows.iter().try_for_each(|row| writer.add(row));
        done.map_err(|source| ImportError::Rejects { path: self.path.clone(), source })
    }

    /// Adds a well-formed price that was not stored.
    pub(super) fn object(
        &mut self,
        catalogue: &Catalogue,
        series: u32,
        objected: &Objected,
    ) -> Result<(), ImportError> {
        let Some(writer) = &mut self.writer else { return Ok(()) };
        let (outcome, reason) = match objected.objection {
            Objection::Contradicts => (
                "refused",
                "an earlier line has another price for the same market, commodity, unit, price type and month"
                    .to_string(),
            ),
            Objection::OtherFlag { stand } => (
                "kept",
                format!(
                    "an earlier line has the same price with another flag ({}): that line stands",
                    flag_words(PriceFlags(stand))
                ),
            ),
            Objection::Differs { stands_minor } => {
                let stands = in_major(stands_minor, self.currency);
                ("kept", format!("a newer publication was imported before and has {stands}: that price stays"))
            }
        };
        let field = |column: &str| field(catalogue, series, objected, self.currency, column);
        writer
            .add_price(objected.price.line, outcome, &reason, field)
            .map_err(|source| ImportError::Rejects { path: self.path.clone(), source })
    }

    /// Ends the list. Gives its path, if there is one.
    pub(super) fn finish(self) -> Result<Option<PathBuf>, ImportError> {
        let Some(writer) = self.writer else { return Ok(None) };
        let rows = writer.rows();
        let ended = writer.finish().and_then(|mut file| file.flush());
        match ended {
            Ok(()) if rows == 0 => Ok(None),
            Ok(()) => Ok(Some(self.path)),
            Err(source) => Err(ImportError::Rejects { path: self.path, source }),
        }
    }
}

/// What stands in one column of a price, as far as it is known after reading.
fn field(
    catalogue: &Catalogue,
    series: u32,
    objected: &Objected,
    currency: Currency,
    column: &str,
) -> String {
    let price = &objected.price;
    let Some((key, _)) = catalogue.series(series) else { return String::new() };
    let name = |found: Option<&str>| found.unwrap_or_default().to_string();
    match column {
        "date" => Month(price.month).to_string(),
        "market" => name(catalogue.markets.get(key.market).map(|(name, _)| name)),
        "commodity" => name(catalogue.commodities.get(key.commodity).map(|(name, _)| name)),
        "unit" => name(catalogue.units.get(key.unit).map(|(name, ())| name)),
        "pricetype" => name(catalogue.price_types.get(key.price_type).map(|(name, ())| name)),
        "priceflag" => flag_words(PriceFlags(price.flags)),
        "currency" => currency.to_string(),
        "price" => in_major(price.price_minor, currency),
        _ => String::new(),
    }
}

fn flag_words(flags: PriceFlags) -> String {
    let words = [(PriceFlags::ACTUAL, "actual"), (PriceFlags::AGGREGATE, "aggregate")];
    let words: Vec<&str> = words.iter().filter(|(flag, _)| flags.has(*flag)).map(|(_, word)| *word).collect();
    words.join(",")
}

/// An amount as people write it: `16.13`, or `1056` for a currency without minor units.
fn in_major(amount_minor: i64, currency: Currency) -> String {
    match currency.digits() {
        0 => amount_minor.to_string(),
        digits => {
            let scale = 10u64.pow(digits);
            let (whole, part) = (amount_minor.unsigned_abs() / scale, amount_minor.unsigned_abs() % scale);
            let sign = if amount_minor < 0 { "-" } else { "" };
            format!("{sign}{whole}.{part:0width$}", width = digits as usize)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_as_people_write_them() {
        let amount = |amount_minor, code| in_major(amount_minor, Currency::new(code).unwrap());
        assert_eq!(amount(1_613, "KES"), "16.13");
        assert_eq!(amount(5, "MWK"), "0.05");
        assert_eq!(amount(1_056, "UGX"), "1056");
    }

    #[test]
    fn flags_are_the_words_of_the_file() {
        assert_eq!(flag_words(PriceFlags::ACTUAL.with(PriceFlags::AGGREGATE)), "actual,aggregate");
        assert_eq!(flag_words(PriceFlags::AGGREGATE), "aggregate");
    }
}
