//! Who is asking: passwords, tokens, and the caller of a request.
//!
//! What a caller may do is decided in the application functions of `market`, not here.

pub mod app;
pub mod caller;
pub mod db;
pub mod http;
pub mod pair;
pub mod phone;
pub mod throttle;

pub use caller::Caller;
