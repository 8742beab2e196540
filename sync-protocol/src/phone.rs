//! Phone numbers: what gateways and people write becomes one international form (E.164).
//!
//! A number is completed by the rules of the country that the gateway or the cooperative is set to, never by a guess: what
//! does not fit those rules is an error that says what to do. A full number must never reach a log: use [`Phone::masked`]
//! (the debug form is masked too).

use std::fmt;

/// Fewest digits of an international number that is a person's: below are short codes of gateways.
pub const PHONE_MIN_DIGITS: usize = 8;

/// Most digits of an international number, calling code included (E.164).
pub const PHONE_MAX_DIGITS: usize = 15;

/// Longest text that is looked at: a number with separators is shorter.
const RAW_MAX_BYTES: usize = 40;

/// A phone number in E.164: a plus sign, then 8 to 15 digits of which the first is not 0.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Phone(String);

/// Why a text is not a phone number. The text of each says what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PhoneError {
    /// Nothing was written.
    #[error("write a phone number")]
    Empty,
    /// Something other than digits, spaces, dashes, dots, brackets and one leading plus sign.
    #[error("write the phone number with digits only, such as 0999123456 or +265999123456")]
    NotANumber,
    /// Fewer digits than a number of the country has.
    #[error("the phone number is too short: write all its digits")]
    TooShort,
    /// More digits than a number of the country has.
    #[error("the phone number is too long: check its digits")]
    TooLong,
}

impl Phone {
    /// A number that is already in E.164, such as one read back from a database.
    ///
    /// # Errors
    /// When it is not a plus sign with 8 to 15 digits, the first not 0.
    pub fn parse(e164: &str) -> Result<Self, PhoneError> {
        let digits = e164.strip_prefix('+').ok_or(PhoneError::NotANumber)?;
        Self::from_digits(digits)
    }

    /// From the digits alone, as rows keep them: 265999123456.
    ///
    /// # Errors
    /// When the number has fewer than 8 or more than 15 digits.
    pub fn from_number(number: u64) -> Result<Self, PhoneError> {
        Self::from_digits(&number.to_string())
    }

