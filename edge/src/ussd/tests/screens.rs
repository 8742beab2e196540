//! A snapshot of every screen in every language, and the proof that none is left out.

use super::dialler::{NUMBER, settings};
use crate::text::gsm7::{SCREEN_AIM_SEPTETS, septets};
use crate::text::why::Rejection;
use crate::text::{Lang, Messages};
use crate::ussd::acts::Plan;
use crate::ussd::fake::{Fake, MADE_AT_S, currency, id, month};
use crate::ussd::finish::outcome_text;
use crate::ussd::market::{Crops as _, Listing, Listings as _, UnitChoice};
use crate::ussd::menus::listings::{MyListing, MyListings, Sell, SellCrops, Withdraw};
use crate::ussd::menus::members::{ChooseLanguage, Goal, Language, Register};
use crate::ussd::menus::orders::{Buy, BuyCrops, BuyListings, Cancel, MyOrder, MyOrders};
use crate::ussd::menus::prices::{Price, PriceCrops, PriceMarkets};
use crate::ussd::menus::{At, Screen, Told};
use crate::ussd::session::Draft;
use crate::ussd::settings::Settings;
use crate::ussd::thing::Thing;
use crate::ussd::view::{Cx, View};
use crate::ussd::{NotTaken, Outcome};
use sync_protocol::phone::Phone;

/// A screen to be shown, with what is behind it.
pub(super) struct Case {
    /// What sets it apart from others of the same screen; may be empty.
    pub(super) note: &'static str,
    pub(super) screen: Screen,
    pub(super) plan: Option<Plan>,
    pub(super) fake: Fake,
}

/// The figures of one kind of day.
pub(super) struct Figures {
    pub(super) make: fn() -> Fake,
    pub(super) crop: u32,
    pub(super) milli: i64,
    pub(super) price_minor: i64,
    pub(super) name: &'static str,
    pub(super) settings: Settings,
}

pub(super) fn plain() -> Figures {
    Figures {
        make: Fake::plain,
        crop: 1,
        milli: 50_000,
        price_minor: 40_000,
        name: "Jane Banda",
        settings: settings(),
    }
}

