//! From the hub's tables to replicated rows: which buckets a row stands in now, and with what content. Reads only; to be called
//! in a fresh statement after the buckets are locked, or its answer may be out of date before it is written.
//!
//! To add an entity: one function that answers for a set of keys, and one line in [`home`].

mod catalogue;
mod market;
mod people;
mod reference;

use super::FeedError;
use sqlx::PgConnection;
use sync_protocol::bucket::Bucket;
use sync_protocol::market::{
    Alias, Commodity, Cooperative, EdgeSettings, Entity, Listing, Market, Member, OfficeUser, Order, Price,
    PriceSeries, Region, StockEntry, Unit,
};
use sync_protocol::row::Key;
use sync_protocol::value::Fields;
use uuid::Uuid;

/// Which of a thing's buckets are meant. The two differ in content and in who writes them, so they are asked for apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum View {
    /// Where it belongs, in full: written by whoever changes it.
    Home,
    /// What other cooperatives see of it, in `catalogue:R`: written by a job.
    Catalogue,
}

impl View {
    pub(super) fn of(bucket: Bucket) -> Self {
        if matches!(bucket, Bucket::Catalogue(_)) { Self::Catalogue } else { Self::Home }
    }
}

/// A row as it should stand in the feed.
pub(super) struct Standing {
    pub(super) bucket: Bucket,
    pub(super) key: Key,
    pub(super) fields: Fields,
}

impl Standing {
    fn new<E: Entity>(bucket: Bucket, entity: &E) -> Self {
        Self { bucket, key: entity.key(), fields: entity.to_fields() }
    }
}

type Standings = Result<Vec<Standing>, sqlx::Error>;

/// Where the rows of these keys stand in this view. A key without an answer stands nowhere.
pub(super) async fn project(
    conn: &mut PgConnection,
    view: View,
    entity: u16,
    keys: &[Key],
) -> Result<Vec<Standing>, FeedError> {
    let standings = match view {
        View::Home => home(conn, entity, keys).await,
        View::Catalogue => match entity {
            Listing::NUMBER => Some(catalogue::listings(conn, &uuids(keys)).await),
            Cooperative::NUMBER => Some(catalogue::cooperatives(conn, &ints(keys)).await),
            _ => None,
        },
    };
    Ok(standings.ok_or(FeedError::UnknownEntity(entity))??)
}

async fn home(conn: &mut PgConnection, entity: u16, keys: &[Key]) -> Option<Standings> {
    Some(match entity {
        Commodity::NUMBER => reference::commodities(conn, &ints(keys)).await,
        Unit::NUMBER => reference::units(conn, &ints(keys)).await,
        Region::NUMBER => reference::regions(conn, &ints(keys)).await,
        Market::NUMBER => reference::markets(conn, &ints(keys)).await,
        PriceSeries::NUMBER => reference::price_series(conn, &ints(keys)).await,
        Price::NUMBER => reference::prices(conn, keys).await,
        Cooperative::NUMBER => people::cooperatives(conn, &ints(keys)).await,
        Member::NUMBER => people::members(conn, &uuids(keys)).await,
        Alias::NUMBER => people::aliases(conn, &uuids(keys)).await,
        OfficeUser::NUMBER => people::office_users(conn, &uuids(keys)).await,
        EdgeSettings::NUMBER => people::edge_settings(conn, &ints(keys)).await,
        Listing::NUMBER => market::listings(conn, &uuids(keys)).await,
        StockEntry::NUMBER => market::stock_entries(conn, keys).await,
        Order::NUMBER => market::orders(conn, &uuids(keys)).await,
        _ => return None,
    })
}

/// Keys of the kind that the entity has; another kind stands nowhere.
fn ints(keys: &[Key]) -> Vec<i32> {
    let int = |key: &Key| if let Key::Int(n) = key { i32::try_from(*n).ok() } else { None };
    keys.iter().filter_map(int).collect()
}

fn uuids(keys: &[Key]) -> Vec<Uuid> {
    keys.iter().filter_map(|key| if let Key::Uuid(id) = key { Some(*id) } else { None }).collect()
}
