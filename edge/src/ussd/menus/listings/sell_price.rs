//! At what price a unit to offer.

use super::Sell;
use crate::text::Msg;
use crate::text::numbers::{PRICE_MAX_UNITS, amount, read_price};
use crate::ussd::acts::{Gathered as _, Plan};
use crate::ussd::market::Read;
use crate::ussd::menus::{Desk, Move, Page, Screen, lost};
use crate::ussd::view::{Cx, Foot, Hint, View, page, short, word};

pub(in crate::ussd::menus) struct SellPrice;

impl Page for SellPrice {
    fn show(&self, cx: &Cx<'_>, plan: Option<&Plan>) -> Read<View> {
        let Some(Sell { crop, unit: Some(unit), .. }) = Sell::of(plan) else { return lost(cx) };
        let unit = word(&unit.text);
        // "1 90 kg" would read as 190.
        let joint = unit.starts_with(|c: char| c.is_ascii_digit());
        let msg = if joint { Msg::SellPriceJoint } else { Msg::SellPrice };
        Ok(page(cx, Foot::Back, &[], |width| {
            let values = [
                ("crop", &*short(crop, width)),
                ("unit", &unit),
                ("currency", cx.settings.currency.as_str()),
            ];
            cx.fill(msg, &values)
        }))
    }

    fn take(&self, cx: &Cx<'_>, desk: &mut Desk<'_>, input: &str) -> Read<Move> {
        let Some(Sell { price_minor, .. }) = Sell::of_mut(desk.plan()) else {
            return Ok(Move::Home);
        };
        let currency = cx.settings.currency;
        Ok(match read_price(input, currency) {
            Ok(minor) => {
                *price_minor = Some(minor);
                Move::Go(Screen::SellConfirm)
            }
            Err(error) => {
                let max = PRICE_MAX_UNITS * 10i64.pow(currency.digits());
                Move::Stay(Hint::Number(error, amount(max, currency)))
            }
        })
    }
}
