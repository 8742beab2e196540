//! What to offer. Picking a crop begins the draft; with a single unit to sell by, nothing is asked about units.

use super::{At, Desk, Move, Screen};
use crate::text::Msg;
use crate::ussd::lists::{show_crops, take_crops};
use crate::ussd::market::{Read, Shelf};
use crate::ussd::session::Plan;
use crate::ussd::view::{Cx, View};

pub(super) fn show(cx: &Cx<'_>, at: &At) -> Read<View> {
    show_crops(cx, Shelf::Sell, at, Msg::SellCropsTitle, Msg::SellCropsNone)
}

pub(super) fn take(cx: &Cx<'_>, desk: &mut Desk<'_>, input: &str) -> Read<Move> {
    let shown = desk.shown;
    take_crops(
        cx,
        shown,
        Shelf::Sell,
        input,
        |at| Screen::SellCrops { at },
        |commodity| {
            let Some(crop) = cx.market.crop_name(commodity, cx.lang)? else {
                return Ok(Move::Gone);
            };
            let mut units = cx.market.units(commodity, cx.lang)?;
            let unit = if units.len() == 1 { units.pop() } else { None };
            let screen = if unit.is_some() { Screen::SellQuantity } else { Screen::SellUnits };
            desk.begin(
                cx,
                Plan::Sell { commodity, crop, unit, quantity_milli: None, price_minor: None },
                &screen,
            )?;
            Ok(Move::Go(screen))
        },
    )
}
