//! Tests of the whole menu: every screen measured, every walk that gateways and people make.

mod any_input;
pub(super) mod dialler;
mod drafts;
mod labels;
mod measured;
pub(super) mod screens;
mod walks;
pub(crate) mod ways;
