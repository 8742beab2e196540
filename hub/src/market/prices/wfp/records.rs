//! Fields out of lines, and columns by name.
//!
//! The header alone decides where a value stands; a column that is not known is passed over. A row that cannot be
//! split is reported with its line, and reading goes on after it.

use std::io::{Cursor, Read, SeekFrom};

use csv::{Position, ReaderBuilder, StringRecord};

use super::error::{FileError, Reason};
use super::lines::Lines;

/// A UTF-8 byte order mark, which spreadsheets put in front.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// Where each value stands in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Columns {
    pub(super) date: usize,
    pub(super) admin1: usize,
    pub(super) admin2: usize,
    pub(super) market: usize,
    pub(super) latitude: usize,
    pub(super) longitude: usize,
    pub(super) category: usize,
    pub(super) commodity: usize,
    pub(super) unit: usize,
    pub(super) price_flag: usize,
    pub(super) price_type: usize,
    pub(super) currency: usize,
    pub(super) price: usize,
    /// Only in files of 2026 and later.
    pub(super) market_id: Option<usize>,
    /// Only in files of 2026 and later.
    pub(super) commodity_id: Option<usize>,
    /// Only in the worldwide files.
    pub(super) country: Option<usize>,
}

impl Columns {
    fn find(header: &StringRecord) -> Result<Self, FileError> {
        let mut missing = Vec::new();
        let mut repeated = None;
        let mut optional = |name: &'static str| {
            let mut places =
                header.iter().enumerate().filter(|(_, text)| text.trim().eq_ignore_ascii_case(name));
            let place = places.next().map(|(place, _)| place);
            if places.next().is_some() {
                repeated.get_or_insert(name);
            }
            place
        };
        let market_id = optional("market_id");
        let commodity_id = optional("commodity_id");
        let country = optional("countryiso3");
        let mut required = |name: &'static str| {
            optional(name).unwrap_or_else(|| {
                missing.push(name);
                0
            })
        };
        let columns = Self {
            date: required("date"),
            admin1: required("admin1"),
            admin2: required("admin2"),
            market: required("market"),
            latitude: required("latitude"),
            longitude: required("longitude"),
            category: required("category"),
            commodity: required("commodity"),
            unit: required("unit"),
            price_flag: required("priceflag"),
            price_type: required("pricetype"),
            currency: required("currency"),
            price: required("price"),
            market_id,
            commodity_id,
            country,
        };
        if !missing.is_empty() {
            return Err(FileError::MissingColumns { names: missing });
        }
        match repeated {
            Some(name) => Err(FileError::RepeatedColumn { name }),
            None => Ok(columns),
        }
    }
}

/// Splits one line into fields by the rules of CSV, with one parser for the whole file.
struct Splitter(csv::Reader<Cursor<Vec<u8>>>);

impl Splitter {
    fn new() -> Self {
        let mut builder = ReaderBuilder::new();
        Self(builder.has_headers(false).flexible(true).from_reader(Cursor::default()))
    }

    /// Puts the fields of `line` into `record`. The line must be UTF-8 without line ends.
    fn split(&mut self, line: &[u8], record: &mut StringRecord) -> Result<(), Reason> {
        let input = self.0.get_mut().get_mut();
        input.clear();
        input.extend_from_slice(line);
        // If a quotation mark is open at the end of the line, the line end becomes part of the last field: that
        // is how it is noticed.
        input.push(b'\n');
        let split = self
            .0
            .seek_raw(SeekFrom::Start(0), Position::new())
            .and_then(|()| self.0.read_record(record))
            .map_err(|_| Reason::NotUtf8)?;
        let open = record.iter().next_back().is_some_and(|last| last.ends_with('\n'));
        if !split || open { Err(Reason::OpenQuote) } else { Ok(()) }
    }
}

/// A row of the file as it stands there.
pub(super) enum Record<'a> {
    /// Split into as many fields as the header has.
    Fields(&'a StringRecord),
    /// Not usable: why, and what could be read of it.
    Bad(Reason, Vec<String>),
}

/// The data rows of a file, one at a time. Blank rows and the HXL tags under the header are left out.
pub(super) struct Records<R> {
    lines: Lines<R>,
    splitter: Splitter,
    record: StringRecord,
    header: StringRecord,
    columns: Columns,
    first: bool,
}

impl<R: Read> Records<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// When there is none, or it does not name all columns once.
    pub(super) fn open(source: R) -> Result<Self, FileError> {
        let mut lines = Lines::new(source);
        loop {
            match lines.advance() {
                Ok(true) => {}
                Ok(false) => return Err(FileError::Empty),
                Err(source) => return Err(FileError::Read { line: lines.number(), source }),
            }
            lines.drop_prefix(BOM);
            if !lines.line().trim_ascii().is_empty() {
                break;
            }
        }
        let text = match std::str::from_utf8(lines.line()) {
            Ok(text) if !lines.too_long() && !text.contains('\0') => text,
            _ => return Err(FileError::NotCsv),
        };
        if !text.contains(',') && text.contains([';', '\t']) {
            return Err(FileError::NotCommas);
        }
        let (mut splitter, mut header) = (Splitter::new(), StringRecord::new());
        splitter.split(lines.line(), &mut header).map_err(|_| FileError::NotCsv)?;
        let columns = Columns::find(&header)?;
        Ok(Self { lines, splitter, record: StringRecord::new(), header, columns, first: true })
    }

    pub(super) fn columns(&self) -> &Columns {
        &self.columns
    }

    /// The header as it stands in the file.
    pub(super) fn header(&self) -> &StringRecord {
        &self.header
    }

    pub(super) fn bytes_read(&self) -> u64 {
        self.lines.bytes_read()
    }

    /// The next data row with the number of its line; `None` at the end.
    pub(super) fn advance(&mut self) -> Result<Option<(u64, Record<'_>)>, FileError> {
        loop {
            match self.lines.advance() {
                Ok(true) => {}
                Ok(false) => return Ok(None),
                Err(source) => return Err(FileError::Read { line: self.lines.number(), source }),
            }
            let line = self.lines.line();
            if line.is_empty() {
                continue;
            }
            let number = self.lines.number();
            if let Err(reason) = self.split_line() {
                self.first = false;
                let raw = lossy_fields(self.lines.line());
                return Ok(Some((number, Record::Bad(reason, raw))));
            }
            if self.record.iter().all(|field| field.trim().is_empty()) {
                continue;
            }
            if std::mem::take(&mut self.first) && self.is_tag_row() {
                continue;
            }
            let (found, expected) = (self.record.len(), self.header.len());
            if found != expected {
                let raw = self.record.iter().map(String::from).collect();
                return Ok(Some((number, Record::Bad(Reason::FieldCount { found, expected }, raw))));
            }
            return Ok(Some((number, Record::Fields(&self.record))));
        }
    }

    fn split_line(&mut self) -> Result<(), Reason> {
        if self.lines.too_long() {
            return Err(Reason::LineTooLong);
        }
        let line = self.lines.line();
        std::str::from_utf8(line).map_err(|_| Reason::NotUtf8)?;
        self.splitter.split(line, &mut self.record)
    }

    /// HXL tags, such as `#date,#adm1+name`, stand under the header of files up to 2025.
    fn is_tag_row(&self) -> bool {
        [0, self.columns.date]
            .iter()
            .any(|&place| self.record.get(place).is_some_and(|text| text.trim().starts_with('#')))
    }
}

/// What a person can be shown of a line that is not proper CSV.
fn lossy_fields(line: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(line).split(',').map(String::from).collect()
}
