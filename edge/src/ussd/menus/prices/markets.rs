//! At which market. Markets near the caller come first; letters find any other.

use super::Price;
use crate::text::Msg;
use crate::ussd::acts::Plan;
use crate::ussd::examples::Examples;
use crate::ussd::lists::{show_names, take_names, window};
use crate::ussd::market::{Read, Window};
use crate::ussd::menus::{At, Desk, Move, Page, Screen};
use crate::ussd::view::{Cx, View, short};
use serde::{Deserialize, Serialize};

/// The screen of one crop, at a place in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceMarkets {
    pub(in crate::ussd) commodity: u32,
    pub(in crate::ussd) at: At,
}

impl Page for PriceMarkets {
    fn show(&self, cx: &Cx<'_>, _: Option<&Plan>) -> Read<View> {
        let crop = cx.market.crop_name(self.commodity, cx.lang)?.unwrap_or_default();
        let markets =
            cx.market.markets(self.commodity, cx.phone, &self.at.starts_with, window(self.at.offset))?;
        let say = |msg: Msg, width: usize| cx.fill(msg, &[("crop", &short(&crop, width))]);
        Ok(show_names(
            cx,
            markets,
            &self.at,
            |width| say(Msg::PriceMarketsTitle, width),
            |width| say(Msg::PriceMarketsNone, width),
        ))
    }

    fn take(&self, cx: &Cx<'_>, desk: &mut Desk<'_>, input: &str) -> Read<Move> {
        let two = Window { offset: 0, limit: 2 };
        take_names(
            desk.shown,
            input,
            |letters| cx.market.markets(self.commodity, cx.phone, letters, two),
            |at| Self { commodity: self.commodity, at }.into(),
            |market| Move::to(Price { commodity: self.commodity, market, series: 0 }),
        )
    }

    fn moved_to(&self, offset: u32) -> Option<Screen> {
        Some(Self { commodity: self.commodity, at: self.at.moved_to(offset) }.into())
    }

    fn sms(&self, examples: &Examples<'_>) -> Read<Option<String>> {
        examples.of(self.commodity).map(Some)
    }
}
