//! One row's fields to one checked price, or the reason why not.
//!
//! The order of the checks is part of the meaning: a forecast is skipped before its currency is looked at, and a
//! foreign currency is quarantined before the price is weighed. `usdprice` is never read.

use csv::StringRecord;
use mizili_node::name::tidy;
use sync_protocol::country::Country;
use sync_protocol::limits::PRICE_MAX_MINOR;
use sync_protocol::market::PriceFlags;
use sync_protocol::units::{Currency, Month};

use super::dates::{DateStyle, month_of};
use super::decimal::{DecimalError, scaled};
use super::error::{Reason, quote};
use super::records::Columns;

/// Characters of a name in a price file; the longest commodity of the worldwide list has 46.
pub const TEXT_MAX_CHARS: usize = 120;

/// The first year that a price may be of; the database begins in 1990.
pub const YEAR_MIN: u32 = 1970;

/// The last year that a price may be of where the caller sets no nearer bound.
pub const YEAR_MAX: u32 = 2100;

/// Decimal places of a degree that are kept: about one metre.
const DEGREE_PLACES: u32 = 5;

/// What became of one data row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Row {
    /// A price to keep.
    Price(PriceRow),
    /// A forecast with price 0: counted and skipped.
    Forecast,
    /// Well formed, but not this country's: put aside for a person.
    Quarantined(Reject),
    /// Malformed.
    Refused(Reject),
}

/// A row that was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// Why not.
    pub reason: Reason,
    /// The row's fields as they stand in the file; of a line that could not be split, its pieces between commas.
    pub raw: Vec<String>,
}

/// One price as the file gives it, checked. Texts are trimmed, not blank, and at most [`TEXT_MAX_CHARS`] long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceRow {
    /// The month it is of. Files give a day, always the 15th, that means nothing.
    pub month: Month,
    /// First-level division; `None` where the price is for the whole country, and where it was left out.
    pub admin1: Option<String>,
    /// Second-level division.
    pub admin2: Option<String>,
    /// The market's name.
    pub market: String,
    /// The source's number for the market; files before 2026 have none.
    pub wfp_market_id: Option<u32>,
    /// Where the market is.
    pub coordinates: Option<Coordinates>,
    /// Such as "cereals and tubers".
    pub category: String,
    /// Such as "Maize (white)".
    pub commodity: String,
    /// The source's number for the commodity; files before 2026 have none.
    pub wfp_commodity_id: Option<u32>,
    /// What the price is for, as written: `90 KG`. See [`super::unit`].
    pub unit: String,
    /// Seen, averaged, or both; never empty and never suspect: that is decided from the whole series.
    pub flags: PriceFlags,
    /// Retail, wholesale or another word.
    pub price_type: PriceType,
    /// The country's currency.
    pub currency: Currency,
    /// Minor units of the currency for one `unit`: 1 to [`PRICE_MAX_MINOR`]. Where the file is finer than the
    /// currency's minor unit (averages in Ugandan shillings), rounded half up.
    pub price_minor: i64,
}

/// A place on the globe, in hundred-thousandths of a degree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Coordinates {
    /// North of the equator, -9,000,000 to 9,000,000.
    pub latitude_e5: i32,
    /// East of Greenwich, -18,000,000 to 18,000,000.
    pub longitude_e5: i32,
}

/// At which stage of trade a price was seen.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PriceType {
    /// To consumers.
    Retail,
    /// To traders.
    Wholesale,
    /// Another word of the source, such as "Farm Gate".
    Other(String),
}

impl PriceType {
    /// The word as the source writes it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Retail => "Retail",
            Self::Wholesale => "Wholesale",
            Self::Other(text) => text,
        }
    }

    fn from_text(text: String) -> Self {
        match text.as_str() {
            _ if text.eq_ignore_ascii_case("retail") => Self::Retail,
            _ if text.eq_ignore_ascii_case("wholesale") => Self::Wholesale,
            _ => Self::Other(text),
        }
    }
}

