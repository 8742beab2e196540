//! Dates as price files write them: `2006-01-15`, or `2006-1-5`, `2006/1/5` and `1/15/2006` after a spreadsheet had the file in hand.
//!
//! `1/2/2006` alone means nothing. [`probe`] looks at all slash dates of a file once; only a file that proves to be
//! month first is taken. It must never decide by habit or by the country.

use std::io::Read;

use jiff::civil::Date;
use sync_protocol::units::Month;

use super::error::FileError;
use super::records::{Record, Records};

/// How the dates of a file are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DateStyle {
    /// Year first only.
    YearFirst,
    /// Slash dates are month first; year-first ones are taken too.
    MonthFirst,
}

/// The numbers of a date, not yet known to be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    YearFirst { year: i16, month: i8, day: i8 },
    Slashes { first: i8, second: i8, year: i16 },
}

fn number(text: &str, lengths: std::ops::RangeInclusive<usize>) -> Option<i16> {
    let plain = lengths.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

fn shape(text: &str) -> Option<Shape> {
    let small = |text: &str, lengths| number(text, lengths).and_then(|n| i8::try_from(n).ok());
    let parts = |mark| {
        let mut parts = text.split(mark);
        let three = (parts.next()?, parts.next()?, parts.next()?);
        parts.next().is_none().then_some(three)
    };
    // Four digits can only be the year: then there is one way to read the rest.
    let year_first = parts('-').or_else(|| parts('/').filter(|(year, ..)| year.len() == 4));
    if let Some((year, month, day)) = year_first {
        return Some(Shape::YearFirst {
            year: number(year, 4..=4)?,
            month: small(month, 1..=2)?,
            day: small(day, 1..=2)?,
        });
    }
    let (first, second, year) = parts('/')?;
    Some(Shape::Slashes {
        first: small(first, 1..=2)?,
        second: small(second, 1..=2)?,
        year: number(year, 4..=4)?,
    })
}

/// The month of a date; `None` when the text is no date, or not one of the file's style.
pub(super) fn month_of(text: &str, style: DateStyle) -> Option<Month> {
    let (year, month, day) = match (shape(text)?, style) {
        (Shape::YearFirst { year, month, day }, _) => (year, month, day),
        (Shape::Slashes { first, second, year }, DateStyle::MonthFirst) => (year, first, second),
        (Shape::Slashes { .. }, DateStyle::YearFirst) => return None,
    };
    Date::new(year, month, day).ok()?;
    Month::new(u32::try_from(year).ok()?, u32::try_from(month).ok()?)
}

/// Finds out how a file writes dates. Reads no further than the first date if that is year first, else to the end.
///
/// # Errors
/// When slash dates are not provably month first, or the file cannot be read.
pub(super) fn probe<R: Read>(records: &mut Records<R>) -> Result<DateStyle, FileError> {
    let date = records.columns().date;
    let (mut first_slash, mut month_first, mut day_first) = (None, None, None);
    while let Some((line, record)) = records.advance()? {
        let Record::Fields(fields) = record else { continue };
        match fields.get(date).and_then(|text| shape(text.trim())) {
            Some(Shape::YearFirst { .. }) if first_slash.is_none() => return Ok(DateStyle::YearFirst),
            Some(Shape::Slashes { first, second, .. }) => {
                first_slash.get_or_insert(line);
                match (first > 12, second > 12) {
                    (false, true) => month_first = month_first.or(Some(line)),
                    (true, false) => day_first = day_first.or(Some(line)),
                    _ => {}
                }
            }
            _ => {}
        }
    }
    match (first_slash, month_first, day_first) {
        (None, ..) => Ok(DateStyle::YearFirst),
        (Some(_), Some(_), None) => Ok(DateStyle::MonthFirst),
        (Some(_), None, Some(line)) => Err(FileError::DayFirstDates { line }),
        (Some(_), Some(month_first_line), Some(day_first_line)) => {
            Err(FileError::MixedDates { month_first_line, day_first_line })
        }
        (Some(line), None, None) => Err(FileError::AmbiguousDates { line }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_both_styles_and_any_day() {
        let expected = Month::new(2006, 2);
        for text in [
            "2006-02-15",
            "2006-02-28",
            "2006-2-5",
            "2006/02/15",
            "2006/2/5",
            "2/15/2006",
            "02/15/2006",
            "2/1/2006",
        ] {
            assert_eq!(month_of(text, DateStyle::MonthFirst), expected, "{text}");
        }
        assert_eq!(month_of("2/15/2006", DateStyle::YearFirst), None);
    }

    #[test]
    fn refuses_what_is_no_date() {
        for text in [
            "",
            "2006",
            "2006-02",
            "2006-02-30",
            "2006-13-01",
            "06-02-15",
            "15/2/2006",
            "2/15/06",
            "2/30/2006",
            "0/15/2006",
            "2006/02/30",
            "2006-002-15",
            "2006-02-15 00:00",
            "2006-02-15-1",
            "#date",
            "2-15/2006",
            "Feb 2006",
        ] {
            assert_eq!(month_of(text, DateStyle::MonthFirst), None, "{text}");
        }
        assert!(month_of("2023-02-29", DateStyle::MonthFirst).is_none());
        assert!(month_of("2024-02-29", DateStyle::MonthFirst).is_some());
    }

    proptest! {
        #[test]
        fn any_text_gives_a_month_or_nothing(text in "\\PC{0,20}|[0-9/-]{0,12}") {
            let _ = month_of(&text, DateStyle::MonthFirst);
        }
    }
}
