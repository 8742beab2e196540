//! The hub's core on real Postgres: feed, commands, streams of edges, jobs. Each test has a database of its own.
#![expect(clippy::unwrap_used, reason = "a test")]

mod bad_rows;
mod brought;
mod clash;
mod clock;
mod commands;
mod facts;
mod feed;
mod feed_check;
mod given_back;
mod jobs;
mod names;
mod operators;
mod pool;
mod queue;
mod stream;
mod stream_open;
mod stream_ours;
mod support;
mod undone;
mod unseen;
mod whose;
mod writers;
