//! The hub's harmless try of its own: every kind of statement that commands run, with no command's value in it. What fails here is
//! this hub or its database, and no command is to blame. It must never leave anything behind: the caller rolls back.

use super::ApplyError;
use super::load::{Wanted, earlier_prices, load};
use super::store::Effects;
use crate::feed::{self, Touched};
use mizili_node::deps::Deps;
use sqlx::PgConnection;
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::CooperativeId;
use sync_protocol::market::{Alias, Entity, EntryId, Listing, Member, Order, StockEntry, WorkingSet};
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
    for wanted in Wanted::of_nothing(cooperative) {
        load(conn, &wanted).await?;
    }
    // Asked where a sale names another price than the product's, which a product that is not there has not.
    earlier_prices(conn, &[], &mut WorkingSet::default()).await?;
    Effects::default().write_whatever(conn, deps).await?;
    let mut touched = Touched::new();
    for entity in [Alias::NUMBER, Listing::NUMBER, Member::NUMBER, Order::NUMBER] {
        touched.add(Bucket::Coop(cooperative), entity, Key::Uuid(Uuid::nil()));
    }
    touched.add(Bucket::Coop(cooperative), StockEntry::NUMBER, Key::Step(Uuid::nil(), EntryId::INTAKE));
    Ok(feed::try_to_publish(conn, &touched).await?)
}
