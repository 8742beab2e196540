//! Orders on the phone: how the screens and acts look, and the walks to them.

use super::{Buy, BuyCrops, BuyListings, Cancel, MyOrder, MyOrders};
use crate::text::Lang;
use crate::ussd::acts::Plan;
use crate::ussd::fake::id;
use crate::ussd::menus::listings::tests::{offered, own};
use crate::ussd::menus::{At, Screen};
use crate::ussd::tests::dialler::{body, member};
use crate::ussd::tests::screens::{Case, Figures, Noun, empty, same};
use sync_protocol::market::{Body, OrderCancel};

pub(in crate::ussd) const NOUN: Noun = Noun { plans, cases };

fn buy(figures: &Figures, lang: Lang) -> Buy {
    let (thing, seller) = offered(figures, lang);
    Buy { thing, seller, quantity_milli: Some(figures.milli), held: true }
}

fn cancel(figures: &Figures, lang: Lang) -> Cancel {
    Cancel { thing: own(figures, lang), quantity_milli: figures.milli }
}

fn plans(figures: &Figures, lang: Lang) -> Vec<Plan> {
    vec![buy(figures, lang).into(), cancel(figures, lang).into()]
}

fn cases(figures: &Figures, lang: Lang) -> Vec<Case> {
    let plan = |held| Some(Buy { held, ..buy(figures, lang) }.into());
    let offers = BuyListings { commodity: 8, offset: 0 };
    let mut cases = vec![
        figures.list(BuyCrops { at: At::default() }, |fake| {
            if fake.crops.len() > 10 { fake.crops.len() } else { 1 }
        }),
        figures.case("none", BuyCrops { at: At::default() }.into(), None, empty),
        figures.list(offers.clone(), |fake| fake.listings.len()),
        figures.case("none", offers.into(), None, |fake| fake.listings.clear()),
        figures.case("", Screen::BuyQuantity, plan(true), same),
        figures.case("gone", Screen::BuyQuantity, plan(true), empty),
        figures.case("here", Screen::BuyConfirm, plan(true), same),
        figures.case("not all here", Screen::BuyConfirm, plan(false), same),
        figures.list(MyOrders { offset: 0 }, |fake| fake.orders.len()),
        figures.case("none", MyOrders { offset: 0 }.into(), None, empty),
        figures.case("gone", MyOrder { id: id(0) }.into(), None, same),
        figures.case("", Screen::CancelConfirm, Some(cancel(figures, lang).into()), same),
    ];
    for order in (figures.make)().orders.iter().take(4) {
        cases.push(figures.case("", MyOrder { id: order.id }.into(), None, same));
    }
    cases
}

#[test]
fn buying_more_than_is_here_is_asked_for_and_more_than_there_is_refused() {
    let mut phone = member();
    phone.dial();
    let quantity = phone.walk(&["3", "1", "1"]);
    assert!(quantity.contains("Here now: 25. In all: 50."), "{quantity}");
    assert!(phone.press("60").starts_with("Only 50 kg left.\nSeed maize"));
    let confirm = phone.press("30");
    assert!(
        confirm.contains("To pay: MWK 27,000. Seller: Kasungu Coop. Not all here: we will SMS you."),
        "{confirm}"
    );
    assert!(phone.press("1").starts_with("ASKED, not sure yet: 30 kg Seed maize"));
    assert_eq!(phone.done().len(), 1);
}

#[test]
fn cancelling_asks_first() {
    let mut phone = member();
    phone.dial();
    let confirm = phone.walk(&["4", "1", "1"]);
    assert!(
        confirm.starts_with("Cancel your order of 20 kg Seed maize, 15 Nov 10:12, MWK 18,000?\n"),
        "{confirm}"
    );
    assert!(phone.press("2").starts_with("Stopped. Nothing was done.\nWelcome"));
    assert!(phone.intents.is_empty());
    phone.walk(&["4", "1", "1"]);
    assert_eq!(phone.press("1"), "Order cancelled: 20 kg Seed maize, 15 Nov 10:12.");
    let bodies: Vec<Body> = phone.intents.iter().map(body).collect();
    assert_eq!(bodies, [Body::from(OrderCancel::new(id(301)))]);
    phone.dial();
    assert!(phone.walk(&["4", "3", "1"]).starts_with("Choose a"), "what was received cannot be cancelled");
}
