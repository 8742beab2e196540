//! Parameters of the list of market prices.

use crate::page::Slice;
use crate::problem::Problem;
use crate::query::{self, IdOrName};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sync_protocol::units::Month;
use utoipa::IntoParams;

/// How a list of prices is narrowed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PriceQuery {
    /// A commodity's id, or its whole name in any language.
    commodity: Option<String>,
    /// A market's id or name.
    market: Option<String>,
    /// A region's id or name.
    region: Option<String>,
    /// ISO 3166-1 alpha-3.
    country: Option<String>,
    /// `Retail` or `Wholesale`.
    price_type: Option<String>,
    /// Only the newest price of each market, commodity, unit and type: so when `from` and `to` are left out, unless it is false.
    #[param(value_type = Option<bool>)]
    latest: Option<String>,
    /// The first month of a history, `YYYY-MM`.
    from: Option<String>,
    /// The last month of a history, `YYYY-MM`.
    to: Option<String>,
    /// Items of a page, 1 to 100; 50 by default.
    #[param(value_type = Option<u32>)]
    limit: Option<String>,
    /// Of the page before: follow `next`.
    cursor: Option<String>,
}

/// What a list of prices is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct PriceFilter {
    /// A commodity of that id or name.
    pub commodity: Option<IdOrName>,
    /// A market of that id or name.
    pub market: Option<IdOrName>,
    /// A region of that id or name.
    pub region: Option<IdOrName>,
    /// ISO 3166-1 alpha-3.
    pub country: Option<String>,
    /// `Retail`, `Wholesale`; any case.
    pub price_type: Option<String>,
    /// Only the newest price of each series.
    pub latest: bool,
    /// The first month.
    pub from: Option<Month>,
    /// The last month, not before the first.
    pub to: Option<Month>,
}

impl PriceQuery {
    /// What it narrows a list to, and which page. `list` names the list in its cursors, see [`Slice::read`].
    ///
    /// # Errors
    /// Names the parameter that is wrong.
    pub fn read<K: Serialize + DeserializeOwned>(
        &self,
        list: &'static str,
    ) -> Result<(PriceFilter, Slice<K>), Problem> {
        let slice = Slice::read(list, self.limit.as_deref(), self.cursor.as_deref())?;
        Ok((self.filter()?, slice))
    }

    fn filter(&self) -> Result<PriceFilter, Problem> {
        let (from, to) =
            (query::month("from", self.from.as_deref())?, query::month("to", self.to.as_deref())?);
        let latest = query::boolean("latest", self.latest.as_deref())?;
        if latest == Some(true) && (from.is_some() || to.is_some()) {
            return Err(Problem::parameter("latest", "cannot stand beside `from` and `to`; leave one out."));
        }
        if from.zip(to).is_some_and(|(from, to)| from > to) {
            return Err(Problem::parameter("to", "must not be before `from`."));
        }
        Ok(PriceFilter {
            commodity: query::id_or_name("commodity", self.commodity.as_deref())?,
            market: query::id_or_name("market", self.market.as_deref())?,
            region: query::id_or_name("region", self.region.as_deref())?,
            country: query::country("country", self.country.as_deref())?,
            price_type: query::text("price_type", self.price_type.as_deref())?,
            latest: latest.unwrap_or(from.is_none() && to.is_none()),
            from,
            to,
        })
    }
}
