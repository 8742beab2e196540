//! Checks of payloads by themselves. Each failure points at the field and says what to write instead.

use crate::limits::{NAME_MAX_CHARS, PRICE_MAX_MINOR, QUANTITY_MAX_MILLI};
use crate::text::is_visible;
use crate::units::Quantity;

/// One thing that is wrong with a payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// JSON pointer (RFC 6901) to the field, such as `/quantity`.
    pub pointer: &'static str,
    /// What to write instead, a plain sentence.
    pub message: String,
}

/// Those of a payload's checks that found something.
pub(super) fn all<const N: usize>(checks: [Option<Invalid>; N]) -> Vec<Invalid> {
    checks.into_iter().flatten().collect()
}

fn invalid(pointer: &'static str, message: impl Into<String>) -> Invalid {
    Invalid { pointer, message: message.into() }
}

/// More than zero, and no more than the bound.
pub(super) fn quantity(pointer: &'static str, q: Quantity) -> Option<Invalid> {
    if q.0 <= 0 {
        Some(invalid(pointer, "Must be more than zero."))
    } else if q.0 > QUANTITY_MAX_MILLI {
        Some(invalid(pointer, format!("Must be at most {}.", Quantity(QUANTITY_MAX_MILLI))))
    } else {
        None
    }
}

/// Zero or more, and no more than the bound.
pub(super) fn counted(pointer: &'static str, q: Quantity) -> Option<Invalid> {
    if q.0 < 0 {
        Some(invalid(pointer, "Must not be less than zero."))
    } else {
        quantity(pointer, Quantity(q.0.max(1)))
    }
}

/// Nothing, all of the whole, or something between.
pub(super) fn part(pointer: &'static str, part: Quantity, whole: Quantity) -> Option<Invalid> {
    let fits = (Quantity::ZERO..=whole).contains(&part);
    (!fits).then(|| invalid(pointer, format!("Must be from zero to {whole}.")))
}

/// More than zero, and no more than the bound.
pub(super) fn price(pointer: &'static str, minor: i64) -> Option<Invalid> {
    if minor <= 0 {
        Some(invalid(pointer, "The price must be more than zero."))
    } else if minor > PRICE_MAX_MINOR {
        Some(invalid(pointer, "The price is too large."))
    } else {
        None
    }
}

/// Short enough and printable; empty only where that is allowed.
pub(super) fn text(pointer: &'static str, text: &str, may_be_empty: bool) -> Option<Invalid> {
    if text.trim().is_empty() && !may_be_empty {
        Some(invalid(pointer, "Must not be empty."))
    } else if text.chars().count() > NAME_MAX_CHARS {
        Some(invalid(pointer, format!("Must have at most {NAME_MAX_CHARS} characters.")))
    } else if text.chars().any(char::is_control) {
        Some(invalid(pointer, "Must not hold control characters."))
    } else if !text.is_empty() && !is_visible(text) {
        Some(invalid(pointer, "Must hold something that can be seen."))
    } else {
        None
    }
}

/// An E.164 number without its plus sign: 8 to 15 digits. 0 stands for none where that is allowed.
pub(super) fn phone(pointer: &'static str, phone: u64, may_be_none: bool) -> Option<Invalid> {
    let fits = (10_000_000..1_000_000_000_000_000).contains(&phone) || (may_be_none && phone == 0);
    (!fits).then(|| invalid(pointer, "Must be a phone number with its country code, such as +265991234567."))
}

/// One of the languages that people can be served in.
pub(super) fn language(pointer: &'static str, code: &str) -> Option<Invalid> {
    (!["en", "sw", "ny", "fr"].contains(&code)).then(|| invalid(pointer, "Must be en, sw, ny or fr."))
}
