//! Units of measure as farmers read them.

use super::shorten::shorten;
use super::{Lang, Messages, Msg};

/// A unit as farmers read it: the price source's `90 KG` becomes `90 kg`, `Bunch` becomes `fungu` in Swahili. A word that
/// is not known is shown as it is.
pub fn unit_name(words: &Messages, lang: Lang, code: &str) -> String {
    let code = code.trim();
    let at = code.find(|c: char| !(c.is_ascii_digit() || ".,".contains(c))).unwrap_or(code.len());
    let (number, name) = (&code[..at], code[at..].trim());
    let msg = match name.to_ascii_lowercase().as_str() {
        "kg" => Msg::UnitKg,
        "g" => Msg::UnitG,
        "l" => Msg::UnitL,
        "ml" => Msg::UnitMl,
        "unit" | "piece" | "pcs" => Msg::UnitPiece,
        "bunch" => Msg::UnitBunch,
        "head" => Msg::UnitHead,
        "packet" => Msg::UnitPacket,
        "pair" => Msg::UnitPair,
        "heap" => Msg::UnitHeap,
        "loaf" => Msg::UnitLoaf,
        "sack" => Msg::UnitSack,
        _ => return word(code),
    };
    let name = words.text(lang, msg);
    if number.is_empty() { name } else { format!("{number} {name}") }
}

/// A unit as short as a line has room for.
pub(crate) fn word(text: &str) -> String {
    shorten(text, 12).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_named_in_the_language() {
        let name = |lang, code| unit_name(Messages::get(), lang, code);
        assert_eq!(name(Lang::En, "KG"), "kg");
        assert_eq!(name(Lang::En, "90 KG"), "90 kg");
        assert_eq!(name(Lang::Sw, "Bunch"), "fungu");
        assert_eq!(name(Lang::Sw, "500 ML"), "500 ml");
        assert_eq!(name(Lang::Sw, "Gallon"), "Gallon");
        assert_eq!(name(Lang::En, ""), "");
    }
}
