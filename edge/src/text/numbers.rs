//! Numbers that people type on a keypad, and numbers as a small screen shows them.
//!
//! A typed number is taken exactly or refused with a reason; it is never rounded or guessed. Shown numbers use ASCII digits
//! and plain spaces only.

use sync_protocol::units::{Currency, Quantity};

/// Largest quantity that can be typed on a phone, in thousandths: 100,000 units. A farmer's lorry is far below; a slip of
/// the thumb is above.
pub const QUANTITY_MAX_MILLI: i64 = 100_000_000;

/// Largest price of one unit that can be typed on a phone, in whole units of the currency.
pub const PRICE_MAX_UNITS: i64 = 10_000_000;

/// Longest input that is read as a number, in bytes.
const INPUT_MAX_BYTES: usize = 24;

const _: () = assert!(QUANTITY_MAX_MILLI <= sync_protocol::limits::QUANTITY_MAX_MILLI);
const _: () = assert!(PRICE_MAX_UNITS * 100 <= sync_protocol::limits::PRICE_MAX_MINOR);

/// Why a typed number was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// Not a number at all.
    #[error("not a number")]
    Junk,
    /// Nought.
    #[error("the number is 0")]
    Zero,
    /// Below nought.
    #[error("the number is below 0")]
    Negative,
    /// More decimals than the unit has.
    #[error("too many digits after the point")]
    TooFine,
    /// Above the bound.
    #[error("the number is too big")]
    TooBig,
    /// `1,000`: a thousand, or one with three decimals.
    #[error("a comma and three digits can mean two things")]
    Ambiguous,
}

/// Reads a typed number as an integer of `10^-decimals`, above 0 and at most `max`.
///
/// `50`, `50.5` and `50,5` are read. `1,000` is refused: it means a thousand to one person and one to another.
///
/// # Errors
/// Says what is wrong, so that the same screen can say what to write.
pub fn read_number(input: &str, decimals: u32, max: i64) -> Result<i64, NumberError> {
    let input = input.trim();
    if input.len() > INPUT_MAX_BYTES {
        return Err(if input.bytes().all(|b| b.is_ascii_digit()) {
            NumberError::TooBig
        } else {
            NumberError::Junk
        });
    }
    let (negative, digits) = match input.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, input),
    };
    let separator = digits.find(['.', ',']);
    let (whole, part) = match separator {
        Some(at) => (&digits[..at], &digits[at + 1..]),
        None => (digits, ""),
    };
    let all_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(part) || (separator.is_some() && part.is_empty())
    {
        return Err(NumberError::Junk);
    }
    if digits.contains(',') && part.len() == 3 && !whole.starts_with('0') {
        return Err(NumberError::Ambiguous);
    }
    let kept = part.trim_end_matches('0');
    let scale = 10i64.checked_pow(decimals).ok_or(NumberError::TooBig)?;
    if kept.len() > decimals as usize {
        return Err(NumberError::TooFine);
    }
    let whole: i64 = whole.parse().map_err(|_| NumberError::TooBig)?;
    let fine: i64 = if kept.is_empty() { 0 } else { kept.parse().map_err(|_| NumberError::Junk)? };
    let fine = fine * 10i64.pow(decimals - kept.len() as u32);
    let value = whole.checked_mul(scale).and_then(|n| n.checked_add(fine)).ok_or(NumberError::TooBig)?;
    match value {
        0 => Err(NumberError::Zero),
        _ if negative => Err(NumberError::Negative),
        _ if value > max => Err(NumberError::TooBig),
        _ => Ok(value),
    }
}

/// Reads a typed quantity, in thousandths.
///
/// # Errors
/// As [`read_number`]; the bound is [`QUANTITY_MAX_MILLI`].
pub fn read_quantity(input: &str) -> Result<i64, NumberError> {
    read_number(input, 3, QUANTITY_MAX_MILLI)
}

/// Reads a typed price of one unit, in minor units of the currency.
///
/// # Errors
/// As [`read_number`]; the bound is [`PRICE_MAX_UNITS`].
pub fn read_price(input: &str, currency: Currency) -> Result<i64, NumberError> {
    read_number(input, currency.digits(), PRICE_MAX_UNITS * 10i64.pow(currency.digits()))
}

