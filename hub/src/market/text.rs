//! How stored values are written in JSON: times, phone numbers, money, quantities.

use jiff::Timestamp;
use sync_protocol::api::Money;
use sync_protocol::phone::Phone;

/// Seconds since 1970 as RFC 3339 in UTC. A time that a node claimed and that no calendar has is shown as the nearest one.
pub(crate) fn rfc3339(at_s: i64) -> String {
    let nearest = if at_s < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_second(at_s).unwrap_or(nearest).to_string()
}

/// A stored number with its plus sign; `None` when it is no phone number.
pub(crate) fn phone_text(number: u64) -> Option<String> {
    Phone::from_number(number).ok().map(|phone| phone.as_str().to_owned())
}

/// An amount.
pub(crate) fn money(amount_minor: i64, currency: &str) -> Money {
    Money { amount: amount_minor, currency: currency.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_utc_and_never_break() {
        assert_eq!(rfc3339(1_772_352_000), "2026-03-01T08:00:00Z");
        assert!(rfc3339(i64::MAX).starts_with("9999-"));
        assert!(rfc3339(i64::MIN).starts_with('-'));
        assert_eq!(phone_text(265_991_234_567).as_deref(), Some("+265991234567"));
        assert_eq!(phone_text(0), None);
    }
}
