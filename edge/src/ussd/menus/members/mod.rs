//! The caller himself: who he is here, joining, and his language.

mod language;
mod me;
mod register;
mod register_confirm;
mod register_language;
mod register_name;
#[cfg(test)]
pub(super) mod tests;

pub use language::{ChooseLanguage, Language};
pub(super) use me::Me;
pub use register::{Goal, Register};
pub(super) use register_confirm::RegisterConfirm;
pub(super) use register_language::RegisterLanguage;
pub(super) use register_name::RegisterName;
