//! Finds what a person meant by a word: crops and markets, with small typing errors, in any language.
//!
//! A near miss is taken only when it leaves one meaning; where several are left, all of them are given back for the person to
//! choose. It never guesses between two.

use crate::text::shorten::clean_name;

/// A commodity or market by its small id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Its id.
    pub id: u32,
    /// Its name.
    pub name: String,
}

/// Longest text that is looked at, in letters.
pub(crate) const TEXT_MAX_LETTERS: usize = 160;

/// Words of a text that are looked at.
const SEARCH_MAX_WORDS: usize = 10;

/// Words of a crop's or a market's name that are tried together.
const NAME_MAX_WORDS: usize = 6;

/// Longest word or name that is compared letter by letter.
const COMPARE_MAX_LETTERS: usize = 48;

/// A text as plain words: lower case, no accents, no punctuation; digits stand apart from letters.
pub(crate) fn words(text: &str) -> Vec<String> {
    let head: String = text.chars().take(TEXT_MAX_LETTERS).collect();
    let mut words: Vec<String> = Vec::new();
    let mut last: Option<bool> = None;
    for letter in clean_name(&head).chars().flat_map(plain) {
        let kind = if letter.is_ascii_digit() { Some(true) } else { letter.is_alphabetic().then_some(false) };
        match (kind, words.last_mut()) {
            // An apostrophe joins: ng'ombe is one word.
            (None, _) if letter == '\'' => continue,
            (None, _) => {}
            (Some(_), Some(word)) if kind == last => word.push(letter),
            (Some(_), _) => words.push(letter.to_string()),
        }
        last = kind;
    }
    words
}

/// A letter without its accent, in lower case. What is left after [`clean_name`] has few.
fn plain(letter: char) -> impl Iterator<Item = char> {
    let base = match letter {
        'à' | 'å' | 'ä' | 'Å' | 'Ä' => 'a',
        'è' | 'é' | 'É' => 'e',
        'ì' => 'i',
        'ò' | 'ö' | 'ø' | 'Ö' | 'Ø' => 'o',
        'ù' | 'ü' | 'Ü' => 'u',
        'ñ' | 'Ñ' => 'n',
        'Ç' => 'c',
        other => other,
    };
    base.to_lowercase()
}

/// A name in the same plain form: its words, and how many of them stand before the first bracket.
#[derive(Debug)]
struct PlainName {
    whole: String,
    head: String,
}

impl PlainName {
    fn of(name: &str) -> Self {
        let head = name.split('(').next().unwrap_or(name);
        Self { whole: words(name).join(" "), head: words(head).join(" ") }
    }
}

/// What a few words can mean among some names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// One thing.
    One(u32),
    /// Several things, in the order of the names.
    Many(Vec<u32>),
}

/// How surely words mean a name; the smaller the surer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// It is the name.
    Whole,
    /// It is the name without what stands in brackets.
    Head,
    /// All the words are in the name.
    Inside,
    /// It is the name but for a slip of the thumb.
    Slip,
    /// The name begins like that.
    Beginning,
}

/// A place in a text that means a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hit {
    /// What it means.
    pub(crate) found: Found,
    /// How surely.
    pub(crate) level: Level,
    /// The first of its words.
    pub(crate) start: usize,
    /// How many words it is.
    pub(crate) count: usize,
}

/// Names to look among. Each has an id; one id may have several names, one for each language.
#[derive(Debug)]
pub(crate) struct Names(Vec<(u32, PlainName)>);

impl Names {
    /// Prepares names once for a whole text.
    pub(crate) fn new(names: &[Named]) -> Self {
        Self(names.iter().map(|named| (named.id, PlainName::of(&named.name))).collect())
    }

    /// Looks for what these words mean, all of them together.
    fn find(&self, asked: &[String]) -> Option<(Found, Level)> {
        let asked_text = asked.join(" ");
        let mut best: Option<(Level, usize)> = None;
        let mut ids: Vec<u32> = Vec::new();
        for (id, name) in &self.0 {
            let Some(rank) = rank(asked, &asked_text, name) else { continue };
            match best {
                Some(level) if rank > level => continue,
                Some(level) if rank == level => {}
                _ => {
                    best = Some(rank);
                    ids.clear();
                }
            }
            if !ids.contains(id) {
                ids.push(*id);
            }
        }
        let (level, _) = best?;
        Some((if let [one] = ids.as_slice() { Found::One(*one) } else { Found::Many(ids) }, level))
    }

    /// Whether these words, all of them together, mean one thing and that thing alone.
    pub(crate) fn means(&self, asked: &[String], id: u32) -> bool {
        self.search(asked)
            .is_some_and(|hit| hit.found == Found::One(id) && hit.start == 0 && hit.count == asked.len())
    }

    /// Looks for the part of a text that means a name: what is written right before what is written wrong, then the
    /// longest, then the surest. "Rice imported" is not rice with a word too many.
    pub(crate) fn search(&self, asked: &[String]) -> Option<Hit> {
        let asked = &asked[..asked.len().min(SEARCH_MAX_WORDS)];
        let mut best: Option<Hit> = None;
        let order = |hit: &Hit| (hit.level > Level::Inside, usize::MAX - hit.count, hit.level);
        for start in 0..asked.len() {
            for end in start + 1..=asked.len().min(start + NAME_MAX_WORDS) {
                let Some((found, level)) = self.find(&asked[start..end]) else { continue };
                let hit = Hit { found, level, start, count: end - start };
                if best.as_ref().is_none_or(|best| order(&hit) < order(best)) {
                    best = Some(hit);
                }
            }
        }
        best
    }
}

