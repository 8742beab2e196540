//! Calls that drop: what was begun is offered again, and what was done is never done twice.

use super::dialler::{Dialler, NUMBER, settings};
use crate::ussd::fake::Fake;
use crate::ussd::{Draft, Outcome, Session, TurnText};
use uuid::Uuid;

fn dropped_at_the_price() -> Dialler {
    let mut phone = Dialler::new(Fake::plain());
    phone.dial();
    phone.walk(&["2", "1", "1", "1", "50"]);
    phone
}

#[test]
fn a_dropped_call_is_offered_again() {
    let mut phone = dropped_at_the_price();
    assert_eq!(
        phone.dial(),
        "You did not finish last time.\n1 Go on with: sell 50 kg Maize\n2 No, leave it\n00 Home"
    );
    assert!(phone.press("1").starts_with("Maize: your price for 1 kg, in MWK?"));
    // Back leads along the way that was walked before.
    assert!(phone.press("0").starts_with("Maize: how much, in kg?"));
    assert!(phone.walk(&["60", "400"]).starts_with("Sell 60 kg Maize at MWK 400/kg."));
    assert!(phone.press("1").starts_with("On sale now: 60 kg Maize"));
    assert!(phone.dial().starts_with("Welcome"), "what is done is not offered");
}

#[test]
fn the_offer_can_be_declined_or_left_for_later() {
    let mut phone = dropped_at_the_price();
    phone.dial();
    assert!(phone.press("00").starts_with("Welcome"), "home leaves it for later");
    assert!(phone.dial().contains("Go on with"));
    assert!(phone.press("2").starts_with("Stopped. Nothing was done.\nWelcome"));
    assert!(phone.dial().starts_with("Welcome"));
}

#[test]
fn where_nothing_was_entered_nothing_is_offered_or_said_to_be_kept() {
    for keys in [&["3"][..], &["2", "1"], &["4", "7", "x1"]] {
        let mut phone = Dialler::new(Fake::plain());
        *phone.fake.member.borrow_mut() = None;
        phone.dial();
        assert!(phone.walk(keys).contains("full name"), "{keys:?}");
        assert_eq!(phone.draft, None, "{keys:?}: there is nothing to keep");
        assert!(phone.dial().starts_with("Welcome"), "{keys:?}");
    }
    let mut phone = Dialler::new(Fake::plain());
    *phone.fake.member.borrow_mut() = None;
    phone.dial();
    let end = phone.walk(&["3", "1", "2", "3"]);
    assert!(!end.contains("kept") && end.contains("Let us stop here"), "{end}");
    // The same call goes on where the network says so: there too.
    assert!(phone.dial().starts_with("Welcome"));
    phone.walk(&["3", "Jane Banda"]);
    assert!(phone.dial().contains("Go on with: register"), "a name is something");
}

#[test]
fn the_offer_has_a_window_and_a_path_goes_past_it() {
    let mut phone = dropped_at_the_price();
    assert!(phone.dial_path("1").starts_with("Price of what?"), "a dialled path is not interrupted");
    phone.now.lived_s += 23 * 3_600;
    assert!(phone.dial().contains("Go on with"));
    phone.now.lived_s += 2 * 3_600;
    assert!(phone.dial().starts_with("Welcome"));
    let mut phone = dropped_at_the_price();
    for years in [-56, 14] {
        phone.now.best_s += years * 31_557_600;
        assert!(phone.dial().contains("Go on with"), "a clock that jumps takes nothing away");
    }
    phone.now.lived_s += 25 * 3_600;
    assert!(phone.dial().starts_with("Welcome"), "and makes nothing immortal");
}

#[test]
fn an_act_whose_answer_was_lost_is_told_in_the_same_call() {
    let mut phone = Dialler::new(Fake::plain());
    phone.dial();
    phone.walk(&["3", "1", "1", "20"]);
    phone.crash_after_act = true;
    assert_eq!(phone.press("1"), "(no answer)");
    // The gateway posts it again; the session still stands at the confirmation.
    let told = phone.repeat();
    assert!(told.starts_with("CONFIRMED: 20 kg Seed maize"), "{told}");
    assert_eq!((phone.done().len(), phone.intents.len()), (1, 1));
}

