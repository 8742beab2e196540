//! What has to be done now and then whether or not anything can be sent from this box: the count of time is written down, and what is
//! over by it is dropped.

use super::db;
use crate::db::{Db, DbError};
use crate::time;
use mizili_node::deps::Deps;
use std::time::Duration;
use tokio::sync::watch;

/// How often.
const EVERY: Duration = Duration::from_secs(600);

/// Does it until told to stop. Never ends because of an error.
pub(crate) async fn run(db: Db, deps: Deps, mut stop: watch::Receiver<bool>) {
    loop {
        if let Err(error) = tidy(&db, &deps).await {
            tracing::warn!(%error, "cannot tidy the outbox");
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

/// Writes down how far the count of time is, and drops what is over by it.
pub(super) async fn tidy(db: &Db, deps: &Deps) -> Result<(), DbError> {
    let at = deps.clock.read();
    db.write_grouped(move |tx| {
        time::note(tx, at)?;
        db::prune(tx, &time::now(tx, at)?)
    })
    .await
}