    fn from_digits(digits: &str) -> Result<Self, PhoneError> {
        if digits.is_empty() {
            return Err(PhoneError::Empty);
        }
        if digits.starts_with('0') || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(PhoneError::NotANumber);
        }
        if digits.len() < PHONE_MIN_DIGITS {
            return Err(PhoneError::TooShort);
        }
        if digits.len() > PHONE_MAX_DIGITS {
            return Err(PhoneError::TooLong);
        }
        Ok(Self(format!("+{digits}")))
    }

    /// The number with its plus sign.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The digits as one number, without the plus sign, as rows keep it.
    pub fn number(&self) -> u64 {
        // At most 15 digits, so it always fits.
        self.0[1..].parse().unwrap_or(0)
    }

    /// For logs: `+265•••••432`. Always five dots, so that the length tells nothing; a short number shows fewer digits.
    pub fn masked(&self) -> String {
        self.masked_with('•')
    }

    /// The same with another letter for what is hidden: a telephone's screen has no dots.
    pub fn masked_with(&self, hidden: char) -> String {
        let digits = &self.0[1..];
        let (head, tail) = if digits.len() < 10 { (2, 2) } else { (3, 3) };
        let hidden: String = std::iter::repeat_n(hidden, 5).collect();
        format!("+{}{hidden}{}", &digits[..head], &digits[digits.len() - tail..])
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

/// Makes E.164 of what was written, by the rules of one country.
///
/// `calling_code` is digits without plus (`265`), `trunk_prefix` is what callers inside the country dial first (`0`, or empty
/// where there is none), `lengths` are the digits of a national number without either. Accepted are `0999 123 456`,
/// `999123456`, `265999123456`, `+265 999 123 456`, `00265999123456` and `+265 0999123456`. A number with a plus sign (or
/// `00`) and another country's code is taken as it is: its own lengths are not known here.
///
/// # Errors
/// What does not fit, with what to do.
pub fn to_e164(
    raw: &str,
    calling_code: &str,
    trunk_prefix: &str,
    lengths: &[u8],
) -> Result<Phone, PhoneError> {
    let (plus, digits) = digits_of(raw)?;
    let fits = |national: &str| lengths.iter().any(|n| usize::from(*n) == national.len());
    let without_trunk = |rest: &str| {
        let national = if trunk_prefix.is_empty() { None } else { rest.strip_prefix(trunk_prefix) };
        national.filter(|national| fits(national)).map(str::to_owned)
    };
    let international = match digits.strip_prefix("00") {
        _ if plus => Some(digits.as_str()),
        Some(rest) => Some(rest),
        None => None,
    };
    if let Some(international) = international {
        let Some(rest) = international.strip_prefix(calling_code) else {
            return Phone::from_digits(international);
        };
        if fits(rest) {
            return Phone::from_digits(international);
        }
        return match without_trunk(rest) {
            Some(national) => Phone::from_digits(&format!("{calling_code}{national}")),
            None => Err(wrong_length(rest, lengths)),
        };
    }
    let after_code = digits.strip_prefix(calling_code);
    if after_code.is_some_and(fits) {
        return Phone::from_digits(&digits);
    }
    let national = match without_trunk(&digits) {
        Some(national) => Some(national),
        None if fits(&digits) && !digits.starts_with('0') => Some(digits.clone()),
        None => after_code.and_then(without_trunk),
    };
    match national {
        Some(national) => Phone::from_digits(&format!("{calling_code}{national}")),
        None => Err(wrong_length(after_code.unwrap_or(&digits), lengths)),
    }
}

/// The digits of a text, and whether a plus sign stood before them.
fn digits_of(raw: &str) -> Result<(bool, String), PhoneError> {
    if raw.len() > RAW_MAX_BYTES {
        return Err(PhoneError::TooLong);
    }
    let (mut plus, mut digits) = (false, String::new());
    for letter in raw.chars() {
        match letter {
            '0'..='9' => digits.push(letter),
            '+' if !plus && digits.is_empty() => plus = true,
            ' ' | '-' | '.' | '(' | ')' | '/' | '\u{a0}' | '\t' => {}
            _ => return Err(PhoneError::NotANumber),
        }
    }
    match (plus, digits.is_empty()) {
        (false, true) => Err(PhoneError::Empty),
        (true, true) => Err(PhoneError::NotANumber),
        _ => Ok((plus, digits)),
    }
}

fn wrong_length(national: &str, lengths: &[u8]) -> PhoneError {
    let longest = lengths.iter().copied().max().unwrap_or(0);
    if national.len() > usize::from(longest) { PhoneError::TooLong } else { PhoneError::TooShort }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn malawi(raw: &str) -> Result<String, PhoneError> {
        to_e164(raw, "265", "0", &[9]).map(|phone| phone.as_str().to_owned())
    }

    #[test]
    fn every_way_of_writing_one_number_gives_the_same() {
        for raw in [
            "0999123456",
            "999123456",
            "265999123456",
            "+265999123456",
            "+265 999 123 456",
            " 265999123456",
            "00265999123456",
            "(0)999-123-456",
            "+265 0999 123456",
            "2650999123456",
        ] {
            assert_eq!(malawi(raw).as_deref(), Ok("+265999123456"), "{raw}");
        }
    }

    #[test]
    fn other_countries_keep_their_own_number() {
        assert_eq!(malawi("+254711000111").as_deref(), Ok("+254711000111"));
        assert_eq!(malawi("00447911123456").as_deref(), Ok("+447911123456"));
        assert_eq!(
            to_e164("841234567", "258", "", &[9]).map(|p| p.as_str().to_owned()).as_deref(),
            Ok("+258841234567")
        );
    }

    #[test]
    fn what_is_no_number_says_why() {
        for (raw, error) in [
            ("", PhoneError::Empty),
            ("  ", PhoneError::Empty),
            ("MTN", PhoneError::NotANumber),
            ("+", PhoneError::NotANumber),
            ("++265999123456", PhoneError::NotANumber),
            ("09991234x6", PhoneError::NotANumber),
            ("21512", PhoneError::TooShort),
            ("099912345", PhoneError::TooShort),
            ("09991234567", PhoneError::TooLong),
            ("+26599912345678", PhoneError::TooLong),
            ("+12345678901234567", PhoneError::TooLong),
            ("+0712345678", PhoneError::NotANumber),
        ] {
            assert_eq!(malawi(raw), Err(error), "{raw}");
        }
        assert_eq!(malawi(&"1".repeat(100_000)), Err(PhoneError::TooLong));
    }

    #[test]
    fn logs_show_a_masked_number() {
        let phone = Phone::parse("+265888123432").unwrap();
        assert_eq!(phone.masked(), "+265•••••432");
        assert_eq!(phone.masked_with('*'), "+265*****432");
        assert_eq!(format!("{phone:?}"), "+265•••••432");
        assert_eq!(Phone::parse("+12345678").unwrap().masked(), "+12•••••78");
    }

    #[test]
    fn rows_keep_it_as_a_number() {
        let phone = Phone::parse("+265888123432").unwrap();
        assert_eq!(phone.number(), 265_888_123_432);
        assert_eq!(Phone::from_number(phone.number()), Ok(phone));
        assert_eq!(Phone::from_number(0), Err(PhoneError::NotANumber));
        assert_eq!(Phone::from_number(u64::MAX), Err(PhoneError::TooLong));
    }

    proptest! {
        #[test]
        fn any_text_gives_a_number_or_an_error(raw in any::<String>()) {
            if let Ok(phone) = to_e164(&raw, "265", "0", &[9]) {
                prop_assert_eq!(Phone::parse(phone.as_str()), Ok(phone.clone()));
                prop_assert_eq!(to_e164(phone.as_str(), "265", "0", &[9]), Ok(phone));
            }
        }

        #[test]
        fn digits_in_any_dress_are_the_same_number(national in 100_000_000u64..999_999_999) {
            let whole = format!("+265{national}");
            for raw in [format!("0{national}"), format!("265{national}"), whole.clone(), national.to_string()] {
                // A national number that starts with the calling code is still nine digits.
                let read = malawi(&raw);
                prop_assert_eq!(read.as_deref(), Ok(whole.as_str()));
            }
        }
    }
}
