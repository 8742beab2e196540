//! Who one is here: name and number, registering, the language. The number is masked: phones are lent.

use super::{Desk, Goal, Move, Screen};
use crate::text::Msg;
use crate::ussd::market::Read;
use crate::ussd::session::Plan;
use crate::ussd::view::{Cx, Foot, Hint, View, page, short};

pub(super) fn show(cx: &Cx<'_>) -> Read<View> {
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

pub(super) fn take(cx: &Cx<'_>, desk: &mut Desk<'_>, input: &str) -> Read<Move> {
    match input {
        "1" if cx.market.caller(cx.phone)?.member.is_none() => {
            let screen = Screen::RegisterName;
            desk.begin(cx, Plan::Register { name: None, lang: None, goal: Goal::Home }, &screen)?;
            Ok(Move::Go(screen))
        }
        "2" => Ok(Move::Go(Screen::Language { command_id: (desk.new_id)() })),
        _ => Ok(Move::Stay(Hint::Choose)),
    }
}
