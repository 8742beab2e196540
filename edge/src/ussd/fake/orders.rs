//! Orders in memory.

use super::{Fake, MADE_AT_S, currency, id, part};
use crate::text::Lang;
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

pub(super) fn my_order(
    number: u128,
    name: &str,
    quantity_milli: i64,
    state: OrderState,
    can_cancel: bool,
) -> MyOrder {
    MyOrder {
        id: id(number),
        name: name.into(),
        unit_text: "kg".into(),
        quantity_milli,
        unit_price_minor: 90_000,
        currency: currency("MWK"),
        state,
        can_cancel,
        placed_at_s: MADE_AT_S,
    }
}
