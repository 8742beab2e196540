//! What an incoming text asks for, by its first word; and how a text that asks is written.
//!
//! The words stand with the other texts in `edge/locales`; those of all languages are understood from everybody. STOP counts only as
//! the whole message, with words of courtesy and the service's name at most: "stop" inside a sentence is no wish to leave.

use super::names::{distance, slips_allowed, words};
use super::{Lang, Messages, Msg};
use std::sync::LazyLock;

/// The service's own name, which people write before or behind what they want.
const SERVICE: &str = "mizili";

/// What a text asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked {
    /// No more messages.
    Stop,
    /// Messages again.
    Start,
    /// How this works.
    Help,
    /// CANCEL or END, alone: no more messages, or an order taken back by somebody who has one.
    StopOrCancel,
    /// An order taken back, by name: `CANCEL MY ORDER`.
    Cancel,
    /// A price; the words after the keyword.
    Price(Vec<String>),
    /// No keyword; its words may still be a crop.
    Other,
}

/// A text, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reading {
    /// What it asks for.
    pub(crate) asked: Asked,
    /// The language of its keyword, where it has one.
    pub(crate) lang: Option<Lang>,
    /// All its words but the service's name before them.
    pub(crate) words: Vec<String>,
    /// Whether the keyword was only nearly one: RICE is a slip of PRICE, and a crop.
    pub(crate) guessed: bool,
    /// Whether it is for this service: it begins with the word of a shared number or the service's name, or the number is not shared.
    pub(crate) is_ours: bool,
}

/// A keyword in plain form, the message that lists it, and its language.
type Known = (String, Msg, Lang);

/// The messages that list keywords. A word stands in one of them.
const LISTS: [Msg; 7] = [
    Msg::KeywordPrice,
    Msg::KeywordHelp,
    Msg::KeywordStop,
    Msg::KeywordStopOrCancel,
    Msg::KeywordStart,
    Msg::KeywordOrder,
    Msg::KeywordCourtesy,
];

static KEYWORDS: LazyLock<Vec<Known>> = LazyLock::new(|| {
    let mut known: Vec<Known> = Vec::new();
    for lang in Lang::ALL {
        for msg in LISTS {
            for word in words(&Messages::get().text(*lang, msg)) {
                known.push((word, msg, *lang));
            }
        }
    }
    known
});

fn known(word: &str) -> Option<&'static Known> {
    KEYWORDS.iter().find(|(known, _, _)| known == word)
}

/// Whether a word means something of its own in a text, in any language.
pub(crate) fn means_something(word: &str) -> bool {
    let word = words(word).concat();
    word == SERVICE || known(&word).is_some()
}

/// Whether a word is in a list, in any language.
fn is_of(word: &str, list: Msg) -> bool {
    KEYWORDS.iter().any(|(known, msg, _)| known == word && *msg == list)
}

/// Reads a text. `shared` is the word with which texts to a shared number begin, where the gateway has one.
pub(crate) fn read(text: &str, shared: Option<&str>) -> Reading {
    let (words, is_ours) = addressed(text, shared);
    Reading { is_ours, ..asked(words, shared) }
}

/// The words of a text behind those that say for whom it is, and whether it is for this service.
fn addressed(text: &str, shared: Option<&str>) -> (Vec<String>, bool) {
    let mut words = words(text);
    let named = words.iter().take_while(|word| is_service(word, shared)).count();
    words.drain(..named);
    (words, named > 0 || shared.is_none())
}

fn is_service(word: &str, shared: Option<&str>) -> bool {
    word == SERVICE || shared.is_some_and(|shared| word == self::words(shared).concat())
}

