//! Rules about the files of the whole workspace that no compiler checks: headers, lengths, words that must not
//! be there, what depends on what, and that nothing is left out of the place where it is counted.
//! It must never depend on git or on another crate: it reads the files as they lie.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod counts;
mod files;
mod rooms;
mod sources;