/// What is fixed for all rows of a file.
#[derive(Debug, Clone)]
pub(super) struct RowRules {
    pub(super) country: &'static Country,
    pub(super) currency: Currency,
    pub(super) style: DateStyle,
    pub(super) newest: Month,
}

/// Why a row is no price.
enum Stop {
    Forecast,
    Quarantine(Reason),
    Refuse(Reason),
}

impl From<Reason> for Stop {
    fn from(reason: Reason) -> Self {
        Self::Refuse(reason)
    }
}

/// Judges one row. `fields` has as many fields as the header that `columns` was found in.
pub(super) fn judge(fields: &StringRecord, columns: &Columns, rules: &RowRules) -> Row {
    let raw = || fields.iter().map(String::from).collect();
    match price_row(fields, columns, rules) {
        Ok(price) => Row::Price(price),
        Err(Stop::Forecast) => Row::Forecast,
        Err(Stop::Quarantine(reason)) => Row::Quarantined(Reject { reason, raw: raw() }),
        Err(Stop::Refuse(reason)) => Row::Refused(Reject { reason, raw: raw() }),
    }
}

fn price_row(fields: &StringRecord, columns: &Columns, rules: &RowRules) -> Result<PriceRow, Stop> {
    let field = |place: usize| fields.get(place).unwrap_or_default().trim();
    if let Some(place) = columns.country
        && !field(place).eq_ignore_ascii_case(rules.country.iso3)
    {
        return Err(Reason::OtherCountry { text: quote(field(place)), expected: rules.country.iso3 }.into());
    }
    let month = month(field(columns.date), rules)?;
    let (forecast, flags) = flags(field(columns.price_flag))?;
    let price_minor = price(field(columns.price), rules.currency)?;
    if forecast {
        let stop = if price_minor == 0 { Stop::Forecast } else { Reason::ForecastPrice.into() };
        return Err(stop);
    }
    let currency = required("currency", field(columns.currency))?;
    if named_currency(&currency) != Some(rules.currency) {
        let reason = Reason::ForeignCurrency { text: quote(&currency), expected: rules.currency };
        return Err(Stop::Quarantine(reason));
    }
    match price_minor {
        0 => return Err(Reason::ZeroPrice.into()),
        1..=PRICE_MAX_MINOR => {}
        _ => return Err(Reason::PriceTooLarge.into()),
    }
    Ok(PriceRow {
        month,
        admin1: optional("admin1", field(columns.admin1))?,
        admin2: optional("admin2", field(columns.admin2))?,
        market: required("market", field(columns.market))?,
        wfp_market_id: columns.market_id.map_or(Ok(None), |place| id("market_id", field(place)))?,
        coordinates: coordinates(field(columns.latitude), field(columns.longitude))?,
        category: required("category", field(columns.category))?,
        commodity: required("commodity", field(columns.commodity))?,
        wfp_commodity_id: columns.commodity_id.map_or(Ok(None), |place| id("commodity_id", field(place)))?,
        unit: required("unit", field(columns.unit))?,
        flags,
        price_type: PriceType::from_text(required("pricetype", field(columns.price_type))?),
        currency: rules.currency,
        price_minor,
    })
}

/// The currency that the source means: its ISO 4217 code, or the source's own word for it.
fn named_currency(text: &str) -> Option<Currency> {
    // Zimbabwe Gold, as everybody calls it; its code is ZWG.
    let code = if text.eq_ignore_ascii_case("ZiG") { "ZWG" } else { text };
    Currency::new(code)
}

fn month(text: &str, rules: &RowRules) -> Result<Month, Reason> {
    if text.is_empty() {
        return Err(Reason::Blank { column: "date" });
    }
    let month = month_of(text, rules.style).ok_or_else(|| Reason::UnknownDate { text: quote(text) })?;
    if month.year() < YEAR_MIN || month > rules.newest {
        return Err(Reason::DateOutOfRange { text: quote(text) });
    }
    Ok(month)
}

