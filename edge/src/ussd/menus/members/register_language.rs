//! The language of a new member. The choice holds at once: the next screen is in it already.

use super::{Register, language};
use crate::text::Msg;
use crate::ussd::acts::{Gathered as _, Plan};
use crate::ussd::market::Read;
use crate::ussd::menus::{Desk, Move, Page, Screen, lost};
use crate::ussd::view::{Cx, Hint, View, short};

pub(in crate::ussd::menus) struct RegisterLanguage;

impl Page for RegisterLanguage {
    fn show(&self, cx: &Cx<'_>, plan: Option<&Plan>) -> Read<View> {
        let Some(Register { name: Some(name), .. }) = Register::of(plan) else { return lost(cx) };
        Ok(language::choices(cx, |width| cx.fill(Msg::RegisterLanguage, &[("name", &short(name, width))])))
    }

    fn take(&self, _: &Cx<'_>, desk: &mut Desk<'_>, input: &str) -> Read<Move> {
        let Some(chosen) = language::picked(desk.shown, input) else { return Move::stay(Hint::Choose) };
        let Some(Register { lang, .. }) = Register::of_mut(desk.plan()) else {
            return Ok(Move::Home);
        };
        *lang = Some(chosen);
        *desk.lang = chosen;
        Ok(Move::Go(Screen::RegisterConfirm))
    }
}
