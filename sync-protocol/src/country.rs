//! The countries Mizili knows: their currency, and how a local phone number is completed.
//!
//! Both sides use this table: the hub to read prices in the right currency, the edge to turn
//! `0999…` into an international number. It must never guess: a country that is not listed is
//! an error for the caller to show, not a default.
//!
//! To add one: put a line into [`COUNTRIES`] in the order of its code; the tests below check its shape.

/// What is fixed about one country.
#[derive(Debug, PartialEq, Eq)]
pub struct Country {
    /// ISO 3166 code of three capital letters, such as `MWI`.
    pub iso3: &'static str,
    /// Its short English name.
    pub name: &'static str,
    /// ISO 4217 code of its currency, such as `MWK`.
    pub currency: &'static str,
    /// Decimal places of the currency's minor unit by ISO 4217: 2 where 100 tambala make a kwacha, 0 where
    /// there are no coins below the unit.
    pub minor_digits: u8,
    /// International calling code, digits only, without `+`.
    pub calling_code: &'static str,
    /// What a caller inside the country dials before the national number; empty where there is none.
    pub trunk_prefix: &'static str,
    /// What a caller inside the country dials before a number of another: two zeros, or what the country has instead.
    pub abroad: &'static str,
    /// How many digits a mobile number has, without calling code and trunk prefix. Fixed lines are left
    /// out on purpose: they cannot receive SMS or dial USSD codes.
    pub mobile_digits: &'static [u8],
}

/// All countries, in the order of their codes.
///
/// Zimbabwe has the currency of 2024 (ZWG): amounts in the ones before it are not comparable with it.
pub static COUNTRIES: &[Country] = &[
    country("BDI", "Burundi", ("BIF", 0), ("257", "", "00", &[8])),
    country("ETH", "Ethiopia", ("ETB", 2), ("251", "0", "00", &[9])),
    country("GHA", "Ghana", ("GHS", 2), ("233", "0", "00", &[9])),
    country("KEN", "Kenya", ("KES", 2), ("254", "0", "000", &[9])),
    country("MOZ", "Mozambique", ("MZN", 2), ("258", "", "00", &[9])),
    country("MWI", "Malawi", ("MWK", 2), ("265", "0", "00", &[9])),
    country("NGA", "Nigeria", ("NGN", 2), ("234", "0", "009", &[10])),
    country("RWA", "Rwanda", ("RWF", 0), ("250", "0", "00", &[9])),
    country("TZA", "Tanzania", ("TZS", 2), ("255", "0", "000", &[9])),
    country("UGA", "Uganda", ("UGX", 0), ("256", "0", "000", &[9])),
    country("ZMB", "Zambia", ("ZMW", 2), ("260", "0", "00", &[9])),
    country("ZWE", "Zimbabwe", ("ZWG", 2), ("263", "0", "00", &[9])),
];

/// One line of the table: code, name, (currency, minor digits), (calling code, trunk prefix, prefix for
/// abroad, mobile digits).
const fn country(
    iso3: &'static str,
    name: &'static str,
    (currency, minor_digits): (&'static str, u8),
    (calling_code, trunk_prefix, abroad, mobile_digits): (
        &'static str,
        &'static str,
        &'static str,
        &'static [u8],
    ),
) -> Country {
    Country { iso3, name, currency, minor_digits, calling_code, trunk_prefix, abroad, mobile_digits }
}

impl Country {
    /// The country of an ISO 3166 code of three letters, in any case; `None` when it is not in the table.
    pub fn by_iso3(iso3: &str) -> Option<&'static Country> {
        COUNTRIES.iter().find(|country| country.iso3.eq_ignore_ascii_case(iso3))
    }

    /// The country whose calling code the digits of an international number (without `+`) start with.
    /// No calling code in the table is the beginning of another, so there is at most one.
    pub fn by_international_number(digits: &str) -> Option<&'static Country> {
        COUNTRIES.iter().find(|country| digits.starts_with(country.calling_code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Currency;

    fn all_digits(text: &str) -> bool {
        text.bytes().all(|byte| byte.is_ascii_digit())
    }

    #[test]
    fn every_line_has_the_right_shape() {
        for country in COUNTRIES {
            assert!(
                country.iso3.len() == 3 && country.iso3.bytes().all(|b| b.is_ascii_uppercase()),
                "{country:?}"
            );
            assert!(
                country.currency.len() == 3 && country.currency.bytes().all(|b| b.is_ascii_uppercase()),
                "{country:?}"
            );
            let currency = Currency::new(country.currency).unwrap();
            assert_eq!(currency.digits(), u32::from(country.minor_digits), "{country:?}");
            assert!(country.calling_code.len() == 3 && all_digits(country.calling_code), "{country:?}");
            assert!(country.trunk_prefix.is_empty() || country.trunk_prefix == "0", "{country:?}");
            assert!(!country.mobile_digits.is_empty(), "{country:?}");
            // E.164 allows 15 digits with the calling code.
            assert!(country.mobile_digits.iter().all(|n| (8..=12).contains(n)), "{country:?}");
        }
    }

    #[test]
    fn codes_are_in_order_and_none_is_there_twice() {
        assert!(COUNTRIES.windows(2).all(|pair| pair[0].iso3 < pair[1].iso3));
        for (index, one) in COUNTRIES.iter().enumerate() {
            for other in &COUNTRIES[index + 1..] {
                assert!(!one.calling_code.starts_with(other.calling_code), "{} {}", one.name, other.name);
                assert!(!other.calling_code.starts_with(one.calling_code), "{} {}", one.name, other.name);
                assert_ne!(one.currency, other.currency);
            }
        }
    }

    #[test]
    fn finds_by_code_in_any_case_and_by_number() {
        assert_eq!(Country::by_iso3("mwi").map(|c| c.currency), Some("MWK"));
        assert_eq!(Country::by_iso3("UGA").map(|c| c.minor_digits), Some(0));
        assert_eq!(Country::by_iso3("XXX"), None);
        assert_eq!(Country::by_iso3(""), None);
        assert_eq!(Country::by_international_number("265999123456").map(|c| c.iso3), Some("MWI"));
        assert_eq!(Country::by_international_number("49301234567"), None);
    }
}
