//! Conversations by SMS, and every answer measured with the longest real names.

mod real_names;

use super::answer::{ANSWERS_MAX_PER_HOUR, Answer, Consent, Incoming, Recent, UNKNOWN_SILENCE_S, answer};
use crate::text::gsm7::{Encoding, sms_size};
use crate::text::keywords::{Asked, as_typed, price_request, read, start_word};
use crate::text::names::{Found, Names};
use crate::text::{Lang, Msg};
use crate::ussd::Settings;
use crate::ussd::examples::Examples;
use crate::ussd::fake::{Fake, currency, month};
use crate::ussd::market::Crops as _;
use proptest::prelude::*;
use sync_protocol::phone::Phone;

fn phone() -> Phone {
    Phone::parse("+265999123432").unwrap()
}

fn settings() -> Settings {
    Settings {
        service_code: Some("*384*55#".into()),
        sms_number: Some("21512".into()),
        ..Settings::new(Lang::En, currency("MWK"), "Lilongwe")
    }
}

fn decide(fake: &Fake, text: &str, recent: Recent) -> Answer {
    let now = "2026-11-22T10:00:00Z".parse().unwrap();
    answer(fake, &settings(), &Incoming { phone: &phone(), text, recent }, now).unwrap()
}

fn say(fake: &Fake, text: &str) -> String {
    decide(fake, text, Recent::default()).reply.unwrap_or_else(|| panic!("silence to {text}"))
}

#[test]
fn a_price_is_answered() {
    let fake = Fake::plain();
    let whole = "Maize, Lilongwe: MWK 250/kg retail. OLD: Jun 2022 (WFP). Up 12 since May 2022. Best near: Mitundu 280, Oct 2026";
    for text in [
        "PRICE MAIZE LILONGWE",
        "price maiz lilongwe",
        "Price of maize in Lilongwe?",
        "prise maize lilongwe",
        "price lilongwe maize",
        "MAIZE LILONGWE",
        "price maize",
        "price maize10",
        "pricemaize lilongw",
    ] {
        assert_eq!(say(&fake, text), whole, "{text}");
    }
    let swahili = say(&fake, "BEI MAHINDI");
    assert!(swahili.starts_with("Mahindi, Lilongwe: MWK 250/kg rejareja. YA ZAMANI: Jun 2022"), "{swahili}");
    fake.lang.set(Some(Lang::En));
    assert_eq!(say(&fake, "BEI MAHINDI"), whole, "a member is answered in the member's language");
}

#[test]
fn what_is_not_clear_is_asked_back() {
    let fake = Fake::plain();
    assert_eq!(say(&fake, "PRICE"), "Which market? Send for example: PRICE MAIZE LILONGWE");
    assert_eq!(
        say(&fake, "PRICE GOATS"),
        "We have no price for \"goats\". Send for example: PRICE MAIZE LILONGWE"
    );
    assert_eq!(
        say(&fake, "PRICE MAIZE NAIROBI"),
        "We have no price at \"nairobi\". Send PRICE MAIZE and one of these: LILONGWE; MITUNDU; NSUNGWI; CHIMBIYA"
    );
    assert!(
        say(&fake, "PRICE MAIZE MANGOCHI").starts_with("Maize, Mangochi: "),
        "an exact name is no question"
    );
    assert!(say(&fake, "PRICE MAIZE MANGOCHI TURN").starts_with("Maize, Mangochi Turn Off: "));
    assert_eq!(
        say(&fake, "PRICE MAIZE ZOMBA"),
        "We have no price at \"zomba\". Send PRICE MAIZE and one of these: LILONGWE; MITUNDU; NSUNGWI; CHIMBIYA"
    );
    let worst = Fake::worst();
    assert_eq!(
        say(&worst, "price potatoes"),
        "Which one? Send PRICE and one of these: POTATOES IRISH WHITE; POTATOES IRISH RED"
    );
    assert_eq!(
        say(&worst, "price maize white kalobeyei"),
        "Which one? Send PRICE MAIZE WHITE and one of these: KALOBEYEI VILLAGE 1; KALOBEYEI VILLAGE 2; KALOBEYEI VILLAGE 3"
    );
    assert!(say(&worst, "PRICE MAIZE WHITE KALOBEYEI VILLAGE 2").contains("Kalobeyei"));
}

