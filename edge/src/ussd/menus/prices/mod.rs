//! Prices: of which crop, at which market, and what they are.

mod crops;
mod markets;
mod price;

pub use crops::PriceCrops;
pub use markets::PriceMarkets;
pub use price::Price;
