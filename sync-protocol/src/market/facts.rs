//! What is known to the hub alone, beside the rows of a working set. An edge knows none of it, and decides without.

use crate::ids::{ListingId, OrderId};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// What the hub knows beside the rows.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Prices at which listings have stood, as far as they were asked about.
    pub prices: HashSet<(ListingId, i64)>,
    /// Listings of which every price is known that they ever had: those that were posted since the hub keeps them.
    pub priced: HashSet<ListingId>,
    /// Listings of which the hub may have sold what it has forgotten: it was restored from a backup, and an office of their cooperative has
    /// not come since.
    pub awaited: HashSet<ListingId>,
    /// Orders that were not known here when this was read, and may come all the same: an office is awaited that may bring them, or what
    /// makes them lies here undecided. Listings too where an edge's commands are decided: to people at the hub one that is not known there
    /// is none.
    pub may_come: HashSet<Uuid>,
    /// Orders that a count made short, and that count's command, of the listings whose open orders were asked for.
    pub made_short: HashMap<OrderId, Uuid>,
    /// Orders that were short when they were placed, of the same listings: their holder sold beyond its books.
    pub sold_beyond: HashSet<OrderId>,
}

impl Facts {
    /// Whether a listing has never stood at a price, for certain.
    pub fn never_stood_at(&self, listing: ListingId, price_minor: i64) -> bool {
        self.priced.contains(&listing) && !self.prices.contains(&(listing, price_minor))
    }
}
