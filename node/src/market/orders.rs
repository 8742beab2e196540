//! Orders, and the parameters of their list.

use crate::api::{Money, quantity};
use crate::page::Slice;
use crate::problem::Problem;
use crate::query;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::str::FromStr;
use sync_protocol::units::Quantity;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

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

/// What is wrong with an order of what the buyer offers: there is nobody to sell it to him.
pub const OWN_OFFER: &str = "This is the buyer's own offer.";

/// How a list of orders is narrowed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OrderQuery {
    /// `asked`, `confirmed`, `short`, `cancelled`, `fulfilled`, or at an office `refused`.
    status: Option<String>,
    /// A product's id.
    #[param(value_type = Option<Uuid>)]
    product: Option<String>,
    /// The id of the cooperative that sells.
    #[param(value_type = Option<i32>)]
    cooperative: Option<String>,
    /// Items of a page, 1 to 100; 50 by default.
    #[param(value_type = Option<u32>)]
    limit: Option<String>,
    /// Of the page before: follow `next`.
    cursor: Option<String>,
}

/// What a list of orders is narrowed to. `S` is the status as the node knows it, `I` the number by which it keeps cooperatives.
#[derive(Clone, Debug)]
pub struct OrderFilter<S, I> {
    /// Only of this status.
    pub status: Option<S>,
    /// Only of this product.
    pub product: Option<Uuid>,
    /// Only of what this cooperative sells.
    pub cooperative: Option<I>,
}

impl OrderQuery {
    /// What it narrows a list to, and which page. `status` reads the word of a status; `known` are the words that it knows.
    ///
    /// # Errors
    /// Names the parameter that is wrong.
    pub fn read<S, I, K>(
        &self,
        list: &'static str,
        status: impl Fn(&str) -> Option<S>,
        known: &str,
    ) -> Result<(OrderFilter<S, I>, Slice<K>), Problem>
    where
        I: FromStr,
        K: Serialize + DeserializeOwned,
    {
        let slice = Slice::read(list, self.limit.as_deref(), self.cursor.as_deref())?;
        let wrong_status = || Problem::parameter("status", format!("must be {known}."));
        let wrong_product = |_| Problem::parameter("product", "must be a product's id.");
        let filter = OrderFilter {
            status: self.status.as_deref().map(|word| status(word).ok_or_else(wrong_status)).transpose()?,
            product: self.product.as_deref().map(|id| id.parse().map_err(wrong_product)).transpose()?,
            cooperative: query::id("cooperative", self.cooperative.as_deref())?,
        };
        Ok((filter, slice))
    }
}