/// A call that dropped at an order of the last there was. Nothing has come of it yet.
fn dropped_at_an_order() -> (Dialler, Uuid) {
    let mut phone = Dialler::new(Fake::plain());
    phone.dial();
    phone.walk(&["3", "1", "1", "20"]);
    let order = Draft::from_json(phone.draft.as_ref().unwrap()).unwrap().command_id;
    (phone, order)
}

/// The order that was slow is stored now, and there is no more of it.
fn is_done(phone: &mut Dialler, order: Uuid) {
    phone.fake.outcomes.borrow_mut().insert(order, Outcome::Done { reference: None });
    phone.fake.listings.clear();
}

#[test]
fn an_act_that_is_done_while_its_caller_is_asked_to_go_on_is_told_whatever_is_answered() {
    for answer in ["1", "2", "00", "7"] {
        let (mut phone, order) = dropped_at_an_order();
        assert!(phone.dial().contains("Go on with"));
        is_done(&mut phone, order);
        let told = phone.press(answer);
        assert!(told.starts_with("CONFIRMED: 20 kg Seed maize"), "{answer}: {told}");
        assert!(phone.dial().starts_with("Welcome"), "{answer}: it is told once");
    }
}

#[test]
fn an_act_that_is_done_while_its_caller_does_something_else_is_told_before_another_takes_its_place() {
    let (mut phone, order) = dropped_at_an_order();
    phone.dial();
    phone.walk(&["00", "2", "1"]);
    is_done(&mut phone, order);
    let told = phone.press("1");
    assert!(told.starts_with("CONFIRMED: 20 kg Seed maize"), "{told}");
    assert!(phone.dial().starts_with("Welcome"), "it is told once");
}

#[test]
fn an_act_whose_answer_was_lost_is_told_at_the_next_call() {
    let mut phone = Dialler::new(Fake::plain());
    phone.dial();
    phone.walk(&["3", "1", "1", "20"]);
    phone.crash_after_act = true;
    phone.press("1");
    let told = phone.dial();
    assert!(told.starts_with("CONFIRMED: 20 kg Seed maize") && told.ends_with("\n00 Home"), "{told}");
    assert!(phone.press("00").starts_with("Welcome"));
    assert!(phone.dial().starts_with("Welcome"), "it is told once");
    assert_eq!(phone.done().len(), 1);
}

#[test]
fn a_path_to_the_same_thing_after_a_lost_answer_tells_and_does_not_act_again() {
    let mut phone = Dialler::new(Fake::plain());
    phone.dial();
    phone.walk(&["2", "1", "1", "1", "50", "400"]);
    phone.crash_after_act = true;
    phone.press("1");
    // The session is lost too: the gateway's repeat looks like a dialled path.
    phone.sessions.clear();
    let told = phone.repeat();
    assert!(told.starts_with("On sale now: 50 kg Maize at MWK 400/kg."), "{told}");
    assert_eq!(phone.done().len(), 1);
}

#[test]
fn a_lost_session_goes_on_from_the_path_and_asks_once_more() {
    let mut phone = Dialler::new(Fake::plain());
    phone.dial();
    phone.walk(&["2", "1", "1", "1", "50", "400"]);
    phone.sessions.clear();
    let again = phone.press("1");
    assert!(again.starts_with("Sell 50 kg Maize at MWK 400/kg."), "the path ends at the question: {again}");
    assert!(phone.press("1").starts_with("On sale now"));
    assert_eq!(phone.done().len(), 1);
}

