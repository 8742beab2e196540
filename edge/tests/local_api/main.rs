//! The office's API through its whole router, on a real SQLite file: what clients send and what they get.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod acting;
mod document;
mod empty;
mod enrolling;
mod keys;
mod market;
mod messages;
mod offering;
mod orders;
mod program;
mod signing_in;
mod slow;
mod standing;
mod support;
