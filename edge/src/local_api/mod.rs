//! The API of the office: the same paths and shapes as the hub's for products, orders, prices and the lists they refer to, answered
//! from this box alone, and what only an office has. Looking at the market needs no sign-in; acting, and anything about people, does.
//!
//! One file for each thing that can be asked. A handler reads in one snapshot or acts in one transaction; what is answered with success is on disk.

pub mod adjust;
mod attempt;
pub mod cooperatives;
mod filter;
pub mod health;
mod lang;
mod me;
pub mod messages;
mod names;
pub mod news;
pub mod orders;
pub mod place;
pub mod prices;
pub mod products;
pub mod reference;
pub mod refusals;
pub mod sell;
pub mod status;
pub mod stock;
pub mod walk;