fn asked(mut words: Vec<String>, shared: Option<&str>) -> Reading {
    let bare: Vec<&String> =
        words.iter().filter(|word| !is_service(word, shared) && !is_of(word, Msg::KeywordCourtesy)).collect();
    if let Some(reading) = leaving(&bare, &words) {
        return reading;
    }
    let courtesy = words.iter().take_while(|word| is_of(word, Msg::KeywordCourtesy)).count();
    words.drain(..courtesy);
    let Some(first) = words.first() else {
        return Reading { asked: Asked::Other, lang: None, words, guessed: false, is_ours: true };
    };
    // A slip is forgiven where it does little: asking for a price or for help.
    let slip = |word: &str| distance(first, word, slips_allowed(word).min(1)).is_some();
    let near = || {
        KEYWORDS
            .iter()
            .find(|(word, msg, _)| matches!(msg, Msg::KeywordPrice | Msg::KeywordHelp) && slip(word))
    };
    let guessed = known(first).is_none();
    match known(first).or_else(near) {
        Some((_, Msg::KeywordHelp, lang)) => {
            Reading { asked: Asked::Help, lang: Some(*lang), words, guessed, is_ours: true }
        }
        Some((_, Msg::KeywordPrice, lang)) => {
            let asked = Asked::Price(words[1..].to_vec());
            Reading { asked, lang: Some(*lang), words, guessed, is_ours: true }
        }
        _ => glued(words),
    }
}

/// A text about leaving, returning or taking an order back; `bare` is without courtesy and the service's name.
fn leaving(bare: &[&String], words: &[String]) -> Option<Reading> {
    let (_, list, lang) = known(bare.first()?)?;
    let all = |list| bare.iter().all(|word| is_of(word, list));
    let asked = match list {
        Msg::KeywordStop if all(Msg::KeywordStop) => Asked::Stop,
        // "Yes, thank you" is no wish to come back.
        Msg::KeywordStart
            if bare.len() == 1 && words.iter().all(|word| !is_of(word, Msg::KeywordCourtesy)) =>
        {
            Asked::Start
        }
        Msg::KeywordStopOrCancel if bare.len() == 1 => Asked::StopOrCancel,
        Msg::KeywordStop | Msg::KeywordStopOrCancel
            if bare.iter().any(|word| is_of(word, Msg::KeywordOrder)) =>
        {
            Asked::Cancel
        }
        _ => return None,
    };
    Some(Reading { asked, lang: Some(*lang), words: words.to_vec(), guessed: false, is_ours: true })
}

/// A keyword that runs into the next word: `PRICEMAIZE`.
fn glued(words: Vec<String>) -> Reading {
    let first = words.first().map(String::as_str).unwrap_or_default();
    let hit = KEYWORDS.iter().filter(|(_, msg, _)| *msg == Msg::KeywordPrice).find_map(|(word, _, lang)| {
        let rest = first.strip_prefix(word.as_str())?;
        (rest.len() >= 3).then(|| (rest.to_owned(), *lang))
    });
    match hit {
        Some((rest, lang)) => {
            let asked = [rest].into_iter().chain(words.iter().skip(1).cloned()).collect();
            Reading { asked: Asked::Price(asked), lang: Some(lang), words, guessed: true, is_ours: true }
        }
        None => Reading { asked: Asked::Other, lang: None, words, guessed: false, is_ours: true },
    }
}

/// The first word of a keyword message, as texts show it: `PRICE`, `BEI`; behind the shared number's word, where there is one.
pub(crate) fn start_word(lang: Lang, msg: Msg, shared: Option<&str>) -> String {
    let words = Messages::get().text(lang, msg);
    let word = words.split(' ').next().unwrap_or_default();
    match shared {
        Some(shared) => format!("{} {word}", as_typed(shared)),
        None => word.to_owned(),
    }
}

/// The SMS that asks for this price.
pub(crate) fn price_request(lang: Lang, shared: Option<&str>, crop: &str, market: &str) -> String {
    let keyword = start_word(lang, Msg::KeywordPrice, shared);
    format!("{keyword} {} {}", as_typed(crop), as_typed(market)).trim_end().to_owned()
}

