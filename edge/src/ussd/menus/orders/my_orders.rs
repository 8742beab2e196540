//! The caller's orders, the newest first.

use super::MyOrder;
use crate::text::Msg;
use crate::text::numbers::quantity_of;
use crate::ussd::acts::Plan;
use crate::ussd::dated::rows_apart;
use crate::ussd::lists::picked_id;
use crate::ussd::market::{self, OrderState, Read};
use crate::ussd::menus::{Desk, Move, Page, Screen};
use crate::ussd::view::{Cx, Foot, Hint, Key, Row, View, list, page, word};
use serde::{Deserialize, Serialize};

/// Stands for the name while a line is filled in, so that the line can be cut around it. No data holds it: names are
/// cleaned of control letters.
const NAME: &str = "\u{1}";

/// The screen, at a place in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MyOrders {
    pub(in crate::ussd) offset: u32,
}

impl Page for MyOrders {
    fn show(&self, cx: &Cx<'_>, _: Option<&Plan>) -> Read<View> {
        let orders = |part| cx.market.my_orders(cx.phone, cx.lang, part);
        let rows = rows_apart(
            cx,
            self.offset,
            orders,
            |order| order.placed_at_s,
            |order, date| row(cx, order, date),
        )?;
        if rows.is_empty() {
            return Ok(page(cx, Foot::Back, &[], |_| cx.text(Msg::OrdersNone)));
        }
        Ok(list(cx, |_| cx.text(Msg::OrdersTitle), &rows, self.offset))
    }

    fn take(&self, _: &Cx<'_>, desk: &mut Desk<'_>, input: &str) -> Read<Move> {
        Ok(match picked_id(desk.shown, input) {
            Some(id) => Move::Go(MyOrder { id }.into()),
            None => Move::Stay(Hint::Choose),
        })
    }

    fn moved_to(&self, offset: u32) -> Option<Screen> {
        Some(Self { offset }.into())
    }
}

fn row(cx: &Cx<'_>, order: &market::MyOrder, date: &str) -> Row {
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
