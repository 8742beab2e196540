//! The first screen.

use super::members::{Goal, Register};
use super::prices::PriceCrops;
use super::{At, Desk, Move, Page, Screen};
use crate::text::Msg;
use crate::ussd::acts::Plan;
use crate::ussd::market::Read;
use crate::ussd::view::{Cx, Foot, Hint, View, page};

pub(super) struct Home;

impl Page for Home {
    fn show(&self, cx: &Cx<'_>, _: Option<&Plan>) -> Read<View> {
        let choices = [
            (1, Msg::HomePrices),
            (2, Msg::HomeSell),
            (3, Msg::HomeBuy),
            (4, Msg::HomeOrders),
            (8, Msg::HomeMe),
        ];
        Ok(page(cx, Foot::Bare, &choices, |_| cx.text(Msg::HomeTitle)))
    }

    fn take(&self, cx: &Cx<'_>, desk: &mut Desk<'_>, input: &str) -> Read<Move> {
        match input {
            "1" => Move::to(PriceCrops { at: At::default() }),
            "2" => members_only(cx, desk, Goal::Sell),
            "3" => members_only(cx, desk, Goal::Buy),
            "4" => members_only(cx, desk, Goal::Orders),
            "8" => Move::to(Screen::Me),
            _ => Move::stay(Hint::Choose),
        }
    }
}

/// Goes on for a member; registers anybody else first and goes on then.
fn members_only(cx: &Cx<'_>, desk: &mut Desk<'_>, goal: Goal) -> Read<Move> {
    if cx.market.caller(cx.phone)?.member.is_some() {
        return Move::to(goal.screen());
    }
    desk.begin(cx, Register::towards(goal), Screen::RegisterName)
}
