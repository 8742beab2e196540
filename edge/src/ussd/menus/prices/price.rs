//! The price of a crop at a market: newest, its month, how it moved, where it is best. An old price is shown with its age,
//! never refused, and never called the best.

use crate::text::Msg;
use crate::ussd::acts::Plan;
use crate::ussd::examples::Examples;
use crate::ussd::market::Read;
use crate::ussd::menus::{Desk, Move, Page, Screen};
use crate::ussd::price_text::{Voice, facts};
use crate::ussd::view::{Cx, Foot, Hint, View, page, short};
use serde::{Deserialize, Serialize};

/// The screen of one line of prices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    pub(in crate::ussd) commodity: u32,
    pub(in crate::ussd) market: u32,
    pub(in crate::ussd) series: u32,
}

impl Page for Price {
    fn show(&self, cx: &Cx<'_>, _: Option<&Plan>) -> Read<View> {
        let quote = cx.market.quote(self.commodity, self.market, cx.lang)?;
        let (crop, place, all) = match quote {
            Some(quote) => (quote.crop, quote.market, quote.series),
            None => (String::new(), String::new(), Vec::new()),
        };
        let Some(series) = all.get(self.series as usize) else {
            return Ok(page(cx, Foot::Back, &[], |width| {
                cx.fill(Msg::PriceNone, &[("crop", &short(&crop, width)), ("market", &short(&place, width))])
            }));
        };
        let voice = Voice {
            words: cx.words,
            lang: cx.lang,
            month: cx.month,
            old_after_months: cx.settings.old_after_months,
        };
        let best = cx.market.best_near(self.commodity, self.market, series, voice.not_before())?;
        let more = (self.series as usize) + 1 < all.len();
        let foot = if more { Foot::More(self.series + 1) } else { Foot::Back };
        Ok(page(cx, foot, &[], |width| {
            let lines = facts(&voice, series, self.market, best.as_ref(), width);
            format!("{}, {}\n{}", short(&crop, width), short(&place, width), lines.join("\n"))
        }))
    }

    fn take(&self, _: &Cx<'_>, _: &mut Desk<'_>, _: &str) -> Read<Move> {
        Move::stay(Hint::Choose)
    }

    fn moved_to(&self, series: u32) -> Option<Screen> {
        Some(Self { series, ..self.clone() }.into())
    }

    fn sms(&self, examples: &Examples<'_>) -> Read<Option<String>> {
        examples.request(self.commodity, self.market)
    }
}
