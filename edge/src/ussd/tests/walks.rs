//! Walks as people make them and as gateways tell them.

use super::dialler::{Dialler, NUMBER};
use crate::text::Lang;
use crate::ussd::fake::{Fake, Mood, currency, id};
use crate::ussd::{Becomes, Intent, TurnText, Who};
use sync_protocol::market::{Body, Channel, ListingPost, ListingWithdraw, MemberRegister, OrderCancel};

const PHONE: u64 = 265_999_876_432;

/// What an intent becomes at an office that sells in kwacha, of somebody who is no member.
fn becomes(intent: &Intent) -> Option<Becomes> {
    let currency = Some(currency("MWK"));
    intent
        .plan
        .becomes(intent.command_id, &Who { phone: PHONE, member: None, channel: Channel::Ussd, currency })
}

fn body(intent: &Intent) -> Body {
    match becomes(intent) {
        Some(Becomes::Command(body)) => body,
        other => unreachable!("{other:?} is no command"),
    }
}

fn member() -> Dialler {
    Dialler::new(Fake::plain())
}

fn stranger() -> Dialler {
    let dialler = member();
    *dialler.fake.member.borrow_mut() = None;
    dialler
}

#[test]
fn a_price_is_read_by_anybody() {
    let mut phone = stranger();
    assert_eq!(phone.dial(), "Welcome to Mizili\n1 Prices\n2 Sell\n3 Buy\n4 My orders\n8 Me");
    assert!(phone.press("1").starts_with("Price of what? Number or name:\n1 Maize\n2 Rice\n"));
    assert!(phone.press("1").starts_with("Maize: which market?\n1 Lilongwe\n2 Mitundu\n"));
    assert_eq!(
        phone.press("1"),
        "Maize, Lilongwe\nMWK 250/kg retail\nOLD: Jun 2022 (WFP)\nUp 12 since May 2022\n\
         Best near: Mitundu 280, Oct 2026\n98 More 0 Back 00 Home"
    );
    assert!(phone.press("98").contains("MWK 21,500/90 kg wholesale"));
    assert!(phone.press("0").contains("MWK 250/kg"), "back to the first line of prices");
    assert!(phone.press("0").starts_with("Maize: which market?"));
    assert!(phone.press("00").starts_with("Welcome"));
    assert!(phone.intents.is_empty());
}

#[test]
fn letters_find_what_is_pages_away() {
    let mut phone = member();
    phone.dial();
    assert!(
        phone.walk(&["1", "cas"]).starts_with("Cassava: which market?"),
        "one found is as good as picked"
    );
    let found = phone.press("mango");
    assert_eq!(
        found,
        "Cassava: which market?\n1 Mangochi\n2 Mangochi Turn Off\n3 Mangochi Boma\n0 Back 00 Home"
    );
    assert!(phone.press("3").starts_with("Cassava, Mangochi Boma\n"));
    // A row whose words are typed as the screen shows them is that row, also where another begins with them.
    assert!(phone.walk(&["0", "mango", "Mangochi"]).starts_with("Cassava, Mangochi\n"));
    phone.press("0");
    phone.press("0");
    assert!(phone.walk(&["zz"]).starts_with("Nothing found for that.\nCassava: which market?"));
}

#[test]
fn a_cumulative_walk_an_incremental_one_and_a_dialled_path_are_the_same() {
    let inputs = ["1", "98", "0", "3", "2"];
    let mut cumulative = member();
    cumulative.dial();
    let last = cumulative.walk(&inputs);

    let mut incremental = member();
    let turn = |input: &str, sequence| TurnText::Last {
        input: input.into(),
        start: sequence == 1,
        sequence: Some(sequence),
    };
    incremental.post("s", NUMBER, turn("", 1));
    let mut answer = String::new();
    for (place, input) in inputs.iter().enumerate() {
        answer = incremental.post("s", NUMBER, turn(input, place as u32 + 2)).unwrap().text;
    }
    assert_eq!(answer, last);

    let mut dialled = member();
    assert_eq!(dialled.dial_path(&inputs.join("*")), last);
    assert!(last.starts_with("Beans, Mitundu\n"));
    // The screens behind are the same as well.
    assert_eq!(dialled.press("0"), cumulative.press("0"));
}

#[test]
fn a_path_with_a_mistake_stops_there() {
    let mut phone = member();
    assert!(phone.dial_path("1*77*1").starts_with("Choose a number shown.\nPrice of what?"));
    assert!(phone.press("2").starts_with("Rice: which market?"));
    assert!(phone.dial_path("****").starts_with("Choose a number shown.\nWelcome"));
    assert!(phone.dial_path(&"1*".repeat(300)).contains("which market?") || phone.intents.is_empty());
}

