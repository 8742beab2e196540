//! What the lists that both nodes have are narrowed by: the parameters as they are documented, and what they mean once read. Which
//! rows fit is each node's own business.

mod orders;
mod prices;
mod products;
mod reference;

pub use orders::{OrderFilter, OrderQuery};
pub use prices::{PriceFilter, PriceQuery};
pub use products::{ProductFilter, ProductQuery};
pub use reference::{CountryQuery, ListQuery, PlaceFilter, PlaceQuery};
