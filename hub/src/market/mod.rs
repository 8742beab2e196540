//! What the market knows and decides, one folder for each noun.

mod act;
pub mod cooperatives;
mod newest;
pub mod orders;
pub mod prices;
pub mod products;
pub mod reference;
pub mod users;
