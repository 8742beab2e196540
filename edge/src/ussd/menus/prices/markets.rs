//! At which market. Markets near the caller come first; letters find any other.

use super::{At, Desk, Move, Screen};
use crate::text::Msg;
use crate::ussd::lists::{show_names, take_names, window};
use crate::ussd::market::{Read, Window};
use crate::ussd::view::{Cx, View, short};

pub(super) fn show(cx: &Cx<'_>, commodity: u32, at: &At) -> Read<View> {
    let crop = cx.market.crop_name(commodity, cx.lang)?.unwrap_or_default();
    let markets = cx.market.markets(commodity, cx.phone, &at.starts_with, window(at.offset))?;
    let say = |msg: Msg, width: usize| cx.fill(msg, &[("crop", &short(&crop, width))]);
    Ok(show_names(
        cx,
        markets,
        at,
        |width| say(Msg::PriceMarketsTitle, width),
        |width| say(Msg::PriceMarketsNone, width),
    ))
}

pub(super) fn take(cx: &Cx<'_>, desk: &Desk<'_>, commodity: u32, input: &str) -> Read<Move> {
    let two = Window { offset: 0, limit: 2 };
    take_names(
        desk.shown,
        input,
        |letters| cx.market.markets(commodity, cx.phone, letters, two),
        |at| Screen::PriceMarkets { commodity, at },
        |market| Ok(Move::Go(Screen::Price { commodity, market, series: 0 })),
    )
}