/// The level and, within a slip, how far off; `None` when it means something else.
fn rank(asked: &[String], asked_text: &str, name: &PlainName) -> Option<(Level, usize)> {
    if asked_text.is_empty() || name.whole.is_empty() {
        return None;
    }
    if asked_text == name.whole {
        return Some((Level::Whole, 0));
    }
    if asked_text == name.head {
        return Some((Level::Head, 0));
    }
    if asked.iter().all(|word| word.len() > 2 && name.whole.split(' ').any(|other| other == word)) {
        return Some((Level::Inside, 0));
    }
    let allowed = slips_allowed(asked_text);
    // The whole name is better than its head at the same distance.
    let whole = distance(asked_text, &name.whole, allowed).map(|d| d * 2);
    let head = distance(asked_text, &name.head, allowed).map(|d| d * 2 + 1);
    if let Some(off) = whole.into_iter().chain(head).min() {
        return Some((Level::Slip, off));
    }
    (asked_text.len() >= 3 && name.whole.starts_with(asked_text)).then_some((Level::Beginning, 0))
}

/// Slips that a word of this length may have: short words are too close to each other.
pub(crate) fn slips_allowed(word: &str) -> usize {
    match word.chars().count() {
        0..=3 => 0,
        4..=7 => 1,
        _ => 2,
    }
}

/// Letters to change, add, leave out or swap with their neighbour to make one word of another; `None` above `max`.
pub(crate) fn distance(a: &str, b: &str, max: usize) -> Option<usize> {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if max == 0 || a.len().abs_diff(b.len()) > max || a.len().max(b.len()) > COMPARE_MAX_LETTERS {
        return (a == b).then_some(0);
    }
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let change = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = change.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().filter(|d| *d <= max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CROPS: &[(u32, &str)] = &[
        (1, "Maize"),
        (1, "Mahindi"),
        (2, "Maize flour"),
        (3, "Beans (dry)"),
        (4, "Beans (kidney)"),
        (5, "Oil (vegetable, fortified)"),
        (6, "Rice (imported, Pakistan)"),
        (6, "Mchele (kutoka nje)"),
        (7, "Groundnuts (shelled)"),
        (8, "Maïs d'été"),
    ];

    fn names() -> Names {
        let named = |(id, name): &(u32, &str)| Named { id: *id, name: (*name).to_owned() };
        Names::new(&CROPS.iter().map(named).collect::<Vec<_>>())
    }

    fn crop(text: &str) -> Option<Found> {
        names().find(&words(text)).map(|(found, _)| found)
    }

    #[test]
    fn texts_become_plain_words() {
        assert_eq!(words("  PRICE:maize10 Lilongwe!! "), ["price", "maize", "10", "lilongwe"]);
        assert_eq!(words("Ng’ombe Maïs-É"), ["ngombe", "mais", "e"]);
        assert_eq!(words("..."), Vec::<String>::new());
    }

    #[test]
    fn finds_by_every_road() {
        for (text, found) in [
            ("maize", Some(Found::One(1))),
            ("MAHINDI", Some(Found::One(1))),
            ("maize flour", Some(Found::One(2))),
            ("beans dry", Some(Found::One(3))),
            ("beans", Some(Found::Many(vec![3, 4]))),
            ("kidney", Some(Found::One(4))),
            ("vegetable oil", Some(Found::One(5))),
            ("maiz", Some(Found::One(1))),
            ("miaze", Some(Found::One(1))),
            ("mahinidi", Some(Found::One(1))),
            ("groundnut", Some(Found::One(7))),
            ("grondnuts", Some(Found::One(7))),
            ("mchele", Some(Found::One(6))),
            ("pakistan", Some(Found::One(6))),
            ("groun", Some(Found::One(7))),
            ("bean", Some(Found::Many(vec![3, 4]))),
            ("mais dete", Some(Found::One(8))),
            ("goats", None),
            ("ma", None),
            ("", None),
        ] {
            assert_eq!(crop(text), found, "{text}");
        }
    }

    #[test]
    fn the_crop_is_found_anywhere_in_a_text() {
        for (text, start, count, found) in [
            ("maize lilongwe", 0, 1, Found::One(1)),
            ("lilongwe maize", 1, 1, Found::One(1)),
            ("of the maize flour in lilongwe", 2, 2, Found::One(2)),
            ("rice imported nairobi", 0, 2, Found::One(6)),
            ("maiz lilongwe", 0, 1, Found::One(1)),
            ("maize 10", 0, 1, Found::One(1)),
        ] {
            let hit = names().search(&words(text)).unwrap();
            assert_eq!((hit.start, hit.count, hit.found), (start, count, found), "{text}");
        }
        assert_eq!(names().search(&words("what is this")), None);
    }

    #[test]
    fn counts_slips() {
        assert_eq!(distance("maize", "maize", 2), Some(0));
        assert_eq!(distance("maize", "miaze", 2), Some(1));
        assert_eq!(distance("maize", "maze", 2), Some(1));
        assert_eq!(distance("maize", "rice", 2), None);
        assert_eq!(distance("", "ab", 2), Some(2));
    }

    proptest! {
        #[test]
        fn any_text_is_looked_up(text in any::<String>()) {
            let _ = names().search(&words(&text));
        }

        #[test]
        fn a_name_always_finds_itself(at in 0usize..CROPS.len()) {
            prop_assert_eq!(crop(CROPS[at].1), Some(Found::One(CROPS[at].0)));
        }

        #[test]
        fn distance_goes_both_ways(a in "[a-c]{0,8}", b in "[a-c]{0,8}") {
            prop_assert_eq!(distance(&a, &b, 3), distance(&b, &a, 3));
        }
    }
}
