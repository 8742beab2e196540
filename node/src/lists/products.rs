//! Parameters of the list of products.

use crate::page::Slice;
use crate::problem::Problem;
use crate::query::{self, IdOrName};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::str::FromStr;
use sync_protocol::market::ListingStatus;
use utoipa::IntoParams;

/// How a list of products is narrowed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ProductQuery {
    /// A commodity's id, or its whole name in any language.
    commodity: Option<String>,
    /// The beginning of a commodity's name in any language, such as `maize` or `chimanga`.
    crop: Option<String>,
    /// A region's id or name.
    region: Option<String>,
    /// ISO 3166-1 alpha-3.
    country: Option<String>,
    /// A cooperative's id.
    #[param(value_type = Option<i32>)]
    cooperative: Option<String>,
    /// `active` (the default), `withdrawn` or `any`.
    status: Option<String>,
    /// A text within the product's, commodity's or cooperative's name.
    q: Option<String>,
    /// Items of a page, 1 to 100; 50 by default.
    #[param(value_type = Option<u32>)]
    limit: Option<String>,
    /// Of the page before: follow `next`.
    cursor: Option<String>,
}

/// What a list of products is narrowed to. `I` is the number by which the node keeps cooperatives.
#[derive(Clone, Debug)]
pub struct ProductFilter<I> {
    /// A commodity of that id or name.
    pub commodity: Option<IdOrName>,
    /// The beginning of a commodity's name in any language.
    pub crop: Option<String>,
    /// A region of that id or name.
    pub region: Option<IdOrName>,
    /// ISO 3166-1 alpha-3.
    pub country: Option<String>,
    /// The cooperative that sells.
    pub cooperative: Option<I>,
    /// `None` for any.
    pub status: Option<ListingStatus>,
    /// Words of the title or of the commodity's or cooperative's name.
    pub words: Option<String>,
}

impl ProductQuery {
    /// What it narrows a list to, and which page. `list` names the list in its cursors, see [`Slice::read`].
    ///
    /// # Errors
    /// Names the parameter that is wrong.
    pub fn read<I, K>(&self, list: &'static str) -> Result<(ProductFilter<I>, Slice<K>), Problem>
    where
        I: FromStr,
        K: Serialize + DeserializeOwned,
    {
        let slice = Slice::read(list, self.limit.as_deref(), self.cursor.as_deref())?;
        Ok((self.filter()?, slice))
    }

    fn filter<I: FromStr>(&self) -> Result<ProductFilter<I>, Problem> {
        let status = match self.status.as_deref() {
            None => Some(ListingStatus::Active),
            Some("any") => None,
            Some(word) => {
                let wrong = || Problem::parameter("status", "must be active, withdrawn or any.");
                Some(ListingStatus::parse(word).ok_or_else(wrong)?)
            }
        };
        Ok(ProductFilter {
            commodity: query::id_or_name("commodity", self.commodity.as_deref())?,
            crop: query::text("crop", self.crop.as_deref())?,
            region: query::id_or_name("region", self.region.as_deref())?,
            country: query::country("country", self.country.as_deref())?,
            cooperative: query::id("cooperative", self.cooperative.as_deref())?,
            status,
            words: query::text("q", self.q.as_deref())?,
        })
    }
}
