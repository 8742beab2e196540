//! The hub: the market's authority. People and their programs speak to it over REST, edges sync with it, an operator runs it on
//! the command line; all three come to the same functions.
//!
//! What can be asked over HTTP: [`router`]. What happens then: the `app.rs` of each noun in [`market`]. What changes the market:
//! [`commands`], decided by `sync-protocol`. What edges see of it: [`feed`], [`sync`].
//!
//! The files and folders here stand in one order, and none takes anything from one above it:
//!
//! 1. whoever starts: `main`, [`cli`], [`serve`];
//! 2. what is served, and what nobody waits for: [`router`], `docs`, [`openapi`], [`jobs`];
//! 3. whom it is served to: edges, [`sync`]; people, [`market`];
//! 4. what both do: [`commands`]; who asks and what comes twice: [`auth`], [`http`];
//! 5. what every handler is given: [`state`], and what that holds: [`names`], [`token`], [`room`], [`limits`], [`keys`];
//! 6. what is written: [`queue`], `numbers`, [`feed`], [`bad_rows`], [`tables`];
//! 7. the ground: [`error`], [`config`], [`clock`], [`db`], [`migrations`], [`news`], [`postgres`], `secret_file`, `together`.

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
