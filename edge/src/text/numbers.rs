//! Numbers that people type on a keypad, and numbers as a small screen shows them.
//!
//! A typed number is taken exactly or refused with a reason; it is never rounded or guessed. The office page reads what is typed
//! there by the same rules, in `edge/assets/numbers.js`; `edge/tests/numbers.json` holds both to them. Shown numbers use ASCII
//! digits and plain spaces only.

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
    /// `1,000` or `1.000`: a thousand to one person, one to another.
    #[error("it can mean two things")]
    Ambiguous,
    /// A part of what is counted whole.
    #[error("only whole ones can be had")]
    Parts,
}

/// Decimals that may be written where a unit has fewer, if they are 0: people write 1200.00 also where there are no coins.
const ZEROS_MAX: usize = 2;

/// Reads a typed number as an integer of `10^-decimals`, above 0 and at most `max`.
///
/// `50`, `50.5` and `50,5` are read. `1,000`, `1.000`, `1 000` and `1,234.5` are refused: they may be thousands.
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
    if may_be_thousands(digits) {
        return Err(NumberError::Ambiguous);
    }
    let separator = digits.find(['.', ',']);
    let (whole, part) = match separator {
        Some(at) => (&digits[..at], &digits[at + 1..]),
        None => (digits, ""),
    };
    if !is_digits(whole) || (separator.is_some() && !is_digits(part)) {
        return Err(NumberError::Junk);
    }
    let kept = part.trim_end_matches('0');
    let scale = 10i64.checked_pow(decimals).ok_or(NumberError::TooBig)?;
    let decimals_max = decimals as usize;
    // One 0 more tells 12.3450 from a thousand.
    let is_finest = decimals > 0 && kept.len() == decimals_max;
    let written_max = if is_finest { decimals_max + 1 } else { ZEROS_MAX.max(decimals_max) };
    if kept.len() > decimals_max || part.len() > written_max {
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

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Whether somebody may have meant thousands: one to three digits that do not begin with 0, then a separator and a group of three.
fn may_be_thousands(digits: &str) -> bool {
    let is_separator = |c: char| matches!(c, '.' | ',' | '\'' | '’') || c.is_whitespace();
    let groups: Vec<&str> = digits.split(is_separator).collect();
    let [first, second, ..] = groups.as_slice() else { return false };
    groups.iter().all(|group| is_digits(group))
        && first.len() <= 3
        && !first.starts_with('0')
        && second.len() == 3
}

/// Reads a typed quantity, in thousandths, of what can be had in steps of so many thousandths: pieces are whole.
///
/// # Errors
/// As [`read_number`]; the bound is [`QUANTITY_MAX_MILLI`].
pub fn read_quantity(input: &str, step_milli: i64) -> Result<i64, NumberError> {
    let milli = read_number(input, 3, QUANTITY_MAX_MILLI)?;
    if milli % step_milli.max(1) == 0 { Ok(milli) } else { Err(NumberError::Parts) }
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

/// A bare quantity: `50`, `1250.5`. Whoever reads how much is left types just that, so nothing stands between its digits: see
/// [`read_number`].
pub fn quantity(milli: i64) -> String {
    let mut text = decimal(milli, 3, false);
    text.retain(|c| c != ',');
    text
}

/// A quantity with its unit: `50 kg`; `50 x 90 kg` where the unit is itself a number of something; bare without a unit.
pub fn quantity_of(milli: i64, unit: &str) -> String {
    if unit.is_empty() {
        return quantity(milli);
    }
    let joint = if unit.starts_with(|c: char| c.is_ascii_digit()) { " x " } else { " " };
    format!("{}{joint}{unit}", quantity(milli))
}

/// Digits of an amount whose currency is not known here: those that nearly all currencies have.
const USUAL_DIGITS: u32 = 2;

/// An amount without its currency: `3,400`, `3.50`.
pub fn amount(minor: i64, currency: impl Into<Option<Currency>>) -> String {
    decimal(minor, currency.into().map_or(USUAL_DIGITS, Currency::digits), true)
}

/// An amount with its currency: `MWK 3,400`; the amount alone where the currency is not known.
pub fn money(minor: i64, currency: impl Into<Option<Currency>>) -> String {
    match currency.into() {
        Some(currency) => format!("{currency} {}", amount(minor, currency)),
        None => decimal(minor, USUAL_DIGITS, true),
    }
}

/// What a quantity costs: `MWK 20,000`. Empty when it does not fit, which the bounds above rule out.
pub fn total(milli: i64, unit_price_minor: i64, currency: impl Into<Option<Currency>>) -> String {
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

    #[derive(serde::Deserialize)]
    struct Case {
        typed: String,
        decimals: u32,
        value: Option<i64>,
        wrong: Option<String>,
    }

    /// The page reads the same cases in a real browser.
    #[test]
    fn what_people_type_is_read_or_refused_as_the_page_does() {
        let cases: Vec<Case> = serde_json::from_str(include_str!("../../tests/numbers.json")).unwrap();
        assert!(cases.len() > 30);
        for case in cases {
            let read = read_number(&case.typed, case.decimals, QUANTITY_MAX_MILLI);
            let expected = match (case.value, case.wrong.as_deref()) {
                (Some(0), None) => Err(NumberError::Zero),
                (Some(value), None) => Ok(value),
                (None, Some("number")) => Err(NumberError::Junk),
                (None, Some("negative")) => Err(NumberError::Negative),
                (None, Some("fine")) => Err(NumberError::TooFine),
                (None, Some("big")) => Err(NumberError::TooBig),
                (None, Some("thousands")) => Err(NumberError::Ambiguous),
                other => panic!("{}: {other:?}", case.typed),
            };
            assert_eq!(read, expected, "{}", case.typed);
        }
    }

    #[test]
    fn what_is_typed_on_a_phone_is_bounded() {
        for (typed, error) in
            [("100000.001", NumberError::TooBig), ("1e30", NumberError::Junk), ("*", NumberError::Junk)]
        {
            assert_eq!(read_quantity(typed, 1), Err(error), "{typed}");
        }
        assert_eq!(read_quantity("100000", 1), Ok(QUANTITY_MAX_MILLI));
        assert_eq!(read_price("400.50", kwacha()), Ok(40_050));
        assert_eq!(read_price("400", Currency::new("UGX").unwrap()), Ok(400));
        assert_eq!(read_price("24,000", kwacha()), Err(NumberError::Ambiguous));
    }

    #[test]
    fn pieces_are_whole() {
        assert_eq!(read_quantity("0.5", 1_000), Err(NumberError::Parts));
        assert_eq!(read_quantity("3", 1_000), Ok(3_000));
        assert_eq!(read_quantity("0.5", 250), Ok(500), "half a dozen");
        assert_eq!(read_quantity("0.3", 250), Err(NumberError::Parts));
    }

    #[test]
    fn shows_plain_numbers() {
        assert_eq!(quantity(50_000), "50");
        assert_eq!(quantity(1_250_500), "1250.5");
        assert_eq!(quantity_of(3_000, "90 kg"), "3 x 90 kg");
        assert_eq!(money(340_000, kwacha()), "MWK 3,400");
        assert_eq!(money(350, kwacha()), "MWK 3.50");
        assert_eq!(money(-123_456_789, kwacha()), "MWK -1,234,567.89");
        assert_eq!(total(20_000, 90_000, kwacha()), "MWK 18,000");
        assert_eq!(amount(0, kwacha()), "0");
        assert_eq!(quantity(i64::MIN), "-9223372036854775.808");
        for milli in [1, 50_000, 1_250_500, 12_345_000, QUANTITY_MAX_MILLI] {
            assert_eq!(
                read_quantity(&quantity(milli), 1),
                Ok(milli),
                "what is shown is taken when it is typed"
            );
        }
    }
}