#[test]
fn a_repeated_request_gets_the_same_answer_and_acts_once() {
    let mut phone = member();
    let first = phone.dial();
    assert_eq!(phone.repeat(), first, "the start of a call comes twice");
    phone.walk(&["3", "1", "1", "20"]);
    let done = phone.press("1");
    assert!(done.starts_with("CONFIRMED: 20 kg Seed maize from Kasungu Coop. To pay: MWK 18,000."), "{done}");
    assert_eq!(phone.repeat(), done);
    assert_eq!(phone.repeat(), done);
    assert_eq!(phone.done().len(), 1);
    assert_eq!(phone.intents.len(), 1);
    // A turn from before, delivered late, gets the last answer and changes nothing.
    let late = phone.post("call-1", NUMBER, TurnText::Cumulative("3*1".into())).unwrap();
    assert_eq!(late.text, done);
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
fn three_wrong_keys_end_kindly_with_the_sms_that_does_the_same() {
    let mut phone = member();
    phone.dial();
    phone.walk(&["1", "1", "77", "78"]);
    let end = phone.press("79");
    assert_eq!(end, "Let us stop here. You can send this SMS to 21512: PRICE MAIZE LILONGWE");
    // A right key in between starts the count anew.
    phone.dial();
    phone.walk(&["77", "78", "1", "77", "78"]);
    assert!(phone.press("1").contains("which market?"));
    phone.dial();
    phone.walk(&["2", "1", "1", "1", "x", "y"]);
    let end = phone.press("z");
    assert_eq!(
        end,
        "Let us stop here. Please dial again. For help send HELP to 21512.\nWhat you began is kept for your next call."
    );
    assert!(phone.dial().contains("1 Go on with: sell Maize"));
}

#[test]
fn withdrawing_and_cancelling_ask_first() {
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
    phone.dial();
    let confirm = phone.walk(&["4", "1", "1"]);
    assert!(
        confirm.starts_with("Cancel your order of 20 kg Seed maize, 15 Nov 10:12, MWK 18,000?\n"),
        "{confirm}"
    );
    assert_eq!(phone.press("1"), "Order cancelled: 20 kg Seed maize, 15 Nov 10:12.");
    let bodies: Vec<Body> = phone.intents.iter().map(body).collect();
    assert_eq!(
        bodies,
        [Body::from(ListingWithdraw { listing: id(201) }), Body::from(OrderCancel::new(id(301)))]
    );
    phone.dial();
    assert!(phone.walk(&["4", "3", "1"]).starts_with("Choose a"), "what was received cannot be cancelled");
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
fn what_was_not_taken_is_said_so_and_can_be_tried_again_under_the_same_id() {
    let mut phone = member();
    phone.fake.mood.set(Mood::Full);
    phone.dial();
    phone.walk(&["3", "1", "1", "20"]);
    let end = phone.press("1");
    assert!(end.starts_with("NOT done: buy 20 kg Seed maize. We cannot save now"), "{end}");
    assert!(phone.done().is_empty());
    phone.fake.mood.set(Mood::Good);
    assert!(phone.dial().contains("1 Go on with: buy 20 kg Seed maize"));
    assert!(phone.press("1").starts_with("Buy 20 kg Seed maize"));
    assert!(phone.press("1").starts_with("CONFIRMED"));
    assert_eq!(phone.intents[0].command_id, phone.intents[1].command_id);
    assert_eq!(phone.done().len(), 1);
}

#[test]
fn what_a_box_that_is_shut_out_does_not_take_is_not_offered_again() {
    let mut phone = member();
    phone.fake.mood.set(Mood::Closed);
    phone.dial();
    phone.walk(&["3", "1", "1", "20"]);
    assert!(phone.press("1").starts_with("NOT done: buy 20 kg Seed maize. This number takes nothing now."));
    assert!(phone.dial().starts_with("Welcome"), "it is not offered again");
}

#[test]
fn a_refusal_is_said_with_its_reason() {
    let mut phone = member();
    phone.fake.mood.set(Mood::Late);
    phone.dial();
    phone.walk(&["3", "1", "1", "20"]);
    assert_eq!(phone.press("1"), "NOT done: buy 20 kg Seed maize. Only 5 kg left.");
    assert!(phone.dial().starts_with("Welcome"), "it is not offered again");
}

#[test]
fn a_session_stays_with_its_number() {
    let mut phone = member();
    phone.dial();
    phone.walk(&["3", "1", "1", "20"]);
    let other = phone.post("call-1", "+265888000111", TurnText::Cumulative("3*1*1*20*1".into())).unwrap();
    assert_eq!(other.text, "Please dial again.");
    assert!(!other.more && phone.intents.is_empty());
    assert!(phone.press("1").starts_with("CONFIRMED"), "the rightful caller goes on");
}

#[test]
fn an_unreadable_replica_is_an_apology_and_the_call_goes_on_later() {
    let mut phone = member();
    phone.dial();
    phone.press("1");
    phone.fake.unreadable.set(true);
    assert!(phone.press("1").starts_with("Sorry, we cannot read our records now."));
    phone.fake.unreadable.set(false);
    assert!(phone.repeat().starts_with("Maize: which market?"));
}