#[test]
fn every_crop_and_market_is_found_by_the_sms_that_a_screen_prints() {
    for fake in [Fake::plain(), Fake::worst()] {
        for lang in Lang::ALL {
            fake.lang.set(Some(*lang));
            for crop in fake.crops.iter().map(|crop| crop.0) {
                for market in fake.markets.clone() {
                    let name = fake.crop_name(crop, *lang).unwrap().unwrap();
                    let asked = price_request(*lang, None, &name, &market.name);
                    let names = Names::new(&fake.crop_names().unwrap());
                    let Asked::Price(words) = read(&asked, None).asked else { panic!("{asked}") };
                    let hit = names.search(&words).unwrap();
                    assert_eq!(hit.found, Found::One(crop), "{asked}");
                    let rest = &words[hit.count..];
                    let found = Names::new(&fake.markets).search(rest).unwrap().found;
                    assert_eq!(found, Found::One(market.id), "{asked}");
                }
            }
        }
    }
}

#[test]
fn stop_and_start_come_before_all_else() {
    let fake = Fake::plain();
    fake.unreadable.set(true);
    let flood = Recent { answers_last_hour: 1_000, ..Recent::default() };
    let stop = decide(&fake, "STOP", Recent::default());
    assert_eq!(stop.consent, Consent::OptOut);
    assert_eq!(
        stop.reply.as_deref(),
        Some("You will get no more SMS from Mizili. To get them again send START.")
    );
    assert_eq!(
        decide(&fake, "stop", flood),
        Answer { consent: Consent::OptOut, reply: None, not_understood: false, is_ours: true }
    );
    let out = Recent { opted_out: true, ..Recent::default() };
    assert_eq!(decide(&fake, "STOP", out).reply, None, "it is confirmed once");
    let start = decide(&fake, "ANZA", out);
    assert_eq!(start.consent, Consent::OptIn);
    assert_eq!(start.reply.as_deref(), Some("Utapata tena SMS kutoka Mizili. Kwa msaada tuma MSAADA."));
    fake.unreadable.set(false);
    assert_eq!(decide(&fake, "please stop this", Recent::default()).consent, Consent::Same);
    assert!(decide(&fake, "PRICE MAIZE", out).reply.is_some(), "who asks is answered");
}

#[test]
fn a_crop_that_is_nearly_a_keyword_is_the_crop() {
    let fake = Fake::plain();
    for text in ["RICE LILONGWE", "Rice lilongwe please", "rice, Lilongwe", "RICE", "Rice"] {
        assert!(
            say(&fake, text).starts_with("Rice, Lilongwe: MWK 250/kg retail."),
            "{text}: {}",
            say(&fake, text)
        );
    }
    assert!(say(&fake, "prce rice lilongwe").starts_with("Rice, Lilongwe: "));
}

#[test]
fn an_order_is_taken_back_and_not_the_messages() {
    let mut fake = Fake::plain();
    let how = "To cancel an order dial *384*55#, then 4 My orders. For no more SMS send STOP.";
    for text in ["CANCEL", "End", "cancel please", "CANCEL MY ORDER"] {
        let decision = decide(&fake, text, Recent::default());
        assert_eq!((decision.consent, decision.reply.as_deref()), (Consent::Same, Some(how)), "{text}");
    }
    assert_eq!(decide(&fake, "STOP", Recent::default()).consent, Consent::OptOut);
    // From somebody without an order they mean the messages, also when nothing can be read.
    fake.orders.clear();
    for text in ["CANCEL", "END", "SITISHA"] {
        assert_eq!(decide(&fake, text, Recent::default()).consent, Consent::OptOut, "{text}");
    }
    assert_eq!(decide(&fake, "CANCEL MY ORDER", Recent::default()).consent, Consent::Same);
    fake.unreadable.set(true);
    assert_eq!(decide(&fake, "END", Recent::default()).consent, Consent::OptOut);
}

