//! What people and files call things, in one form before it is kept, compared or hashed: two names that look the same are the same.
//! Both nodes use it where a text comes in; on what was kept already it is used by the hub alone, which tells everybody of the change.

use icu_normalizer::ComposingNormalizerBorrowed;
use std::borrow::Cow;
use sync_protocol::text::is_invisible;

/// Letters in one form (Unicode's NFC): `é` is one letter, however a keyboard or a phone wrote it.
pub fn one_form(text: &str) -> Cow<'_, str> {
    ComposingNormalizerBorrowed::new_nfc().normalize(text)
}

/// A name in one form: no letters that nobody sees, single spaces, none at the ends. What a name may be is checked after this; empty
/// where there is nothing to see.
pub fn tidy(name: &str) -> String {
    let seen: String = name.chars().filter(|letter| !is_invisible(*letter)).collect();
    let mut out = String::with_capacity(seen.len());
    // Line breaks and the like inside stay, for the check to name them.
    for word in
        seen.trim().split(|c: char| c.is_whitespace() && !c.is_control()).filter(|word| !word.is_empty())
    {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    one_form(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_that_look_the_same_are_the_same() {
        for name in [
            "Chókwè",
            "Cho\u{301}kwe\u{300}",
            "\u{202b}Chókwè\u{202c}",
            "Chó\u{200b}kwè",
            "\u{feff}Chókwè ",
            "\u{200e}Ch\u{ad}ókwè\u{a0}",
        ] {
            assert_eq!(tidy(name), "Chókwè", "{name:?}");
        }
        assert_eq!(tidy("  Grace\u{2003} Banda "), "Grace Banda");
        assert_eq!(tidy("\u{202e}\u{200b}\u{3164}"), "");
        assert_eq!(tidy("one\ntwo"), "one\ntwo", "the check says what is wrong with it");
        assert_eq!(one_form("e\u{301}"), "é");
    }

    proptest! {
        #[test]
        fn a_tidy_name_stays_as_it_is(name in any::<String>()) {
            let once = tidy(&name);
            prop_assert_eq!(tidy(&once), once);
        }
    }
}
