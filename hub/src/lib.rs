//! The hub: the market's authority. People and their programs speak to it over REST, edges sync with it, an operator runs it on
//! the command line; all three come to the same functions.
//!
//! What can be asked over HTTP: [`router`]. What happens then: the `app.rs` of each noun in [`market`]. What changes the market:
//! [`commands`], decided by `sync-protocol`. What edges see of it: [`feed`], [`sync`].
//!
//! The files and folders here are rooms that stand in one order: the map in ARCHITECTURE.md has it.

pub mod auth;
pub mod bad_rows;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod config;
pub mod db;
mod docs;
pub mod error;
pub mod feed;
pub mod http;
pub mod jobs;
pub mod keys;
pub mod limits;
pub mod market;
pub mod migrations;
pub mod names;
pub mod news;
mod numbers;
pub mod openapi;
pub mod postgres;
pub mod queue;
pub mod room;
pub mod router;
mod secret_file;
pub mod serve;
pub mod state;
pub mod sync;
pub mod tables;
#[cfg(feature = "testing")]
pub mod testing;
mod together;
pub mod token;
