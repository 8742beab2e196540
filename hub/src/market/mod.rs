//! What the market knows and decides, one folder for each noun.

pub mod cooperatives;
mod decide;
mod newest;
pub mod orders;
pub mod prices;
pub mod products;
pub mod reference;
pub mod users;
