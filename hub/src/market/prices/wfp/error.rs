//! Why a file or a row was not taken, in words an office clerk can act on.
//!
//! A [`FileError`] ends the import of the file; a [`Reason`] concerns one row, and the rest goes on. Neither may
//! quote more than a few words of the file: it comes from outside.

use std::io;

use sync_protocol::units::Currency;

/// Characters of a file's own text that a message repeats.
const QUOTE_MAX_CHARS: usize = 40;

/// The beginning of a text from the file, fit to stand in a message.
pub(super) fn quote(text: &str) -> String {
    text.chars().take(QUOTE_MAX_CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Why a whole file cannot be imported. Nothing of it may be kept.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file could not be opened.
    #[error("the file cannot be opened: {0}")]
    Open(#[source] io::Error),
    /// A folder was named instead of a file.
    #[error("this is a folder: name the files in it")]
    Folder,
    /// Reading stopped in the middle. Trying again may help.
    #[error("reading stopped after line {line}: {source}")]
    Read {
        /// The last line that was read whole.
        line: u64,
        /// What the system said.
        source: io::Error,
    },
    /// There is no header line.
    #[error("the file is empty: it has no header line")]
    Empty,
    /// The bytes are not a plain text table: a spreadsheet's own format, an archive, or another text encoding.
    #[error("this is not a plain CSV file: save it as \"CSV UTF-8 (comma separated)\" and try again")]
    NotCsv,
    /// The columns are parted by something other than commas.
    #[error(
        "the columns are not separated by commas: save the file as \"CSV UTF-8 (comma separated)\" and try again"
    )]
    NotCommas,
    /// Columns that must be there are not.
    #[error("the header lacks the column{} {}: is this a WFP price file?", if names.len() == 1 { "" } else { "s" }, names.join(", "))]
    MissingColumns {
        /// The names that were looked for, in the usual order.
        names: Vec<&'static str>,
    },
    /// Two columns have one name, so it is unknown which one counts.
    #[error("the header has the column {name} twice: remove one of them")]
    RepeatedColumn {
        /// The name.
        name: &'static str,
    },
    /// Dates are written day first.
    #[error(
        "line {line} shows that dates are written day/month/year: save the file again with dates as YYYY-MM-DD"
    )]
    DayFirstDates {
        /// A line whose first number cannot be a month.
        line: u64,
    },
    /// Some dates can only be day first, others only month first.
    #[error(
        "dates are written in two ways (month first in line {month_first_line}, day first in line {day_first_line}): \
         save the file again with dates as YYYY-MM-DD"
    )]
    MixedDates {
        /// A line whose second number cannot be a month.
        month_first_line: u64,
        /// A line whose first number cannot be a month.
        day_first_line: u64,
    },
    /// No date shows whether the day or the month comes first.
    #[error(
        "dates like the one in line {line} can be read day first or month first: save the file again with dates \
         as YYYY-MM-DD"
    )]
    AmbiguousDates {
        /// The first such line.
        line: u64,
    },
    /// Numbers are written with separators of thousands or decimal commas. Nothing of such a file is taken: the rows that seem plain
    /// may mean something else too.
    #[error(
        "line {line} writes a number as \"{text}\": save the file again with plain numbers, such as 2450.00, without separators of \
         thousands and with a point before the decimals"
    )]
    SeparatedNumbers {
        /// The first such line.
        line: u64,
        /// The number as it stands there.
        text: String,
    },
    /// The file's name does not say its country, and nobody else did.
    #[error(
        "the name \"{name}\" does not say the country: name the file wfp_food_prices_xxx.csv, or give its country, such as --country MWI"
    )]
    NoCountry {
        /// The file's name.
        name: String,
    },
    /// The country in the file's name is not in the table of countries.
    #[error(
        "the country \"{iso3}\" is not known here: check the file's name, or ask for the country to be added"
    )]
    UnknownCountry {
        /// Three letters of the file's name.
        iso3: String,
    },
}

impl FileError {
    /// A short name for logs and scripts that does not change when the sentence does.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Open(_) => "cannot_open",
            Self::Folder => "folder",
            Self::Read { .. } => "cannot_read",
            Self::Empty => "empty_file",
            Self::NotCsv => "not_csv",
            Self::NotCommas => "not_comma_separated",
            Self::MissingColumns { .. } => "missing_columns",
            Self::RepeatedColumn { .. } => "repeated_column",
            Self::DayFirstDates { .. } => "day_first_dates",
            Self::MixedDates { .. } => "mixed_dates",
            Self::AmbiguousDates { .. } => "ambiguous_dates",
            Self::SeparatedNumbers { .. } => "separated_numbers",
            Self::NoCountry { .. } => "no_country",
            Self::UnknownCountry { .. } => "unknown_country",
        }
    }
}

