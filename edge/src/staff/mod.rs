//! People who work here: their passwords, sessions and tries to sign in, and where these are kept. It answers no request.

pub mod password;
mod sessions;
mod store;
mod throttle;

pub use sessions::Sessions;
pub(crate) use sessions::{Account, Open, hash_of};
pub use store::forget_sessions_of;
pub(crate) use store::{
    forget_sessions, is_known_line, is_recorded, password_hash, person, person_by_phone, record_session,
    remember_line,
};
pub use throttle::Throttle;

use mizili_node::deps::Deps;
use mizili_node::password::Passwords;
use std::time::Duration;

/// Password hashes that are made at once: the box has other things to do.
const HASHES_AT_ONCE: usize = 1;
/// Hashes that may wait; further ones are told to come back.
const HASHES_WAITING_MAX: usize = 16;
/// Seconds after which somebody who was sent away may come back.
const BUSY_RETRY_S: u64 = 5;

/// What is kept about people at this office while the program runs.
#[derive(Debug)]
pub struct Staff {
    /// Open sessions.
    pub sessions: Sessions,
    /// The pool that checks passwords.
    pub passwords: Passwords,
    /// Wrong passwords, counted.
    pub throttle: Throttle,
}

impl Staff {
    /// Nobody is signed in. `idle` is how long a session may be left alone.
    pub fn new(deps: &Deps, idle: Duration) -> Self {
        Self {
            sessions: Sessions::new(deps, idle),
            passwords: Passwords::new(HASHES_AT_ONCE).with_queue(HASHES_WAITING_MAX, BUSY_RETRY_S),
            throttle: Throttle::default(),
        }
    }
}
