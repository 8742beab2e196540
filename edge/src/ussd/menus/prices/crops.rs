//! Which crop's price.

use super::PriceMarkets;
use crate::text::Msg;
use crate::ussd::acts::Plan;
use crate::ussd::examples::Examples;
use crate::ussd::lists::{show_crops, take_crops};
use crate::ussd::market::{Read, Shelf};
use crate::ussd::menus::{At, Desk, Move, Page, Screen};
use crate::ussd::view::{Cx, View};
use serde::{Deserialize, Serialize};

/// The screen, at a place in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceCrops {
    pub(in crate::ussd) at: At,
}

impl Page for PriceCrops {
    fn show(&self, cx: &Cx<'_>, _: Option<&Plan>) -> Read<View> {
        show_crops(cx, Shelf::Prices, &self.at, Msg::PriceCropsTitle, Msg::PriceCropsNone)
    }

    fn take(&self, cx: &Cx<'_>, desk: &mut Desk<'_>, input: &str) -> Read<Move> {
        take_crops(
            cx,
            desk.shown,
            Shelf::Prices,
            input,
            |at| PriceCrops { at }.into(),
            |commodity| Move::to(PriceMarkets { commodity, at: At::default() }),
        )
    }

    fn moved_to(&self, offset: u32) -> Option<Screen> {
        Some(Self { at: self.at.moved_to(offset) }.into())
    }

    fn sms(&self, examples: &Examples<'_>) -> Read<Option<String>> {
        examples.any().map(Some)
    }
}