/// A number in `10^-decimals` as people read it: `3,400`, `50.5`. Decimals that are all 0 are left out; where `keep` is
/// set, an amount with decimals shows all of them (`3.50`, as money does).
fn decimal(value: i64, decimals: u32, keep: bool) -> String {
    let (sign, value) = (if value < 0 { "-" } else { "" }, value.unsigned_abs());
    let scale = 10u64.pow(decimals);
    let (whole, part) = ((value / scale).to_string(), value % scale);
    let mut out = String::with_capacity(whole.len() * 2);
    out.push_str(sign);
    for (at, digit) in whole.char_indices() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    if part > 0 {
        let part = format!("{part:0>width$}", width = decimals as usize);
        out.push('.');
        out.push_str(if keep { &part } else { part.trim_end_matches('0') });
    }
    out
}

/// A bare quantity: `50`, `1,250.5`.
pub fn quantity(milli: i64) -> String {
    decimal(milli, 3, false)
}

/// A quantity with its unit: `50 kg`; `50 x 90 kg` where the unit is itself a number of something; bare without a unit.
pub fn quantity_of(milli: i64, unit: &str) -> String {
    if unit.is_empty() {
        return quantity(milli);
    }
    let joint = if unit.starts_with(|c: char| c.is_ascii_digit()) { " x " } else { " " };
    format!("{}{joint}{unit}", quantity(milli))
}

/// An amount without its currency: `3,400`, `3.50`.
pub fn amount(minor: i64, currency: Currency) -> String {
    decimal(minor, currency.digits(), true)
}

/// An amount with its currency: `MWK 3,400`.
pub fn money(minor: i64, currency: Currency) -> String {
    format!("{currency} {}", amount(minor, currency))
}

/// What a quantity costs: `MWK 20,000`. Empty when it does not fit, which the bounds above rule out.
pub fn total(milli: i64, unit_price_minor: i64, currency: Currency) -> String {
    sync_protocol::units::total_minor(Quantity(milli), unit_price_minor)
        .map(|minor| money(minor, currency))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kwacha() -> Currency {
        Currency::new("MWK").unwrap()
    }

    #[test]
    fn reads_what_people_type() {
        for (typed, milli) in [
            ("50", 50_000),
            ("50.5", 50_500),
            ("50,5", 50_500),
            (" 7 ", 7_000),
            ("0.125", 125),
            ("0,125", 125),
            ("1.250", 1_250),
            ("050", 50_000),
        ] {
            assert_eq!(read_quantity(typed), Ok(milli), "{typed}");
        }
        assert_eq!(read_price("400", kwacha()), Ok(40_000));
        assert_eq!(read_price("400.50", kwacha()), Ok(40_050));
        assert_eq!(read_price("400", Currency::new("UGX").unwrap()), Ok(400));
    }

    #[test]
    fn refuses_with_the_reason() {
        for (typed, error) in [
            ("", NumberError::Junk),
            ("abc", NumberError::Junk),
            ("1e30", NumberError::Junk),
            ("5kg", NumberError::Junk),
            ("5.", NumberError::Junk),
            (".5", NumberError::Junk),
            ("1.2.3", NumberError::Junk),
            ("*", NumberError::Junk),
            ("٥", NumberError::Junk),
            ("0", NumberError::Zero),
            ("0.000", NumberError::Zero),
            ("-3", NumberError::Negative),
            ("--3", NumberError::Junk),
            ("0.1234", NumberError::TooFine),
            ("100000.001", NumberError::TooBig),
            ("99999999999999999999", NumberError::TooBig),
            ("999999999999999999999999999999999", NumberError::TooBig),
            ("1,000", NumberError::Ambiguous),
            ("12,500", NumberError::Ambiguous),
        ] {
            assert_eq!(read_quantity(typed), Err(error), "{typed}");
        }
        assert_eq!(read_quantity("100000"), Ok(QUANTITY_MAX_MILLI));
        assert_eq!(read_price("0.001", kwacha()), Err(NumberError::TooFine));
        assert_eq!(read_price("1.5", Currency::new("RWF").unwrap()), Err(NumberError::TooFine));
    }

    #[test]
    fn shows_plain_numbers() {
        assert_eq!(quantity(50_000), "50");
        assert_eq!(quantity(1_250_500), "1,250.5");
        assert_eq!(quantity_of(3_000, "90 kg"), "3 x 90 kg");
        assert_eq!(money(340_000, kwacha()), "MWK 3,400");
        assert_eq!(money(350, kwacha()), "MWK 3.50");
        assert_eq!(money(-123_456_789, kwacha()), "MWK -1,234,567.89");
        assert_eq!(total(20_000, 90_000, kwacha()), "MWK 18,000");
        assert_eq!(amount(0, kwacha()), "0");
        assert_eq!(quantity(i64::MIN), "-9,223,372,036,854,775.808");
    }
}
