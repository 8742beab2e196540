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
mod noun;
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

use noun::Noun;

/// What each noun tells the tests that ask every route: a new one stands here, beside its `mod` above. One that needs another's things
/// stands below it.
const NOUNS: &[Noun] =
    &[noun::HEALTH, reference::NOUN, accounts::NOUN, products::NOUN, orders::NOUN, prices::NOUN];
