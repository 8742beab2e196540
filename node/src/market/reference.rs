//! What everything else refers to: commodities, units, markets, regions; and the parameters of their lists, and of that of cooperatives.

use crate::page::Slice;
use crate::problem::Problem;
use crate::query::{self, IdOrName};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A commodity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Commodity {
    /// Its id.
    pub id: u32,
    /// English name.
    #[schema(example = "Maize")]
    pub name: String,
    /// The source's category.
    pub category: String,
    /// Names in other languages by code; compiled, not yet checked by native speakers.
    pub names: std::collections::BTreeMap<String, String>,
}

/// A unit of price or sale.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Unit {
    /// Its id.
    pub id: u32,
    /// As people write it.
    #[schema(example = "90 KG")]
    pub code: String,
    /// `kg`, `l`, `piece` or `unknown`.
    pub base: String,
    /// How much of the base one unit is, as a decimal string; missing where it cannot be said.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub factor: Option<String>,
}

/// A market.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Market {
    /// Its id.
    pub id: u32,
    /// Its name.
    #[schema(example = "Lilongwe")]
    pub name: String,
    /// ISO 3166-1 alpha-3.
    pub country: String,
    /// Its region, where known.
    pub region: Option<String>,
    /// Its district, where known.
    pub district: Option<String>,
    /// Degrees north, where known.
    pub latitude: Option<f64>,
    /// Degrees east, where known.
    pub longitude: Option<f64>,
}

/// A region of a country.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Region {
    /// Its id.
    pub id: u32,
    /// Its name, as the price source writes it.
    #[schema(example = "Central Region")]
    pub name: String,
    /// ISO 3166-1 alpha-3.
    #[schema(example = "MWI")]
    pub country: String,
}

/// What a list is narrowed to; each list takes what concerns it.
#[derive(Clone, Debug, Default)]
pub struct PlaceFilter {
    /// ISO 3166-1 alpha-3.
    pub country: Option<String>,
    /// A region of that id or name.
    pub region: Option<IdOrName>,
    /// A text within a name.
    pub words: Option<String>,
}

/// How a list without places is narrowed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// A text within the name, in any language.
    q: Option<String>,
    /// Items of a page, 1 to 100; 50 by default.
    #[param(value_type = Option<u32>)]
    limit: Option<String>,
    /// Of the page before: follow `next`.
    cursor: Option<String>,
}

/// How a list of things in a country is narrowed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CountryQuery {
    /// ISO 3166-1 alpha-3.
    country: Option<String>,
    /// A text within the name.
    q: Option<String>,
    /// Items of a page, 1 to 100; 50 by default.
    #[param(value_type = Option<u32>)]
    limit: Option<String>,
    /// Of the page before: follow `next`.
    cursor: Option<String>,
}

/// How a list of things in a region is narrowed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PlaceQuery {
    /// ISO 3166-1 alpha-3.
    country: Option<String>,
    /// A region's id or name.
    region: Option<String>,
    /// A text within the name.
    q: Option<String>,
    /// Items of a page, 1 to 100; 50 by default.
    #[param(value_type = Option<u32>)]
    limit: Option<String>,
    /// Of the page before: follow `next`.
    cursor: Option<String>,
}

type Given<'a> = Option<&'a str>;

fn filter(country: Given<'_>, region: Given<'_>, q: Given<'_>) -> Result<PlaceFilter, Problem> {
    Ok(PlaceFilter {
        country: query::country("country", country)?,
        region: query::id_or_name("region", region)?,
        words: query::text("q", q)?,
    })
}

impl ListQuery {
    /// What it narrows a list to, and which page. `list` names the list in its cursors, see [`Slice::read`].
    ///
    /// # Errors
    /// Names the parameter that is wrong.
    pub fn read(&self, list: &'static str) -> Result<(PlaceFilter, Slice<u32>), Problem> {
        let filter = filter(None, None, self.q.as_deref())?;
        Ok((filter, Slice::read(list, self.limit.as_deref(), self.cursor.as_deref())?))
    }
}

impl CountryQuery {
    /// What it narrows a list to, and which page. `list` names the list in its cursors, see [`Slice::read`].
    ///
    /// # Errors
    /// Names the parameter that is wrong.
    pub fn read(&self, list: &'static str) -> Result<(PlaceFilter, Slice<u32>), Problem> {
        let filter = filter(self.country.as_deref(), None, self.q.as_deref())?;
        Ok((filter, Slice::read(list, self.limit.as_deref(), self.cursor.as_deref())?))
    }
}

impl PlaceQuery {
    /// What it narrows a list to, and which page. `list` names the list in its cursors, see [`Slice::read`].
    ///
    /// # Errors
    /// Names the parameter that is wrong.
    pub fn read(&self, list: &'static str) -> Result<(PlaceFilter, Slice<u32>), Problem> {
        let filter = filter(self.country.as_deref(), self.region.as_deref(), self.q.as_deref())?;
        Ok((filter, Slice::read(list, self.limit.as_deref(), self.cursor.as_deref())?))
    }
}
