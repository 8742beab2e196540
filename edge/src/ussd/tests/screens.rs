//! A snapshot of every screen in every language, and the proof that none is left out. What there is to look at, each noun says itself; the
//! screens of none are here.

use super::dialler::{NUMBER, settings};
use crate::text::gsm7::{SCREEN_AIM_SEPTETS, septets};
use crate::text::why::Rejection;
use crate::text::{Lang, Messages};
use crate::ussd::acts::Plan;
use crate::ussd::fake::{Fake, currency, id, month};
use crate::ussd::finish::outcome_text;
use crate::ussd::menus::{Desk, Move, NOUNS, Screen, Told};
use crate::ussd::session::Draft;
use crate::ussd::settings::Settings;
use crate::ussd::view::{Cx, View};
use crate::ussd::{NotTaken, Outcome};
use sync_protocol::phone::Phone;

/// What there is to look at of a noun.
pub(in crate::ussd) struct Noun {
    /// Its acts, with nothing missing.
    pub(in crate::ussd) plans: fn(&Figures, Lang) -> Vec<Plan>,
    /// Its screens, and the ways in which each can look.
    pub(in crate::ussd) cases: fn(&Figures, Lang) -> Vec<Case>,
}

/// A screen to be shown, with what is behind it.
pub(in crate::ussd) struct Case {
    /// What sets it apart from others of the same screen; may be empty.
    pub(in crate::ussd) note: &'static str,
    pub(in crate::ussd) screen: Screen,
    pub(in crate::ussd) plan: Option<Plan>,
    pub(in crate::ussd) fake: Fake,
    /// Of a list, how many it has in all.
    pub(in crate::ussd) items: Option<usize>,
}

/// The figures of one kind of day.
pub(in crate::ussd) struct Figures {
    pub(in crate::ussd) make: fn() -> Fake,
    pub(in crate::ussd) crop: u32,
    pub(in crate::ussd) milli: i64,
    pub(in crate::ussd) price_minor: i64,
    pub(in crate::ussd) name: &'static str,
    pub(in crate::ussd) settings: Settings,
}

pub(in crate::ussd) fn plain() -> Figures {
    Figures {
        make: Fake::plain,
        crop: 1,
        milli: 50_000,
        price_minor: 40_000,
        name: "Jane Banda",
        settings: settings(),
    }
}

pub(in crate::ussd) fn worst() -> Figures {
    Figures {
        make: Fake::worst,
        crop: 2,
        milli: 99_999_999,
        price_minor: 999_999_999,
        name: "Wanjiku-Nyambura O'Higgins Kamau Mwangih",
        settings: Settings {
            currency: currency("KES"),
            sms_number: Some("+254711000111".into()),
            service_code: Some("*384*55123#".into()),
            ..settings()
        },
    }
}

/// Data as it is.
pub(in crate::ussd) fn same(_: &mut Fake) {}

/// A market in which there is nothing.
pub(in crate::ussd) fn empty(fake: &mut Fake) {
    fake.crops.clear();
    fake.listings.clear();
    fake.mine.clear();
    fake.orders.clear();
}

impl Figures {
    /// The acts of every noun, in the order of their list.
    pub(in crate::ussd) fn plans(&self, lang: Lang) -> Vec<Plan> {
        let mut plans: Vec<Plan> = NOUNS.iter().flat_map(|noun| (noun.plans)(self, lang)).collect();
        plans.sort_by_key(|plan| Plan::NAMES.iter().position(|name| *name == plan.name()));
        plans
    }

    /// Every screen, and the ways in which it can look.
    pub(in crate::ussd) fn cases(&self, lang: Lang) -> Vec<Case> {
        let mut cases: Vec<Case> = NOUNS.iter().flat_map(|noun| (noun.cases)(self, lang)).collect();
        let confirmed = Outcome::Done { reference: Some("KAS-000123".into()) };
        let plans = self.plans(lang);
        let buy = plans.iter().find(|plan| plan.name() == "order").unwrap();
        let text = self.with_cx(&(self.make)(), lang, 123, |cx| outcome_text(cx, buy, &confirmed));
        cases.push(self.case("", Screen::Home, None, same));
        cases.push(self.case("", Told { text }.into(), None, same));
        for plan in plans.into_iter().filter(|plan| plan.act().is_begun()) {
            cases.push(self.case("", Screen::Resume, Some(plan), same));
        }
        cases
    }

    /// One way in which a screen can look; `change` is what is special about the data.
    pub(in crate::ussd) fn case(
        &self,
        note: &'static str,
        screen: Screen,
        plan: Option<Plan>,
        change: impl Fn(&mut Fake),
    ) -> Case {
        let mut fake = (self.make)();
        change(&mut fake);
        Case { note, screen, plan, fake, items: None }
    }

    /// A list as it is, of so many.
    pub(in crate::ussd) fn list(&self, screen: impl Into<Screen>, count: impl Fn(&Fake) -> usize) -> Case {
        let case = self.case("", screen.into(), None, same);
        Case { items: Some(count(&case.fake)), ..case }
    }

