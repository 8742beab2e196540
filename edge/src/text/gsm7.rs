//! How much of a screen or an SMS a text takes, and look-alikes for letters that would make it dear.
//!
//! Telephone networks count septets of the GSM 03.38 alphabet, not characters. One letter outside the alphabet turns the
//! whole text into 16-bit units, of which less than half as many fit. Nothing here changes a text without being asked to.

use std::borrow::Cow;

/// Septets that a USSD screen must not pass (160 octets of 8 bits hold 182 septets).
pub const SCREEN_MAX_SEPTETS: usize = 182;

/// Septets that a USSD screen aims at: some networks allow no more.
pub const SCREEN_AIM_SEPTETS: usize = 160;

/// 16-bit units that a screen in a language outside the alphabet must not pass.
pub const SCREEN_MAX_UCS2_UNITS: usize = 70;

/// Septets of an SMS that is sent in one piece.
pub const SMS_SINGLE_SEPTETS: usize = 160;

/// Septets of each piece of a longer SMS (the rest numbers the pieces).
pub const SMS_PART_SEPTETS: usize = 153;

/// 16-bit units of an SMS that is sent in one piece.
pub const SMS_SINGLE_UCS2_UNITS: usize = 70;

/// 16-bit units of each piece of a longer SMS.
pub const SMS_PART_UCS2_UNITS: usize = 67;

/// The letters of the basic table that are not ASCII, or that stand at another place there.
const BASIC_BEYOND_ASCII: &str = "£¥èéùìòÇØøÅåΔΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà";

/// The letters of the extension table: an escape and a letter, so two septets each.
const EXTENSION: &str = "^{}\\[]~|€\u{c}";

/// Septets of one letter: 1 or 2, `None` when the alphabet does not have it.
pub fn letter_septets(letter: char) -> Option<usize> {
    match letter {
        '^' | '{' | '}' | '\\' | '[' | ']' | '~' | '|' | '\u{c}' => Some(2),
        ' '..='_' | 'a'..='z' | '\n' | '\r' => Some(1),
        _ if letter.is_ascii() => None,
        _ if EXTENSION.contains(letter) => Some(2),
        _ if BASIC_BEYOND_ASCII.contains(letter) => Some(1),
        _ => None,
    }
}

/// Whether a byte is a letter of the alphabet as it is, in a text that breaks its lines as telephones do.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'_' | b'a'..=b'~' | b'\n')
}

/// Septets of a text, a letter outside the alphabet counted as one.
pub fn length(text: &str) -> usize {
    if text.is_ascii() {
        let dear =
            |byte: &u8| matches!(byte, b'^' | b'{' | b'}' | b'\\' | b'[' | b']' | b'~' | b'|' | b'\x0c');
        return text.len() + text.bytes().filter(dear).count();
    }
    text.chars().map(|letter| letter_septets(letter).unwrap_or(1)).sum()
}

/// Septets of a text; `None` when a letter of it is outside the alphabet.
pub fn septets(text: &str) -> Option<usize> {
    text.chars().map(letter_septets).sum()
}

/// Whether all of a text is in the alphabet.
pub fn encodable(text: &str) -> bool {
    text.chars().all(|letter| letter_septets(letter).is_some())
}

/// 16-bit units that a text takes when it is not in the alphabet.
pub fn ucs2_units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// How an SMS goes over the air.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Seven bits a letter.
    Gsm7,
    /// Sixteen bits a unit.
    Ucs2,
}

/// What sending a text costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SmsSize {
    /// How it is written.
    pub encoding: Encoding,
    /// Septets or 16-bit units, by the encoding.
    pub units: usize,
    /// Pieces that are sent and paid; 1 for an empty text.
    pub segments: usize,
}

/// Measures a text as an SMS. No escape pair and no surrogate pair is cut in two between pieces, as networks do it.
pub fn sms_size(text: &str) -> SmsSize {
    match septets(text) {
        Some(units) => {
            let segments = if units <= SMS_SINGLE_SEPTETS {
                1
            } else {
                pieces(text.chars().map(|letter| letter_septets(letter).unwrap_or(1)), SMS_PART_SEPTETS)
            };
            SmsSize { encoding: Encoding::Gsm7, units, segments }
        }
        None => {
            let units = ucs2_units(text);
            let segments = if units <= SMS_SINGLE_UCS2_UNITS {
                1
            } else {
                pieces(text.chars().map(char::len_utf16), SMS_PART_UCS2_UNITS)
            };
            SmsSize { encoding: Encoding::Ucs2, units, segments }
        }
    }
}

