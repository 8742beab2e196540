//! What a screen shows is what people type: each label of each list and menu leads where its number leads, also under a hint, and the
//! SMS with which a call ends is answered.

use super::dialler::{Dialler, NUMBER, settings};
use crate::sms::{Incoming, Recent, answer};
use crate::text::Lang;
use crate::ussd::fake::Fake;
use sync_protocol::phone::Phone;

/// The ways to every screen from which one goes on.
const WALKS: &[&[&str]] = &[
    &[],
    &["1"],
    &["1", "1"],
    &["2"],
    &["2", "1"],
    &["2", "1", "1"],
    &["2", "1", "1", "1", "50", "400"],
    &["2", "2"],
    &["2", "2", "1"],
    &["3"],
    &["3", "1"],
    &["3", "1", "1", "20"],
    &["4"],
    &["4", "1"],
    &["8"],
    &["8", "2"],
];
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

/// The rows of a list or menu: the lines that begin with one digit, above the last line.
fn rows(screen: &str) -> Vec<(String, String)> {
    let rows = screen.lines().rev().filter_map(|line| line.split_once(' '));
    let rows = rows.skip_while(|(key, _)| ["0", "98", "00"].contains(key));
    let rows = rows.take_while(|(key, _)| matches!(key.as_bytes(), [b'1'..=b'9']));
    rows.map(|(key, label)| (key.to_owned(), label.to_owned())).collect()
}

/// Calls `check` with each page to which the walks lead, with the keys that lead there.
fn on_every_page(make: fn() -> Fake, lang: Lang, mut check: impl FnMut(&[&str], &str)) {
    for walk in WALKS {
        let mut keys = walk.to_vec();
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
                        tried += 1;
                    }
                }
            });
        }
    }
    assert!(tried > 400, "{tried}");
}

#[test]
fn every_sms_with_which_a_call_ends_is_answered() {
    let mut prices = 0;
    for make in [Fake::plain, Fake::worst, odd_names] {
        for lang in Lang::ALL {
            let mut check = |keys: &[&str], _: &str| {
                let (mut phone, _) = walked(make, *lang, keys);
                phone.walk(&[WRONG, "78"]);
                let end = phone.press("79");
                // Where a number or a name is asked for, 77 is one.
                let Some((_, sms)) = end.split_once("21512: ") else { return };
                let sms = sms.lines().next().unwrap();
                let phone_number = Phone::parse(NUMBER).unwrap();
                let incoming = Incoming { phone: &phone_number, text: sms, recent: Recent::default() };
                let now = "2026-11-22T10:00:00Z".parse().unwrap();
                let said = answer(&phone.fake, &settings(), &incoming, now).unwrap().reply.unwrap();
                let is_price = ["PRICE ", "BEI "].iter().any(|word| sms.starts_with(word));
                assert!(is_price || ["HELP", "MSAADA"].contains(&sms), "{keys:?} {end}");
                if is_price {
                    prices += 1;
                    assert!(
                        ["MWK ", "KES "].iter().any(|code| said.contains(code)),
                        "{keys:?} {sms}: {said}"
                    );
                    assert!(keys.first() == Some(&"1"), "{keys:?} {sms}");
                } else {
                    assert!(said.contains("STOP") || said.contains("ACHA"), "{keys:?} {sms}: {said}");
                }
            };
            on_every_page(make, *lang, &mut check);
            // And from the price of each crop at each market, for that very price.
            let fake = make();
            for (n, crop) in fake.crops.iter().enumerate().map(|(n, crop)| (n, crop.0)) {
                let Some(place) = fake.markets.iter().position(|market| market.id as usize == 1 + n % 3)
                else {
                    continue;
                };
                let name = match lang {
                    Lang::En => fake.crops.iter().find(|named| named.0 == crop).unwrap().1,
                    Lang::Sw => fake.crops.iter().find(|named| named.0 == crop).unwrap().2,
                };
                check(&["1", name, &fake.markets[place].name], "");
            }
        }
    }
    assert!(prices > 40, "{prices}");
}
