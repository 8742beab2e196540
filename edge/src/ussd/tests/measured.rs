//! Every screen in every language with the longest real names and the largest numbers, measured in septets.

use super::screens::{Case, outcomes, plain, worst};
use crate::text::gsm7::{SCREEN_AIM_SEPTETS, SCREEN_MAX_SEPTETS, septets};
use crate::text::numbers::{NumberError, PRICE_MAX_UNITS, QUANTITY_MAX_MILLI, amount, quantity, quantity_of};
use crate::text::{Lang, Msg};
use crate::ussd::fake::{Fake, currency};
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

/// The hints that a screen can show, with the longest figures.
fn hints(screen: &str) -> Vec<Hint> {
    let number = |error, max: i64| Hint::Number(error, max.to_string());
    let typed = |too_big: String| {
        let errors = [NumberError::Junk, NumberError::Zero, NumberError::Negative, NumberError::TooFine];
        let mut hints: Vec<Hint> = errors.map(|error| number(error, 0)).into();
        hints.push(number(NumberError::Ambiguous, 0));
        hints.push(number(NumberError::Parts, 0));
        hints.push(Hint::Number(NumberError::TooBig, too_big));
        hints
    };
    match screen {
        "sell_quantity" => typed(quantity(QUANTITY_MAX_MILLI)),
        "sell_price" => typed(amount(PRICE_MAX_UNITS * 100, currency("KES"))),
        "buy_quantity" => {
            let mut hints = typed(quantity(QUANTITY_MAX_MILLI));
            hints.extend([Hint::Only(quantity_of(99_999_999, "500 ml"))]);
            hints
        }
        "register_name" => vec![Hint::Name],
        "price_crops" | "price_markets" | "sell_crops" | "buy_crops" => {
            vec![Hint::Choose, Hint::NotFound, Hint::Gone, Hint::GoneAll]
        }
        "buy_listings" | "sell_units" => vec![Hint::Choose, Hint::Own, Hint::Gone, Hint::GoneAll],
        _ => vec![Hint::Choose],
    }
}

#[test]
fn every_screen_fits_with_the_longest_data_and_any_hint() {
    for figures in [plain(), worst()] {
        for lang in Lang::ALL {
            for case in figures.cases(*lang) {
                let name = case.screen.name();
                check(name, *lang, &case.show(&figures, *lang, SCREEN_AIM_SEPTETS).text);
                for hint in hints(name) {
                    let top = figures.with_cx(&case.fake, *lang, SCREEN_AIM_SEPTETS, |cx| hint.text(cx));
                    let view = case.show(&figures, *lang, room_under(&top));
                    check_under(name, *lang, &format!("{top}\n{}", view.text), true);
                }
            }
        }
    }
}

/// All pages of a list, by `98 More`.
fn pages(case: &Case, figures: &super::screens::Figures, lang: Lang) -> Vec<crate::ussd::view::View> {
    let mut pages = vec![case.show(figures, lang, SCREEN_AIM_SEPTETS)];
    while let Some(offset) = pages.last().unwrap().next_offset {
        let screen = case.screen.moved_to(offset);
        let next = Case { note: "", screen, plan: case.plan.clone(), fake: Fake::worst() };
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
            // A list shows all that it has.
            let wanted = match name {
                "price_crops" | "sell_crops" | "buy_crops" => case.fake.crops.len(),
                "price_markets" => case.fake.markets.len(),
                "my_listings" => case.fake.mine.len(),
                "buy_listings" => case.fake.listings.len(),
                "orders" => case.fake.orders.len(),
                _ => continue,
            };
            assert_eq!(seen.len(), wanted, "{name}");
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
