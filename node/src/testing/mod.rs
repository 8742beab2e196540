//! Support for tests of both nodes.

pub mod document;
pub mod log;
