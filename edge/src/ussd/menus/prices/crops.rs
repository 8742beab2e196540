//! Which crop's price.

use super::{At, Desk, Move, Screen};
use crate::text::Msg;
use crate::ussd::lists::{show_crops, take_crops};
use crate::ussd::market::{Read, Shelf};
use crate::ussd::view::{Cx, View};

pub(super) fn show(cx: &Cx<'_>, at: &At) -> Read<View> {
    show_crops(cx, Shelf::Prices, at, Msg::PriceCropsTitle, Msg::PriceCropsNone)
}

pub(super) fn take(cx: &Cx<'_>, desk: &Desk<'_>, input: &str) -> Read<Move> {
    take_crops(
        cx,
        desk.shown,
        Shelf::Prices,
        input,
        |at| Screen::PriceCrops { at },
        |commodity| Ok(Move::Go(Screen::PriceMarkets { commodity, at: At::default() })),
    )
}
