//! The price of a crop at a market: newest, its month, how it moved, where it is best. An old price is shown with its age,
//! never refused, and never called the best.

use crate::text::Msg;
use crate::ussd::market::Read;
use crate::ussd::price_text::{Voice, facts};
use crate::ussd::view::{Cx, Foot, View, page, short};

pub(super) fn show(cx: &Cx<'_>, commodity: u32, market: u32, index: u32) -> Read<View> {
    let quote = cx.market.quote(commodity, market, cx.lang)?;
    let (crop, place, all) = match quote {
        Some(quote) => (quote.crop, quote.market, quote.series),
        None => (String::new(), String::new(), Vec::new()),
    };
    let Some(series) = all.get(index as usize) else {
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
    let best = cx.market.best_near(commodity, market, series, voice.not_before())?;
    let more = (index as usize) + 1 < all.len();
    let foot = if more { Foot::More(index + 1) } else { Foot::Back };
    Ok(page(cx, foot, &[], |width| {
        let lines = facts(&voice, series, market, best.as_ref(), width);
        format!("{}, {}\n{}", short(&crop, width), short(&place, width), lines.join("\n"))
    }))
}