/// Why one row was refused or quarantined.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The line is longer than [`super::LINE_MAX_BYTES`].
    #[error(
        "the line is longer than {} characters: a quotation mark or a line end may be missing",
        super::LINE_MAX_BYTES
    )]
    LineTooLong,
    /// The bytes are not UTF-8 text.
    #[error("the line is not UTF-8 text: save the file as \"CSV UTF-8\"")]
    NotUtf8,
    /// A field begins with a quotation mark that is not closed on its line.
    #[error("a quotation mark is not closed")]
    OpenQuote,
    /// The row has more or fewer fields than the header.
    #[error("the row has {found} fields, the header has {expected}")]
    FieldCount {
        /// Fields in the row.
        found: usize,
        /// Fields in the header.
        expected: usize,
    },
    /// A field that must be filled is blank.
    #[error("{column} is blank")]
    Blank {
        /// The column.
        column: &'static str,
    },
    /// A text is longer than [`super::TEXT_MAX_CHARS`].
    #[error("{column} is longer than {} characters", super::TEXT_MAX_CHARS)]
    TextTooLong {
        /// The column.
        column: &'static str,
    },
    /// A text holds a character that cannot be shown.
    #[error("{column} holds a control character")]
    ControlCharacter {
        /// The column.
        column: &'static str,
    },
    /// The date is no date, or is not written as the file's other dates.
    #[error("\"{text}\" is not a date: write YYYY-MM-DD")]
    UnknownDate {
        /// What stands there.
        text: String,
    },
    /// The date is outside the years that can be true.
    #[error("the date {text} is too early or lies in the future")]
    DateOutOfRange {
        /// What stands there.
        text: String,
    },
    /// A number is no number.
    #[error("{column}: \"{text}\" is not a number: write digits with a point, without spaces or commas")]
    NotANumber {
        /// The column.
        column: &'static str,
        /// What stands there.
        text: String,
    },
    /// A number with something between its digits: thousands, or a decimal comma. No import gets as far as storing one.
    #[error("{column}: \"{text}\" has something between its digits: write it with a point at most")]
    SeparatedNumber {
        /// The column.
        column: &'static str,
        /// What stands there.
        text: String,
    },
    /// The price is below zero.
    #[error("the price is negative")]
    NegativePrice,
    /// The price is zero, or less than half of the currency's smallest unit, and the row is no forecast.
    #[error("the price is 0")]
    ZeroPrice,
    /// The price is beyond the largest that is kept.
    #[error("the price is too large")]
    PriceTooLarge,
    /// A price flag that is not known.
    #[error("the price flag \"{text}\" is not known: it is actual, aggregate or forecast")]
    UnknownFlag {
        /// What stands there.
        text: String,
    },
    /// A forecast that carries a price: it was never seen at a market.
    #[error("the row is a forecast, not a price seen at a market")]
    ForecastPrice,
    /// Only one of latitude and longitude is filled.
    #[error("latitude and longitude must both be there or both be blank")]
    HalfCoordinates,
    /// A coordinate is not on the globe.
    #[error("{column} is outside its range")]
    CoordinateOutOfRange {
        /// The column.
        column: &'static str,
    },
    /// The row names another country than the file's.
    #[error("the row is for the country \"{text}\", the file is imported for {expected}")]
    OtherCountry {
        /// What stands there.
        text: String,
        /// The file's country.
        expected: &'static str,
    },
    /// The currency is not the country's: such rows belong to another place. The only reason for quarantine.
    #[error("the currency is {text}, not the country's {expected}")]
    ForeignCurrency {
        /// What stands there.
        text: String,
        /// The country's currency.
        expected: Currency,
    },
}

impl Reason {
    /// A short name for logs and counts that does not change when the sentence does.
    pub fn code(&self) -> &'static str {
        match self {
            Self::LineTooLong => "line_too_long",
            Self::NotUtf8 => "not_utf8",
            Self::OpenQuote => "open_quote",
            Self::FieldCount { .. } => "field_count",
            Self::Blank { .. } => "blank",
            Self::TextTooLong { .. } => "text_too_long",
            Self::ControlCharacter { .. } => "control_character",
            Self::UnknownDate { .. } => "unknown_date",
            Self::DateOutOfRange { .. } => "date_out_of_range",
            Self::NotANumber { .. } => "not_a_number",
            Self::SeparatedNumber { .. } => "separated_number",
            Self::NegativePrice => "negative_price",
            Self::ZeroPrice => "zero_price",
            Self::PriceTooLarge => "price_too_large",
            Self::UnknownFlag { .. } => "unknown_flag",
            Self::ForecastPrice => "forecast_price",
            Self::HalfCoordinates => "half_coordinates",
            Self::CoordinateOutOfRange { .. } => "coordinate_out_of_range",
            Self::OtherCountry { .. } => "other_country",
            Self::ForeignCurrency { .. } => "foreign_currency",
        }
    }
}
