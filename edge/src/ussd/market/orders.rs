//! The caller's orders.

use super::{Read, Window};
use crate::text::Lang;
use sync_protocol::phone::Phone;
use sync_protocol::units::Currency;
use uuid::Uuid;

/// How an order of the caller stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderState {
    /// The units are kept for the buyer.
    Confirmed,
    /// Asked for; nobody has said yes.
    Asked,
    /// There was not enough: a person settles it.
    Short,
    /// Received.
    Fulfilled,
    /// Cancelled.
    Cancelled,
    /// Asked to be cancelled; it may be too late.
    CancelAsked,
    /// Refused.
    Refused,
}

/// An order of the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MyOrder {
    /// Its id.
    pub id: Uuid,
    /// The listing's own name, or the commodity's.
    pub name: String,
    /// One unit of it.
    pub unit_text: String,
    /// In thousandths of the unit.
    pub quantity_milli: i64,
    /// Price of one unit, in minor units.
    pub unit_price_minor: i64,
    /// The currency.
    pub currency: Currency,
    /// How it stands.
    pub state: OrderState,
    /// Whether cancelling it is offered.
    pub can_cancel: bool,
    /// When it was made, seconds since 1970 UTC, as the node where that was claimed.
    pub placed_at_s: i64,
}

/// What somebody has ordered.
pub trait Orders {
    /// Orders of the caller, the newest first.
    fn my_orders(&self, phone: &Phone, lang: Lang, window: Window) -> Read<Vec<MyOrder>>;

    /// One order of the caller; `None` when there is none, or it is somebody else's.
    fn my_order(&self, phone: &Phone, id: Uuid, lang: Lang) -> Read<Option<MyOrder>>;
}

#[cfg(test)]
mod in_memory {
    use crate::text::Lang;
    use crate::ussd::fake::{Fake, part};
    use crate::ussd::market::*;
    use sync_protocol::phone::Phone;
    use uuid::Uuid;

    impl Orders for Fake {
        fn my_orders(&self, _: &Phone, lang: Lang, window: Window) -> Read<Vec<MyOrder>> {
            let all = self.orders.iter().cloned();
            Ok(part(all.map(|one| MyOrder { name: self.local(&one.name, lang), ..one }), window))
        }

        fn my_order(&self, phone: &Phone, id: Uuid, lang: Lang) -> Read<Option<MyOrder>> {
            let all = Window { offset: 0, limit: 100 };
            Ok(self.my_orders(phone, lang, all)?.into_iter().find(|one| one.id == id))
        }
    }
}
