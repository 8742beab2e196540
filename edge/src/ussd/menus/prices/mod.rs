//! Prices: of which crop, at which market, and what they are.

mod crops;
mod markets;
mod price;
#[cfg(test)]
pub(super) mod tests;

pub use crops::PriceCrops;
pub use markets::PriceMarkets;
pub use price::Price;
