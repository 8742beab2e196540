//! Products, orders, cooperatives.

use super::{Money, quantity};
use serde::{Deserialize, Serialize};
use sync_protocol::units::Quantity;
use utoipa::ToSchema;
use uuid::Uuid;

/// Something for sale.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Product {
    /// Its id.
    pub id: Uuid,
    /// Its own name, or its commodity's.
    #[schema(example = "Maize")]
    pub name: String,
    /// The commodity.
    pub commodity_id: u32,
    /// The commodity's English name.
    pub commodity: String,
    /// The unit that price and quantity are in.
    pub unit_id: u32,
    /// The unit as people write it.
    #[schema(example = "KG")]
    pub unit: String,
    /// Price of one unit.
    pub price: Money,
    /// What can be bought here at once: at the hub the hub's units, at an office the office's.
    #[serde(with = "quantity")]
    #[schema(value_type = String, example = "25")]
    pub available: Quantity,
    /// What all holders together have, where this node knows it. The rest can be asked for.
    #[serde(with = "quantity")]
    #[schema(value_type = String, example = "50")]
    pub total: Quantity,
    /// The cooperative that sells.
    pub cooperative_id: u32,
    /// Its name.
    pub cooperative: String,
    /// Its region, where known.
    pub region: Option<String>,
    /// The member who offers it, if one does.
    pub seller_id: Option<Uuid>,
    /// That member's name, at the office of the member's cooperative.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub seller: Option<String>,
    /// `active` or `withdrawn`.
    pub status: String,
    /// When it was posted, RFC 3339, UTC.
    pub posted_at: String,
}

/// A new product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewProduct {
    /// The commodity, see `/commodities`.
    pub commodity_id: u32,
    /// The unit, see `/units`.
    pub unit_id: u32,
    /// A name of its own; empty to use the commodity's.
    #[serde(default)]
    pub title: String,
    /// How much is taken in.
    #[serde(with = "quantity")]
    #[schema(value_type = String, example = "50")]
    pub quantity: Quantity,
    /// Price of one unit.
    pub price: Money,
    /// The selling cooperative; the caller's own when left out.
    #[serde(default)]
    pub cooperative_id: Option<u32>,
}

/// A change of a product. Send the product's ETag in `If-Match`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProductChange {
    /// New price of one unit.
    #[serde(default)]
    pub price: Option<Money>,
    /// New name.
    #[serde(default)]
    pub title: Option<String>,
    /// `withdrawn` takes it off sale.
    #[serde(default)]
    pub status: Option<String>,
}

/// An order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Order {
    /// Its id.
    pub id: Uuid,
    /// What is bought.
    pub product_id: Uuid,
    /// Its name.
    pub product: String,
    /// How much.
    #[serde(with = "quantity")]
    #[schema(value_type = String, example = "10")]
    pub quantity: Quantity,
    /// The unit as people write it.
    pub unit: String,
    /// Price of one unit when it was ordered.
    pub unit_price: Money,
    /// What it costs.
    pub total: Money,
    /// `asked`, `confirmed`, `short`, `cancelled`, `fulfilled`; at an office also `refused`.
    pub status: String,
    /// Whether the hub has this order; false at an office while it waits for the line.
    pub synced: bool,
    /// Where it was made: `rest`, `ussd`, `sms`, `office`.
    pub channel: String,
    /// The buyer's number, E.164, where the caller may see it.
    pub buyer_phone: Option<String>,
    /// The buyer's name, where given.
    pub buyer_name: Option<String>,
    /// An account ordered it whose number nobody has confirmed. Call before you set anything aside.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub buyer_unconfirmed: bool,
    /// The cooperative that sells.
    pub cooperative_id: u32,
    /// When it was made, RFC 3339, UTC, as the node where it was made claimed.
    pub placed_at: String,
    /// Why it was refused, in words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// What a person has to look at: `price`, for it was sold at a price that the product never had; `quantity`, for it is of a part
    /// of what is counted in pieces. Absent for nothing.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub flag: Option<String>,
}

/// A new order. Send an `Idempotency-Key` header: a retry with the same key gets the first answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOrder {
    /// What is bought.
    pub product_id: Uuid,
    /// How much.
    #[serde(with = "quantity")]
    #[schema(value_type = String, example = "10")]
    pub quantity: Quantity,
    /// The price of one unit that the buyer saw; today's when left out.
    #[serde(default)]
    pub unit_price: Option<Money>,
    /// The buyer's number, when an office orders for somebody.
    #[serde(default)]
    pub buyer_phone: Option<String>,
    /// The buyer's name, when an office orders for somebody.
    #[serde(default)]
    pub buyer_name: Option<String>,
}

/// A cooperative.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Cooperative {
    /// Its id.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// ISO 3166-1 alpha-3.
    #[schema(example = "MWI")]
    pub country: String,
    /// Its region, where known.
    pub region: Option<String>,
    /// The currency it sells in.
    pub currency: String,
}
