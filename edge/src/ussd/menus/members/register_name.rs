//! The name of a new member, as the person writes it.

use super::{Desk, Move, Screen};
use crate::text::Msg;
use crate::text::shorten::clean_name;
use crate::ussd::session::{Goal, Plan};
use crate::ussd::view::{Cx, Foot, Hint, View, page};
use mizili_node::name::tidy;

/// Longest name that can be typed on a phone, in letters: it must be shown whole on the screen that confirms it.
pub(in crate::ussd) const NAME_MAX_LETTERS: usize = 40;

const _: () = assert!(NAME_MAX_LETTERS <= sync_protocol::limits::NAME_MAX_CHARS);

pub(super) fn show(cx: &Cx<'_>, plan: Option<&Plan>) -> View {
    let for_something = matches!(plan, Some(Plan::Register { goal, .. }) if *goal != Goal::Home);
    page(cx, Foot::Back, &[], |_| {
        let name = cx.text(Msg::RegisterName);
        if for_something { format!("{}\n{name}", cx.text(Msg::RegisterFirst)) } else { name }
    })
}

pub(super) fn take(desk: &mut Desk<'_>, input: &str) -> Move {
    let Some(Plan::Register { name, .. }) = desk.draft.as_mut().map(|draft| &mut draft.plan) else {
        return Move::Home;
    };
    match read_name(input) {
        Some(given) => {
            *name = Some(given);
            Move::Go(Screen::RegisterLanguage)
        }
        None => Move::Stay(Hint::Name),
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
