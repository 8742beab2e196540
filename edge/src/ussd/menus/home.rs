//! The first screen. Its numbers are learnt by heart: they never move, also where a number is not in use yet.

use super::{At, Desk, Goal, Move, Screen};
use crate::text::Msg;
use crate::ussd::market::Read;
use crate::ussd::session::Plan;
use crate::ussd::view::{Cx, Foot, Hint, View, page};

pub(super) fn show(cx: &Cx<'_>) -> View {
    let choices =
        [(1, Msg::HomePrices), (2, Msg::HomeSell), (3, Msg::HomeBuy), (4, Msg::HomeOrders), (8, Msg::HomeMe)];
    page(cx, Foot::Bare, &choices, |_| cx.text(Msg::HomeTitle))
}

pub(super) fn take(cx: &Cx<'_>, desk: &mut Desk<'_>, input: &str) -> Read<Move> {
    match input {
        "1" => Ok(Move::Go(Screen::PriceCrops { at: At::default() })),
        "2" => members_only(cx, desk, Goal::Sell),
        "3" => members_only(cx, desk, Goal::Buy),
        "4" => members_only(cx, desk, Goal::Orders),
        "8" => Ok(Move::Go(Screen::Me)),
        _ => Ok(Move::Stay(Hint::Choose)),
    }
}

/// Goes on for a member; registers anybody else first and goes on then.
fn members_only(cx: &Cx<'_>, desk: &mut Desk<'_>, goal: Goal) -> Read<Move> {
    if cx.market.caller(cx.phone)?.member.is_some() {
        return Ok(Move::Go(goal.screen()));
    }
    let screen = Screen::RegisterName;
    desk.begin(cx, Plan::Register { name: None, lang: None, goal }, &screen)?;
    Ok(Move::Go(screen))
}
