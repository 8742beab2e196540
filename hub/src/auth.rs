//! Who is asking: passwords, tokens, and the caller of a request.
//!
//! What a caller may do is decided in the application functions of `market`, not here.

pub mod app;
pub mod caller;
pub mod db;
mod hs256;
pub mod http;
pub mod pair;
pub mod phone;
pub mod throttle;
pub mod token;

pub use caller::Caller;

use mizili_node::password::Passwords;
use mizili_node::throttle::UnderWay;
use token::TokenKey;

/// What signing in needs: the hashing pool and the key of the access tokens.
#[derive(Debug)]
pub struct Auth {
    /// The bounded pool that hashes passwords.
    pub passwords: Passwords,
    /// The key that signs access tokens.
    pub key: TokenKey,
    /// Sign-ins that are under way at this hub.
    pub under_way: UnderWay,
}
