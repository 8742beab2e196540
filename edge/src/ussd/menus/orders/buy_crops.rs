//! What to buy: only what is on offer now.

use super::BuyListings;
use crate::text::Msg;
use crate::ussd::acts::Plan;
use crate::ussd::lists::{show_crops, take_crops};
use crate::ussd::market::{Read, Shelf};
use crate::ussd::menus::{At, Desk, Move, Page, Screen};
use crate::ussd::view::{Cx, View};
use serde::{Deserialize, Serialize};

/// The screen, at a place in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuyCrops {
    pub(in crate::ussd) at: At,
}

impl Page for BuyCrops {
    fn show(&self, cx: &Cx<'_>, _: Option<&Plan>) -> Read<View> {
        show_crops(cx, Shelf::Offered, &self.at, Msg::BuyCropsTitle, Msg::BuyCropsNone)
    }

    fn take(&self, cx: &Cx<'_>, desk: &mut Desk<'_>, input: &str) -> Read<Move> {
        take_crops(
            cx,
            desk.shown,
            Shelf::Offered,
            input,
            |at| BuyCrops { at }.into(),
            |commodity| Move::to(BuyListings { commodity, offset: 0 }),
        )
    }

    fn moved_to(&self, offset: u32) -> Option<Screen> {
        Some(Self { at: self.at.moved_to(offset) }.into())
    }
}
