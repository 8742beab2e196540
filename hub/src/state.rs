//! What every handler is given. It is cheap to clone, and holds no state of its own: hubs keep none, but for the names of a few
//! small tables.

use crate::db::Db;
use crate::keys::HubKeys;
use crate::limits::Limits;
use crate::names::Names;
use crate::room::Room;
use crate::token::TokenKey;
use mizili_node::address::Proxies;
use mizili_node::deps::Deps;
use mizili_node::password::Passwords;
use mizili_node::throttle::UnderWay;
use std::ops::Deref;
use std::sync::Arc;

/// Shared by all handlers. Each layer of each route has a clone, and makes others for every request: so it is one pointer.
#[derive(Clone)]
pub struct AppState(Arc<Shared>);

/// What they share.
#[derive(Clone)]
pub struct Shared {
    /// The database, and the news of what moved in it.
    pub db: Db,
    /// Clock, ids, randomness.
    pub deps: Deps,
    /// The hub's own secrets towards edges.
    pub keys: Arc<HubKeys>,
    /// How many edges are served at once.
    pub room: Room,
    /// How long requests may take, and how large an exchange may be.
    pub limits: Limits,
    /// Passwords and access tokens.
    pub auth: Arc<Auth>,
    /// Names of crops, units and places.
    pub names: Arc<Names>,
    /// Threads of this machine, half of which are the database's.
    pub threads: usize,
    /// Whose word counts about where a request comes from.
    pub proxies: Arc<Proxies>,
}

impl From<Shared> for AppState {
    fn from(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }
}

impl Deref for AppState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

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
