//! The lists that everything else refers to: commodities, units, markets, regions. They come with the prices; nobody edits them
//! here. Everybody may read them.

pub mod app;
pub mod db;
pub mod http;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

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
