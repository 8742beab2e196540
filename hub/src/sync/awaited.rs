//! What waited for an office that was awaited since a restore, decided when nobody has to be waited for any more. It never depends on the
//! patience of whoever has come: what is left undone here is tried again by the regular jobs.

use super::salvage;
use crate::commands::stream::retry_all_held;
use crate::db::{Db, q_scalar};
use crate::error::ApiError;
use mizili_node::deps::Deps;

/// Decides what waited for an office that has come, or never will. Once begun it goes on to its end, also where the office hangs up
/// meanwhile: its coming stands already, and nobody comes a second time.
pub(super) async fn decide_what_waited(db: &Db, deps: &Deps) {
    let (db, deps) = (db.clone(), deps.clone());
    let decided = tokio::spawn(async move {
        // What is decided anew comes before what a buyer's office brought of it, and what that made stand before who waited for it.
        try_held(&db, &deps).await;
        match stand_what_waited(&db, &deps).await {
            Ok(0) => {}
            Ok(stand) => {
                tracing::info!(stand, "rows that had waited for an office stand");
                try_held(&db, &deps).await;
            }
            Err(error) => {
                tracing::warn!(
                    ?error,
                    "not all rows that waited for an office could be tried now: `mizili-hub salvage retry`"
                );
            }
        }
    });
    if let Err(error) = decided.await {
        tracing::error!(%error, "commands that waited for an office are tried again later");
    }
}

async fn try_held(db: &Db, deps: &Deps) {
    match retry_all_held(db, deps).await {
        Ok(0) => {}
        Ok(changed) => tracing::info!(changed, "commands that had waited for an office were decided"),
        Err(error) => {
            tracing::warn!(%error, "not all commands that waited for an office could be tried now; they are tried again");
        }
    }
}

/// Lets stand what waited for the last office. Returns how many rows do by it.
async fn stand_what_waited(db: &Db, deps: &Deps) -> Result<u64, ApiError> {
    let mut tx = db.begin().await?;
    let is_awaited: bool =
        q_scalar("SELECT EXISTS (SELECT FROM awaited_offices)").fetch_one(&mut *tx).await?;
    tx.commit().await?;
    if is_awaited { Ok(0) } else { salvage::retry(db, deps).await }
}
