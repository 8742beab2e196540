//! The log, the verdicts and the overlay, on real SQLite files.

mod anew;
mod log;
mod overlay;
mod submit;
mod sums;
