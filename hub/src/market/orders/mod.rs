//! Orders: who buys what. An order made here asks for the hub's own units, and is confirmed or refused at once.

pub mod app;
pub mod db;
mod draft;
pub mod http;
mod offer;
pub mod place;
pub(crate) mod unconfirmed;

use mizili_node::market::orders::Order;
use mizili_node::text::{money, phone_text, rfc3339};
use sync_protocol::market;
use uuid::Uuid;

/// An order with what is said of it, as it is read.
pub(crate) struct OrderRow {
    pub(crate) order: market::Order,
    /// The product's own name, or its commodity's.
    pub(crate) product: String,
    pub(crate) unit: String,
    /// The steps in which the unit can be had, in thousandths.
    pub(crate) step_milli: i64,
    /// The account that ordered over REST.
    pub(crate) buyer_user: Option<Uuid>,
    /// Whether the account that ordered has a number that nobody confirmed.
    pub(crate) buyer_unconfirmed: bool,
}

impl OrderRow {
    /// As it is shown to somebody who may see it.
    pub(crate) fn show(self) -> Order {
        let order = self.order;
        let flag = order.flag(self.step_milli).map(str::to_owned);
        Order {
            id: order.id.0,
            product_id: order.listing.0,
            product: self.product,
            quantity: order.quantity,
            unit: self.unit,
            unit_price: money(order.unit_price_minor, order.currency.as_str()),
            total: money(order.total_minor(), order.currency.as_str()),
            status: order.status.as_str().to_owned(),
            synced: true,
            channel: order.channel.as_str().to_owned(),
            buyer_phone: phone_text(order.buyer_phone),
            buyer_name: Some(order.buyer_name).filter(|name| !name.is_empty()),
            buyer_unconfirmed: self.buyer_unconfirmed,
            cooperative_id: order.cooperative.0,
            placed_at: rfc3339(order.placed_at_s),
            reason: None,
            flag,
        }
    }
}