/// Whether the row is a forecast, and the other flags. Several stand in one field: `"actual,aggregate"`.
fn flags(text: &str) -> Result<(bool, PriceFlags), Reason> {
    if text.is_empty() {
        return Err(Reason::Blank { column: "priceflag" });
    }
    let (mut forecast, mut flags) = (false, PriceFlags::default());
    for flag in text.split(',') {
        match flag.trim() {
            flag if flag.eq_ignore_ascii_case("actual") => flags = flags.with(PriceFlags::ACTUAL),
            flag if flag.eq_ignore_ascii_case("aggregate") => flags = flags.with(PriceFlags::AGGREGATE),
            flag if flag.eq_ignore_ascii_case("forecast") => forecast = true,
            _ => return Err(Reason::UnknownFlag { text: quote(text) }),
        }
    }
    Ok((forecast, flags))
}

/// Minor units, 0 or more.
fn price(text: &str, currency: Currency) -> Result<i64, Reason> {
    if text.is_empty() {
        return Err(Reason::Blank { column: "price" });
    }
    match scaled(text, currency.digits()) {
        Ok(..0) => Err(Reason::NegativePrice),
        Ok(price_minor) => Ok(price_minor),
        Err(DecimalError::TooLarge) if text.starts_with('-') => Err(Reason::NegativePrice),
        Err(DecimalError::TooLarge) => Err(Reason::PriceTooLarge),
        Err(DecimalError::NotANumber) => Err(no_number("price", text)),
    }
}

fn optional(column: &'static str, text: &str) -> Result<Option<String>, Reason> {
    if text.chars().any(char::is_control) {
        return Err(Reason::ControlCharacter { column });
    }
    if text.chars().nth(TEXT_MAX_CHARS).is_some() {
        return Err(Reason::TextTooLong { column });
    }
    let text = tidy(text);
    Ok(if text.is_empty() { None } else { Some(text) })
}

fn required(column: &'static str, text: &str) -> Result<String, Reason> {
    optional(column, text)?.ok_or(Reason::Blank { column })
}

fn id(column: &'static str, text: &str) -> Result<Option<u32>, Reason> {
    if text.is_empty() {
        return Ok(None);
    }
    let bad = || Reason::NotANumber { column, text: quote(text) };
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(bad());
    }
    text.parse().map(Some).map_err(|_| bad())
}

fn coordinates(latitude: &str, longitude: &str) -> Result<Option<Coordinates>, Reason> {
    match (latitude.is_empty(), longitude.is_empty()) {
        (true, true) => Ok(None),
        (false, false) => Ok(Some(Coordinates {
            latitude_e5: degrees("latitude", latitude, 9_000_000)?,
            longitude_e5: degrees("longitude", longitude, 18_000_000)?,
        })),
        _ => Err(Reason::HalfCoordinates),
    }
}

fn degrees(column: &'static str, text: &str, limit: i32) -> Result<i32, Reason> {
    match scaled(text, DEGREE_PLACES) {
        Ok(e5) => i32::try_from(e5)
            .ok()
            .filter(|e5| (-limit..=limit).contains(e5))
            .ok_or(Reason::CoordinateOutOfRange { column }),
        Err(DecimalError::TooLarge) => Err(Reason::CoordinateOutOfRange { column }),
        Err(DecimalError::NotANumber) => Err(no_number(column, text)),
    }
}

/// Why a text is no number: `2,450.00`, `2 450` and `45,50` are numbers to whoever wrote them.
fn no_number(column: &'static str, text: &str) -> Reason {
    let is_separator = |c: char| matches!(c, ',' | '.' | '\'' | '’') || c.is_whitespace();
    let groups: Vec<&str> = text.trim_start_matches('-').split(is_separator).collect();
    let is_separated =
        groups.len() > 1 && groups.iter().all(|g| !g.is_empty() && g.bytes().all(|b| b.is_ascii_digit()));
    let text = quote(text);
    if is_separated { Reason::SeparatedNumber { column, text } } else { Reason::NotANumber { column, text } }
}
