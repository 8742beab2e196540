//! What an incoming text asks for, by its first word; and how a text that asks is written.
//!
//! The words stand with the other texts in `edge/locales`; those of all languages are understood from everybody.
//! STOP and START count only as a whole message of one word: "stop" inside a sentence is no wish to leave.

use super::names::{distance, slips_allowed, words};
use crate::text::{Lang, Messages, Msg};
use std::sync::LazyLock;

/// What a text asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    /// No more messages.
    Stop,
    /// Messages again.
    Start,
    /// How this works.
    Help,
    /// A price; the words after the keyword.
    Price(Vec<String>),
    /// No keyword; its words may still be a crop.
    Other(Vec<String>),
}

/// A keyword in plain form, the message that lists it, and its language.
type Known = (String, Msg, Lang);

static KEYWORDS: LazyLock<Vec<Known>> = LazyLock::new(|| {
    let mut known: Vec<Known> = Vec::new();
    for lang in Lang::ALL {
        for msg in [Msg::KeywordPrice, Msg::KeywordHelp, Msg::KeywordStop, Msg::KeywordStart] {
            for word in words(&Messages::get().text(*lang, msg)) {
                known.push((word, msg, *lang));
            }
        }
    }
    known
});

/// Reads a text; with the language of its keyword, where it has one.
pub(super) fn read(text: &str) -> (Asked, Option<Lang>) {
    let mut words = words(text);
    let Some(first) = words.first() else { return (Asked::Other(words), None) };
    let alone = words.len() == 1;
    let exact = KEYWORDS.iter().find(|(word, _, _)| word == first);
    let known = exact.or_else(|| {
        // A slip is forgiven where it does little: asking for a price or for help.
        let slip = |word: &str| distance(first, word, slips_allowed(word).min(1)).is_some();
        KEYWORDS
            .iter()
            .find(|(word, msg, _)| matches!(msg, Msg::KeywordPrice | Msg::KeywordHelp) && slip(word))
    });
    match known {
        Some((_, Msg::KeywordStop, lang)) if alone => (Asked::Stop, Some(*lang)),
        Some((_, Msg::KeywordStart, lang)) if alone => (Asked::Start, Some(*lang)),
        Some((_, Msg::KeywordHelp, lang)) => (Asked::Help, Some(*lang)),
        Some((_, Msg::KeywordPrice, lang)) => {
            words.remove(0);
            (Asked::Price(words), Some(*lang))
        }
        _ => glued(words),
    }
}

/// A keyword that runs into the next word: `PRICEMAIZE`.
fn glued(words: Vec<String>) -> (Asked, Option<Lang>) {
    let first = words.first().map(String::as_str).unwrap_or_default();
    let hit = KEYWORDS.iter().filter(|(_, msg, _)| *msg == Msg::KeywordPrice).find_map(|(word, _, lang)| {
        let rest = first.strip_prefix(word.as_str())?;
        (rest.len() >= 3).then(|| (rest.to_owned(), *lang))
    });
    match hit {
        Some((rest, lang)) => {
            let words = [rest].into_iter().chain(words.into_iter().skip(1)).collect();
            (Asked::Price(words), Some(lang))
        }
        None => (Asked::Other(words), None),
    }
}

/// The first word of a keyword message, as texts show it: `PRICE`, `BEI`.
pub(crate) fn start_word(words: &Messages, lang: Lang, msg: Msg) -> String {
    words.text(lang, msg).split(' ').next().unwrap_or_default().to_owned()
}

/// An SMS that asks for a price, as an example: `PRICE MAIZE LILONGWE`.
pub(crate) fn example(words: &Messages, lang: Lang, market: &str) -> String {
    words.fill(lang, Msg::SmsExample, &[("market", market)])
}

/// The SMS that asks for this price.
pub(crate) fn price_request(texts: &Messages, lang: Lang, crop: &str, market: &str) -> String {
    let keyword = start_word(texts, lang, Msg::KeywordPrice);
    format!("{keyword} {} {}", as_typed(crop), as_typed(market)).trim_end().to_owned()
}

/// A name as one types it: capital letters, no brackets or commas.
pub(super) fn as_typed(name: &str) -> String {
    words(name).join(" ").to_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn price(words: &[&str], lang: Lang) -> (Asked, Option<Lang>) {
        (Asked::Price(words.iter().map(|word| (*word).to_owned()).collect()), Some(lang))
    }

    #[test]
    fn keywords_are_read_however_they_are_typed() {
        for text in [
            "PRICE MAIZE LILONGWE",
            "price maize lilongwe",
            " Price: maize, Lilongwe. ",
            "PRCE maize lilongwe",
            "prices maize lilongwe",
            "pricemaize lilongwe",
            "PRICE\nmaize\tlilongwe",
        ] {
            assert_eq!(read(text), price(&["maize", "lilongwe"], Lang::En), "{text}");
        }
        assert_eq!(read("BEI MAHINDI"), price(&["mahindi"], Lang::Sw));
        assert_eq!(read("beimahindi nairobi"), price(&["mahindi", "nairobi"], Lang::Sw));
        assert_eq!(read("PRICE"), price(&[], Lang::En));
        assert_eq!(read("help me"), (Asked::Help, Some(Lang::En)));
        assert_eq!(read("Msaada"), (Asked::Help, Some(Lang::Sw)));
        assert_eq!(read("msada"), (Asked::Help, Some(Lang::Sw)));
    }

    #[test]
    fn leaving_and_returning_take_one_exact_word() {
        for text in ["STOP", "stop", " Stop. ", "\"STOP\"", "END", "unsubscribe"] {
            assert_eq!(read(text), (Asked::Stop, Some(Lang::En)), "{text}");
        }
        for text in ["ACHA", "Komesha!"] {
            assert_eq!(read(text), (Asked::Stop, Some(Lang::Sw)), "{text}");
        }
        assert_eq!(read("start"), (Asked::Start, Some(Lang::En)));
        assert_eq!(read("Anza"), (Asked::Start, Some(Lang::Sw)));
        for text in ["stop it", "SHOP", "stp", "please stop", "start the car"] {
            assert!(matches!(read(text).0, Asked::Other(_)), "{text}");
        }
    }

    #[test]
    fn no_word_means_two_things() {
        for (word, msg, _) in KEYWORDS.iter() {
            assert!(KEYWORDS.iter().all(|(other, m, _)| other != word || m == msg), "{word}");
        }
    }

    #[test]
    fn what_texts_tell_people_to_send_is_understood() {
        for lang in Lang::ALL {
            let texts = Messages::get();
            assert!(
                matches!(read(&example(texts, *lang, "LILONGWE")).0, Asked::Price(words) if words.len() == 2)
            );
            assert_eq!(read(&start_word(texts, *lang, Msg::KeywordHelp)).0, Asked::Help);
            assert_eq!(read(&start_word(texts, *lang, Msg::KeywordStop)).0, Asked::Stop);
            assert_eq!(read(&start_word(texts, *lang, Msg::KeywordStart)).0, Asked::Start);
        }
        let sms =
            price_request(Messages::get(), Lang::En, "Maize (white, dry)", "Tala Centre Market (Machakos)");
        assert_eq!(sms, "PRICE MAIZE WHITE DRY TALA CENTRE MARKET MACHAKOS");
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in any::<String>()) {
            let _ = read(&text);
        }
    }
}
