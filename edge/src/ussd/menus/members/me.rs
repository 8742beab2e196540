//! Who one is here: name and number, registering, the language. The number is masked: phones are lent.

use super::{ChooseLanguage, Goal, Register};
use crate::text::Msg;
use crate::ussd::acts::Plan;
use crate::ussd::market::Read;
use crate::ussd::menus::{Desk, Move, Page, Screen};
use crate::ussd::view::{Cx, Foot, Hint, View, page, short};

pub(in crate::ussd::menus) struct Me;

impl Page for Me {
    fn show(&self, cx: &Cx<'_>, _: Option<&Plan>) -> Read<View> {
        let number = cx.phone.masked_with('*');
        // The language keeps its number whether or not there is something to register.
        Ok(match cx.market.caller(cx.phone)?.member {
            Some(member) => page(cx, Foot::Back, &[(2, Msg::MeLanguage)], |width| {
                format!("{}\n{number}", short(&member.name, width))
            }),
            None => page(cx, Foot::Back, &[(1, Msg::MeRegister), (2, Msg::MeLanguage)], |_| {
                format!("{}\n{number}", cx.text(Msg::MeUnknown))
            }),
        })
    }

    fn take(&self, cx: &Cx<'_>, desk: &mut Desk<'_>, input: &str) -> Read<Move> {
        match input {
            "1" if cx.market.caller(cx.phone)?.member.is_none() => {
                desk.begin(cx, Register::towards(Goal::Home), Screen::RegisterName)
            }
            "2" => Move::to(ChooseLanguage { command_id: (desk.new_id)() }),
            _ => Move::stay(Hint::Choose),
        }
    }
}
