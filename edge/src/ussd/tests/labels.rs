//! What a screen shows is what people type: each label of each list and menu leads where its number leads, also under a hint, and the
//! SMS with which a call ends is answered.

use super::dialler::{Dialler, NUMBER, settings};
use super::ways::{Step, rows, ways};
use crate::sms::{Incoming, Recent, answer};
use crate::text::names::words;
use crate::text::{Lang, Messages, Msg};
use crate::ussd::fake::{Fake, MADE_AT_S, id};
use crate::ussd::market::{Listing, MyListing, MyOrder};
use sync_protocol::phone::Phone;

/// No number of any row.
const WRONG: &str = "77";

/// Names of real markets that are written with what a telephone has no key for, or that are each other's beginning.
fn odd_names() -> Fake {
    let mut fake = Fake::plain();
    let names = [
        "Chókwè",
        "Angónia",
        "Sekondi/Takoradi",
        "Adjumani (Refugee Settlement)",
        "Adjumani",
        "Kakuma 2",
        "Kakuma 3",
        "Ng'ambo",
        "Dowa",
        "Dowa Boma",
        "Nkhata Bay",
        "Blantyre City",
        "Zomba City",
        "Zomba",
    ];
    for (market, name) in fake.markets.iter_mut().zip(names) {
        market.name = name.to_owned();
    }
    fake
}

/// A call that was walked so far; the screen on show.
fn walked(make: fn() -> Fake, lang: Lang, keys: &[&str]) -> (Dialler, String) {
    let mut phone = Dialler::new(make());
    phone.fake.lang.set(Some(lang));
    let mut screen = phone.dial();
    for key in keys {
        screen = phone.press(key);
    }
    (phone, screen)
}

/// Calls `check` with each page of each screen that a member reaches by pressing keys, with the keys that lead there.
fn on_every_page(make: fn() -> Fake, lang: Lang, mut check: impl FnMut(&[&str], &str)) {
    let phone = || {
        let phone = Dialler::new(make());
        phone.fake.lang.set(Some(lang));
        phone
    };
    for way in ways(phone).values() {
        let Some(mut keys) = way.iter().map(Step::key).collect::<Option<Vec<_>>>() else { continue };
        loop {
            let screen = walked(make, lang, &keys).1;
            check(&keys, &screen);
            if !screen.lines().any(|line| line.starts_with("98 ")) {
                break;
            }
            keys.push("98");
        }
    }
}

#[test]
fn every_label_leads_where_its_number_leads() {
    let mut tried = 0;
    for make in [Fake::plain, Fake::worst, odd_names] {
        for lang in Lang::ALL {
            let no_such = Messages::get().text(*lang, Msg::HintChoose);
            on_every_page(make, *lang, |keys, screen| {
                // As it is shown, and as it is shown under a hint, where there is less room.
                for before in [keys.to_vec(), [keys, &[WRONG]].concat()] {
                    let screen = if before.len() == keys.len() {
                        screen.to_owned()
                    } else {
                        walked(make, *lang, &before).1
                    };
                    for (key, label) in rows(&screen) {
                        let by_number = walked(make, *lang, &[&before[..], &[&key]].concat()).1;
                        let by_label = walked(make, *lang, &[&before[..], &[&label]].concat()).1;
                        assert_eq!(by_label, by_number, "{before:?} {key} {label}\n{screen}");
                        assert!(!by_number.starts_with(&no_such), "{before:?}: {key} is shown and no choice");
                        tried += 1;
                    }
                }
            });
        }
    }
    assert!(tried > 400, "{tried}");
}

/// Whether an answer begins with a name, as far as there was room for it.
fn is_of(answer: &str, name: &str) -> bool {
    let first = |text: &str| words(text).into_iter().next().unwrap();
    let (said, meant) = (first(answer), first(name));
    said.starts_with(&meant.chars().take(7).collect::<String>())
}

