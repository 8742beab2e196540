//! The language of a new member. The choice holds at once: the next screen is in it already.

use super::{Desk, Move, Screen, language};
use crate::text::Msg;
use crate::ussd::session::Plan;
use crate::ussd::view::{Cx, Hint, View, short};

pub(super) fn show(cx: &Cx<'_>, plan: Option<&Plan>) -> View {
    let Some(Plan::Register { name: Some(name), .. }) = plan else { return super::lost_view(cx) };
    language::choices(cx, |width| cx.fill(Msg::RegisterLanguage, &[("name", &short(name, width))]))
}

pub(super) fn take(desk: &mut Desk<'_>, input: &str) -> Move {
    let Some(chosen) = language::picked(desk.shown, input) else { return Move::Stay(Hint::Choose) };
    let Some(Plan::Register { lang, .. }) = desk.draft.as_mut().map(|draft| &mut draft.plan) else {
        return Move::Home;
    };
    *lang = Some(chosen);
    *desk.lang = chosen;
    Move::Go(Screen::RegisterConfirm)
}
