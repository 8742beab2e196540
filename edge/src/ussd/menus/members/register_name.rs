//! The name of a new member, as the person writes it.

use super::{Goal, Register};
use crate::text::Msg;
use crate::text::shorten::clean_name;
use crate::ussd::acts::{Gathered as _, Plan};
use crate::ussd::market::Read;
use crate::ussd::menus::{Desk, Move, Page, Screen};
use crate::ussd::view::{Cx, Foot, Hint, View, page};
use mizili_node::name::tidy;

/// Longest name that can be typed on a phone, in letters: it must be shown whole on the screen that confirms it.
const NAME_MAX_LETTERS: usize = 40;

const _: () = assert!(NAME_MAX_LETTERS <= sync_protocol::limits::NAME_MAX_CHARS);

pub(in crate::ussd::menus) struct RegisterName;

impl Page for RegisterName {
    fn show(&self, cx: &Cx<'_>, plan: Option<&Plan>) -> Read<View> {
        let for_something = Register::of(plan).is_some_and(|register| register.goal != Goal::Home);
        Ok(page(cx, Foot::Back, &[], |_| {
            let name = cx.text(Msg::RegisterName);
            if for_something { format!("{}\n{name}", cx.text(Msg::RegisterFirst)) } else { name }
        }))
    }

    fn take(&self, _: &Cx<'_>, desk: &mut Desk<'_>, input: &str) -> Read<Move> {
        let Some(Register { name, .. }) = Register::of_mut(desk.plan()) else {
            return Ok(Move::Home);
        };
        Ok(match read_name(input) {
            Some(given) => {
                *name = Some(given);
                Move::Go(Screen::RegisterLanguage)
            }
            None => Move::Stay(Hint::Name),
        })
    }
}

/// A person's name: letters, with spaces, dots, hyphens and apostrophes between them; at least two letters.
fn read_name(input: &str) -> Option<String> {
    let name = clean_name(&tidy(input)).into_owned();
    let letters = name.chars().filter(|c| c.is_alphabetic()).count();
    let plain = name.chars().all(|c| c.is_alphabetic() || " .'-".contains(c));
    (plain && letters >= 2 && name.chars().count() <= NAME_MAX_LETTERS).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_letters() {
        assert_eq!(read_name("  jane   Banda ").as_deref(), Some("jane Banda"));
        assert_eq!(read_name("Re\u{301}ne\u{200b}").as_deref(), Some("Réne"));
        assert_eq!(read_name("Ng’ombe O-K").as_deref(), Some("Ng'ombe O-K"));
        for wrong in ["", "1", "J", "12345", "Jane 2", "a*b", "....", &"x".repeat(41)] {
            assert_eq!(read_name(wrong), None, "{wrong}");
        }
    }
}