/// Two crops that Swahili calls the same, and two markets of one name.
fn with_namesakes() -> Fake {
    let mut fake = Fake::plain();
    fake.crops = vec![(1, "Maize", "Mahindi"), (2, "Maize (white)", "Mahindi"), (3, "Beans", "Maharagwe")];
    for (place, name) in [(9, "Mangochi North"), (10, "Mangochi South"), (11, "Dowa"), (12, "Dowa")] {
        fake.markets[place].name = name.to_owned();
    }
    fake
}

#[test]
fn nobody_is_asked_the_same_twice() {
    let fake = with_namesakes();
    fake.lang.set(Some(Lang::Sw));
    assert_eq!(say(&fake, "BEI MAHINDI"), "Ipi? Tuma BEI na moja ya hizi: MAIZE; MAIZE WHITE");
    assert!(say(&fake, "BEI MAIZE WHITE LILONGWE").starts_with("Mahindi, Lilongwe: MWK 250/kg"));
    fake.lang.set(None);
    assert_eq!(
        say(&fake, "PRICE MAIZE MANGOCHI"),
        "Which one? Send PRICE MAIZE and one of these: MANGOCHI NORTH; MANGOCHI SOUTH"
    );
    assert!(say(&fake, "PRICE MAIZE DOWA").starts_with("Maize, Dowa: "), "two of one name: the nearer one");
}

/// What a text tells people to send.
pub(super) fn told_to_send(text: &str) -> Vec<String> {
    let is_typed = |word: &str| word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    let ends = |word: &str| word.ends_with(['.', ',', ';', ':', '"']);
    let mut runs: Vec<Vec<&str>> = vec![Vec::new()];
    let mut was_end = false;
    for word in text.split(' ') {
        let bare = word.trim_matches(|c: char| ".,;:\"".contains(c));
        if bare.is_empty() || !is_typed(bare) {
            runs.push(Vec::new());
        } else {
            if was_end {
                runs.push(Vec::new());
            }
            runs.last_mut().unwrap().push(bare);
        }
        was_end = ends(word);
    }
    let runs: Vec<String> = runs.into_iter().map(|run| run.join(" ")).filter(|run| !run.is_empty()).collect();
    let lists = ["and one of these: ", "na moja ya hizi: "];
    if let Some((_, options)) = lists.iter().find_map(|list| text.split_once(list)) {
        let start = runs.iter().find(|run| read(run, Some("FARM")).asked != Asked::Other).unwrap();
        return options.split("; ").map(|option| format!("{start} {option}")).collect();
    }
    runs.into_iter().filter(|run| !matches!(read(run, Some("FARM")).asked, Asked::Other)).collect()
}

#[test]
fn what_tells_people_to_send_is_found_in_a_text() {
    assert_eq!(
        told_to_send("Sorry, we did not understand. For a price send PRICE MAIZE ZOMBA. For help send HELP."),
        ["PRICE MAIZE ZOMBA", "HELP"]
    );
    assert_eq!(
        told_to_send("Which one? Send FARM PRICE and one of these: A B; C"),
        ["FARM PRICE A B", "FARM PRICE C"]
    );
    assert!(told_to_send("Maize, Lilongwe: MWK 250/kg retail. OLD: Jun 2022 (WFP).").is_empty());
}

#[test]
fn an_example_is_of_a_price_that_is_not_old_where_there_is_one() {
    let mut fake = Fake::plain();
    // Of those that are old, the newest.
    for (months, shown) in [
        (vec![], "PRICE MAIZE LILONGWE"),
        (vec![((1, 2), month(2022, 7))], "PRICE MAIZE MITUNDU"),
        (vec![((1, 2), month(2022, 7)), ((3, 4), month(2026, 8))], "PRICE BEANS CHIMBIYA"),
        (
            vec![((3, 4), month(2026, 9)), ((3, 1), month(2026, 8)), ((2, 5), month(2022, 7))],
            "PRICE BEANS LILONGWE",
        ),
    ] {
        fake.months = months;
        for text in ["PRICE", "HELP", "PRICE GOATS", "what is this"] {
            let said = say(&fake, text);
            assert!(said.contains(&format!("{shown}.")) || said.ends_with(shown), "{text}: {said}");
        }
    }
    let (settings, today) = (settings(), month(2026, 11));
    let of_a_crop = |crop| Examples::new(&fake, &settings, Lang::En, today).of(crop).unwrap();
    assert_eq!([1, 2].map(of_a_crop), ["PRICE MAIZE LILONGWE", "PRICE RICE MCHINJI"]);
}

