//! The hub's harmless try of its own: every kind of statement that commands run, with no command's value in it. What fails here is
//! this hub or its database, and no command is to blame. It must never leave anything behind: the caller rolls back.

use super::ApplyError;
use super::effects::Effects;
use super::load::{Asked, load, nobodys};
use crate::feed::{self, Touched};
use mizili_node::deps::Deps;
use sqlx::PgConnection;
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::CooperativeId;
use sync_protocol::market::SETTABLE;

/// Tries everything on things that do not exist.
///
/// # Errors
/// What no command has caused.
pub(super) async fn probe(
    conn: &mut PgConnection,
    deps: &Deps,
    cooperative: CooperativeId,
) -> Result<(), ApplyError> {
    for asked in Asked::of_nothing() {
        load(conn, asked).await?;
    }
    Effects::write_whatever(conn, deps).await?;
    let mut touched = Touched::new();
    for (entity, key) in nobodys(SETTABLE) {
        touched.add(Bucket::Coop(cooperative), entity, key);
    }
    Ok(feed::try_to_publish(conn, &touched).await?)
}
