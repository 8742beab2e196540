//! Walks as people make them and as gateways tell them. Those about one noun stand in its folder, under `menus`.

use super::dialler::{NUMBER, member};
use crate::ussd::TurnText;
use crate::ussd::fake::Mood;

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
