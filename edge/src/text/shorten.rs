//! Makes names fit a small screen, so that two items of one screen never come out the same.
//!
//! All lengths are septets. Names come from data: they are cleaned first, because one letter outside the alphabet would
//! make a screen twice as dear. A name is cut between words where that leaves something to read.

use super::gsm7::{length, letter_septets, sanitise};
use std::borrow::Cow;

/// A name from data as one clean line: letters of the alphabet only, no line breaks, single spaces.
pub fn clean_name(name: &str) -> Cow<'_, str> {
    let clean = sanitise(name);
    if is_one_line(&clean) {
        return clean;
    }
    let mut out = String::with_capacity(clean.len());
    for word in clean.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    Cow::Owned(out)
}

/// Whether a text of the alphabet has single spaces alone, and none at its ends: most names come so.
fn is_one_line(text: &str) -> bool {
    !text.contains('\n') && !text.contains("  ") && !text.starts_with(' ') && !text.ends_with(' ')
}

/// Shortens one name to at most `max` septets, between words where possible.
pub fn shorten(name: &str, max: usize) -> Cow<'_, str> {
    let name = clean_name(name);
    if length(&name) <= max {
        return name;
    }
    Cow::Owned(cut(&name, max).to_owned())
}

/// The beginning of a clean name that is too long.
fn cut(name: &str, max: usize) -> &str {
    let cut = &name[..fitting_bytes(name, max)];
    // A cut inside a word goes back to the word before, unless that would leave less than a third.
    let at_word = if name[cut.len()..].starts_with(' ') { Some(cut.len()) } else { cut.rfind(' ') };
    let kept = match at_word {
        Some(space) if length(&cut[..space]) * 3 >= max => &cut[..space],
        _ => cut,
    };
    tidy(kept)
}

/// Shortens all names of one screen to at most `max` septets each. Names that were different stay different; names that
/// were the same get a number.
///
/// `max` below 8 is taken as 8, which leaves room for the numbers.
pub fn shorten_all<'a>(names: &[&'a str], max: usize) -> Vec<Cow<'a, str>> {
    let max = max.max(8);
    let mut out: Vec<Cow<'_, str>> = names.iter().map(|name| shorten(name, max)).collect();
    if (1..out.len()).all(|at| (0..at).all(|before| !alike(&out[before], &out[at]))) {
        return out;
    }
    for index in 0..out.len() {
        let same =
            |out: &[Cow<'_, str>], at: usize| (0..out.len()).any(|i| i != at && alike(&out[i], &out[at]));
        if !same(&out, index) {
            continue;
        }
        // All that came out like this one are told apart together.
        let group: Vec<usize> = (0..out.len()).filter(|i| alike(&out[*i], &out[index])).collect();
        let full: Vec<_> = group.iter().map(|i| clean_name(names[*i])).collect();
        let tails: Vec<String> = full.iter().map(|name| distinct_part(name, &full, max)).collect();
        for (i, tail) in group.iter().zip(tails) {
            out[*i] = Cow::Owned(tail);
        }
        for (place, i) in group.iter().enumerate() {
            if same(&out, *i) {
                out[*i] = Cow::Owned(numbered(&full[place], &out, max));
            }
        }
    }
    out
}

