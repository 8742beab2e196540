//! Rows of a list that are alike in all they say are told apart, among those that are read for one screen, by when each was made: by the day, and those of one day by the minute, as
//! the caller's clock has it. Nothing is decided by it.

use super::price_text::month_name;
use super::view::{Cx, Row};
use crate::outbox::utc_offset_s;
use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use sync_protocol::country::Country;

/// The rows of some things; `row` makes one with what it gets for the date, which is nothing for those that differ.
pub(super) fn rows_apart<T>(
    cx: &Cx<'_>,
    things: &[T],
    made_at_s: impl Fn(&T) -> i64,
    row: impl Fn(&T, &str) -> Row,
) -> Vec<Row> {
    let mut rows: Vec<Row> = things.iter().map(|thing| row(thing, "")).collect();
    for with_minute in [false, true] {
        let is_alike = |row: &Row| rows.iter().filter(|other| other.says_the_same(row)).count() > 1;
        let alike: Vec<usize> = (0..rows.len()).filter(|place| is_alike(&rows[*place])).collect();
        for place in alike {
            rows[place] = row(&things[place], &date(cx, made_at_s(&things[place]), with_minute));
        }
    }
    rows
}

/// `, 15 Nov`, or `, 15 Nov 10:12`.
fn date(cx: &Cx<'_>, at_s: i64, with_minute: bool) -> String {
    let country = Country::by_international_number(&cx.phone.number().to_string());
    let offset_s = country.map_or(0, |country| utc_offset_s(country.iso3));
    let offset = Offset::from_seconds(i32::try_from(offset_s).unwrap_or(0)).unwrap_or(Offset::UTC);
    let at = Timestamp::from_second(at_s).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(TimeZone::fixed(offset));
    let month = cx.text(month_name(i64::from(at.month())));
    let minute = if with_minute { format!(" {:02}:{:02}", at.hour(), at.minute()) } else { String::new() };
    format!(", {} {month}{minute}", at.day())
}
