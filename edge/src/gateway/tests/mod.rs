//! Callbacks as a gateway sends them, through the box's whole router, on a real database.

mod access;
mod behind;
mod reached;
mod restart;
mod support;
mod texts;
mod walks;