pub(super) fn worst() -> Figures {
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
fn same(_: &mut Fake) {}

/// A market in which there is nothing.
fn empty(fake: &mut Fake) {
    fake.crops.clear();
    fake.listings.clear();
    fake.mine.clear();
    fake.orders.clear();
}

impl Figures {
    pub(super) fn thing(&self, lang: Lang) -> (Thing, String) {
        let Listing { id, name, seller, unit_text, currency, .. } =
            (self.make)().listing(id(if self.milli < 99_999 { 101 } else { 100 }), lang).unwrap().unwrap();
        (Thing { id, name, unit_text, unit_price_minor: self.price_minor, currency, made_at_s: None }, seller)
    }

    pub(super) fn plans(&self, lang: Lang) -> Vec<Plan> {
        let (thing, seller) = self.thing(lang);
        let milli = Some(self.milli);
        let own = Thing { made_at_s: Some(MADE_AT_S), ..thing.clone() };
        vec![
            self.sell(lang, true),
            Buy { thing, seller, quantity_milli: milli, held: true }.into(),
            Withdraw { thing: own.clone(), left_milli: self.milli }.into(),
            Cancel { thing: own, quantity_milli: self.milli }.into(),
            Register { name: Some(self.name.into()), lang: Some(lang), goal: Goal::Home }.into(),
            Language { lang }.into(),
        ]
    }

    fn sell(&self, lang: Lang, whole: bool) -> Plan {
        let fake = (self.make)();
        let UnitChoice { id, text, step_milli } = fake.units[0].clone();
        Sell {
            commodity: self.crop,
            crop: fake.crop_name(self.crop, lang).unwrap().unwrap(),
            unit: Some(UnitChoice { id, text, step_milli }),
            quantity_milli: whole.then_some(self.milli),
            price_minor: whole.then_some(self.price_minor),
        }
        .into()
    }

    /// Every screen, and the ways in which it can look.
    pub(super) fn cases(&self, lang: Lang) -> Vec<Case> {
        let mut cases = self.price_cases();
        cases.extend(self.sell_cases(lang));
        cases.extend(self.buy_cases(lang));
        cases.extend(self.own_cases(lang));
        cases
    }

    /// One way in which a screen can look; `change` is what is special about the data.
    fn case(
        &self,
        note: &'static str,
        screen: Screen,
        plan: Option<Plan>,
        change: impl Fn(&mut Fake),
    ) -> Case {
        let mut fake = (self.make)();
        change(&mut fake);
        Case { note, screen, plan, fake }
    }

    fn price_cases(&self) -> Vec<Case> {
        let (at, commodity, last) = (At::default, self.crop, (self.make)().markets.len() as u32);
        let price = |market, series| Price { commodity, market, series }.into();
        vec![
            self.case("", Screen::Home, None, same),
            self.case("", PriceCrops { at: at() }.into(), None, same),
            self.case("none", PriceCrops { at: at() }.into(), None, empty),
            self.case("", PriceMarkets { commodity, at: at() }.into(), None, same),
            self.case("none", PriceMarkets { commodity, at: at() }.into(), None, |fake| fake.markets.clear()),
            self.case("", price(1, 0), None, same),
            self.case("", price(1, 1), None, same),
            self.case("best here", price(2, 0), None, same),
            self.case("fresh", price(1, 0), None, |fake| fake.series[0].latest.month = month(2026, 10)),
            self.case("none", price(last, 0), None, same),
        ]
    }

    fn sell_cases(&self, lang: Lang) -> Vec<Case> {
        let [sell, _, withdraw, ..]: [Plan; 6] = self.plans(lang).try_into().ok().unwrap();
        let begun = || Some(self.sell(lang, false));
        let mut by_kilogram = self.sell(lang, false);
        if let Plan::Sell(sell) = &mut by_kilogram {
            sell.unit = Some(UnitChoice { id: 9, text: "kg".into(), step_milli: 1 });
        }
        let mut cases = vec![
            self.case("", Screen::SellMenu, None, same),
            self.case("", SellCrops { at: At::default() }.into(), None, same),
            self.case("none", SellCrops { at: At::default() }.into(), None, empty),
            self.case("", Screen::SellUnits, begun(), same),
            self.case("", Screen::SellQuantity, begun(), same),
            self.case("", Screen::SellPrice, begun(), same),
            self.case("by the kilogram", Screen::SellPrice, Some(by_kilogram), same),
            self.case("", Screen::SellConfirm, Some(sell), same),
            self.case("draft lost", Screen::SellConfirm, None, same),
            self.case("", MyListings { offset: 0 }.into(), None, same),
            self.case("none", MyListings { offset: 0 }.into(), None, empty),
            self.case("gone", MyListing { id: id(0) }.into(), None, same),
            self.case("", Screen::WithdrawConfirm, Some(withdraw), same),
        ];
        for mine in (self.make)().mine.iter().take(3) {
            cases.push(self.case("", MyListing { id: mine.id }.into(), None, same));
        }
        cases
    }

    fn buy_cases(&self, lang: Lang) -> Vec<Case> {
        let [_, buy, _, cancel, ..]: [Plan; 6] = self.plans(lang).try_into().ok().unwrap();
        let offers: Screen = BuyListings { commodity: 8, offset: 0 }.into();
        let mut not_here = buy.clone();
        if let Plan::Buy(buy) = &mut not_here {
            buy.held = false;
        }
        let mut cases = vec![
            self.case("", BuyCrops { at: At::default() }.into(), None, same),
            self.case("none", BuyCrops { at: At::default() }.into(), None, empty),
            self.case("", offers.clone(), None, same),
            self.case("none", offers, None, |fake| fake.listings.clear()),
            self.case("", Screen::BuyQuantity, Some(buy.clone()), same),
            self.case("gone", Screen::BuyQuantity, Some(buy.clone()), empty),
            self.case("here", Screen::BuyConfirm, Some(buy), same),
            self.case("not all here", Screen::BuyConfirm, Some(not_here), same),
            self.case("", MyOrders { offset: 0 }.into(), None, same),
            self.case("none", MyOrders { offset: 0 }.into(), None, empty),
            self.case("gone", MyOrder { id: id(0) }.into(), None, same),
            self.case("", Screen::CancelConfirm, Some(cancel), same),
        ];
        for order in (self.make)().orders.iter().take(4) {
            cases.push(self.case("", MyOrder { id: order.id }.into(), None, same));
        }
        cases
    }

    fn own_cases(&self, lang: Lang) -> Vec<Case> {
        let [_, buy, _, _, register, _]: [Plan; 6] = self.plans(lang).try_into().ok().unwrap();
        let for_sale = Register { name: None, lang: None, goal: Goal::Sell }.into();
        let confirmed = Outcome::Done { reference: Some("KAS-000123".into()) };
        let text = self.with_cx(&(self.make)(), lang, 123, |cx| outcome_text(cx, &buy, &confirmed));
        let mut cases = vec![
            self.case("", Told { text }.into(), None, same),
            self.case("member", Screen::Me, None, same),
            self.case("unknown", Screen::Me, None, |fake| *fake.member.borrow_mut() = None),
            self.case("", Screen::RegisterName, Some(register.clone()), same),
            self.case("before something else", Screen::RegisterName, Some(for_sale), same),
            self.case("", Screen::RegisterLanguage, Some(register.clone()), same),
            self.case("", Screen::RegisterConfirm, Some(register), same),
            self.case("", ChooseLanguage { command_id: id(9) }.into(), None, same),
        ];
        for plan in self.plans(lang).into_iter().filter(|plan| plan.act().is_begun()) {
            cases.push(self.case("", Screen::Resume, Some(plan), same));
        }
        cases
    }

    pub(super) fn with_cx<T>(
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

    pub(super) fn outcome(&self, lang: Lang, plan: &Plan, outcome: &Outcome) -> String {
        self.with_cx(&(self.make)(), lang, SCREEN_AIM_SEPTETS, |cx| outcome_text(cx, plan, outcome))
    }
}

impl Case {
    pub(super) fn show(&self, figures: &Figures, lang: Lang, room: usize) -> View {
        let draft = self.plan.clone().map(|plan| Draft {
            command_id: id(7),
            touched_lived_s: 0,
            plan,
            screen: self.screen.clone(),
        });
        figures.with_cx(&self.fake, lang, room, |cx| self.screen.show(cx, draft.as_ref()).unwrap())
    }
}

/// All outcomes that a screen can tell.
pub(super) fn outcomes() -> Vec<Outcome> {
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
            assert!(!cases.is_empty(), "the screen {name} has no case: add one to `Figures::cases`");
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
