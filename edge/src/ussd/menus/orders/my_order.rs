//! One order of the caller, and cancelling it.

use super::Cancel;
use crate::text::Msg;
use crate::text::numbers::{money, quantity_of, total};
use crate::ussd::acts::Plan;
use crate::ussd::dated::when;
use crate::ussd::market::Read;
use crate::ussd::menus::{Desk, Move, Page, Screen};
use crate::ussd::thing::Thing;
use crate::ussd::view::{Cx, Foot, Hint, View, page, short, word};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The screen of one order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MyOrder {
    pub(in crate::ussd) id: Uuid,
}

impl Page for MyOrder {
    fn show(&self, cx: &Cx<'_>, _: Option<&Plan>) -> Read<View> {
        let Some(order) = cx.market.my_order(cx.phone, self.id, cx.lang)? else {
            return Ok(page(cx, Foot::Back, &[], |_| cx.text(Msg::OrderGone)));
        };
        let unit = word(&order.unit_text);
        let choices: &[(u8, Msg)] = if order.can_cancel { &[(1, Msg::OrderCancel)] } else { &[] };
        Ok(page(cx, Foot::Back, choices, |width| {
            let what = cx.what(&quantity_of(order.quantity_milli, &unit), &short(&order.name, width));
            let what = what + &when(cx, Some(order.placed_at_s), width);
            let values = [
                ("what", &*what),
                ("price", &money(order.unit_price_minor, order.currency)),
                ("unit", &unit),
                ("total", &total(order.quantity_milli, order.unit_price_minor, order.currency)),
                ("status", &cx.text(super::my_orders::state(order.state))),
            ];
            cx.fill(Msg::OrderOne, &values)
        }))
    }

    fn take(&self, cx: &Cx<'_>, desk: &mut Desk<'_>, input: &str) -> Read<Move> {
        if input != "1" {
            return Move::stay(Hint::Choose);
        }
        let Some(order) = cx.market.my_order(cx.phone, self.id, cx.lang)?.filter(|order| order.can_cancel)
        else {
            return Move::stay(Hint::Choose);
        };
        let screen = Screen::CancelConfirm;
        let quantity_milli = order.quantity_milli;
        let thing = Thing {
            id: self.id,
            name: order.name,
            unit_text: order.unit_text,
            unit_price_minor: order.unit_price_minor,
            currency: order.currency,
            made_at_s: Some(order.placed_at_s),
        };
        desk.begin(cx, Cancel { thing, quantity_milli }, screen)
    }
}
