//! The ways to every screen, found by pressing what the screens show: none needs to be told of a new one, unless something is to be
//! typed there that is neither a quantity nor a name.

use super::dialler::{Dialler, member, stranger};
use crate::ussd::menus::Screen;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What is typed wherever a screen asks for something: how much, or a name.
const TYPED: [&str; 2] = ["50", "Jane Banda"];

/// One thing that happens to a caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A key is pressed, or something is typed.
    Press(String),
    /// The line drops, and the caller dials again.
    Redial,
    /// The same, after the answer to this key was lost.
    Lost(String),
}

impl Step {
    /// What is pressed, where nothing else happens.
    pub(super) fn key(&self) -> Option<&str> {
        if let Self::Press(key) = self { Some(key) } else { None }
    }
}

/// The rows of a list or menu: the lines above the last one that begin with one digit each, a greater one than the line before. A
/// heading may begin with a figure too.
pub(crate) fn rows(screen: &str) -> Vec<(String, String)> {
    let rows = screen.lines().rev().filter_map(|line| line.split_once(' '));
    let rows = rows.skip_while(|(key, _)| ["0", "98", "00"].contains(key));
    let mut found: Vec<(String, String)> = Vec::new();
    for (key, label) in rows.take_while(|(key, _)| matches!(key.as_bytes(), [b'1'..=b'9'])) {
        if found.last().is_some_and(|(below, _)| **below <= *key) {
            break;
        }
        found.push((key.to_owned(), label.to_owned()));
    }
    found.reverse();
    found
}

/// Where a caller is after all that: the screen's name and its text; `None` where the call is over, or nothing was there to be lost.
fn walked(mut phone: Dialler, way: &[Step]) -> Option<(String, String)> {
    let mut text = phone.dial();
    for step in way {
        text = match step {
            Step::Press(key) => phone.press(key),
            Step::Redial => phone.dial(),
            Step::Lost(key) => {
                phone.crash_after_act = true;
                phone.press(key);
                if std::mem::take(&mut phone.crash_after_act) {
                    return None;
                }
                phone.dial()
            }
        };
    }
    phone.screen().map(|name| (name, text))
}

/// A shortest way to each screen that can be reached, and to each set of choices that one can have.
pub(super) fn ways(make: impl Fn() -> Dialler) -> BTreeMap<(String, Vec<String>), Vec<Step>> {
    let mut found = BTreeMap::new();
    let mut next = VecDeque::from([Vec::new()]);
    while let Some(way) = next.pop_front() {
        let Some((name, text)) = walked(make(), &way) else { continue };
        let shown: Vec<String> = rows(&text).into_iter().map(|(key, _)| key).collect();
        let look = (name, shown.clone());
        if found.contains_key(&look) {
            continue;
        }
        for key in shown.into_iter().chain(TYPED.map(str::to_owned)) {
            next.push_back([&way[..], &[Step::Press(key.clone())]].concat());
            next.push_back([&way[..], &[Step::Lost(key)]].concat());
        }
        next.push_back([&way[..], &[Step::Redial]].concat());
        found.insert(look, way);
    }
    found
}

#[test]
fn every_screen_can_be_reached() {
    let found: BTreeSet<String> = [ways(member), ways(stranger)]
        .into_iter()
        .flat_map(BTreeMap::into_keys)
        .map(|(name, _)| name)
        .collect();
    for name in Screen::NAMES {
        assert!(
            found.contains(*name),
            "nothing leads to the screen {name}: name it where a screen before it is left"
        );
    }
}
