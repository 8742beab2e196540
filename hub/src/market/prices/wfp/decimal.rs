//! Decimal text to whole numbers, exactly. Never through floating point.

/// Why a text gave no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DecimalError {
    /// Something other than an optional minus, digits, and a point followed by digits.
    NotANumber,
    /// It does not fit 64 bits at this scale.
    TooLarge,
}

/// The number times ten to the power of `places`, rounded half away from zero where the text is finer than that.
///
/// Takes `12`, `-3.5`, `0.125`; not `1e3`, `1,000`, `+5`, `.5`, `5.` or a number with spaces inside.
pub(super) fn scaled(text: &str, places: u32) -> Result<i64, DecimalError> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = match digits.split_once('.') {
        Some((_, "")) => return Err(DecimalError::NotANumber),
        Some(parts) => parts,
        None => (digits, ""),
    };
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
        return Err(DecimalError::NotANumber);
    }
    let places = usize::try_from(places).map_err(|_| DecimalError::TooLarge)?;
    let kept = fraction.bytes().chain(std::iter::repeat(b'0')).take(places);
    let mut value: i64 = 0;
    for digit in whole.bytes().chain(kept) {
        value = value
            .checked_mul(10)
            .and_then(|value| value.checked_add(i64::from(digit - b'0')))
            .ok_or(DecimalError::TooLarge)?;
    }
    if fraction.as_bytes().get(places).is_some_and(|&next| next >= b'5') {
        value = value.checked_add(1).ok_or(DecimalError::TooLarge)?;
    }
    Ok(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_exactly_and_rounds_only_what_is_finer() {
        for (text, places, value) in [
            ("16.13", 2, 1613),
            ("1480", 2, 148_000),
            ("1.9", 2, 190),
            ("0.29", 2, 29),
            ("1056.67", 0, 1057),
            ("0.5", 0, 1),
            ("0.4999", 0, 0),
            ("-0.005", 2, -1),
            ("-13.98012345", 5, -1_398_012),
            ("12.5", 3, 12_500),
            ("-0.0", 2, 0),
            ("007", 0, 7),
        ] {
            assert_eq!(scaled(text, places), Ok(value), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_plain_number() {
        for text in [
            "", "-", ".", ".5", "5.", "1e3", "1,000", "+5", "--5", "1 000", "0x1", "NaN", "inf", "1.2.3", "٣",
        ] {
            assert_eq!(scaled(text, 2), Err(DecimalError::NotANumber), "{text}");
        }
        for text in ["99999999999999999999", "92233720368547758.08"] {
            assert_eq!(scaled(text, 2), Err(DecimalError::TooLarge), "{text}");
        }
        assert_eq!(scaled("92233720368547758.07", 2), Ok(i64::MAX));
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(minor in -1_000_000_000_000i64..1_000_000_000_000) {
            let (sign, n) = (if minor < 0 { "-" } else { "" }, minor.unsigned_abs());
            prop_assert_eq!(scaled(&format!("{sign}{}.{:02}", n / 100, n % 100), 2), Ok(minor));
        }

        #[test]
        fn any_text_gives_a_number_or_an_error(text in "\\PC{0,30}|[-0-9.]{0,40}", places in 0u32..19) {
            let _ = scaled(&text, places);
        }
    }
}
