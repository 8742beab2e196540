//! Phone numbers: what gateways and people write becomes one international form (E.164).
//!
//! One text is one number, whoever reads it: a number that names its country is read by that country's rule wherever it is
//! written; only a number as dialled at home is completed by the country that the reader is set to. Never by a guess: what fits
//! no rule is an error that says what to do. A full number must never reach a log: use [`Phone::masked`] (the debug form is masked
//! too).

mod codes;

use crate::country::Country;
use crate::text;
use codes::CODES;
use std::fmt;

/// Fewest digits of an international number that is a person's: below are short codes of gateways.
pub const PHONE_MIN_DIGITS: usize = 8;

/// Most digits of an international number, calling code included (E.164).
pub const PHONE_MAX_DIGITS: usize = 15;

/// Longest text that is looked at: a number with separators and marks of three bytes each is shorter.
const RAW_MAX_BYTES: usize = 80;

/// A phone number in E.164: a plus sign, then 8 to 15 digits of which the first is not 0.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Phone(String);

/// What a 0 between a calling code and the rest of a number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Zero {
    /// The number's own first digit, as in Italy.
    Begins,
    /// What is dialled at home only: it is no part of the number.
    Trunk,
    /// A mistake.
    Never,
}

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
    /// It begins with a calling code that no country has.
    #[error("no country has a phone number that begins like this: check its first digits")]
    NoSuchCode,
    /// As dialled at home, and the reader does not know where that is.
    #[error("write the phone number with a plus sign and its country code, such as +265991234567")]
    NoHome,
}

impl PhoneError {
    /// The text as a sentence: it begins with a capital and ends with a stop.
    pub fn sentence(self) -> String {
        let text = self.to_string();
        let mut letters = text.chars();
        let first: String = letters.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
        format!("{first}{}.", letters.as_str())
    }
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

