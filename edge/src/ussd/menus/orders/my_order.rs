//! One order of the caller, and cancelling it.

use super::{Desk, Move, Screen, orders};
use crate::text::Msg;
use crate::text::numbers::{money, quantity_of, total};
use crate::ussd::dated::when;
use crate::ussd::market::Read;
use crate::ussd::session::{Plan, Thing};
use crate::ussd::view::{Cx, Foot, Hint, View, page, short, word};
use uuid::Uuid;

pub(super) fn show(cx: &Cx<'_>, id: Uuid) -> Read<View> {
    let Some(order) = cx.market.my_order(cx.phone, id, cx.lang)? else {
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
            ("status", &cx.text(orders::state(order.state))),
        ];
        cx.fill(Msg::OrderOne, &values)
    }))
}

pub(super) fn take(cx: &Cx<'_>, desk: &mut Desk<'_>, id: Uuid, input: &str) -> Read<Move> {
    if input != "1" {
        return Ok(Move::Stay(Hint::Choose));
    }
    let Some(order) = cx.market.my_order(cx.phone, id, cx.lang)?.filter(|order| order.can_cancel) else {
        return Ok(Move::Stay(Hint::Choose));
    };
    let screen = Screen::CancelConfirm;
    let quantity_milli = order.quantity_milli;
    let thing = Thing {
        id,
        name: order.name,
        unit_text: order.unit_text,
        unit_price_minor: order.unit_price_minor,
        currency: order.currency,
        made_at_s: Some(order.placed_at_s),
    };
    desk.begin(cx, Plan::Cancel { thing, quantity_milli }, &screen)?;
    Ok(Move::Go(screen))
}
