//! What every handler is given. It is cheap to clone; what must survive a restart is in the database, not here.

use crate::config::Config;
use crate::db::Db;
use crate::gateway::Channels;
use crate::staff::Staff;
use crate::sync::run::SyncHandle;
use mizili_node::deps::Deps;
use mizili_node::patience::{Patience, with_people};
use mizili_node::problem::Kind;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

/// Shared by all handlers. Each layer of each route has a clone, and makes others for every request: so it is one pointer.
#[derive(Clone)]
pub struct AppState(Arc<Shared>);

/// What they share.
#[derive(Clone)]
pub struct Shared {
    /// The database.
    pub db: Db,
    /// Clock, ids, randomness.
    pub deps: Deps,
    /// The settings.
    pub config: Arc<Config>,
    /// To wake the sync loop, and to hear what it changed.
    pub sync: SyncHandle,
    /// Sessions and passwords of people at the office.
    pub staff: Arc<Staff>,
    /// Calls and SMS.
    pub channels: Channels,
    /// How long a request may take.
    pub patience: Patience,
}

impl AppState {
    /// For a box that starts now: nobody is signed in.
    pub fn new(db: Db, deps: Deps, config: Config, sync: SyncHandle) -> Self {
        let idle = Duration::from_secs(u64::from(config.office_idle_minutes) * 60);
        let staff = Arc::new(Staff::new(&deps, idle));
        let config = Arc::new(config);
        let channels = Channels::new(db.clone(), deps.clone(), config.clone());
        let patience = with_people(Kind::Busy);
        Shared { db, deps, config, sync, staff, channels, patience }.into()
    }
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
