//! What waited for an office that was awaited since a restore, decided when nobody has to be waited for any more. It never depends on the
//! patience of whoever has come: what is left undone here is tried again by the regular jobs.

use crate::commands::stream::retry_all_held;
use crate::db::Db;
use mizili_node::deps::Deps;

/// Decides what waited for an office that has come, or never will. Once begun it goes on to its end, also where the office hangs up
/// meanwhile: its coming stands already, and nobody comes a second time.
pub(super) async fn decide_what_waited(db: &Db, deps: &Deps) {
    let (db, deps) = (db.clone(), deps.clone());
    let decided = tokio::spawn(async move {
        match retry_all_held(&db, &deps).await {
            Ok(0) => {}
            Ok(changed) => tracing::info!(changed, "commands that had waited for an office were decided"),
            Err(error) => {
                tracing::warn!(%error, "not all commands that waited for an office could be tried now; they are tried again");
            }
        }
    });
    if let Err(error) = decided.await {
        tracing::error!(%error, "commands that waited for an office are tried again later");
    }
}
