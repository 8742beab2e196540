//! Whatever is typed, on whatever data: an answer that fits, and acts only behind a question.

use super::dialler::{Dialler, NUMBER};
use crate::text::gsm7::{SCREEN_MAX_SEPTETS, septets};
use crate::ussd::TurnText;
use crate::ussd::fake::Fake;
use proptest::prelude::*;

/// Keys as people press them: mostly ones that lead somewhere.
fn input() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => "[1-8]",
        2 => prop::sample::select(vec!["0", "00", "98", "50", "400", "Jane Banda", "mai", "kal"]).prop_map(str::to_owned),
        1 => "[0-9*#.,a-z ]{0,8}",
        1 => any::<String>(),
    ]
}

fn worst(stranger: bool) -> Dialler {
    let dialler = Dialler::new(Fake::worst());
    if stranger {
        *dialler.fake.member.borrow_mut() = None;
    }
    dialler
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn every_answer_fits(inputs in prop::collection::vec(input(), 1..25), stranger in any::<bool>()) {
        let mut phone = worst(stranger);
        phone.dial();
        for input in &inputs {
            let text = phone.press(input);
            let size = septets(&text);
            prop_assert!(size.is_some_and(|size| size <= SCREEN_MAX_SEPTETS), "{:?}: {}", size, text);
            prop_assert!(!text.is_empty());
        }
    }

    #[test]
    fn a_path_never_acts(inputs in prop::collection::vec(input(), 1..15)) {
        let mut phone = worst(false);
        phone.dial_path(&inputs.join("*"));
        prop_assert!(phone.intents.is_empty());
    }

    /// Requests that are lost in the answer, repeated, or late change nothing about what is done.
    #[test]
    fn repeats_do_nothing(inputs in prop::collection::vec((input(), 0u8..3, any::<bool>()), 1..25)) {
        let (mut once, mut often) = (worst(false), worst(false));
        once.dial();
        often.dial();
        let mut texts: Vec<TurnText> = vec![TurnText::Cumulative(String::new())];
        let mut whole = String::new();
        for (input, repeats, late) in &inputs {
            // An asterisk at the seam makes two inputs look like one: gateways cannot tell either.
            let input = input.replace('*', "");
            let a = once.press(&input);
            let b = often.press(&input);
            prop_assert_eq!(&a, &b);
            if !whole.is_empty() {
                whole.push('*');
            }
            whole.push_str(&input);
            texts.push(TurnText::Cumulative(whole.clone()));
            for _ in 0..*repeats {
                prop_assert_eq!(&often.repeat(), &b);
            }
            if *late && texts.len() > 2 {
                often.post("call-1", NUMBER, texts[texts.len() - 3].clone());
            }
        }
        prop_assert_eq!(once.done(), often.done());
    }

    /// A box that dies at any act, and a session store that is lost at any time: each thing is done at most once.
    #[test]
    fn crashes_do_nothing_twice(inputs in prop::collection::vec((input(), any::<bool>(), any::<bool>()), 1..25)) {
        let mut phone = worst(false);
        phone.dial();
        for (input, crash, forget) in &inputs {
            phone.crash_after_act = *crash;
            if phone.press(input) == "(no answer)" {
                if *forget {
                    phone.sessions.clear();
                }
                phone.repeat();
            }
            phone.crash_after_act = false;
        }
        let done = phone.fake.done.borrow();
        let ids: std::collections::HashSet<_> = done.iter().map(|intent| intent.command_id).collect();
        prop_assert_eq!(ids.len(), done.len());
    }
}