    /// The country in the table whose number it is, if it is one's.
    pub fn country(&self) -> Option<&'static Country> {
        Country::by_international_number(&self.0[1..])
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

/// Makes E.164 of what was written. `home` is the country in which numbers without a code are dialled; `None` where none is known.
///
/// Read are `+265 999 123 456`, `+265 (0)999 123 456` and `+265 0999 123 456`, `00265999123456` (at home also with the country's own prefix, such as
/// `000254…` in Kenya), and with a home `0999 123 456`, `999123456` and `265999123456`; with spaces, dashes and brackets of any
/// kind, and the marks that come with numbers copied from a phone's contacts.
///
/// # Errors
/// What does not fit, with what to do.
pub fn read(raw: &str, home: Option<&Country>) -> Result<Phone, PhoneError> {
    let Written { plus, digits } = Written::of(raw)?;
    if plus {
        return international(&digits);
    }
    // Two zeros are understood everywhere; a country's own prefix begins with them and has a third digit.
    let own =
        home.and_then(|home| digits.strip_prefix(home.abroad)).and_then(|rest| international(rest).ok());
    match (own, digits.strip_prefix("00").map(international), home) {
        // 0092 21… is Pakistan after two zeros and Senegal after Nigeria's 009; the rules of countries in the table are surer.
        (Some(own), Some(Ok(other)), _) if own != other && own.country().is_none() => Err(PhoneError::NoHome),
        (Some(phone), ..) => Ok(phone),
        (None, Some(abroad), _) => abroad,
        (None, None, Some(home)) => at_home(&digits, home),
        (None, None, None) => Err(PhoneError::NoHome),
    }
}

/// A number that begins with a calling code, by the rule of the country that has the code.
fn international(digits: &str) -> Result<Phone, PhoneError> {
    if let Some(country) = Country::by_international_number(digits) {
        let rest = &digits[country.calling_code.len()..];
        return whole(rest, country).ok_or_else(|| wrong_length(rest, country.mobile_digits));
    }
    if digits.is_empty() || digits.starts_with('0') {
        return Err(PhoneError::NotANumber);
    }
    let (code, zero, lengths) = calling_code(digits).ok_or(PhoneError::NoSuchCode)?;
    let rest = &digits[code.len()..];
    let national = match zero {
        Zero::Begins | Zero::Never => rest,
        Zero::Trunk => rest.strip_prefix('0').unwrap_or(rest),
    };
    if national.starts_with('0') && zero != Zero::Begins {
        return Err(PhoneError::TooLong);
    }
    if !has_length(national, lengths) {
        return Err(wrong_length(national, lengths));
    }
    Phone::from_digits(&format!("{code}{national}"))
}

/// The calling code that digits begin with, and how numbers behind it are made. No calling code is the beginning of another.
fn calling_code(digits: &str) -> Option<(&'static str, Zero, &'static [u8])> {
    CODES.iter().find(|(code, ..)| digits.starts_with(code)).copied()
}

/// A number as it is dialled in its own country: with the trunk prefix or without, or with the calling code and no plus sign.
fn at_home(digits: &str, home: &Country) -> Result<Phone, PhoneError> {
    let after_code = digits.strip_prefix(home.calling_code);
    // A national number may begin with the digits of the calling code; it has its own length all the same.
    let found = match after_code {
        Some(rest) if has_length(rest, home.mobile_digits) => whole(rest, home),
        _ => whole(digits, home).or_else(|| after_code.and_then(|rest| whole(rest, home))),
    };
    found.ok_or_else(|| wrong_length(after_code.unwrap_or(digits), home.mobile_digits))
}

/// The number of a country that these digits are without its calling code, with or without its trunk prefix.
fn whole(rest: &str, country: &Country) -> Option<Phone> {
    let trunk = country.trunk_prefix;
    let without_trunk = rest.strip_prefix(trunk).filter(|_| !trunk.is_empty());
    let national = [without_trunk, Some(rest).filter(|rest| !rest.starts_with('0'))]
        .into_iter()
        .flatten()
        .find(|national| has_length(national, country.mobile_digits))?;
    Phone::from_digits(&format!("{}{national}", country.calling_code)).ok()
}

fn has_length(national: &str, lengths: &[u8]) -> bool {
    lengths.iter().any(|length| usize::from(*length) == national.len())
}

fn wrong_length(national: &str, lengths: &[u8]) -> PhoneError {
    let longest = lengths.iter().copied().max().unwrap_or(0);
    if national.len() > usize::from(longest) { PhoneError::TooLong } else { PhoneError::TooShort }
}

/// The digits of a text, and whether a plus sign stood before them.
struct Written {
    plus: bool,
    digits: String,
}

impl Written {
    fn of(raw: &str) -> Result<Self, PhoneError> {
        if raw.len() > RAW_MAX_BYTES {
            return Err(PhoneError::TooLong);
        }
        let mut written = Self { plus: false, digits: String::new() };
        for letter in raw.chars() {
            match letter {
                '0'..='9' => written.digits.push(letter),
                '+' | '\u{ff0b}' if !written.plus && written.digits.is_empty() => written.plus = true,
                letter if is_dress(letter) => {}
                _ => return Err(PhoneError::NotANumber),
            }
        }
        match (written.plus, written.digits.is_empty()) {
            (false, true) => Err(PhoneError::Empty),
            (true, true) => Err(PhoneError::NotANumber),
            _ => Ok(written),
        }
    }
}

/// What people and programs put between and around the digits of a number without meaning anything by it.
fn is_dress(letter: char) -> bool {
    letter.is_whitespace()
        || text::is_invisible(letter)
        || matches!(letter, '-' | '.' | '(' | ')' | '/' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{ff0d}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::country::COUNTRIES;
    use proptest::prelude::*;

    fn at(home: &str, raw: &str) -> Result<String, PhoneError> {
        read(raw, Country::by_iso3(home)).map(|phone| phone.as_str().to_owned())
    }

    fn malawi(raw: &str) -> Result<String, PhoneError> {
        at("MWI", raw)
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
        assert_eq!(at("MOZ", "841234567").as_deref(), Ok("+258841234567"));
        assert_eq!(malawi("+44 (0)7911 123456").as_deref(), Ok("+447911123456"));
    }

    #[test]
    fn a_number_that_names_its_country_is_the_same_everywhere() {
        for home in ["MWI", "KEN", "NGA", "none"] {
            for (raw, read) in [
                ("+2540712345678", Ok("+254712345678")),
                ("+25471234567", Err(PhoneError::TooShort)),
                ("+23408031234567", Ok("+2348031234567")),
                ("+254 (0)712 345 678", Ok("+254712345678")),
                ("00254712345678", Ok("+254712345678")),
                ("\u{ff0b}254712345678", Ok("+254712345678")),
                ("00991234567", Err(PhoneError::NoSuchCode)),
                ("+712315942", Err(PhoneError::TooShort)),
                ("00712315942", Err(PhoneError::TooShort)),
            ] {
                assert_eq!(at(home, raw), read.map(str::to_owned), "{raw} {home}");
            }
        }
    }

    #[test]
    fn a_zero_behind_a_foreign_code_is_what_it_is_in_that_country() {
        for (raw, read) in [
            ("+27 0821234567", Ok("+27821234567")),
            ("+243 0812345678", Ok("+243812345678")),
            ("0049 (0)15123456789", Ok("+4915123456789")),
            ("+39 06 6982 1234", Ok("+390669821234")),
            ("+39 (0)6 6982 1234", Ok("+390669821234")),
            ("+229 0190123456", Ok("+2290190123456")),
            ("+45 032123456", Err(PhoneError::TooLong)),
            ("+45 (0)32123456", Err(PhoneError::TooLong)),
            ("+49 0015123456789", Err(PhoneError::TooLong)),
        ] {
            assert_eq!(malawi(raw), read.map(str::to_owned), "{raw}");
        }
    }

    #[test]
    fn what_is_dialled_for_abroad_is_the_countrys_own_or_two_zeros() {
        assert_eq!(at("NGA", "009 234 803 123 4567").as_deref(), Ok("+2348031234567"));
        assert_eq!(at("NGA", "00 234 803 123 4567").as_deref(), Ok("+2348031234567"));
        assert_eq!(at("NGA", "0092 21 123456789"), Err(PhoneError::NoHome), "Pakistan's or Senegal's");
        assert_eq!(at("NGA", "0092 300 1234567").as_deref(), Ok("+923001234567"), "Mauritius has no 0123…");
        assert_eq!(at("KEN", "0092 300 1234567").as_deref(), Ok("+923001234567"));
        for home in ["KEN", "TZA", "UGA"] {
            assert_eq!(at(home, "000254712345678").as_deref(), Ok("+254712345678"));
            assert_eq!(at(home, "00254712345678").as_deref(), Ok("+254712345678"));
        }
        assert_eq!(at("MWI", "000254712345678"), Err(PhoneError::NotANumber));
    }

    #[test]
    fn marks_that_come_with_a_copied_number_mean_nothing() {
        for raw in [
            "\u{202a}+265991234567\u{202c}",
            "\u{2068}+265 991 234 567\u{2069}",
            "+265991234567\u{fe0f}",
            "\u{200e}+265\u{2011}991\u{2011}234\u{2011}567",
            "+265\u{a0}991\u{202f}234\u{2009}567",
            "\u{feff}0991\u{2013}234\u{2013}567",
            "+265\u{ad}991234567",
        ] {
            assert_eq!(malawi(raw).as_deref(), Ok("+265991234567"), "{raw:?}");
        }
    }

    /// What the library says of each, as tests/phones/record.py has written it down.
    #[test]
    fn numbers_are_read_as_the_library_reads_them() {
        let (mut mobile, mut countries) = (0, std::collections::BTreeSet::new());
        for line in include_str!("../tests/phones/numbers.tsv").lines().filter(|line| !line.starts_with('#'))
        {
            let [raw, home, verdict, whole] = line.split('\t').collect::<Vec<_>>().try_into().unwrap();
            let read = at(home, raw);
            match verdict {
                "mobile" => {
                    assert_eq!(read.as_deref(), Ok(whole), "{line}");
                    countries.insert(home);
                    mobile += 1;
                }
                "impossible" => assert!(read.is_err(), "{line}: {read:?}"),
                // A fixed line, or a range that nobody has yet: it may be refused, but not read as another.
                "other" => {
                    assert!(read.as_deref().is_err() || read.as_deref() == Ok(whole), "{line}: {read:?}")
                }
                _ => panic!("{line}"),
            }
        }
        assert!(mobile >= 1_000 && countries.len() == COUNTRIES.len() + 1, "{mobile} {countries:?}");
    }

    #[test]
    fn no_calling_code_is_the_beginning_of_another() {
        for (at, (code, _, lengths)) in CODES.iter().enumerate() {
            assert!(!lengths.is_empty(), "{code}");
            assert!(
                CODES
                    .iter()
                    .enumerate()
                    .all(|(other, (longer, ..))| other == at || !longer.starts_with(code)),
                "{code}"
            );
        }
        for country in COUNTRIES {
            let (_, _, lengths) = CODES.iter().find(|(code, ..)| *code == country.calling_code).unwrap();
            assert!(country.mobile_digits.iter().all(|length| lengths.contains(length)), "{country:?}");
        }
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
            ("+991234567", PhoneError::NoSuchCode),
            ("+2540712345678901", PhoneError::TooLong),
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
            if let Ok(phone) = read(&raw, Country::by_iso3("MWI")) {
                prop_assert_eq!(Phone::parse(phone.as_str()), Ok(phone.clone()));
                prop_assert_eq!(read(phone.as_str(), None), Ok(phone));
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
