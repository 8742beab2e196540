//! What lists of names have in common: a page of them, picking by number, and finding by the first letters.

use super::market::{Named, Read, Shelf, Window};
use super::menus::{At, Move, Screen};
use super::view::{Cx, Hint, Key, ROWS_MAX, Row, View, list};
use crate::text::Msg;
use crate::text::names::words;
use crate::ussd::view::{Foot, page};

/// Longest beginning of a name that is searched for, in letters.
const SEARCH_MAX_LETTERS: usize = 20;

/// The part of a list to read for a page: one more than fits tells whether it goes on.
pub(super) fn window(offset: u32) -> Window {
    Window { offset, limit: ROWS_MAX as u32 + 1 }
}

/// What a choice's number stands for.
pub(super) fn picked(shown: &[Key], input: &str) -> Option<Key> {
    if input.len() > 2 || !input.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number: usize = input.parse().ok()?;
    shown.get(number.checked_sub(1)?).copied()
}

/// The same, for a commodity, market, unit or language.
pub(super) fn picked_small(shown: &[Key], input: &str) -> Option<u32> {
    match picked(shown, input)? {
        Key::Small(id) => Some(id),
        Key::Id(_) => None,
    }
}

/// The same, for a listing or order.
pub(super) fn picked_id(shown: &[Key], input: &str) -> Option<uuid::Uuid> {
    match picked(shown, input)? {
        Key::Id(id) => Some(id),
        Key::Small(_) => None,
    }
}

/// The first letters of a name, where the input is such: at least two letters, in plain form, as names are looked through.
pub(super) fn search(input: &str) -> Option<String> {
    let letters: String = words(input).join(" ").chars().take(SEARCH_MAX_LETTERS).collect();
    let letters = letters.trim_end().to_owned();
    let starts = letters.chars().next().is_some_and(char::is_alphabetic);
    (starts && letters.chars().count() >= 2).then_some(letters)
}

/// A page of commodities.
pub(super) fn show_crops(cx: &Cx<'_>, shelf: Shelf, at: &At, title: Msg, none: Msg) -> Read<View> {
    let crops = cx.market.crops(shelf, cx.lang, &at.starts_with, window(at.offset))?;
    Ok(show_names(cx, crops, at, |_| cx.text(title), |_| cx.text(none)))
}

/// A page of names; a sentence where there is none.
pub(super) fn show_names(
    cx: &Cx<'_>,
    names: Vec<Named>,
    at: &At,
    title: impl Fn(usize) -> String,
    none: impl Fn(usize) -> String,
) -> View {
    if names.is_empty() {
        return page(cx, Foot::Back, &[], none);
    }
    let rows: Vec<Row> = names.into_iter().map(|named| Row::name(Key::Small(named.id), named.name)).collect();
    list(cx, title, &rows, at.offset)
}

/// Takes an input on a list of names: a number picks, letters search. One name found is as good as picked.
pub(super) fn take_names(
    shown: &[Key],
    input: &str,
    find: impl FnOnce(&str) -> Read<Vec<Named>>,
    narrowed: impl FnOnce(At) -> Screen,
    mut pick: impl FnMut(u32) -> Read<Move>,
) -> Read<Move> {
    if let Some(id) = picked_small(shown, input) {
        return pick(id);
    }
    let Some(starts_with) = search(input) else { return Ok(Move::Stay(Hint::Choose)) };
    let found = find(&starts_with)?;
    match found.as_slice() {
        [] => Ok(Move::Stay(Hint::NotFound)),
        [one] => pick(one.id),
        _ => Ok(Move::Go(narrowed(At { offset: 0, starts_with }))),
    }
}

/// Takes an input on a page of commodities.
pub(super) fn take_crops(
    cx: &Cx<'_>,
    shown: &[Key],
    shelf: Shelf,
    input: &str,
    narrowed: impl FnOnce(At) -> Screen,
    pick: impl FnMut(u32) -> Read<Move>,
) -> Read<Move> {
    let two = Window { offset: 0, limit: 2 };
    take_names(shown, input, |letters| cx.market.crops(shelf, cx.lang, letters, two), narrowed, pick)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_pick_and_letters_search() {
        let shown = [Key::Small(51), Key::Id(uuid::Uuid::nil())];
        assert_eq!(picked_small(&shown, "1"), Some(51));
        assert_eq!(picked_small(&shown, "01"), Some(51));
        assert_eq!(picked_small(&shown, "2"), None);
        assert_eq!(picked_id(&shown, "2"), Some(uuid::Uuid::nil()));
        for wrong in ["0", "3", "", "-1", "1.0", "99999999999", "x", "001"] {
            assert_eq!(picked(&shown, wrong), None, "{wrong}");
        }
        assert_eq!(search("Mai").as_deref(), Some("mai"));
        assert_eq!(search("Chokwè").as_deref(), Some("chokwe"));
        assert_eq!(search("m"), None);
        assert_eq!(search("1m"), None);
        assert_eq!(search(&"m".repeat(500)).map(|s| s.len()), Some(SEARCH_MAX_LETTERS));
    }
}
