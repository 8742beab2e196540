//! Money, quantities and months: exact, with their unit, never floating point.

use std::fmt;
use std::str::FromStr;

/// An ISO 4217 code, upper case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// The kwacha of Malawi.
    pub const MWK: Self = Self(*b"MWK");

    /// Three ASCII letters, any case; `None` for anything else. Whether the code exists is not looked up.
    pub fn new(text: &str) -> Option<Self> {
        let bytes: [u8; 3] = text.as_bytes().try_into().ok()?;
        bytes.iter().all(u8::is_ascii_alphabetic).then(|| Self(bytes.map(|b| b.to_ascii_uppercase())))
    }

    /// The three letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }

    /// Digits after the point (ISO 4217's minor unit): 0 for UGX, RWF, BIF and the CFA francs, else 2.
    pub fn digits(self) -> u32 {
        match &self.0 {
            b"UGX" | b"RWF" | b"BIF" | b"XAF" | b"XOF" | b"KMF" | b"DJF" | b"GNF" => 0,
            _ => 2,
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An amount of money in minor units of a currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Money {
    /// Minor units, such as cents or tambala.
    pub amount_minor: i64,
    /// The currency.
    pub currency: Currency,
}

/// What `quantity` units cost at `unit_price_minor` each, rounded half up to a minor unit; `None` when it does not fit.
pub fn total_minor(quantity: Quantity, unit_price_minor: i64) -> Option<i64> {
    let exact = i128::from(quantity.0) * i128::from(unit_price_minor);
    i64::try_from((exact + 500).div_euclid(1000)).ok()
}

/// A quantity in thousandths of its unit: 2.5 bags are 2,500.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity(pub i64);

impl Quantity {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Whole units; saturates at the ends of the range, which validation never lets in.
    pub const fn units(n: i64) -> Self {
        Self(n.saturating_mul(1000))
    }

    /// `percent` of it, rounded down to whole units.
    pub fn whole_share(self, percent: u8) -> Self {
        let share = i128::from(self.0) * i128::from(percent.min(100)) / 100;
        Self(i64::try_from(share.div_euclid(1000) * 1000).unwrap_or(0))
    }

    /// Sum; saturates.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// Difference; saturates.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// The same amount with the other sign.
    #[must_use]
    pub fn negated(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, n) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        let (whole, part) = (n / 1000, n % 1000);
        if part == 0 {
            return write!(f, "{sign}{whole}");
        }
        let part = format!("{part:03}");
        write!(f, "{sign}{whole}.{}", part.trim_end_matches('0'))
    }
}

/// Why a text is no exact quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadQuantity {
    /// Words, `1e30`, nothing.
    #[error("write a number in digits, such as 50 or 2.5")]
    NotANumber,
    /// `1,000` and `2,5`: one text, two numbers.
    #[error("write it without a comma, such as 1000 or 2.5")]
    Comma,
    /// More than three digits after the point.
    #[error("write at most three digits after the point")]
    TooFine,
    /// More than any quantity can be.
    #[error("this number is too large")]
    TooLarge,
}

impl FromStr for Quantity {
    type Err = BadQuantity;
    /// Reads what programs write: an optional minus, digits, and at most three decimals after a point. A comma is refused by name:
    /// it means a thousand to one and a decimal to another. What a person types is read where it is typed.
    fn from_str(text: &str) -> Result<Self, BadQuantity> {
        if text.contains(',') {
            return Err(BadQuantity::Comma);
        }
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !all_digits(whole) || !all_digits(part) || digits.ends_with('.') {
            return Err(BadQuantity::NotANumber);
        }
        if part.len() > 3 {
            return Err(BadQuantity::TooFine);
        }
        let whole: i64 = whole.parse().map_err(|_| BadQuantity::TooLarge)?;
        let part: i64 = format!("{part:0<3}").parse().map_err(|_| BadQuantity::NotANumber)?;
        let milli = whole.checked_mul(1000).and_then(|n| n.checked_add(part)).ok_or(BadQuantity::TooLarge)?;
        Ok(Self(if negative { -milli } else { milli }))
    }
}

/// A calendar month as months since January of the year 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(pub u32);

impl Month {
    /// From a year and a month of 1 to 12; `None` outside.
    pub fn new(year: u32, month: u32) -> Option<Self> {
        ((1..=12).contains(&month) && year <= 9999).then(|| Self(year * 12 + month - 1))
    }

    /// The year.
    pub fn year(self) -> u32 {
        self.0 / 12
    }

    /// The month of the year, 1 to 12.
    pub fn month(self) -> u32 {
        self.0 % 12 + 1
    }

    /// Whole months from this one to a later one, 0 when it is not later.
    pub fn months_until(self, later: Self) -> u32 {
        later.0.saturating_sub(self.0)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year(), self.month())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_read_and_print_exactly() {
        for (text, milli) in [("50", 50_000), ("50.5", 50_500), ("0.125", 125), ("-3.25", -3_250)] {
            assert_eq!(text.parse(), Ok(Quantity(milli)));
        }
        assert_eq!(Quantity(50_500).to_string(), "50.5");
        assert_eq!(Quantity(-1).to_string(), "-0.001");
        for comma in ["1,000", "1,990", "0,125", "1,234.5"] {
            assert_eq!(comma.parse::<Quantity>(), Err(BadQuantity::Comma), "{comma}");
        }
        for bad in ["", ".", "1.", "1e30", "12x", "--1", "+5", " 50", "50 ", "1 000"] {
            assert_eq!(bad.parse::<Quantity>(), Err(BadQuantity::NotANumber), "{bad}");
        }
        assert_eq!("1.2345".parse::<Quantity>(), Err(BadQuantity::TooFine));
        for large in ["99999999999999999999", "9223372036854775807"] {
            assert_eq!(large.parse::<Quantity>(), Err(BadQuantity::TooLarge), "{large}");
        }
    }

    #[test]
    fn shares_are_whole_units() {
        assert_eq!(Quantity::units(50).whole_share(50), Quantity::units(25));
        assert_eq!(Quantity(3_500).whole_share(50), Quantity::units(1));
        assert_eq!(Quantity(900).whole_share(50), Quantity::ZERO);
    }

    #[test]
    fn totals_round_half_up() {
        assert_eq!(total_minor(Quantity(2_500), 101), Some(253));
        assert_eq!(total_minor(Quantity::units(i64::MAX / 1000), i64::MAX), None);
    }
}
