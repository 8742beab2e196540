//! At what price a unit to offer.

use super::{Desk, Move, Screen};
use crate::text::Msg;
use crate::text::numbers::{PRICE_MAX_UNITS, amount, read_price};
use crate::ussd::session::Plan;
use crate::ussd::view::{Cx, Foot, Hint, View, page, short, word};

pub(super) fn show(cx: &Cx<'_>, plan: Option<&Plan>) -> View {
    let Some(Plan::Sell { crop, unit: Some(unit), .. }) = plan else { return super::lost_view(cx) };
    let unit = word(&unit.text);
    // "1 90 kg" would read as 190.
    let joint = unit.starts_with(|c: char| c.is_ascii_digit());
    let msg = if joint { Msg::SellPriceJoint } else { Msg::SellPrice };
    page(cx, Foot::Back, &[], |width| {
        let values =
            [("crop", &*short(crop, width)), ("unit", &unit), ("currency", cx.settings.currency.as_str())];
        cx.fill(msg, &values)
    })
}

pub(super) fn take(cx: &Cx<'_>, desk: &mut Desk<'_>, input: &str) -> Move {
    let Some(Plan::Sell { price_minor, .. }) = desk.draft.as_mut().map(|draft| &mut draft.plan) else {
        return Move::Home;
    };
    let currency = cx.settings.currency;
    match read_price(input, currency) {
        Ok(minor) => {
            *price_minor = Some(minor);
            Move::Go(Screen::SellConfirm)
        }
        Err(error) => {
            let max = PRICE_MAX_UNITS * 10i64.pow(currency.digits());
            Move::Stay(Hint::Number(error, amount(max, currency)))
        }
    }
}
