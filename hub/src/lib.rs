//! The hub.

pub mod market;
pub mod postgres;
#[cfg(feature = "testing")]
pub mod testing;
