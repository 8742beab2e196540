//! Who calls, on the phone: how the screens and acts look, and the walks to them.

use super::{ChooseLanguage, Goal, Language, Register};
use crate::text::Lang;
use crate::ussd::Becomes;
use crate::ussd::acts::Plan;
use crate::ussd::fake::id;
use crate::ussd::menus::Screen;
use crate::ussd::tests::dialler::{becomes, stranger};
use crate::ussd::tests::screens::{Case, Figures, Noun, same};

pub(in crate::ussd) const NOUN: Noun = Noun { plans, cases };

fn register(figures: &Figures, lang: Lang) -> Register {
    Register { name: Some(figures.name.into()), lang: Some(lang), goal: Goal::Home }
}

fn plans(figures: &Figures, lang: Lang) -> Vec<Plan> {
    vec![register(figures, lang).into(), Language { lang }.into()]
}

fn cases(figures: &Figures, lang: Lang) -> Vec<Case> {
    let plan = || Some(register(figures, lang).into());
    let for_sale = Register { name: None, lang: None, goal: Goal::Sell };
    vec![
        figures.case("member", Screen::Me, None, same),
        figures.case("unknown", Screen::Me, None, |fake| *fake.member.borrow_mut() = None),
        figures.case("", Screen::RegisterName, plan(), same),
        figures.case("before something else", Screen::RegisterName, Some(for_sale.into()), same),
        figures.case("", Screen::RegisterLanguage, plan(), same),
        figures.case("", Screen::RegisterConfirm, plan(), same),
        figures.case("", ChooseLanguage { command_id: id(9) }.into(), None, same),
    ]
}

#[test]
fn a_language_is_chosen_at_once_and_not_by_a_path() {
    let mut phone = stranger();
    assert!(phone.dial_path("8*2*2").starts_with("Choose your language:"), "a path never acts");
    assert!(phone.intents.is_empty());
    assert!(phone.press("2").starts_with("Lugha yako sasa ni Kiswahili.\nKaribu Mizili"));
    assert_eq!(becomes(&phone.intents[0]), Some(Becomes::Note(Lang::Sw)));
    assert!(phone.press("1").starts_with("Bei ya nini?"));
}

#[test]
fn asterisks_may_be_typed() {
    let mut phone = stranger();
    phone.dial();
    phone.press("8");
    assert_eq!(phone.press("1"), "Your full name?\n0 Back 00 Home");
    assert!(phone.press("****").starts_with("Write your name in letters, at most 40.\nYour full name?"));
    assert!(phone.press("a*b").starts_with("Write your name in letters, at most 40.\n"));
    assert!(phone.press("Jane Banda").starts_with("Jane Banda, which language?"));
}