    pub(in crate::ussd) fn with_cx<T>(
        &self,
        fake: &Fake,
        lang: Lang,
        room: usize,
        work: impl FnOnce(&Cx<'_>) -> T,
    ) -> T {
        let phone = Phone::parse(NUMBER).unwrap();
        work(&Cx {
            market: fake,
            words: Messages::get(),
            settings: &self.settings,
            phone: &phone,
            lang,
            month: month(2026, 11),
            room,
        })
    }

    pub(in crate::ussd) fn outcome(&self, lang: Lang, plan: &Plan, outcome: &Outcome) -> String {
        self.with_cx(&(self.make)(), lang, SCREEN_AIM_SEPTETS, |cx| outcome_text(cx, plan, outcome))
    }
}

impl Case {
    fn draft(&self) -> Option<Draft> {
        self.plan.clone().map(|plan| Draft {
            command_id: id(7),
            touched_lived_s: 0,
            plan,
            screen: self.screen.clone(),
        })
    }

    pub(in crate::ussd) fn show(&self, figures: &Figures, lang: Lang, room: usize) -> View {
        figures.with_cx(&self.fake, lang, room, |cx| self.screen.show(cx, self.draft().as_ref()).unwrap())
    }

    /// What something typed means on it.
    pub(in crate::ussd) fn take(&self, figures: &Figures, mut lang: Lang, typed: &str) -> Move {
        let view = self.show(figures, lang, SCREEN_AIM_SEPTETS);
        let mut draft = self.draft();
        figures.with_cx(&self.fake, lang, SCREEN_AIM_SEPTETS, |cx| {
            let mut desk = Desk {
                draft: &mut draft,
                lang: &mut lang,
                shown: &view.shown,
                new_id: &mut || id(8),
                lived_s: 0,
            };
            self.screen.take(cx, &mut desk, typed).unwrap()
        })
    }
}

/// All outcomes that a screen can tell.
pub(in crate::ussd) fn outcomes() -> Vec<Outcome> {
    let reference = || Some("KAS-000123".to_owned());
    let mut all = vec![
        Outcome::Done { reference: None },
        Outcome::Done { reference: reference() },
        Outcome::Asked { reference: reference() },
    ];
    all.extend(NotTaken::ALL.iter().map(|why| Outcome::NotTaken(*why)));
    all.extend(
        [
            Rejection::NotEnough { left_milli: Some(99_999_999) },
            Rejection::Gone,
            Rejection::PriceChanged { price_minor: Some(999_999_999) },
            Rejection::TooLate,
            Rejection::NotAllowed,
            Rejection::Own,
            Rejection::Duplicate,
            Rejection::Other,
        ]
        .map(Outcome::Rejected),
    );
    all
}

fn heading(lang: Lang, note: &str, text: &str) -> String {
    let note = if note.is_empty() { String::new() } else { format!(" ({note})") };
    format!("== {}{note}: {} septets ==\n{text}\n", lang.code(), septets(text).unwrap())
}

fn snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[test]
fn every_screen_has_a_snapshot_in_every_language() {
    let figures = plain();
    for name in Screen::NAMES {
        let mut text = String::new();
        for lang in Lang::ALL {
            let cases: Vec<Case> =
                figures.cases(*lang).into_iter().filter(|case| case.screen.name() == *name).collect();
            assert!(
                !cases.is_empty(),
                "the screen {name} has no case: add one to `cases` in its noun's tests.rs"
            );
            for case in cases {
                let view = case.show(&figures, *lang, SCREEN_AIM_SEPTETS);
                text.push_str(&heading(*lang, case.note, &view.text));
            }
        }
        snapshot(&format!("screen_{name}"), &text);
    }
}

#[test]
fn every_snapshot_belongs_to_a_screen() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ussd/snapshots");
    for entry in std::fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        let name = file.trim_end_matches(".snap").trim_start_matches("screen_");
        assert!(name == "outcomes" || Screen::NAMES.contains(&name), "{file} is of no screen: delete it");
    }
}

#[test]
fn every_outcome_has_a_snapshot_in_every_language() {
    let figures = plain();
    let mut text = String::new();
    for lang in Lang::ALL {
        for plan in figures.plans(*lang) {
            for outcome in outcomes() {
                text.push_str(&heading(*lang, "", &figures.outcome(*lang, &plan, &outcome)));
            }
        }
    }
    snapshot("outcomes", &text);
}

#[test]
fn every_act_is_in_what_the_tests_look_at() {
    let names: Vec<&str> = plain().plans(Lang::En).iter().map(Plan::name).collect();
    assert_eq!(names, Plan::NAMES);
}

#[test]
fn whatever_shows_that_it_goes_on_goes_on() {
    for figures in [plain(), worst()] {
        for case in figures.cases(Lang::En) {
            if let Some(offset) = case.show(&figures, Lang::En, SCREEN_AIM_SEPTETS).next_offset {
                assert_ne!(
                    case.screen.moved_to(offset),
                    case.screen,
                    "{} cannot be leafed through",
                    case.screen.name()
                );
            }
        }
    }
}
