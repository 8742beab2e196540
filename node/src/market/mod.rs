//! The market in JSON, as both nodes serve it, a file a noun: its shape, so that one client talks to either; what its list is narrowed
//! by, as that is documented and what it means once read; and what a request asks for. Which rows fit, and whether anything may be done, is
//! never for this.

pub mod cooperatives;
pub mod orders;
pub mod prices;
pub mod products;
pub mod reference;
