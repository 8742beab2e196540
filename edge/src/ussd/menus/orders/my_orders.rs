//! The caller's orders, the newest first.

use super::{Desk, Move, Screen};
use crate::text::Msg;
use crate::text::numbers::quantity_of;
use crate::ussd::dated::rows_apart;
use crate::ussd::lists::picked_id;
use crate::ussd::market::{MyOrder, OrderState, Read};
use crate::ussd::view::{Cx, Foot, Hint, Key, Row, View, list, page, word};

/// Stands for the name while a line is filled in, so that the line can be cut around it. No data holds it: names are
/// cleaned of control letters.
const NAME: &str = "\u{1}";

pub(super) fn show(cx: &Cx<'_>, offset: u32) -> Read<View> {
    let orders = |part| cx.market.my_orders(cx.phone, cx.lang, part);
    let rows = rows_apart(cx, offset, orders, |order| order.placed_at_s, |order, date| row(cx, order, date))?;
    if rows.is_empty() {
        return Ok(page(cx, Foot::Back, &[], |_| cx.text(Msg::OrdersNone)));
    }
    Ok(list(cx, |_| cx.text(Msg::OrdersTitle), &rows, offset))
}

fn row(cx: &Cx<'_>, order: &MyOrder, date: &str) -> Row {
    let what = cx.what(&quantity_of(order.quantity_milli, &word(&order.unit_text)), NAME) + date;
    let status = cx.text(state(order.state));
    let line = cx.fill(Msg::OrderLine, &[("what", &what), ("status", &status)]);
    let (head, tail) = line.split_once(NAME).unwrap_or((&line, ""));
    Row { key: Key::Id(order.id), head: head.to_owned(), name: order.name.clone(), tail: tail.to_owned() }
}

/// The word for how an order stands.
pub(super) fn state(state: OrderState) -> Msg {
    match state {
        OrderState::Confirmed => Msg::OrderConfirmed,
        OrderState::Asked => Msg::OrderAsked,
        OrderState::Short => Msg::OrderShort,
        OrderState::Fulfilled => Msg::OrderFulfilled,
        OrderState::Cancelled => Msg::OrderCancelled,
        OrderState::CancelAsked => Msg::OrderCancelAsked,
        OrderState::Refused => Msg::OrderRefused,
    }
}

pub(super) fn take(desk: &Desk<'_>, input: &str) -> Move {
    match picked_id(desk.shown, input) {
        Some(id) => Move::Go(Screen::Order { id }),
        None => Move::Stay(Hint::Choose),
    }
}
