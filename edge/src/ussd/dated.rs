//! When offers and orders were made, as the caller's clock has it. Rows of a list that are alike in all they say are told apart by it: by
//! the day, those of one day by the minute, those of one minute by the second. Nothing is decided by it.

use super::market::Window;
use super::price_text::month_name;
use super::view::{Cx, ROWS_MAX, Row};
use crate::time::utc_offset_s;
use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use sync_protocol::country::Country;

/// How exactly a time is said.
#[derive(Clone, Copy)]
enum To {
    /// `15 Nov`
    Day,
    /// `15 Nov 10:12`
    Minute,
    /// `15 Nov 10:12:05`
    Second,
}

/// The rows of the page of a list that begins at `offset`, and one more. `read` gives a part of the list, and `row` makes a row with what it
/// gets for the date, which is nothing for those that differ. The rows of the pages before and behind are looked at too: whoever leafs
/// through a list compares what was on the last screen.
pub(super) fn rows_apart<T, E>(
    cx: &Cx<'_>,
    offset: u32,
    read: impl FnOnce(Window) -> Result<Vec<T>, E>,
    made_at_s: impl Fn(&T) -> i64,
    row: impl Fn(&T, &str) -> Row,
) -> Result<Vec<Row>, E> {
    let page = ROWS_MAX as u32;
    let from = offset.saturating_sub(page);
    let before = offset - from;
    let things = read(Window { offset: from, limit: before + 2 * page + 1 })?;
    let mut rows: Vec<Row> = things.iter().map(|thing| row(thing, "")).collect();
    for exactly in [To::Day, To::Minute, To::Second] {
        let is_alike = |row: &Row| rows.iter().filter(|other| other.says_the_same(row)).count() > 1;
        let alike: Vec<usize> = (0..rows.len()).filter(|place| is_alike(&rows[*place])).collect();
        for place in alike {
            rows[place] = row(&things[place], &said(cx, made_at_s(&things[place]), exactly));
        }
    }
    Ok(rows.into_iter().skip(before as usize).take(ROWS_MAX + 1).collect())
}

/// Below this width of names there is no room to say when something was made.
const BRIEF_WIDTH: usize = 10;

/// When something was made, to stand behind what it is, where its name takes at most `width` septets: `, 15 Nov 10:12`; nothing where that
/// was not kept, or there is no room.
pub(super) fn when(cx: &Cx<'_>, made_at_s: Option<i64>, width: usize) -> String {
    made_at_s.filter(|_| width > BRIEF_WIDTH).map_or_else(String::new, |at_s| said(cx, at_s, To::Minute))
}

fn said(cx: &Cx<'_>, at_s: i64, exactly: To) -> String {
    let country = Country::by_international_number(&cx.phone.number().to_string());
    let offset_s = country.map_or(0, |country| utc_offset_s(country.iso3));
    let offset = Offset::from_seconds(i32::try_from(offset_s).unwrap_or(0)).unwrap_or(Offset::UTC);
    let at = Timestamp::from_second(at_s).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(TimeZone::fixed(offset));
    let month = cx.text(month_name(i64::from(at.month())));
    let clock = match exactly {
        To::Day => String::new(),
        To::Minute => format!(" {:02}:{:02}", at.hour(), at.minute()),
        To::Second => format!(" {:02}:{:02}:{:02}", at.hour(), at.minute(), at.second()),
    };
    format!(", {} {month}{clock}", at.day())
}
