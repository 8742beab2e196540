//! Tests of the whole menu: every screen measured, every walk that gateways and people make.

mod any_input;
mod dialler;
mod drafts;
mod labels;
mod measured;
mod screens;
mod walks;
