//! Another language. Each is written in itself; choosing is confirming, since it can be chosen back.

use super::{Desk, Move};
use crate::text::{Lang, Msg};
use crate::ussd::lists::picked_small;
use crate::ussd::session::Pending;
use crate::ussd::view::{Cx, Hint, Key, Row, View, list};

pub(super) fn show(cx: &Cx<'_>) -> View {
    choices(cx, |_| cx.text(Msg::LanguageTitle))
}

pub(super) fn take(desk: &Desk<'_>, input: &str) -> Move {
    match picked(desk.shown, input) {
        Some(lang) => Move::Act(Pending::Language(lang)),
        None => Move::Stay(Hint::Choose),
    }
}

/// A screen of all languages.
pub(super) fn choices(cx: &Cx<'_>, title: impl Fn(usize) -> String) -> View {
    let rows: Vec<Row> = Lang::ALL
        .iter()
        .enumerate()
        .map(|(place, lang)| Row::name(Key::Small(place as u32), cx.words.text(*lang, Msg::LanguageName)))
        .collect();
    list(cx, title, &rows, 0)
}

/// The language of a choice.
pub(super) fn picked(shown: &[Key], input: &str) -> Option<Lang> {
    Lang::ALL.get(picked_small(shown, input)? as usize).copied()
}
