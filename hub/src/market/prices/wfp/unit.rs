//! What a price is for: `90 KG` is 90 kilograms, `500 ML` half a litre, `30 pcs` thirty pieces.
//!
//! Any text gives an answer, and an unknown or doubtful one the answer "unknown". It must never turn a heap, a bunch
//! or a gallon (there are two) into kilograms or litres.

use sync_protocol::market::UnitBase;

use super::decimal::scaled;

/// The price source's word for what is not for eating: fuel, wages, exchange rates, livestock.
pub const NON_FOOD: &str = "non-food";

/// "Units" under which an exchange rate or a wage poses as a commodity.
const NOT_GOODS: [&str; 6] = ["usd/lcu", "day", "month", "night", "trip", "course"];

/// The base and how many billionths of it one of the word is. A pound is 0.453 592 37 kg by definition.
const WORDS: &[(&[&str], UnitBase, i64)] = &[
    (&["kg", "kgs", "kilo", "kilogram", "kilograms"], UnitBase::Kilogram, 1_000_000_000),
    (&["g", "gr", "gram", "grams"], UnitBase::Kilogram, 1_000_000),
    (&["mt", "tonne", "tonnes"], UnitBase::Kilogram, 1_000_000_000_000),
    (&["pound", "pounds", "lb", "lbs"], UnitBase::Kilogram, 453_592_370),
    (&["l", "litre", "litres", "liter", "liters"], UnitBase::Litre, 1_000_000_000),
    (&["ml"], UnitBase::Litre, 1_000_000),
    (&["cl"], UnitBase::Litre, 10_000_000),
    (
        &["unit", "units", "pc", "pcs", "piece", "pieces", "head", "bunch", "packet", "pair"],
        UnitBase::Piece,
        1_000_000_000,
    ),
    (
        &["heap", "loaf", "sack", "bag", "bundle", "tin", "basket", "bottle", "box", "tray"],
        UnitBase::Piece,
        1_000_000_000,
    ),
    (&["dozen"], UnitBase::Piece, 12_000_000_000),
];

/// A unit of price, understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unit {
    /// How much of the base it is, in thousandths: 90,000 for `90 KG`, 200 for `200 G`. At least 1, but 0 where the
    /// base is [`UnitBase::Unknown`]. Exact for metric units of a gram or more; pounds are rounded to a gram.
    pub factor_milli: i64,
    /// What it measures. Pieces of one kind compare with each other only: a bunch is not a head.
    pub base: UnitBase,
}

impl Unit {
    /// What cannot be measured.
    const UNKNOWN: Self = Self { factor_milli: 0, base: UnitBase::Unknown };

    /// Understands a unit as the source writes it: an optional number, then a word, in any case.
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        let word_at = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (count, word) = text.split_at(word_at);
        let count_milli = if count.is_empty() { Ok(1000) } else { scaled(count, 3) };
        let word = word.trim().to_ascii_lowercase();
        let known = WORDS.iter().find(|(words, ..)| words.contains(&word.as_str()));
        let (Ok(count_milli), Some(&(_, base, nano))) = (count_milli, known) else { return Self::UNKNOWN };
        let exact = i128::from(count_milli) * i128::from(nano);
        let rounded = (exact + 500_000_000) / 1_000_000_000;
        match i64::try_from(rounded) {
            Ok(factor_milli @ 1..) => Self { factor_milli, base },
            _ => Self::UNKNOWN,
        }
    }

    /// The price of one kilogram, litre or piece when this unit costs `price_minor`, rounded half up to a minor
    /// unit; `None` for what cannot be measured, and for a result that does not fit.
    pub fn price_per_base_minor(self, price_minor: i64) -> Option<i64> {
        if self.factor_milli <= 0 || self.base == UnitBase::Unknown {
            return None;
        }
        let factor = i128::from(self.factor_milli);
        let doubled = i128::from(price_minor) * 2000 + factor;
        i64::try_from(doubled.div_euclid(2 * factor)).ok()
    }
}