/// The start of a name, then the part from the first word in which it differs from the others of its group.
fn distinct_part(name: &str, group: &[Cow<'_, str>], max: usize) -> String {
    let words: Vec<&str> = name.split(' ').collect();
    let common = group
        .iter()
        .filter(|other| *other != name)
        .map(|other| words.iter().zip(other.split(' ')).take_while(|(a, b)| **a == *b).count())
        .max()
        .unwrap_or(0);
    if common == 0 || common >= words.len() {
        return shorten(name, max).into_owned();
    }
    let (head, tail) = (words[..common].join(" "), words[common..].join(" "));
    let tail = shorten(&tail, max * 2 / 3);
    let tail = tail.trim_matches(|c| "(),.".contains(c));
    let head_room = max.saturating_sub(length(tail) + 1);
    let head = shorten(&head, head_room.max(2));
    if head.is_empty() { tail.to_owned() } else { format!("{head} {tail}") }
}

/// The name cut shorter with the first free number behind it.
fn numbered(name: &str, taken: &[Cow<'_, str>], max: usize) -> String {
    for number in 2..=taken.len() + 2 {
        let mark = format!(" {number}");
        let short = format!("{}{mark}", shorten(name, max.saturating_sub(mark.len())));
        if !taken.iter().any(|other| alike(other, &short)) {
            return short;
        }
    }
    shorten(name, max).into_owned()
}

/// Whether two labels would look the same to a person, or be typed the same: by their letters and digits.
fn alike(a: &str, b: &str) -> bool {
    // Asked for each pair of a screen's labels: nothing is put together for it.
    typed(a).eq(typed(b))
}

fn typed(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|c| c.is_alphanumeric()).map(|c| c.to_ascii_lowercase())
}

/// Bytes of the longest beginning that takes at most `max` septets.
pub fn fitting_bytes(text: &str, max: usize) -> usize {
    if length(text) <= max {
        return text.len();
    }
    let mut used = 0;
    for (at, letter) in text.char_indices() {
        used += letter_septets(letter).unwrap_or(1);
        if used > max {
            return at;
        }
    }
    text.len()
}

/// Without what hangs at the end after a cut: spaces, commas, an opened bracket.
fn tidy(text: &str) -> &str {
    text.trim_end_matches(|c: char| " ,;:-/(.".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    #[test]
    fn cuts_between_words() {
        assert_eq!(shorten("Illbissil Food Market (Kajiado)", 24), "Illbissil Food Market");
        assert_eq!(shorten("Illbissil Food Market (Kajiado)", 17), "Illbissil Food");
        assert_eq!(shorten("Oil (vegetable, fortified)", 20), "Oil (vegetable");
        assert_eq!(shorten("Maize", 5), "Maize");
        assert_eq!(shorten("Nsikawanjala", 8), "Nsikawan", "one long word is cut hard");
        assert_eq!(shorten("A Nsikawanjala", 10), "A Nsikawan", "a word boundary too early is not used");
        assert_eq!(shorten("  Nkhata \n Bay ", 20), "Nkhata Bay");
    }

    #[test]
    fn names_of_one_screen_stay_apart() {
        let names = ["Kalobeyei (Village 1)", "Kalobeyei (Village 2)", "Kalobeyei (Village 3)", "Kakuma"];
        assert_eq!(shorten_all(&names, 12), ["Kalobeyei 1", "Kalobeyei 2", "Kalobeyei 3", "Kakuma"]);
        let names = ["Maize flour (white)", "Maize flour"];
        assert_eq!(shorten_all(&names, 12).iter().collect::<HashSet<_>>().len(), 2);
        let same = ["Maize", "maize", "Maize"];
        assert_eq!(shorten_all(&same, 20), ["Maize 2", "maize 3", "Maize"]);
    }

    #[test]
    fn a_short_form_does_not_meet_a_name_that_was_short_already() {
        let names = ["Mangochi", "Mangochi Turn Off", "Mangochi Boma"];
        let short = shorten_all(&names, 10);
        assert_eq!(short.iter().collect::<HashSet<_>>().len(), 3, "{short:?}");
        assert!(short.iter().all(|name| length(name) <= 10), "{short:?}");
    }

    proptest! {
        #[test]
        fn always_fits_and_always_differs(
            names in prop::collection::vec("[A-Ca-c]{1,9}( [ab(1é]{1,6}){0,4}", 1..10),
            max in 8usize..30,
        ) {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let short = shorten_all(&names, max);
            let different: HashSet<_> = short.iter().map(|s| s.to_ascii_lowercase()).collect();
            prop_assert_eq!(different.len(), names.len(), "{:?} -> {:?}", names, short);
            prop_assert!(short.iter().all(|s| length(s) <= max && !s.is_empty()), "{:?}", short);
        }

        #[test]
        fn any_text_is_cut_without_panic(name in any::<String>(), max in 0usize..40) {
            prop_assert!(length(&shorten(&name, max)) <= max);
        }
    }
}