/// A name as one types it: capital letters, no brackets or commas.
pub(crate) fn as_typed(name: &str) -> String {
    words(name).join(" ").to_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn asked(text: &str) -> (Asked, Option<Lang>) {
        let Reading { asked, lang, .. } = read(text, None);
        (asked, lang)
    }

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
            "MIZILI PRICE MAIZE LILONGWE",
            "Please price maize Lilongwe",
        ] {
            assert_eq!(asked(text), price(&["maize", "lilongwe"], Lang::En), "{text}");
        }
        assert_eq!(asked("BEI MAHINDI"), price(&["mahindi"], Lang::Sw));
        assert_eq!(asked("beimahindi nairobi"), price(&["mahindi", "nairobi"], Lang::Sw));
        assert_eq!(asked("PRICE"), price(&[], Lang::En));
        assert_eq!(asked("help me"), (Asked::Help, Some(Lang::En)));
        assert_eq!(asked("Msaada"), (Asked::Help, Some(Lang::Sw)));
        assert_eq!(asked("msada"), (Asked::Help, Some(Lang::Sw)));
    }

    #[test]
    fn what_is_only_nearly_a_keyword_is_a_guess() {
        for (text, guessed) in [
            ("RICE NAIROBI", true),
            ("prce maize", true),
            ("pricemaize", true),
            ("PRICE RICE", false),
            ("HELP", false),
        ] {
            assert_eq!(read(text, None).guessed, guessed, "{text}");
        }
    }

    #[test]
    fn leaving_is_the_whole_message() {
        for text in [
            "STOP",
            "stop",
            " Stop. ",
            "\"STOP\"",
            "unsubscribe",
            "Stop. Thank you",
            "STOP ALL",
            "stop please",
            "please stop",
            "MIZILI STOP",
            "STOP MIZILI",
            "Stop Mizili please!",
            "stop all sms now",
        ] {
            assert_eq!(asked(text), (Asked::Stop, Some(Lang::En)), "{text}");
        }
        for text in ["ACHA", "Komesha!", "acha tafadhali", "ACHA MIZILI"] {
            assert_eq!(asked(text), (Asked::Stop, Some(Lang::Sw)), "{text}");
        }
        for text in ["start", "UNSTOP", "MIZILI START"] {
            assert_eq!(asked(text), (Asked::Start, Some(Lang::En)), "{text}");
        }
        assert_eq!(asked("Anza"), (Asked::Start, Some(Lang::Sw)));
        for text in [
            "stop it",
            "SHOP",
            "stp",
            "stop the lorry",
            "start the car",
            "thank you",
            "mizili",
            "Yes thank you",
        ] {
            assert_eq!(asked(text).0, Asked::Other, "{text}");
        }
    }

    #[test]
    fn an_order_is_taken_back_and_not_the_messages() {
        for text in ["CANCEL", "end", "Cancel please", "SITISHA"] {
            assert_eq!(asked(text).0, Asked::StopOrCancel, "{text}");
        }
        for text in ["CANCEL MY ORDER", "cancel order", "END ORDER", "Sitisha oda", "stop my order"] {
            assert_eq!(asked(text).0, Asked::Cancel, "{text}");
        }
        assert_eq!(asked("end of the month").0, Asked::Other);
    }

    #[test]
    fn a_shared_number_has_a_word_of_its_own() {
        let read = |text: &str| read(text, Some("Coopfarm")).asked;
        for text in ["COOPFARM PRICE MAIZE", "mizili price maize", "PRICE MAIZE"] {
            assert_eq!(read(text), Asked::Price(vec!["maize".to_owned()]), "{text}");
        }
        assert_eq!(read("COOPFARM STOP"), Asked::Stop);
        assert_eq!(price_request(Lang::En, Some("coopfarm"), "Maize", "Zomba"), "COOPFARM PRICE MAIZE ZOMBA");
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
            for shared in [None, Some("COOP")] {
                let word = |msg| read(&start_word(*lang, msg, shared), shared).asked;
                assert_eq!(word(Msg::KeywordHelp), Asked::Help);
                assert_eq!(word(Msg::KeywordStop), Asked::Stop);
                assert_eq!(word(Msg::KeywordStart), Asked::Start);
                assert_eq!(word(Msg::KeywordPrice), Asked::Price(Vec::new()));
            }
        }
        let sms = price_request(Lang::En, None, "Maize (white, dry)", "Tala Centre Market (Machakos)");
        assert_eq!(sms, "PRICE MAIZE WHITE DRY TALA CENTRE MARKET MACHAKOS");
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in any::<String>()) {
            let _ = read(&text, Some("COOP"));
        }
    }
}
