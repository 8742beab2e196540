//! What, how much, the price and whether it is here, once more, before it is ordered.

use super::Buy;
use crate::text::Msg;
use crate::text::numbers::{money, quantity_of, total};
use crate::ussd::acts::{Gathered as _, Plan};
use crate::ussd::market::Read;
use crate::ussd::menus::{Desk, Move, Page, confirm, confirmed, lost};
use crate::ussd::view::{Cx, Foot, View, page, short, word};

/// Below this width of names there is no room for the seller's.
const SELLER_MIN_WIDTH: usize = 13;

pub(in crate::ussd::menus) struct BuyConfirm;

impl Page for BuyConfirm {
    fn show(&self, cx: &Cx<'_>, plan: Option<&Plan>) -> Read<View> {
        let Some(Buy { thing, seller, quantity_milli: Some(milli), held }) = Buy::of(plan) else {
            return lost(cx);
        };
        let unit = word(&thing.unit_text);
        let price = money(thing.unit_price_minor, thing.currency);
        let total = total(*milli, thing.unit_price_minor, thing.currency);
        let stand = cx.text(if *held { Msg::BuyHeld } else { Msg::BuyAsk });
        Ok(page(cx, Foot::Back, &confirm(Msg::BuyYes), |width| {
            let what = cx.what(&quantity_of(*milli, &unit), &short(&thing.name, width));
            let values = [("what", &*what), ("price", &price), ("unit", &unit), ("total", &total)];
            let mut text = cx.fill(Msg::BuyConfirm, &values);
            // Who sells was on the screen before; what, how much and the price never give way to it.
            if width > SELLER_MIN_WIDTH {
                let from = cx.fill(Msg::BuyFrom, &[("seller", &short(seller, width))]);
                text = format!("{text} {from}");
            }
            format!("{text} {stand}")
        }))
    }

    fn take(&self, _: &Cx<'_>, _: &mut Desk<'_>, input: &str) -> Read<Move> {
        confirmed(input)
    }
}