/// Whether farmers' menus offer it: food, in a unit of goods.
pub fn belongs_on_farmer_menu(category: &str, unit: &str) -> bool {
    let unit = unit.trim().to_ascii_lowercase();
    !category.trim().eq_ignore_ascii_case(NON_FOOD) && !NOT_GOODS.contains(&unit.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn understands_the_units_of_real_files() {
        use UnitBase::{Kilogram, Litre, Piece, Unknown};
        for (text, factor_milli, base) in [
            ("KG", 1_000, Kilogram),
            ("90 KG", 90_000, Kilogram),
            ("64 KG", 64_000, Kilogram),
            ("126 KG", 126_000, Kilogram),
            ("12.5 KG", 12_500, Kilogram),
            ("90KG", 90_000, Kilogram),
            (" 1.8  kg ", 1_800, Kilogram),
            ("200 G", 200, Kilogram),
            ("400 G", 400, Kilogram),
            ("MT", 1_000_000, Kilogram),
            ("Pound", 454, Kilogram),
            ("50 Pounds", 22_680, Kilogram),
            ("L", 1_000, Litre),
            ("500 ML", 500, Litre),
            ("1.5 L", 1_500, Litre),
            ("Unit", 1_000, Piece),
            ("Head", 1_000, Piece),
            ("Bunch", 1_000, Piece),
            ("Packet", 1_000, Piece),
            ("30 pcs", 30_000, Piece),
            ("Dozen", 12_000, Piece),
            ("Gallon", 0, Unknown),
            ("USD/LCU", 0, Unknown),
            ("Day", 0, Unknown),
            ("", 0, Unknown),
            ("90", 0, Unknown),
            ("0 KG", 0, Unknown),
            ("0.1 G", 0, Unknown),
            ("-5 KG", 0, Unknown),
            ("1.2.3 KG", 0, Unknown),
            ("5. KG", 0, Unknown),
            ("KG KG", 0, Unknown),
            ("99999999999999999999 KG", 0, Unknown),
            ("9223372036854775 MT", 0, Unknown),
        ] {
            assert_eq!(Unit::parse(text), Unit { factor_milli, base }, "{text}");
        }
    }

    #[test]
    fn price_per_base_is_rounded_half_up() {
        // 90 KG of maize at 1,480.00 are 16.44 a kilogram.
        assert_eq!(Unit::parse("90 KG").price_per_base_minor(148_000), Some(1_644));
        assert_eq!(Unit::parse("KG").price_per_base_minor(1_613), Some(1_613));
        assert_eq!(Unit::parse("500 ML").price_per_base_minor(6_050), Some(12_100));
        assert_eq!(Unit::parse("2 KG").price_per_base_minor(5), Some(3));
        assert_eq!(Unit::parse("Gallon").price_per_base_minor(100), None);
        assert_eq!(Unit::parse("1 G").price_per_base_minor(i64::MAX), None);
        assert_eq!(Unit { factor_milli: 0, base: UnitBase::Kilogram }.price_per_base_minor(1), None);
    }

    #[test]
    fn menus_leave_out_what_is_no_food() {
        assert!(belongs_on_farmer_menu("cereals and tubers", "90 KG"));
        assert!(belongs_on_farmer_menu("vegetables and fruits", "Bunch"));
        assert!(!belongs_on_farmer_menu("non-food", "L"));
        assert!(!belongs_on_farmer_menu("Non-Food ", "L"));
        assert!(!belongs_on_farmer_menu("miscellaneous food", "USD/LCU"));
        assert!(!belongs_on_farmer_menu("miscellaneous food", "Day"));
    }

    proptest! {
        #[test]
        fn any_text_has_an_answer(text in "\\PC{0,30}|[0-9.]{0,25} ?(KG|G|MT|ML|pcs|x)", price_minor: i64) {
            let unit = Unit::parse(&text);
            prop_assert_eq!(unit.factor_milli == 0, unit.base == UnitBase::Unknown);
            prop_assert!(unit.factor_milli >= 0);
            let _ = unit.price_per_base_minor(price_minor);
        }
    }
}
