//! The office over HTTP: signing in, who asks, and the page that people work with. Hub accounts do not work here, nor office sessions at
//! the hub. No rule of the market is here.

mod caller;
pub mod change;
pub mod login;
pub mod page;
pub mod phone;

pub use caller::{COOKIE, Caller};
