//! The World Food Programme's price files: bytes in, checked rows out.
//!
//! Pure: nothing here knows a database, a clock or the network. It must never guess: a value that could mean two
//! things is refused with a sentence that says what to do, and the file's dollar prices are never read, because
//! some of them are wrong by a factor of ten.
//!
//! A file goes through [`PriceReader`], which yields each data row as accepted, forecast, quarantined or refused;
//! [`rejects`] writes the last two for a person; [`mod@unit`] says what a price is for; [`names`] knows farmers' words
//! for a commodity; [`suspect`] marks prices that break with their series.

mod dates;
mod decimal;
mod error;
mod lines;
pub mod names;
mod reader;
mod records;
pub mod rejects;
mod row;
pub mod suspect;
#[cfg(test)]
mod tests;
pub mod unit;

pub use error::{FileError, Reason};
pub use lines::LINE_MAX_BYTES;
pub use reader::{Counts, DataRow, PriceReader, country_from_file_name};
pub use row::{Coordinates, PriceRow, PriceType, Reject, Row, TEXT_MAX_CHARS, YEAR_MAX, YEAR_MIN};

/// What must be shown wherever these prices are, as their licence (CC BY-IGO) asks.
pub const ATTRIBUTION: &str = "Source: WFP via HDX";
