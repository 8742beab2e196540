//! Orders: buying, seeing one's own, cancelling one.

mod buy;
mod buy_confirm;
mod buy_crops;
mod buy_listings;
mod buy_quantity;
mod cancel;
mod cancel_confirm;
mod my_order;
mod my_orders;
#[cfg(test)]
pub(super) mod tests;

pub use buy::Buy;
pub(super) use buy_confirm::BuyConfirm;
pub use buy_crops::BuyCrops;
pub use buy_listings::BuyListings;
pub(super) use buy_quantity::BuyQuantity;
pub use cancel::Cancel;
pub(super) use cancel_confirm::CancelConfirm;
pub use my_order::MyOrder;
pub use my_orders::MyOrders;
