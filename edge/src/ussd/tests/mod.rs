//! Tests of the whole menu: every screen measured, and the walks that gateways and people make; those about one noun stand in its folder.

mod any_input;
pub(super) mod dialler;
mod drafts;
mod labels;
mod measured;
pub(super) mod screens;
mod walks;
pub(crate) mod ways;
