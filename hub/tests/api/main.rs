//! The hub's REST API on real Postgres: what clients send, what they get, what stands in the database afterwards.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod accounts;
mod bad_input;
mod cli;
mod cli_starting;
mod cli_users;
mod counted;
mod docs;
mod edges;
mod empty;
mod exchange;
mod exchange_ends;
mod guessing;
mod limits;
mod news;
mod orders;
mod orders_at_once;
mod pages;
mod plans;
mod prices;
mod products;
mod program;
mod reference;
mod rights;
mod shapes;
mod sign_in_log;
mod socket;
mod statements;
mod support;
mod terminal;
mod unconfirmed;
