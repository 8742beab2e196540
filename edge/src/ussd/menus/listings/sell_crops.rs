//! What to offer. Picking a crop begins the draft; with a single unit to sell by, nothing is asked about units.

use super::Sell;
use crate::text::Msg;
use crate::ussd::acts::Plan;
use crate::ussd::lists::{show_crops, take_crops};
use crate::ussd::market::{Read, Shelf};
use crate::ussd::menus::{At, Desk, Move, Page, Screen};
use crate::ussd::view::{Cx, View};
use serde::{Deserialize, Serialize};

/// The screen, at a place in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SellCrops {
    pub(in crate::ussd) at: At,
}

impl Page for SellCrops {
    fn show(&self, cx: &Cx<'_>, _: Option<&Plan>) -> Read<View> {
        show_crops(cx, Shelf::Sell, &self.at, Msg::SellCropsTitle, Msg::SellCropsNone)
    }

    fn take(&self, cx: &Cx<'_>, desk: &mut Desk<'_>, input: &str) -> Read<Move> {
        let shown = desk.shown;
        take_crops(
            cx,
            shown,
            Shelf::Sell,
            input,
            |at| SellCrops { at }.into(),
            |commodity| {
                let Some(crop) = cx.market.crop_name(commodity, cx.lang)? else {
                    return Ok(Move::Gone);
                };
                let mut units = cx.market.units(commodity, cx.lang)?;
                let unit = if units.len() == 1 { units.pop() } else { None };
                let screen = if unit.is_some() { Screen::SellQuantity } else { Screen::SellUnits };
                desk.begin(
                    cx,
                    Sell { commodity, crop, unit, quantity_milli: None, price_minor: None },
                    screen,
                )
            },
        )
    }

    fn moved_to(&self, offset: u32) -> Option<Screen> {
        Some(Self { at: self.at.moved_to(offset) }.into())
    }
}