fn pieces(letters: impl Iterator<Item = usize>, room: usize) -> usize {
    let (mut count, mut used) = (1, 0);
    for size in letters {
        if used + size > room {
            count += 1;
            used = 0;
        }
        used += size;
    }
    count
}

/// Writes a text with letters of the alphabet only: look-alikes for quotation marks, dashes, odd spaces and accents, `?` for
/// what has none. Control characters other than the line feed go. A text that needs nothing is returned as it is.
pub fn sanitise(text: &str) -> Cow<'_, str> {
    let is_clean = |letter| letter != '\r' && letter != '\u{c}' && letter_septets(letter).is_some();
    if text.bytes().all(is_plain) || text.chars().all(is_clean) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\r' | '\u{c}' => {}
            _ if letter_septets(letter).is_some() => out.push(letter),
            '\t' => out.push(' '),
            _ if letter.is_control() || is_invisible(letter) => {}
            _ => out.push_str(look_alike(letter)),
        }
    }
    Cow::Owned(out)
}

/// Joiners, direction marks and accents that stand apart from their letter.
fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{ad}')
}

/// What looks most like a letter that the alphabet lacks.
fn look_alike(letter: char) -> &'static str {
    match letter {
        '‘' | '’' | '‚' | '‛' | '′' | '`' | '´' | 'ʼ' | 'ʻ' | '‹' | '›' => "'",
        '“' | '”' | '„' | '‟' | '″' | '«' | '»' => "\"",
        '–' | '—' | '―' | '‐' | '‑' | '‒' | '−' => "-",
        '…' => "...",
        '•' | '·' | '∙' | '×' => "*",
        '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => " ",
        'á' | 'â' | 'ã' | 'ā' | 'ą' | 'ă' | 'ǎ' | 'ạ' | 'ª' => "a",
        'Á' | 'À' | 'Â' | 'Ã' | 'Ā' | 'Ą' => "A",
        'ç' | 'ć' | 'č' => "c",
        'Ć' | 'Č' => "C",
        'ê' | 'ë' | 'ē' | 'ę' | 'ě' | 'ẹ' | 'ɛ' => "e",
        'È' | 'Ê' | 'Ë' | 'Ē' | 'Ę' | 'Ɛ' => "E",
        'í' | 'î' | 'ï' | 'ĩ' | 'ī' | 'ị' | 'ı' => "i",
        'Í' | 'Ì' | 'Î' | 'Ï' | 'Ĩ' | 'Ī' | 'İ' => "I",
        'ó' | 'ô' | 'õ' | 'ō' | 'ọ' | 'ɔ' | 'º' => "o",
        'Ó' | 'Ò' | 'Ô' | 'Õ' | 'Ō' | 'Ɔ' => "O",
        'ú' | 'û' | 'ũ' | 'ū' | 'ụ' => "u",
        'Ú' | 'Ù' | 'Û' | 'Ũ' | 'Ū' => "U",
        'ŋ' | 'ń' | 'ň' | 'ṅ' => "n",
        'Ŋ' | 'Ń' => "N",
        'ŵ' => "w",
        'Ŵ' => "W",
        'ş' | 'ṣ' | 'š' | 'ś' => "s",
        'Ş' | 'Š' => "S",
        'ğ' => "g",
        'ž' | 'ź' | 'ż' => "z",
        'ý' | 'ÿ' | 'ƴ' => "y",
        'ɓ' => "b",
        'ɗ' | 'ɖ' => "d",
        'ƙ' => "k",
        'ƒ' => "f",
        'œ' => "oe",
        'Œ' => "OE",
        '₦' => "N",
        '¢' => "c",
        '©' => "(c)",
        '°' => "o",
        '½' => "1/2",
        '¼' => "1/4",
        '¾' => "3/4",
        '₂' | '²' => "2",
        '³' => "3",
        _ => "?",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The basic table in its own order, without the escape at 0x1B.
    const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";

    #[test]
    fn the_tables_are_whole() {
        assert_eq!(BASIC.chars().count(), 127, "128 places less the escape");
        assert!(BASIC.chars().all(|letter| letter_septets(letter) == Some(1)));
        assert!(EXTENSION.chars().all(|letter| letter_septets(letter) == Some(2)));
        let known =
            (0..=0x10_ffff).filter_map(char::from_u32).filter(|c| letter_septets(*c).is_some()).count();
        assert_eq!(known, BASIC.chars().count() + EXTENSION.chars().count());
    }

    #[test]
    fn letters_that_look_common_but_are_not_in_the_table() {
        for letter in "çáâêíîóôúÀ`’“–•\t\u{a0}\u{202f}\u{2068}".chars() {
            assert_eq!(letter_septets(letter), None, "{letter}");
        }
    }

    #[test]
    fn counts_septets_not_characters() {
        assert_eq!(septets("Mahindi 50 kg"), Some(13));
        assert_eq!(septets("[a]|€"), Some(9));
        assert_eq!(septets("Maïs"), None);
        assert!(encodable("karanga") && encodable("Élevé") && !encodable("Être"));
        assert_eq!(ucs2_units("ab😀"), 4);
    }

    #[test]
    fn segments_as_networks_cut_them() {
        let gsm = |n: usize| sms_size(&"a".repeat(n));
        for (letters, segments) in [(0, 1), (160, 1), (161, 2), (306, 2), (307, 3), (459, 3), (460, 4)] {
            assert_eq!(gsm(letters).segments, segments, "{letters}");
            assert_eq!(gsm(letters).encoding, Encoding::Gsm7);
        }
        for (letters, segments) in [(1, 1), (70, 1), (71, 2), (134, 2), (135, 3)] {
            let size = sms_size(&"ê".repeat(letters));
            assert_eq!((size.encoding, size.segments), (Encoding::Ucs2, segments), "{letters}");
        }
        // 152 letters, then an escape pair that does not fit the 153rd place: it goes to the next piece.
        let text = format!("{}€{}", "a".repeat(152), "a".repeat(152));
        assert_eq!(sms_size(&text), SmsSize { encoding: Encoding::Gsm7, units: 306, segments: 3 });
        // The same for a surrogate pair.
        let text = format!("{}😀{}", "ê".repeat(66), "ê".repeat(66));
        assert_eq!(sms_size(&text), SmsSize { encoding: Encoding::Ucs2, units: 134, segments: 3 });
    }

    #[test]
    fn look_alikes_keep_a_text_cheap() {
        assert_eq!(sanitise("‘N’gombe’ – “Maïs” … •"), "'N'gombe' - \"Mais\" ... *");
        assert_eq!(sanitise("Chimanga\u{a0}chã\u{2068}x\u{2069}\r\n"), "Chimanga chax\n");
        assert_eq!(sanitise("ŵĩ ê ₦50 雨"), "wi e N50 ?");
        assert!(matches!(sanitise("Mchele"), Cow::Borrowed(_)));
    }

    #[test]
    fn what_is_counted_by_bytes_is_counted_as_by_letters() {
        for byte in 0..=127u8 {
            let letter = char::from(byte);
            assert_eq!(length(&letter.to_string()), letter_septets(letter).unwrap_or(1), "{letter:?}");
            let is_clean = letter != '\r' && letter != '\u{c}' && letter_septets(letter).is_some();
            assert_eq!(is_plain(byte), is_clean, "{letter:?}");
        }
        assert_eq!((length("[é]"), length("[雨]"), length("a|b")), (5, 5, 4));
    }

    proptest! {
        #[test]
        fn sanitised_text_is_always_in_the_alphabet(text in any::<String>()) {
            let clean = sanitise(&text);
            prop_assert!(encodable(&clean), "{:?}", clean);
            prop_assert_eq!(sanitise(&clean), clean.clone());
        }

        #[test]
        fn segments_hold_all_units(text in any::<String>()) {
            let size = sms_size(&text);
            let room = match size.encoding {
                Encoding::Gsm7 => if size.segments == 1 { 160 } else { 153 * size.segments },
                Encoding::Ucs2 => if size.segments == 1 { 70 } else { 67 * size.segments },
            };
            prop_assert!(size.units <= room);
        }
    }
}
