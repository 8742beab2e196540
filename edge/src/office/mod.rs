//! People at the office: who may sign in, their sessions, and the page that they work with. Hub accounts do not work here, nor
//! office sessions at the hub. No rule of the market is here.

mod caller;
pub mod login;
pub mod page;
mod passwords;
pub mod phone;
mod sessions;
mod store;
mod throttle;
pub mod words;

pub use caller::{COOKIE, Caller};
pub use passwords::Passwords;
pub use sessions::Sessions;
pub use throttle::Throttle;

use crate::deps::Deps;
use std::time::Duration;

/// What is kept about people at this office while the program runs.
#[derive(Debug)]
pub struct Office {
    /// Open sessions.
    pub sessions: Sessions,
    /// The pool that checks passwords.
    pub passwords: Passwords,
    /// Wrong passwords, counted.
    pub throttle: Throttle,
}

impl Office {
    /// Nobody is signed in. `idle` is how long a session may be left alone.
    pub fn new(deps: &Deps, idle: Duration) -> Self {
        Self {
            sessions: Sessions::new(deps, idle),
            passwords: Passwords::default(),
            throttle: Throttle::default(),
        }
    }
}
