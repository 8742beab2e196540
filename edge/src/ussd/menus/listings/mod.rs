//! Offers: making one, seeing one's own, taking one back.

mod my_listing;
mod my_listings;
mod sell;
mod sell_confirm;
mod sell_crops;
mod sell_menu;
mod sell_price;
mod sell_quantity;
mod sell_units;
#[cfg(test)]
pub(super) mod tests;
mod withdraw;
mod withdraw_confirm;

pub use my_listing::MyListing;
pub use my_listings::MyListings;
pub use sell::Sell;
pub(super) use sell_confirm::SellConfirm;
pub use sell_crops::SellCrops;
pub(super) use sell_menu::SellMenu;
pub(super) use sell_price::SellPrice;
pub(super) use sell_quantity::SellQuantity;
pub(super) use sell_units::SellUnits;
pub use withdraw::Withdraw;
pub(super) use withdraw_confirm::WithdrawConfirm;
