//! Offers on the phone: how the screens and acts look, and the walks to them.

use super::{MyListing, MyListings, Sell, SellCrops, Withdraw};
use crate::text::Lang;
use crate::ussd::acts::Plan;
use crate::ussd::fake::{MADE_AT_S, id};
use crate::ussd::market::{Crops as _, Listing, Listings as _, UnitChoice};
use crate::ussd::menus::{At, Screen};
use crate::ussd::tests::dialler::{NUMBER, PHONE, body, member, stranger};
use crate::ussd::tests::screens::{Case, Figures, Noun, empty, same};
use crate::ussd::thing::Thing;
use sync_protocol::market::{Body, ListingPost, ListingWithdraw, MemberRegister};

pub(in crate::ussd) const NOUN: Noun = Noun { plans, cases };

/// What somebody offers, and who.
pub(in crate::ussd) fn offered(figures: &Figures, lang: Lang) -> (Thing, String) {
    let Listing { id, name, seller, unit_text, currency, .. } =
        (figures.make)().listing(id(if figures.milli < 99_999 { 101 } else { 100 }), lang).unwrap().unwrap();
    let unit_price_minor = figures.price_minor;
    (Thing { id, name, unit_text, unit_price_minor, currency, made_at_s: None }, seller)
}

/// The same as its owner sees it.
pub(in crate::ussd) fn own(figures: &Figures, lang: Lang) -> Thing {
    Thing { made_at_s: Some(MADE_AT_S), ..offered(figures, lang).0 }
}

fn sell(figures: &Figures, lang: Lang, is_whole: bool) -> Sell {
    let fake = (figures.make)();
    Sell {
        commodity: figures.crop,
        crop: fake.crop_name(figures.crop, lang).unwrap().unwrap(),
        unit: Some(fake.units[0].clone()),
        quantity_milli: is_whole.then_some(figures.milli),
        price_minor: is_whole.then_some(figures.price_minor),
    }
}

fn withdraw(figures: &Figures, lang: Lang) -> Withdraw {
    Withdraw { thing: own(figures, lang), left_milli: figures.milli }
}

fn plans(figures: &Figures, lang: Lang) -> Vec<Plan> {
    vec![sell(figures, lang, true).into(), withdraw(figures, lang).into()]
}

fn cases(figures: &Figures, lang: Lang) -> Vec<Case> {
    let whole = Some(sell(figures, lang, true).into());
    let begun = || Some(sell(figures, lang, false).into());
    let by_kilogram = UnitChoice { id: 9, text: "kg".into(), step_milli: 1 };
    let by_kilogram = Some(Sell { unit: Some(by_kilogram), ..sell(figures, lang, false) }.into());
    let mut cases = vec![
        figures.case("", Screen::SellMenu, None, same),
        figures.list(SellCrops { at: At::default() }, |fake| fake.crops.len()),
        figures.case("none", SellCrops { at: At::default() }.into(), None, empty),
        figures.case("", Screen::SellUnits, begun(), same),
        figures.case("", Screen::SellQuantity, begun(), same),
        figures.case("", Screen::SellPrice, begun(), same),
        figures.case("by the kilogram", Screen::SellPrice, by_kilogram, same),
        figures.case("", Screen::SellConfirm, whole, same),
        figures.case("draft lost", Screen::SellConfirm, None, same),
        figures.list(MyListings { offset: 0 }, |fake| fake.mine.len()),
        figures.case("none", MyListings { offset: 0 }.into(), None, empty),
        figures.case("gone", MyListing { id: id(0) }.into(), None, same),
        figures.case("", Screen::WithdrawConfirm, Some(withdraw(figures, lang).into()), same),
    ];
    for mine in (figures.make)().mine.iter().take(3) {
        cases.push(figures.case("", MyListing { id: mine.id }.into(), None, same));
    }
    cases
}

#[test]
fn selling_asks_registers_and_goes_on() {
    let mut phone = stranger();
    phone.dial();
    assert_eq!(phone.press("2"), "Please register first, it is free.\nYour full name?\n0 Back 00 Home");
    phone.press("Amina Phiri");
    let confirm = phone.press("2");
    assert_eq!(
        confirm,
        "Tukusajili Amina Phiri, +265*****432, Kiswahili?\n1 Ndiyo, nisajili\n2 Hapana, acha\n0 Rudi 00 Mwanzo"
    );
    assert_eq!(
        phone.press("1"),
        "Umesajiliwa, Amina Phiri.\nUza\n1 Weka mazao sokoni\n2 Mazao niliyoweka\n0 Rudi 00 Mwanzo"
    );
    let confirm = phone.walk(&["1", "1", "1", "50", "400"]);
    assert!(confirm.starts_with("Uza Mahindi 50 kg kwa MWK 400/kg. Jumla: MWK 20,000\n1 Ndiyo"), "{confirm}");
    let done = phone.press("1");
    assert!(done.starts_with("Iko sokoni sasa: Mahindi 50 kg kwa MWK 400/kg."), "{done}");
    let bodies: Vec<Body> = phone.intents.iter().map(body).collect();
    assert_eq!(
        bodies,
        [
            MemberRegister {
                member: id(1_001),
                phone: PHONE,
                name: "Amina Phiri".into(),
                language: "sw".into()
            }
            .into(),
            Body::from(ListingPost {
                listing: id(1_002),
                commodity: 1,
                unit: 1,
                title: String::new(),
                quantity_milli: 50_000,
                price_minor: 40_000,
                currency: "MWK".into(),
                seller: None,
                hub_milli: None,
            }),
        ]
    );
    assert!(phone.intents.iter().all(|intent| intent.phone.as_str() == NUMBER));
    // The next call is in the language that was chosen.
    assert!(phone.dial().starts_with("Karibu Mizili"));
}

#[test]
fn numbers_that_cannot_be_taken_leave_the_screen_with_a_hint() {
    let mut phone = member();
    phone.dial();
    phone.walk(&["2", "1", "1", "1"]);
    for (input, hint) in [("0.0", "It must be more than 0."), ("x", "Write a number, like 50.")] {
        assert!(phone.press(input).starts_with(&format!("{hint}\nMaize: how much")), "{input}");
    }
    assert!(phone.press("7").starts_with("Maize: your price"));
    for (input, hint) in [("1,000", "Write 1000, not 1,000 or 1.000."), ("1e30", "Write a number")] {
        assert!(phone.press(input).starts_with(hint), "{input}");
    }
    assert!(phone.press("0").starts_with("Maize: how much"), "0 is back, also where a number is asked for");
    assert!(phone.press("999999999999").starts_with("At most 100000.\n"));
    assert!(phone.press("-5").starts_with("It must be more than 0.\n"));
    assert!(phone.intents.is_empty());
}

#[test]
fn withdrawing_asks_first() {
    let mut phone = member();
    phone.dial();
    let confirm = phone.walk(&["2", "2", "1", "1"]);
    assert!(
        confirm.starts_with(
            "Take back 30 kg Maize, 15 Nov 10:12 at MWK 400/kg from sale?\n1 Yes, take it back\n2 No, stop"
        ),
        "{confirm}"
    );
    assert!(phone.press("2").starts_with("Stopped. Nothing was done.\nWelcome"));
    assert!(phone.intents.is_empty());
    phone.walk(&["2", "2", "1", "1"]);
    assert_eq!(phone.press("1"), "Taken back: 30 kg Maize, 15 Nov 10:12.");
    let bodies: Vec<Body> = phone.intents.iter().map(body).collect();
    assert_eq!(bodies, [Body::from(ListingWithdraw { listing: id(201) })]);
}