#[test]
fn every_example_that_a_text_shows_is_answered_when_it_is_sent() {
    let mut sent = 0;
    for fake in [Fake::plain(), Fake::worst(), with_namesakes()] {
        for (lang, shared) in
            [(Lang::En, None), (Lang::Sw, None), (Lang::En, Some("FARM")), (Lang::Sw, Some("FARM"))]
        {
            fake.lang.set(Some(lang));
            let settings = Settings { sms_keyword: shared.map(str::to_owned), lang, ..settings() };
            let now = "2026-11-22T10:00:00Z".parse().unwrap();
            let decide = |text: &str| {
                let incoming = Incoming { phone: &phone(), text, recent: Recent::default() };
                answer(&fake, &settings, &incoming, now).unwrap()
            };
            let mut asked: Vec<String> =
                ["HELP", "PRICE", "PRICE zzzz", "what?", "STOP", "START", "CANCEL MY ORDER"]
                    .map(str::to_owned)
                    .to_vec();
            for crop in &fake.crops {
                let head = crop.1.split([' ', '(']).next().unwrap();
                asked.extend([
                    format!("PRICE {head}"),
                    format!("BEI {}", crop.2),
                    format!("PRICE {} Nairobi", crop.1),
                ]);
                asked.extend(
                    fake.markets.iter().map(|m| {
                        format!("PRICE {} {}", crop.1, as_typed(&m.name).split(' ').next().unwrap())
                    }),
                );
            }
            for text in asked {
                let text = shared.map_or(text.clone(), |shared| format!("{shared} {text}"));
                let reply = decide(&text).reply.unwrap();
                check(&reply);
                for example in told_to_send(&reply) {
                    sent += 1;
                    let again = decide(&example);
                    let said = again.reply.clone().unwrap_or_default();
                    check(&said);
                    match read(&example, shared).asked {
                        Asked::Stop => assert_eq!(again.consent, Consent::OptOut, "{example}"),
                        Asked::Start => assert_eq!(again.consent, Consent::OptIn, "{example}"),
                        Asked::Help => {
                            assert!(said.contains(&start_word(lang, Msg::KeywordStop, shared)), "{said}")
                        }
                        Asked::Price(_) => assert!(
                            ["MWK ", "KES "].iter().any(|price| said.contains(price)),
                            "{text} -> {reply} -> {example} -> {said}"
                        ),
                        other => panic!("{text} -> {reply} -> {example}: {other:?}"),
                    }
                }
            }
        }
    }
    assert!(sent > 200, "{sent}");
}

#[test]
fn what_others_get_on_a_shared_number_is_not_answered() {
    let fake = Fake::plain();
    let settings = Settings { sms_keyword: Some("FARM".to_owned()), ..settings() };
    let now = "2026-11-22T10:00:00Z".parse().unwrap();
    let decide = |text: &str, opted_out: bool| {
        let recent = Recent { opted_out, is_known: true, ..Recent::default() };
        answer(&fake, &settings, &Incoming { phone: &phone(), text, recent }, now).unwrap()
    };
    let nothing = Answer { consent: Consent::Same, reply: None, not_understood: false, is_ours: false };
    for text in
        ["PRICE MAIZE LILONGWE", "BET 500", "HELP", "CANCEL", "VOTE FARM", "MAIZE", "", "FARMER PRICE"]
    {
        assert_eq!(decide(text, false), nothing, "{text}");
    }
    for text in ["FARM PRICE MAIZE LILONGWE", "farm price maize", "Mizili price maize", "FARM what?", "FARM"]
    {
        let said = decide(text, false);
        assert!(said.is_ours && said.reply.is_some(), "{text}: {said:?}");
    }
    // Who leaves, and who comes back, is heard without the word; and told of it once.
    for (text, opted_out, consent) in [
        ("STOP", false, Consent::OptOut),
        ("START", true, Consent::OptIn),
        ("STOP", true, Consent::Same),
        ("START", false, Consent::Same),
    ] {
        let said = decide(text, opted_out);
        assert_eq!((said.consent, said.reply.is_some()), (consent, consent != Consent::Same), "{text}");
    }
    // Who never had a message of this service leaves another.
    let stranger = Incoming { phone: &phone(), text: "STOP", recent: Recent::default() };
    assert_eq!(answer(&fake, &settings, &stranger, now).unwrap(), nothing);
}