/// The SMS with which a call ends after three wrong keys, where it ends by them, and what it is answered with.
fn sms_and_answer(make: fn() -> Fake, lang: Lang, keys: &[&str]) -> Option<(String, String)> {
    let (mut phone, _) = walked(make, lang, keys);
    phone.walk(&[WRONG, "78"]);
    let end = phone.press("79");
    // Where a number or a name is asked for, 77 is one.
    let (_, sms) = end.split_once("21512: ")?;
    let sms = sms.lines().next().unwrap();
    let from = Phone::parse(NUMBER).unwrap();
    let incoming = Incoming { phone: &from, text: sms, recent: Recent::default() };
    let now = "2026-11-22T10:00:00Z".parse().unwrap();
    let said = answer(&phone.fake, &settings(), &incoming, now).unwrap().reply.unwrap();
    Some((sms.to_owned(), said))
}

#[test]
fn every_sms_with_which_a_call_ends_is_answered() {
    let (mut prices, mut of_a_crop) = (0, 0);
    for make in [Fake::plain, Fake::worst, odd_names] {
        for lang in Lang::ALL {
            on_every_page(make, *lang, |keys, screen| {
                let Some((sms, said)) = sms_and_answer(make, *lang, keys) else { return };
                if ["PRICE ", "BEI "].iter().any(|word| sms.starts_with(word)) {
                    prices += 1;
                    assert!(is_a_price(&said) && keys.first() == Some(&"1"), "{keys:?} {sms}: {said}");
                } else {
                    assert!(["HELP", "MSAADA"].contains(&&*sms), "{keys:?} {sms}");
                    assert!(said.contains("STOP") || said.contains("ACHA"), "{keys:?} {sms}: {said}");
                }
                // Where a crop was chosen, the example is of that crop.
                if keys.starts_with(&["1", "1"]) {
                    let crop = screen.split(':').next().unwrap();
                    assert!(is_of(&said, crop), "{keys:?} {sms}: {said}\n{screen}");
                    of_a_crop += 1;
                }
            });
        }
    }
    assert!(prices > 12 && of_a_crop > 6, "{prices} {of_a_crop}");
}

#[test]
fn the_sms_with_which_a_call_ends_at_a_price_is_answered_with_that_price() {
    let (mut asked, mut without, mut of_a_crop) = (0, 0, 0);
    for make in [Fake::plain, Fake::worst, odd_names] {
        for lang in Lang::ALL {
            let fake = make();
            for (crop, place) in fake.crops.iter().zip(fake.markets.iter().cycle().skip(2)) {
                let name = if *lang == Lang::Sw { crop.2 } else { crop.1 };
                let (_, screen) = walked(make, *lang, &["1", name]);
                if !is_a_price(&screen)
                    && let Some((sms, said)) = sms_and_answer(make, *lang, &["1", name])
                    && screen.starts_with(&format!("{name}: "))
                {
                    assert!(is_of(&said, name), "{name}: {sms}: {said}");
                    of_a_crop += 1;
                }
                let (_, screen) = walked(make, *lang, &["1", name, &place.name]);
                // A name that several have leads to a list of them, not to a price.
                if !is_a_price(&screen) {
                    continue;
                }
                let (sms, said) = sms_and_answer(make, *lang, &["1", name, &place.name]).unwrap();
                if ["HELP", "MSAADA"].contains(&&*sms) {
                    without += 1;
                    continue;
                }
                asked += 1;
                let (what, rest) = said.split_once(", ").unwrap_or_else(|| panic!("{sms}: {said}"));
                assert!(
                    is_a_price(&said) && is_of(what, name) && is_of(rest, &place.name),
                    "{name}, {}: {sms}: {said}",
                    place.name
                );
            }
        }
    }
    assert!(asked > 30 && without * 10 < asked && of_a_crop > 20, "{asked} {without} {of_a_crop}");
}

fn is_a_price(text: &str) -> bool {
    ["MWK ", "KES "].iter().any(|code| text.contains(code))
}

