//! Drives the exchange with the hub: how the box became known to it, how it signs in, what it sends, what it takes in, when.
//!
//! What the bytes mean is the protocol crate's; what rows and commands do here is `replica` and `commands`. This folder only
//! carries between them, in order, and never invents, drops or reorders anything.

mod arriving;
pub mod client;
pub mod enrol;
mod error;
pub mod exchange;
mod heads;
mod intake;
pub mod keep;
mod left;
pub mod lock;
mod mend;
mod meter;
mod pace;
mod rejoin;
mod request;
mod round;
pub mod run;
pub mod session;
pub mod state;
pub mod streams;

#[cfg(test)]
mod tests;

pub use crate::line::LineError;
pub use error::{CODES, SyncError, known_code};
pub use exchange::{Bounds, Check, ExchangeReport, Syncer};

use crate::config::Config;
use crate::db::Db;
use crate::identity::Identity;
use crate::line::tls;
use crate::node;
use crate::time;
use mizili_node::deps::Deps;
use std::sync::Arc;
use tokio::sync::watch;

/// Makes ready to exchange: the box's keys, and the way to the hub that enrolment or the settings name.
///
/// # Errors
/// When the box is not enrolled, its keys cannot be used, or the hub's address is not allowed.
pub async fn open(db: Db, deps: Deps, config: &Config) -> Result<Syncer, SyncError> {
    let at = deps.clock.read();
    let (me, heard) = db
        .read(move |conn| {
            let me = node::identity(conn)?.ok_or(SyncError::NotEnrolled)?;
            Ok::<_, SyncError>((me, time::last_heard(conn, at)?))
        })
        .await?;
    let address = if config.hub_url.is_empty() { &me.hub_url } else { &config.hub_url };
    let time = Arc::new(tls::BestTime::of(deps.clock.clone(), heard.as_ref()));
    let transport = client::HttpTransport::new(address, config.insecure_http, time.clone())?;
    let identity = Arc::new(Identity::load(db.data_dir())?);
    let data_dir = db.data_dir().to_owned();
    Ok(Syncer {
        db,
        deps,
        data_dir,
        transport: Arc::new(transport),
        enrolled_at: me.hub_url,
        identity,
        time,
        senders: config.senders(),
        changed: watch::channel(0).0,
    })
}
