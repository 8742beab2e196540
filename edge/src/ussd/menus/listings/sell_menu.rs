//! Offer something, or see what one offers.

use super::{At, Move, Screen};
use crate::text::Msg;
use crate::ussd::view::{Cx, Foot, Hint, View, page};

pub(super) fn show(cx: &Cx<'_>) -> View {
    page(cx, Foot::Back, &[(1, Msg::SellNew), (2, Msg::SellMine)], |_| cx.text(Msg::SellTitle))
}

pub(super) fn take(input: &str) -> Move {
    match input {
        "1" => Move::Go(Screen::SellCrops { at: At::default() }),
        "2" => Move::Go(Screen::MyListings { offset: 0 }),
        _ => Move::Stay(Hint::Choose),
    }
}