#[test]
fn rows_that_are_alike_say_when_each_was_made() {
    let mut phone = Dialler::new(with_orders([0, 590, 595, DAY_S]));
    let shown = phone.dial_path("4");
    assert_eq!(
        shown,
        "My orders:\n1 20 kg Seed, 15 Nov 10:12: confirmed\n2 20 kg Seed, 15 Nov 10:02:10: confirmed\n\
         3 20 kg Seed, 15 Nov 10:02:05: confirmed\n98 More 0 Back 00 Home"
    );
    let mut fake = Fake::plain();
    let offer = fake.listings[0].clone();
    fake.listings = [MADE_AT_S, MADE_AT_S - DAY_S]
        .into_iter()
        .zip(900..)
        .map(|(posted_at_s, number)| Listing { id: id(number), posted_at_s, ..offer.clone() })
        .collect();
    let mut phone = Dialler::new(fake);
    let shown = phone.dial_path("3*1");
    assert!(shown.contains(", 15 Nov\n2 ") && shown.contains(", 14 Nov\n0 "), "{shown}");
}

const DAY_S: i64 = 86_400;

/// One's orders of the same things, made so many seconds before the first.
fn with_orders(before_s: impl IntoIterator<Item = i64>) -> Fake {
    let mut fake = Fake::plain();
    let order = fake.orders[0].clone();
    let made = before_s.into_iter().map(|before_s| MADE_AT_S - before_s);
    fake.orders = made
        .zip(900..)
        .map(|(placed_at_s, number)| MyOrder { id: id(number), placed_at_s, ..order.clone() })
        .collect();
    fake
}

#[test]
fn rows_that_are_alike_on_two_pages_say_when_each_was_made() {
    // Between the two are others, of which each says something of its own.
    for between in 2..8 {
        let mut fake = with_orders((0..between + 2).map(|n| n * DAY_S));
        let places = fake.orders.len() - 1;
        for (order, quantity_milli) in fake.orders[1..places].iter_mut().zip(1_000..) {
            order.quantity_milli = quantity_milli;
        }
        let mut phone = Dialler::new(fake);
        let (mut page, mut pages) = (phone.dial_path("4"), 1);
        assert!(page.contains("\n1 20 kg Seed") && page.contains(", 15 Nov: confirmed\n2 "), "{page}");
        while page.contains("98 More") {
            (page, pages) = (phone.press("98"), pages + 1);
        }
        let day = 14 - between;
        assert!(
            page.contains(" 20 kg Seed") && page.contains(&format!(", {day} Nov: confirmed\n0 Back")),
            "{page}"
        );
        assert!(between < 4 || pages > 1, "{between}");
    }
}

#[test]
fn of_two_orders_that_are_alike_each_says_which_it_is_until_it_is_cancelled() {
    let made = ["15 Nov 10:12", "15 Nov 10:02"];
    for (key, made) in ["1", "2"].iter().zip(made) {
        let mut phone = Dialler::new(with_orders([0, 600]));
        phone.dial_path("4");
        let order = phone.press(key);
        assert!(order.starts_with(&format!("20 kg Seed maize, {made} at MWK 900/kg. ")), "{order}");
        let sure = phone.press("1");
        assert!(
            sure.starts_with(&format!("Cancel your order of 20 kg Seed maize, {made}, MWK 18,000?\n")),
            "{sure}"
        );
        // The line drops, and the next call goes on with it.
        let resumed = phone.dial();
        assert!(
            resumed.contains(&format!("1 Go on with: cancel order: 20 kg Seed maize, {made}\n")),
            "{resumed}"
        );
        let done = phone.walk(&["1", "1"]);
        assert!(done.contains(&format!("20 kg Seed maize, {made}")), "{done}");
    }
}

#[test]
fn of_two_offers_that_are_alike_each_says_which_it_is_until_it_is_taken_back() {
    let mut fake = Fake::plain();
    let offer = fake.mine[0].clone();
    fake.mine = [0, 600]
        .into_iter()
        .zip(900..)
        .map(|(before_s, number)| MyListing {
            id: id(number),
            posted_at_s: MADE_AT_S - before_s,
            ..offer.clone()
        })
        .collect();
    let mut phone = Dialler::new(fake);
    phone.dial_path("2*2");
    let one = phone.press("2");
    assert!(one.starts_with("Maize, 15 Nov 10:02, MWK "), "{one}");
    let sure = phone.press("1");
    assert!(sure.starts_with("Take back 30 kg Maize, 15 Nov 10:02 at MWK "), "{sure}");
    let resumed = phone.dial();
    assert!(resumed.contains("1 Go on with: take back 30 kg Maize, 15 Nov 10:02\n"), "{resumed}");
}
