//! The hub's harmless try of its own: every kind of statement that commands run, with no command's value in it. What fails here is
//! this hub or its database, and no command is to blame. It must never leave anything behind: the caller rolls back.

use super::ApplyError;
use super::effects::Effects;
use super::load::{Asked, load};
use crate::feed::{self, Touched};
use mizili_node::deps::Deps;
use sqlx::PgConnection;
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::CooperativeId;
use sync_protocol::market::{SETTABLE, samples};
use sync_protocol::row::Key;
use uuid::Uuid;

/// Tries everything on things that do not exist.
///
/// # Errors
/// What no command has caused.
pub(super) async fn probe(
    conn: &mut PgConnection,
    deps: &Deps,
    cooperative: CooperativeId,
) -> Result<(), ApplyError> {
    for asked in Asked::of_nothing(cooperative) {
        load(conn, asked).await?;
    }
    Effects::write_whatever(conn, deps).await?;
    let mut touched = Touched::new();
    for (entity, key, _) in samples().into_iter().filter(|(entity, ..)| SETTABLE.contains(entity)) {
        let nothing = match key {
            Key::Step(_, step) => Key::Step(Uuid::nil(), step),
            _ => Key::Uuid(Uuid::nil()),
        };
        touched.add(Bucket::Coop(cooperative), entity, nothing);
    }
    Ok(feed::try_to_publish(conn, &touched).await?)
}