#[test]
fn the_same_thing_twice_on_purpose_is_two_acts() {
    let mut phone = Dialler::new(Fake::plain());
    for _ in 0..2 {
        phone.dial();
        phone.walk(&["2", "1", "1", "1", "50", "400"]);
        assert!(phone.press("1").starts_with("On sale now"));
    }
    assert_eq!(phone.done().len(), 2);
}

#[test]
fn an_offer_that_changed_meanwhile_is_asked_about_again() {
    let mut phone = Dialler::new(Fake::plain());
    phone.dial();
    phone.walk(&["3", "1", "1", "20"]);
    phone.fake.listings[0].unit_price_minor = 99_000;
    phone.dial();
    let again = phone.press("1");
    assert!(again.starts_with("Seed maize MWK 990/kg, Kasungu Coop."), "{again}");
    assert!(phone.press("20").contains("at MWK 990/kg"));
    phone.fake.listings.clear();
    phone.dial();
    assert_eq!(
        phone.press("1"),
        "This is gone. Choose another.\nBuy what? Number or name:\n1 Seed maize\n0 Back 00 Home"
    );
    assert!(phone.press("0").starts_with("Welcome"));
    assert!(phone.dial().starts_with("Welcome"), "what is gone is not offered to be gone on with");
}

#[test]
fn an_ended_call_starts_anew() {
    let mut phone = Dialler::new(Fake::plain());
    phone.dial();
    phone.walk(&["3", "1", "1", "20", "1"]);
    let text = TurnText::Cumulative("3*1*1*20*1*1".into());
    let reply = phone.post("call-1", NUMBER, text).unwrap();
    assert!(reply.text.starts_with("Price of what?"), "{}", reply.text);
    assert_eq!(phone.done().len(), 1);
}

#[test]
fn logs_get_a_screen_name_and_nothing_personal() {
    let mut phone = dropped_at_the_price();
    let session = Session::from_json(&phone.sessions["call-1"]).unwrap();
    assert_eq!(session.screen_name(), "sell_price");
    assert_eq!(session.lang(), crate::text::Lang::En);
    phone.press("400");
    assert_eq!(Session::from_json(&phone.sessions["call-1"]).unwrap().screen_name(), "sell_confirm");
}

#[test]
fn an_offer_that_goes_while_it_is_looked_at_leads_to_where_there_are_others_or_says_that_there_are_none() {
    let mut phone = Dialler::new(Fake::plain());
    let others = phone.fake.listings.clone();
    phone.dial();
    phone.walk(&["3", "1", "1"]);
    let gone = phone.fake.listings.remove(0);
    let list = phone.press("20");
    assert!(list.starts_with("This is gone. Choose another.\nSeed maize: which offer?\n1 "), "{list}");
    assert!(!list.contains(&gone.seller), "{list}");
    phone.fake.listings = others.clone();
    phone.dial();
    phone.walk(&["3", "1"]);
    phone.fake.listings.clear();
    assert_eq!(phone.press("1"), "This is gone.\nNo offer of Seed maize now.\n0 Back 00 Home");
    phone.fake.listings = others;
    phone.dial();
    phone.walk(&["3", "1", "1"]);
    phone.fake.listings.clear();
    assert_eq!(phone.press("20"), "This is gone.\nNo offer of Seed maize now.\n0 Back 00 Home");
    assert!(phone.dial().starts_with("Welcome"), "nothing is kept of it");
    assert!(phone.intents.is_empty());
}

#[test]
fn where_nobody_knows_a_number_for_sms_none_is_advised() {
    let mut phone = Dialler::new(Fake::plain());
    phone.engine = crate::ussd::Engine::new(crate::ussd::Settings { sms_number: None, ..settings() });
    for way in [&["1", "1"][..], &["3", "1", "1"], &["4"]] {
        phone.dial_path("");
        phone.walk(&["00"]);
        phone.walk(way);
        phone.walk(&["x", "x"]);
        let end = phone.press("x");
        assert!(end.starts_with("Let us stop here. Please dial again, or ask at the office."), "{end}");
    }
}
