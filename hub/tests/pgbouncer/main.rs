//! The hub behind PgBouncer in transaction mode, with fewer connections to Postgres than people who ask: the programs an operator
//! runs, what apps ask for, and an office that syncs and hears of news.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod callers;
mod day;
mod programs;
mod statements;
