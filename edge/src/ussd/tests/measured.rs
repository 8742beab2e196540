//! Every screen in every language with the longest real names and the largest numbers, measured in septets.

use super::screens::{Case, Figures, outcomes, plain, worst};
use crate::text::gsm7::{SCREEN_AIM_SEPTETS, SCREEN_MAX_SEPTETS, septets};
use crate::text::{Lang, Msg};
use crate::ussd::fake::Fake;
use crate::ussd::menus::Move;
use crate::ussd::view::{Hint, room_under};
use std::collections::HashSet;

/// Screens that may pass 160 septets in the worst case when a hint stands on top, with the reason. They never pass 182.
/// The sum is of 100,000 units at ten million each, which only a slip of the thumb gives.
const MAY_PASS_UNDER_A_HINT: &[(&str, &str)] = &[
    ("buy_confirm", "what, how much and the price of an act are never left out"),
    ("sell_confirm", "what, how much and the price of an act are never left out"),
    ("order", "what was ordered and what is to be paid are never left out"),
    ("price", "the price, its age and the best one near are what the screen is for"),
];

fn check(name: &str, lang: Lang, text: &str) {
    check_under(name, lang, text, false);
}

fn check_under(name: &str, lang: Lang, text: &str, hint: bool) {
    let size = septets(text)
        .unwrap_or_else(|| panic!("{name} {}: a letter outside the alphabet: {text}", lang.code()));
    assert!(size <= SCREEN_MAX_SEPTETS, "{name} {}: {size} septets\n{text}", lang.code());
    let allowed = hint && MAY_PASS_UNDER_A_HINT.iter().any(|(screen, _)| *screen == name);
    assert!(size <= SCREEN_AIM_SEPTETS || allowed, "{name} {}: {size} septets\n{text}", lang.code());
    assert!(!text.contains(['{', '}', '\u{1}']), "{name} {}: a variable is missing: {text}", lang.code());
    assert!(
        text.lines().all(|line| line.trim() == line && !line.is_empty()),
        "{name}: ragged lines: {text:?}"
    );
    assert!(!text.contains("  "), "{name}: two spaces: {text:?}");
}

/// What no screen understands, or not every one: each in its own way.
const MISTAKES: [&str; 9] = ["77", "x1", "zz", "0.0", "-5", "0.00001", "1,000", "1 1/2 1/2", "999999999999"];

/// The hints that a screen can show: what it says to mistakes, and what is said where something is chosen that may
/// have gone.
fn hints(case: &Case, figures: &Figures, lang: Lang) -> Vec<Hint> {
    let mut hints = vec![Hint::Choose];
    let has_rows = !case.show(figures, lang, SCREEN_AIM_SEPTETS).shown.is_empty();
    if has_rows || case.screen.moved_to(u32::MAX) != case.screen {
        hints.extend([Hint::Own, Hint::Gone, Hint::GoneAll]);
    }
    for typed in MISTAKES {
        if let Move::Stay(hint) = case.take(figures, lang, typed) {
            hints.push(hint);
        }
    }
    hints
}

#[test]
fn every_screen_fits_with_the_longest_data_and_any_hint() {
    for figures in [plain(), worst()] {
        for lang in Lang::ALL {
            for case in figures.cases(*lang) {
                let name = case.screen.name();
                check(name, *lang, &case.show(&figures, *lang, SCREEN_AIM_SEPTETS).text);
                for hint in hints(&case, &figures, *lang) {
                    let top = figures.with_cx(&case.fake, *lang, SCREEN_AIM_SEPTETS, |cx| hint.text(cx));
                    let view = case.show(&figures, *lang, room_under(&top));
                    check_under(name, *lang, &format!("{top}\n{}", view.text), true);
                }
            }
        }
    }
}

/// All pages of a list, by `98 More`.
fn pages(case: &Case, figures: &Figures, lang: Lang) -> Vec<crate::ussd::view::View> {
    let mut pages = vec![case.show(figures, lang, SCREEN_AIM_SEPTETS)];
    while let Some(offset) = pages.last().unwrap().next_offset {
        let screen = case.screen.moved_to(offset);
        let next = Case { note: "", screen, plan: case.plan.clone(), fake: Fake::worst(), items: None };
        pages.push(next.show(figures, lang, SCREEN_AIM_SEPTETS));
        assert!(pages.len() < 50, "a list without end");
    }
    pages
}

#[test]
fn every_page_of_every_list_fits_and_no_two_items_look_the_same() {
    let figures = worst();
    for lang in Lang::ALL {
        for case in figures.cases(*lang).into_iter().filter(|case| case.note.is_empty()) {
            let name = case.screen.name();
            let mut seen = HashSet::new();
            let all = pages(&case, &figures, *lang);
            for view in &all {
                check(name, *lang, &view.text);
                assert!(
                    view.shown.iter().all(|key| seen.insert(format!("{key:?}"))),
                    "{name}: an item is there twice"
                );
                let labels: Vec<&str> = view
                    .text
                    .lines()
                    .filter_map(|line| line.split_once(' '))
                    .filter(|(key, _)| key.len() == 1 && *key != "0")
                    .map(|(_, label)| label)
                    .collect();
                // Also as they are typed, which is without brackets and commas.
                let typed = |label: &&str| {
                    label.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase()
                };
                let different: HashSet<String> = labels.iter().map(typed).collect();
                assert_eq!(different.len(), labels.len(), "{name}: two items look the same\n{}", view.text);
            }
            match case.items {
                Some(items) => assert_eq!(seen.len(), items, "{name} shows all that it has"),
                None => assert!(
                    seen.is_empty() || all.len() == 1,
                    "{name} is a list: say in its case how long it is"
                ),
            }
        }
    }
}

#[test]
fn every_outcome_fits() {
    for figures in [plain(), worst()] {
        for lang in Lang::ALL {
            for plan in figures.plans(*lang) {
                for outcome in outcomes() {
                    check("outcome", *lang, &figures.outcome(*lang, &plan, &outcome));
                }
            }
        }
    }
}

#[test]
fn the_last_words_fit_too() {
    let figures = worst();
    for lang in Lang::ALL {
        figures.with_cx(&Fake::worst(), *lang, SCREEN_AIM_SEPTETS, |cx| {
            for msg in [Msg::Sorry, Msg::DialAgain, Msg::Dropped] {
                check("last", *lang, &cx.text(msg));
            }
        });
    }
}