#[test]
fn what_is_not_understood_gets_one_helpful_answer_then_silence() {
    let fake = Fake::plain();
    let text = "Hello, is this the farm? I have beans.";
    let first = decide(&fake, text, Recent::default());
    assert!(first.not_understood);
    assert_eq!(
        first.reply.as_deref(),
        Some("Sorry, we did not understand. For a price send PRICE MAIZE LILONGWE. For help send HELP.")
    );
    let silence = Answer { consent: Consent::Same, reply: None, not_understood: false, is_ours: true };
    let helped = |ago| Recent { unknown_answered_s_ago: Some(ago), ..Recent::default() };
    assert_eq!(decide(&fake, text, helped(10)), silence);
    assert_eq!(decide(&fake, "", helped(UNKNOWN_SILENCE_S - 1)), silence);
    assert!(decide(&fake, text, helped(UNKNOWN_SILENCE_S)).reply.is_some());
    assert_eq!(decide(&fake, text, Recent { opted_out: true, ..Recent::default() }), silence);
    assert!(decide(&fake, "HELP", helped(10)).reply.is_some(), "who asks for help gets it");
}

#[test]
fn two_machines_fall_silent() {
    let fake = Fake::plain();
    // Our own answer comes back as a question, again and again.
    let mut answers = 0;
    let mut text = "PRICE MAIZE LILONGWE".to_owned();
    for _ in 0..100 {
        let recent = Recent { answers_last_hour: answers, ..Recent::default() };
        match decide(&fake, &text, recent).reply {
            Some(reply) => {
                answers += 1;
                text = reply;
            }
            None => break,
        }
    }
    assert!(answers <= ANSWERS_MAX_PER_HOUR);
    let flood = Recent { answers_last_hour: ANSWERS_MAX_PER_HOUR, ..Recent::default() };
    assert_eq!(decide(&fake, "HELP", flood).reply, None);
}

fn check(text: &str) {
    let size = sms_size(text);
    assert_eq!((size.encoding, size.segments), (Encoding::Gsm7, 1), "{} units: {text}", size.units);
    assert!(!text.contains(['{', '}']), "a variable is missing: {text}");
}

#[test]
fn every_answer_is_one_sms_with_the_longest_names() {
    for fake in [Fake::plain(), Fake::worst()] {
        for lang in Lang::ALL {
            fake.lang.set(Some(*lang));
            let mut texts = vec!["HELP".to_owned(), "PRICE".into(), "PRICE zzzz".into(), "what".into()];
            texts.push(format!("PRICE {}", "x".repeat(150)));
            texts.push("STOP".into());
            texts.push("START".into());
            for crop in &fake.crops {
                texts.push(format!("PRICE {}", crop.1));
                texts.push(format!("PRICE {} qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq", crop.1));
                for market in &fake.markets {
                    texts.push(format!("PRICE {} {}", crop.2, market.name));
                    texts.push(format!("PRICE {} {}", crop.1, &market.name[..4]));
                }
            }
            for text in texts {
                check(&say(&fake, &text));
            }
        }
    }
}

proptest! {
    #[test]
    fn any_text_gets_at_most_one_sms(text in any::<String>(), keyword in prop::sample::select(vec!["", "PRICE ", "BEI "])) {
        let decision = decide(&Fake::worst(), &format!("{keyword}{text}"), Recent::default());
        if let Some(reply) = decision.reply {
            check(&reply);
        }
    }
}
