//! Cancelling an order.

use super::{MyOrder, MyOrders};
use crate::text::Msg;
use crate::text::why::Terms;
use crate::ussd::acts::{Act, Becomes, Figures, Who};
use crate::ussd::menus::Screen;
use crate::ussd::thing::Thing;
use crate::ussd::view::{Cx, Key};
use serde::{Deserialize, Serialize};
use sync_protocol::market::OrderCancel;
use uuid::Uuid;

/// To cancel an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancel {
    /// What.
    pub thing: Thing,
    /// How much was ordered, in thousandths.
    pub quantity_milli: i64,
}

impl Act for Cancel {
    fn is_begun(&self) -> bool {
        true
    }

    fn is_whole(&self) -> bool {
        true
    }

    fn matter(&self) -> Option<Key> {
        Some(Key::Id(self.thing.id))
    }

    fn trail(&self) -> Vec<Screen> {
        vec![MyOrders { offset: 0 }.into(), MyOrder { id: self.thing.id }.into()]
    }

    fn doing(&self, cx: &Cx<'_>, width: usize) -> String {
        self.thing.doing(cx, Msg::DoingCancel, Some(self.quantity_milli), width)
    }

    fn said(&self, is_sure: bool) -> Msg {
        if is_sure { Msg::DoneCancel } else { Msg::AskedCancel }
    }

    fn figures(&self, cx: &Cx<'_>, width: usize) -> Figures {
        self.thing.figures(cx, self.quantity_milli, width)
    }

    fn terms(&self, _: &Cx<'_>) -> Terms {
        self.thing.terms()
    }

    fn becomes(&self, _: Uuid, _: &Who<'_>) -> Option<Becomes> {
        Some(Becomes::Command(OrderCancel::new(self.thing.id).into()))
    }
}
