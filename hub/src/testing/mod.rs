//! Support for tests, of this crate and of others that run a hub. Only built with the feature `testing`.
//! It must never be part of a hub that serves people.

pub mod locks;
pub mod postgres;
