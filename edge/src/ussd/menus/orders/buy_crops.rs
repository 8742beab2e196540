//! What to buy: only what is on offer now.

use super::{At, Desk, Move, Screen};
use crate::text::Msg;
use crate::ussd::lists::{show_crops, take_crops};
use crate::ussd::market::{Read, Shelf};
use crate::ussd::view::{Cx, View};

pub(super) fn show(cx: &Cx<'_>, at: &At) -> Read<View> {
    show_crops(cx, Shelf::Offered, at, Msg::BuyCropsTitle, Msg::BuyCropsNone)
}

pub(super) fn take(cx: &Cx<'_>, desk: &Desk<'_>, input: &str) -> Read<Move> {
    take_crops(
        cx,
        desk.shown,
        Shelf::Offered,
        input,
        |at| Screen::BuyCrops { at },
        |commodity| Ok(Move::Go(Screen::BuyListings { commodity, offset: 0 })),
    )
}
