//! Texts for small screens: how long they are, how names and numbers are written, and the words in each language.
//!
//! Pure: no clock, no database, no network. No sentence that a farmer reads stands in the code; all are in `edge/locales`.

pub mod form;
pub mod gsm7;
pub(crate) mod keywords;
mod lang;
mod messages;
mod msg;
pub(crate) mod names;
pub mod numbers;
pub mod office;
pub mod shorten;
pub mod units;
pub mod why;

pub use lang::Lang;
pub use messages::Messages;
pub use msg::Msg;
