//! Letters that nobody sees. A name that differs from another only by them looks the same, so what people and files write loses them
//! before it is kept or compared; what is left of a name must be something to see. Changes no text that is on its way.

/// Whether a letter leaves no mark of its own: joiners, direction marks, variation selectors, soft hyphens, fillers, tags. Control
/// characters are not among them: they are refused by name.
pub fn is_invisible(letter: char) -> bool {
    matches!(letter,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether there is something to see: a letter, digit, sign or picture. Accents alone are nothing.
pub fn is_visible(text: &str) -> bool {
    let is_accent = |letter: char| {
        matches!(letter, '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
            | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
    };
    text.chars().any(|c| !c.is_whitespace() && !c.is_control() && !is_invisible(c) && !is_accent(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_something_to_see() {
        for text in ["Mercy", "é", "e\u{301}", "7", "\u{202e}abc", "慶", "🌽", "-"] {
            assert!(is_visible(text), "{text:?}");
        }
        for text in [
            "",
            " ",
            "\u{200b}",
            "\u{202e}\u{200f}",
            "\u{3164}",
            "\u{2800}",
            "\u{a0}",
            "\u{301}",
            "\u{ad}",
            "\u{feff}",
            "\u{e0041}",
            "\u{fe0f}",
        ] {
            assert!(!is_visible(text), "{text:?}");
        }
    }

    #[test]
    fn what_people_write_is_not_invisible() {
        for letter in "Ng’ombe Chókwè Ṅ - 🌽 ٥ ב ا".chars() {
            assert!(!is_invisible(letter), "{letter:?}");
        }
    }
}
