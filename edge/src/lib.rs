//! The edge.

pub mod cli;
pub mod commands;
pub mod config;
pub mod db;
pub mod files;
pub mod gateway;
pub mod http;
pub mod identity;
pub mod line;
pub mod local_api;
pub mod market_view;
pub mod node;
mod opened;
pub mod outbox;
pub mod replica;
pub mod serve;
pub mod sms;
pub mod staff;
pub mod state;
pub mod stock;
pub mod sync;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod testing_disk;
pub mod text;
pub mod time;
pub mod told;
pub mod ussd;
