//! The list of rows that were not taken, as CSV for a person: line, outcome, reason, and the row as it stood.
//!
//! Rows go out as they come; nothing is gathered. Texts are the file's own: this must not change them.

use std::io::{self, Write};

use super::reader::DataRow;
use super::row::Row;

/// Writes refused and quarantined rows. Nothing is written, not even a header, before the first one.
pub struct RejectsWriter<W: Write> {
    out: csv::Writer<W>,
    header: Vec<String>,
    rows: u64,
}

impl<W: Write> RejectsWriter<W> {
    /// A list on `out` for a file with these columns (see [`super::PriceReader::header`]).
    pub fn new<'a>(out: W, header: impl IntoIterator<Item = &'a str>) -> Self {
        let header = header.into_iter().map(String::from).collect();
        Self { out: csv::WriterBuilder::new().flexible(true).from_writer(out), header, rows: 0 }
    }

    /// Adds the row if it was refused or quarantined; passes over it if not.
    ///
    /// # Errors
    /// When the output fails.
    pub fn add(&mut self, data: &DataRow) -> io::Result<()> {
        let (outcome, reject) = match &data.row {
            Row::Refused(reject) => ("refused", reject),
            Row::Quarantined(reject) => ("quarantined", reject),
            Row::Price(_) | Row::Forecast => return Ok(()),
        };
        self.write_with_header(&data.line.to_string(), outcome, &reject.reason.to_string(), &reject.raw)
    }

    /// Adds a well-formed price that was not stored all the same. `field` gives the text of a column by its name in
    /// lower case; empty where there is none.
    ///
    /// # Errors
    /// When the output fails.
    pub fn add_price(
        &mut self,
        line: u64,
        outcome: &str,
        reason: &str,
        field: impl Fn(&str) -> String,
    ) -> io::Result<()> {
        let fields: Vec<String> =
            self.header.iter().map(|column| field(&column.trim().to_ascii_lowercase())).collect();
        self.write_with_header(&line.to_string(), outcome, reason, &fields)
    }

    /// Rows in the list.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Ends the list and gives the output back.
    ///
    /// # Errors
    /// When the output fails.
    pub fn finish(self) -> io::Result<W> {
        self.out.into_inner().map_err(csv::IntoInnerError::into_error)
    }

    fn write_with_header(
        &mut self,
        line: &str,
        outcome: &str,
        reason: &str,
        rest: &[String],
    ) -> io::Result<()> {
        if self.rows == 0 {
            self.write(["line", "outcome", "reason"], &self.header.clone())?;
        }
        self.rows += 1;
        self.write([line, outcome, reason], rest)
    }

    fn write(&mut self, first: [&str; 3], rest: &[String]) -> io::Result<()> {
        let fields = first.into_iter().chain(rest.iter().map(String::as_str));
        self.out.write_record(fields).map_err(io::Error::from)
    }
}
