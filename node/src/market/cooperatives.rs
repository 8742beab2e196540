//! Cooperatives. Their list is narrowed as those of places are, see [`super::reference`].

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

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
