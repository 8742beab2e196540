//! How stored values are written in JSON: times, phone numbers, money, months.

use crate::api::Money;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::fmt::Display;
use sync_protocol::phone::Phone;
use sync_protocol::units::Month;

/// Seconds since 1970 as RFC 3339 in UTC. A claimed time that no calendar has is shown as the nearest one.
pub fn rfc3339(at_s: i64) -> String {
    let nearest = if at_s < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_second(at_s).unwrap_or(nearest).to_string()
}

/// A stored number with its plus sign; `None` when it is no phone number.
pub fn phone_text(number: u64) -> Option<String> {
    Phone::from_number(number).ok().map(|phone| phone.as_str().to_owned())
}

/// How many there are of something, in English: `1 row`, `20 rows`.
pub fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// An amount; `currency` is shown as its ISO 4217 code.
pub fn money(amount_minor: i64, currency: impl Display) -> Money {
    Money { amount: amount_minor, currency: currency.to_string() }
}

/// The calendar month of a time, in UTC.
pub fn month_of(at_s: i64) -> Month {
    let date = Timestamp::from_second(at_s).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(TimeZone::UTC).date();
    let number = |n: i64| u32::try_from(n).unwrap_or(0);
    Month::new(number(date.year().into()), number(date.month().into())).unwrap_or(Month(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_something_is_not_many() {
        assert_eq!([0, 1, 2].map(|n| counted(n, "row", "rows")), ["0 rows", "1 row", "2 rows"]);
    }

    #[test]
    fn times_are_utc_and_never_break() {
        assert_eq!(rfc3339(1_772_352_000), "2026-03-01T08:00:00Z");
        assert!(rfc3339(i64::MAX).starts_with("9999-"));
        assert!(rfc3339(i64::MIN).starts_with('-'));
        assert_eq!(phone_text(265_991_234_567).as_deref(), Some("+265991234567"));
        assert_eq!(phone_text(0), None);
        assert_eq!(month_of(1_772_352_000).to_string(), "2026-03");
        assert_eq!(month_of(i64::MAX).to_string(), "1970-01");
    }
}
