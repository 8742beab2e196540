//! Parameters of the list of orders.

use crate::page::Slice;
use crate::problem::Problem;
use crate::query;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::str::FromStr;
use utoipa::IntoParams;
use uuid::Uuid;

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
